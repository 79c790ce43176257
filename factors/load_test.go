package factors

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	header = "id,kind,value,low,high,unit,source,source_year,quality"
	row    = "pue.hall-2,pue,1.3,1.25,1.35,1,own meters,2026,A"
)

func TestLoadTakesATableOfTheCallersOwn(t *testing.T) {
	got, err := Load(strings.NewReader("quality,source_year,source,unit,high,low,value,kind,id,note\nA,2026,\"meters, own\",1,1.35,1.25,1.3,pue,pue.hall-2,since the new chillers\n"))
	require.NoError(t, err)
	assert.Equal(t, []Factor{{
		ID: "pue.hall-2", Kind: PUE, Value: 1.3, Low: 1.25, High: 1.35, Unit: "1",
		Found: Declared, Source: "meters, own", SourceYear: 2026, Quality: "A",
	}}, got)
}

func TestTheExampleOfSOURCESCanBeLoaded(t *testing.T) {
	b, err := os.ReadFile("data/SOURCES.md")
	require.NoError(t, err)
	var table strings.Builder
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "    id,") || strings.HasPrefix(line, "    grid.") {
			table.WriteString(strings.TrimPrefix(line, "    "))
		}
	}
	own, err := Load(strings.NewReader(table.String()))
	require.NoError(t, err)
	f, err := Lookup(Query{Kind: Grid, Country: "SE", Zone: "SE-SE3", Own: own})
	require.NoError(t, err)
	assert.Equal(t, Declared, f.Found)
	assert.Equal(t, "ODbL-1.0", f.Licence, "the licence goes with the row")
}

// @id is a source of the embedded tables; in a table of the caller's it is text.
func TestLoadKnowsNoListedSources(t *testing.T) {
	got, err := Load(strings.NewReader(header + "\nw,wue,1,1,1,L/kWh,@wri,2026,A\n"))
	require.NoError(t, err)
	assert.Equal(t, "@wri", got[0].Source)
	_, err = read(strings.NewReader("id,kind,value,low,high,unit,source,quality\nw,wue,1,1,1,L/kWh,@wir,A\n"), map[string]*sourceOf{"wri": {}})
	require.ErrorContains(t, err, `line 2: source "wir" is not listed`)
}

func TestLoadRefusesAbsurdFiguresAndNamesLineAndColumn(t *testing.T) {
	_, err := Load(strings.NewReader(header + "\n" + row + "\n" + "ewif.a,ewif,3130,2000,4000,L/kWh,meters,2026,A\n"))
	require.ErrorContains(t, err, `line 3: factor "ewif.a": value 3130 L/kWh is absurd: ewif is at most 200; is the unit right?`)
	_, err = Load(strings.NewReader(header + ",geography\n" + row + ",Germany\n"))
	require.ErrorContains(t, err, `line 2: factor "pue.hall-2": geography "Germany": write the ISO 3166-1 alpha-2 code, DE`)
}

func TestLoadWidensPublishedBoundsTo95Percent(t *testing.T) {
	for bounds, want := range map[string][2]float64{
		"":        {0.5, 2},
		"95":      {0.5, 2},
		"min-max": {0.5, 2},
		"p5-p95":  {0.4383029, 2.2815272}, // 2^1.19
		"p10-p90": {0.3462773, 2.8878581}, // 2^1.53
	} {
		got, err := Load(strings.NewReader(header + ",bounds\nw,wue,1,0.5,2,L/kWh,s,2026,A," + bounds + "\n"))
		require.NoError(t, err, bounds)
		assert.InDeltaSlice(t, want[:], []float64{got[0].Low, got[0].High}, 1e-6, "bounds %q", bounds)
		assert.Equal(t, 1.0, got[0].Value, "widening must not move the value")
	}
}

func TestLoadRefusesWhatItDoesNotUnderstand(t *testing.T) {
	for _, test := range []struct{ name, table, want string }{
		{"nothing", "", "empty: the first line must name the columns"},
		{"no header", row + "\n", `column "pue.hall-2" is unknown: the columns are id, kind, `},
		{"column missing", strings.Replace(header, "quality", "note", 1) + "\n" + row, `column "quality" is missing`},
		{"column twice", header + ",id\n" + row + ",x", `column "id" is there twice`},
		{"column misspelt", header + ",Note\n" + row + ",x", `column "Note" is unknown`},
		{"cell missing", header + "\n" + row + "\npue.b,pue,1.3", "line 3: wrong number of fields"},
		{"word for a number", header + "\n" + strings.Replace(row, "1.3,", "about 1.3,", 1), `line 2: value: "about 1.3" is no decimal number`},
		{"empty number", header + "\n" + strings.Replace(row, "1.25", "", 1), `line 2: low: "" is no decimal number`},
		{"not a number", header + "\n" + strings.Replace(row, "1.35", "NaN", 1), `line 2: high: "NaN" is no decimal number`},
		{"infinite", header + "\n" + strings.Replace(row, "1.35", "1e999", 1), `line 2: high: "1e999" is no decimal number`},
		{"hexadecimal", header + "\n" + strings.Replace(row, "1.35", "0x1p2", 1), "is no decimal number"},
		{"decimal comma", header + "\n" + strings.Replace(row, "1.35", `"1,35"`, 1), `"1,35" is no decimal number`},
		{"year", header + "\n" + strings.Replace(row, "2026", "last", 1), `line 2: source_year "last" is no year`},
		{"bounds", header + ",bounds\n" + row + ",sigma", `line 2: bounds "sigma": write 95, min-max, p5-p95 or p10-p90`},
		{"fails check", header + "\n" + row + "\n" + strings.Replace(row, "hall-2,pue,1.3", "hall-3,pue,1.9", 1), `line 3: factor "pue.hall-3": low ≤ value ≤ high does not hold`},
		{"id twice", header + "\n" + row + "\n\n" + row, `line 4: id "pue.hall-2" is already on line 2`},
		{"quote left open", header + "\n\"" + row, `extraneous or missing " in quoted-field`},
		{"cell too long", header + ",note\n" + row + "," + strings.Repeat("x", maxCell+1), "line 2: a cell of 4097 bytes: at most 4096"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Load(strings.NewReader(test.table))
			require.ErrorContains(t, err, test.want)
			assert.Nil(t, got, "half a table must not pass for a whole one")
		})
	}
}

func TestLoadStopsAtItsLimits(t *testing.T) {
	endless := io.MultiReader(strings.NewReader(header+"\n\""), endlessX{})
	_, err := Load(endless)
	require.ErrorContains(t, err, "more than 16777216 bytes or 100000 rows")

	var b bytes.Buffer
	b.WriteString(header + "\n")
	for i := range maxRows + 1 {
		fmt.Fprintf(&b, "w%d,wue,1,1,1,L/kWh,s,2026,A\n", i)
	}
	_, err = Load(&b)
	require.ErrorContains(t, err, "more than 16777216 bytes or 100000 rows")
}

type endlessX struct{}

func (endlessX) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestLoadPassesOnWhyReadingFailed(t *testing.T) {
	broken := errors.New("the disk is gone")
	_, err := Load(io.MultiReader(strings.NewReader(header+"\n"+row+"\n"), iotest.ErrReader(broken)))
	require.ErrorIs(t, err, broken)
}

func FuzzLoad(f *testing.F) {
	f.Add(header + "\n" + row + "\n")
	f.Add(header + ",bounds\nw,wue,1,0.5,2,L/kWh,s,2026,A,p10-p90\n")
	f.Add("id,kind\n\"")
	for _, t := range tables {
		b, err := data.ReadFile("data/" + t.name)
		require.NoError(f, err)
		f.Add(string(b[:min(len(b), 2000)]))
	}
	f.Fuzz(func(t *testing.T, table string) {
		got, err := Load(strings.NewReader(table))
		if err != nil {
			require.Nil(t, got)
			return
		}
		ids := map[string]bool{}
		for _, x := range got {
			require.NoError(t, x.Check(), "what Load returns must be a factor")
			require.False(t, ids[x.ID], "ids must be unique")
			ids[x.ID] = true
		}
		for _, q := range []Query{
			{Kind: Grid, Country: "DE"}, {Kind: Grid, Region: "US-CA", Basis: "direct"}, {Kind: PUE, Class: "desk"},
			{Kind: WUE, Provider: "aws", CloudRegion: "us-east-1"}, {Kind: Production, Class: "server"}, {Kind: Residual, Country: "DE"},
		} {
			q.Own = got
			f, err := Lookup(q)
			if err == nil {
				requireAsAsked(t, q, f)
			}
		}
	})
}
