package dataset

import (
	"strings"

	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAColumnIsSelectedByItsName(t *testing.T) {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	row := Row{
		Stage: "training/fine-tuning", HardwareModel: `A100, 80 "SXM"`, Month: "2026-03", StartedAt: &at, Parameters: new(int64(7e9)), RunS: 90,
		Units: map[string]int64{"tokens": 5}, Energy: Figure{new(3.6e6), new(3e6), new(4e6)}, Grid: Input{"grid-1", 56, 48, 65},
	}
	for text, want := range map[string]bool{
		"":                                      true,
		"stage=training":                        true,
		"stage=train":                           false,
		"stage=training/fine-tuning":            true,
		"stage!=training":                       false,
		"stage=inference|training":              true,
		`hardware_model="A100, 80 ""SXM"""`:     true,
		"hardware_model=*A100*":                 true,
		"hardware_model=A100*80*":               true,
		"hardware_model=A100*A100*":             false,
		"hardware_model=*a100*":                 false,
		`hardware_model="*A100*"`:               false,
		"month>=2026-01":                        true,
		"month>=2026-03, month<2026-04":         true,
		"month<2026-03":                         false,
		"started_at>=2026-03-02":                true,
		"started_at<2026-03-02T09:00:00Z":       false,
		"started_at<=2026-03-02T10:00:00+01:00": true,
		"country=":                              true,
		"country!=":                             false,
		"country=FR":                            false,
		"country!=FR":                           true,
		"country>A":                             false,
		"parameters>=7e9":                       true,
		"parameters=7e9":                        true,
		"parameters>7e9":                        false,
		"layers=":                               true,
		"layers<10":                             false,
		"layers!=10":                            true,
		"layers>=10":                            false,
		"energy_j>3.5e6":                        true,
		"energy_j_low>3.5e6":                    false,
		"facility_energy_j=":                    true,
		"grid<60,grid_low>=48,grid_id=grid-1":   true,
		"pue=":                                  true,
		"pue<2":                                 false,
		"units=tokens":                          true,
		"units=samples|tokens":                  true,
		"units!=tokens":                         false,
		"units=":                                false,
		"run_s=90":                              true,
		" stage = training , run_s <= 90 ":      true,
		"stage=training,hardware_model=*B200*":  false,
	} {
		w, err := ParseWhere(text)
		if assert.NoError(t, err, text) {
			assert.Equal(t, want, w.Match(&row), text)
			assert.Equal(t, text, w.String())
		}
	}
}

func TestAWrongSelectionSaysWhatToDo(t *testing.T) {
	for text, says := range map[string]string{
		"stage":                `"stage" is no condition: write a column`,
		"stag=training":        `there is no column "stag" (did you mean stage?); there are algorithm, `,
		"stage=a,,":            "is no condition",
		"run_s=long":           `"long" is no number`,
		"run_s=NaN":            "is no number",
		"run_s>":               "nothing is less or greater",
		"run_s=1*":             "is no number to compare with",
		"month>2026*":          "is no text to compare with",
		"started_at>yesterday": "write a date such as 2026-03-02",
		"units>tokens":         "compared by = and != alone",
		"run_s>1|2":            "> takes one value",
		`task="a`:              "a quote is not closed",
		"=5":                   `no column ""`,
	} {
		_, err := ParseWhere(text)
		require.Error(t, err, text)
		assert.Contains(t, err.Error(), says, text)
	}
}

func FuzzWhere(f *testing.F) {
	for _, seed := range []string{"", "stage=training", `task="a,b|c*""",run_s>=1e3`, "units=a|b*c", "started_at<2026-01-01", "month!=,kind=ml", `hardware_model=*"*"*`} {
		f.Add(seed)
	}
	row := Row{Task: `a,b|c*"`, Stage: "training/tuning", Kind: "ml", RunS: 5, Units: map[string]int64{"aXb": 1}}
	f.Fuzz(func(t *testing.T, text string) {
		w, err := ParseWhere(text)
		if err != nil {
			return
		}
		again, err := ParseWhere(w.String())
		require.NoError(t, err)
		require.Equal(t, w.Match(&row), again.Match(&row))
	})
}

func TestAPatternIsMatchedInLinearTime(t *testing.T) {
	w, err := ParseWhere("task=" + strings.Repeat("a*", 4000) + "b")
	require.NoError(t, err)
	assert.False(t, w.Match(&Row{Task: strings.Repeat("a", 1<<20)}), "a matcher that goes back would never end")
}
