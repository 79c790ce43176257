package reporttest

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
	"github.com/ecotracer/ecotracer/lifecycle/export/report"
)

// scaled is record i of many like one: a month later now and then, with x times
// the energy, and a model that is the better for it.
func scaled(t *testing.T, r *lifecycle.Record, i int, x float64) *lifecycle.Record {
	t.Helper()
	r.Run.ID = fmt.Sprintf("019df184-1c00-7000-8000-%012x", i)
	r.Extensions, r.Integrity, r.Warnings = map[string]any{}, nil, nil
	later := func(at *time.Time) *time.Time {
		if at == nil {
			return nil
		}
		moved := at.AddDate(0, -(i % 18), 0)
		return &moved
	}
	r.Run.StartedAt, r.Run.EndedAt = later(r.Run.StartedAt), later(r.Run.EndedAt)
	for k := range r.Phases {
		p := &r.Phases[k]
		p.StartedAt, p.EndedAt = later(p.StartedAt), later(p.EndedAt)
		for u := range p.Usage {
			if p.Usage[u].EnergyJ != nil {
				p.Usage[u].EnergyJ.Value *= x
			}
		}
	}
	for k := range r.Ledger {
		l := &r.Ledger[k]
		l.TotalJ, l.SpansJ, l.UnattributedJ = l.SpansJ*x+l.UnattributedJ*x+l.OtherProcessesJ+l.IdleJ, l.SpansJ*x, l.UnattributedJ*x
		l.Booked = nil
	}
	for k := range r.Spans {
		r.Spans[k].SelfJ *= x
	}
	for k := range r.Technology.ML.Evaluation {
		r.Technology.ML.Evaluation[k].Value = math.Log(x) - 0.01*float64(i%7)
	}
	require.NoError(t, lifecycle.Assess(r))
	lifecycle.FillMissing(r)
	return r
}

// surveyed is the survey of records, read as a user's would be, and one that is
// no record.
func surveyed(t *testing.T, records ...*lifecycle.Record) *dataset.Survey {
	t.Helper()
	var lines bytes.Buffer
	for _, r := range records {
		require.NoError(t, lifecycle.EncodeLine(&lines, r))
	}
	lines.WriteString("{\"schema\": \"" + strings.ReplaceAll(canary, `"`, `\"`) + "\"}\n")
	file := filepath.Join(t.TempDir(), "records.ndjson")
	require.NoError(t, os.WriteFile(file, lines.Bytes(), 0o600))
	s, err := dataset.NewSurvey(t.Context(), dataset.Reader{Workers: 1, Now: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)}, []string{file}, dataset.Where{})
	require.NoError(t, err)
	require.Equal(t, len(records), len(s.Points), "%+v", s.Report)
	return s
}

// datasetPage is the file of the page of a survey.
func datasetPage(t *testing.T, s *dataset.Survey) string {
	t.Helper()
	if chromium == nil {
		t.Skip(why)
	}
	var page bytes.Buffer
	require.NoError(t, report.WriteDataset(&page, s, report.Options{}))
	file := filepath.Join(t.TempDir(), "dataset.html")
	require.NoError(t, os.WriteFile(file, page.Bytes(), 0o600))
	return file
}

// ordinary is a data set of two kinds of runs and some outliers.
func ordinary(t *testing.T) *dataset.Survey {
	var records []*lifecycle.Record
	for i := range 60 {
		x := math.Exp(0.3 * math.Sin(float64(7*i)))
		if i%20 == 9 {
			x /= 3600 // more than a device can draw would not be valid
		}
		r := scaled(t, small(t), i, x)
		if i%3 == 0 {
			r.Technology.ML.Task, r.Technology.ML.TrainingType = "speech-recognition", "fine-tuning"
			r.Technology.ML.Parameters.Total = new(int64(7e9))
			for h := range r.Hardware {
				if r.Hardware[h].Kind == lifecycle.KindGPU {
					r.Hardware[h].Model = "a larger accelerator"
				}
			}
		}
		records = append(records, r)
	}
	return surveyed(t, records...)
}

// hostileSet is one whose texts are canaries.
func hostileSet(t *testing.T) *dataset.Survey {
	var records []*lifecycle.Record
	for i := range 30 {
		r := scaled(t, hostile(t), i, 1+0.01*float64(i))
		if i == 7 {
			r = scaled(t, hostile(t), i, 1.0/3600)
		}
		r.Technology.ML.Evaluation[0].Metric = canary
		records = append(records, r)
	}
	return surveyed(t, records...)
}

func TestThePageOfADataSetTellsWhatItHolds(t *testing.T) {
	b := openFile(t, view{width: 1280}, datasetPage(t, ordinary(t)))
	text := eval[string](b, `document.body.innerText`)
	for _, says := range []string{
		"60 runs used", "speech-recognition", "a larger accelerator", "What each phase of the life cycle came to", "production", "median energy",
		"log-likelihood (test, higher is better)", "nothing beats", "outlier", "A unit may be wrong", "are told apart", "a hardware counter", "refused",
	} {
		assert.True(t, strings.Contains(text, says), says)
	}
	assert.Equal(t, []string{"phases", "boxes", "boxes", "months", "front"}, eval[[]string](b, `[...document.querySelectorAll("[data-chart]:not([hidden])")].map(c => c.dataset.chart)`))
	b.quiet()
}

func TestHostileTextsOfADataSetExecuteNothing(t *testing.T) {
	b := openFile(t, view{width: 1280}, datasetPage(t, hostileSet(t)))
	b.sound(1280)
	assert.Equal(t, "undefined", eval[string](b, `typeof window.pwned`))
	assert.Zero(t, eval[int](b, `document.querySelectorAll("img, iframe, [onload], [onerror]").length`))
	assert.True(t, strings.Contains(eval[string](b, `document.body.innerText`), "<img src=x onerror='window.pwned=1'>"), "it is told as it is")
	assert.NotRegexp(t, "[\u202e\u2066\u2028\u200f]", eval[string](b, `document.documentElement.outerHTML.replace(/<script>[\s\S]*?<\/script>/g, "")`))
	b.quiet()
}

func TestThePageOfADataSetIsReadWithoutScriptsAndOnPaper(t *testing.T) {
	file := datasetPage(t, ordinary(t))
	b := openFile(t, view{width: 1280, noScript: true}, file)
	b.look(view{width: 1280})
	assert.Zero(t, eval[int](b, `[...document.querySelectorAll("[data-chart]")].filter(c => c.offsetHeight > 0).length`), "no empty frames")
	assert.True(t, strings.Contains(eval[string](b, `document.body.innerText`), "Likely cause"))
	b.quiet()

	b = openFile(t, view{width: 1280, dark: true}, file)
	b.look(view{width: 720, dark: true, print: true})
	eval[bool](b, `dispatchEvent(new Event("beforeprint")), true`)
	assert.Equal(t, "light", eval[string](b, `getComputedStyle(document.documentElement).colorScheme`), "paper is white")
	assert.True(t, eval[bool](b, `[...document.querySelectorAll("details.long")].every(d => d.open)`), "nothing is folded away")
	assert.Equal(t, 680, eval[int](b, `+document.querySelector('[data-chart="front"] svg').getAttribute("width")`))
	b.quiet()
}
