package chart

import (
	"bytes"
	"encoding/xml"
	"flag"
	"fmt"
	"image/png"
	"io"
	"math"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/internal/recordtest"
	"github.com/ecotracer/ecotracer/lifecycle"
)

var update = flag.Bool("update", false, "write the golden files anew")

func read(t testing.TB, path string) *lifecycle.Record {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	r, err := lifecycle.Decode(f)
	require.NoError(t, err)
	return r
}

// known is a record whose phases are all known.
func known(t testing.TB) *lifecycle.Record { return read(t, "../testdata/digits.json") }

// unknownDevices is a record that does not tell what some or all of its devices
// took to make.
func unknownDevices(t testing.TB, all bool) *lifecycle.Record {
	r := known(t)
	for i := range r.Hardware {
		if all || r.Hardware[i].ID == "memory" {
			r.Hardware[i].Embodied = nil
			r.Missing = append(r.Missing, lifecycle.Missing{Path: fmt.Sprintf("/hardware/%d/embodied", i), Reason: "unknown"})
		}
	}
	require.NoError(t, lifecycle.Assess(r))
	for _, f := range lifecycle.Validate(r) {
		require.True(t, f.Warning, "%s", f)
	}
	return r
}

func svg(t testing.TB, r *lifecycle.Record, b Background) string {
	t.Helper()
	var text bytes.Buffer
	require.NoError(t, SVG(&text, r, b))
	return text.String()
}

// texts are the texts of a picture, in the order in which they are drawn. What
// is no picture fails the test.
func texts(t *testing.T, svg string) (drawn []string) {
	t.Helper()
	require.True(t, utf8.ValidString(svg))
	assert.NotRegexp(t, regexp.MustCompile(`NaN|Inf|%!`), regexp.MustCompile(`>[^<]*<`).ReplaceAllString(svg, "><"), "no coordinate but numbers")
	d := xml.NewDecoder(strings.NewReader(svg))
	in := ""
	for {
		token, err := d.Token()
		if err == io.EOF {
			return drawn
		}
		require.NoError(t, err)
		switch token := token.(type) {
		case xml.StartElement:
			in = token.Name.Local
			require.Contains(t, []string{"svg", "title", "desc", "g", "path", "text"}, in)
			for _, a := range token.Attr {
				require.Contains(t, []string{"xmlns", "width", "height", "viewBox", "role", "transform", "d", "style", "x", "y"}, a.Name.Local)
				require.NotContains(t, a.Value, "url(")
			}
		case xml.EndElement:
			in = ""
		case xml.CharData:
			if in == "text" {
				drawn = append(drawn, string(token))
			}
		}
	}
}

func TestPictures(t *testing.T) {
	for name, picture := range map[string]string{
		"known.svg":        svg(t, known(t), None),
		"some-unknown.svg": svg(t, unknownDevices(t, false), Light),
		"all-unknown.svg":  svg(t, unknownDevices(t, true), Dark),
	} {
		path := "testdata/" + name
		if *update {
			require.NoError(t, os.WriteFile(path, []byte(picture), 0o644))
		}
		want, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.True(t, string(want) == picture, "%s is out of date: look at it, then go test -update", path)
		texts(t, picture)
	}
}

func TestAPictureTellsTheFiguresOfTheRecord(t *testing.T) {
	r := known(t)
	drawn := strings.Join(texts(t, svg(t, r, None)), "\n")
	for _, want := range []string{"digits", "production", "training", "inference", "end of life", "FR", "node boundary", "95 % interval",
		inwords.Figure(*r.Totals.GCO2e, inwords.CO2e) + " and " + inwords.Figure(r.Totals.EnergyJ, inwords.WattHours) + " in all"} {
		assert.Contains(t, drawn, want)
	}
	for p, total := range r.Totals.ByPhase {
		assert.Contains(t, drawn, inwords.Digits(total.GCO2e.Value/1e-3), "mgCO2e of %s", p)
	}
	assert.Contains(t, drawn, "Emissions, mgCO2e")
	assert.Contains(t, drawn, "Energy, node boundary, mWh")
}

func TestWhatIsUnknownIsNotDrawnAsNothing(t *testing.T) {
	drawn := "\n" + strings.Join(texts(t, svg(t, unknownDevices(t, true), None)), "\n") + "\n"
	assert.Equal(t, 2, strings.Count(drawn, "\nunknown\n"), "production and end of life")
	assert.Contains(t, drawn, "unknown emissions and")
	assert.NotContains(t, "\n"+drawn+"\n", "\n0 (")

	drawn = strings.Join(texts(t, svg(t, unknownDevices(t, false), None)), "\n")
	assert.Equal(t, 2, strings.Count(drawn, "\n≥ "), "what is known of it is the least that it is")
	assert.Contains(t, drawn, "unknown emissions and")
	assert.Contains(t, Text(unknownDevices(t, false)), "production at least ")

	r := unknownDevices(t, true)
	for i := range r.Missing {
		if strings.HasPrefix(r.Missing[i].Path, "/hardware/") && strings.HasSuffix(r.Missing[i].Path, "/embodied") {
			r.Missing[i].Reason = "not-applicable"
		}
	}
	drawn = strings.Join(texts(t, svg(t, r, None)), "\n")
	assert.Equal(t, 2, strings.Count(drawn, "\nnot in this record"), "what is beyond the record is not unknown")
}

func TestTextsStayTexts(t *testing.T) {
	r := known(t)
	for name, want := range map[string]string{
		`</text><script>alert(1)</script>`:    `</text><script>alert(1)</script>`,
		`<!--]]>&#0;"'`:                       `<!--]]>&#0;"'`,
		"a\x00b\x1b[2J\u202ec\ufeff\uffff\nd": "a<U+0000>b<U+001B>[2J<U+202E>c<U+FEFF><U+FFFF> d",
		" \t\n":                               "unnamed run",
		"مرحبا 👋":                             "مرحبا 👋",
	} {
		r.Run.Name = name
		r.Environments[0].Country, r.Environments[0].GridZone = "", name
		picture := svg(t, r, None)
		assert.Equal(t, want, texts(t, picture)[0])
		assert.NotContains(t, picture, "<script")
	}
	r.Run.Name = strings.Repeat("W", 4096)
	assert.Less(t, utf8.RuneCountInString(texts(t, svg(t, r, None))[0]), 60, "it ends at the edge")
}

func TestAnyRecordHasAPicture(t *testing.T) {
	for seed := range uint64(30) {
		r := recordtest.Random(seed)
		picture := svg(t, r, Background(seed%3))
		require.Equal(t, picture, svg(t, r, Background(seed%3)), "the same record gives the same bytes")
		drawn := texts(t, picture)
		assert.NotEmpty(t, drawn)
		assert.NotContains(t, strings.Join(drawn[1:2], ""), "NaN")
	}
	texts(t, svg(t, &lifecycle.Record{}, None))
	for _, x := range []float64{5e-324, 1e-300, 1e308, math.MaxFloat64} {
		r := known(t)
		q := &lifecycle.Quantity{Value: x, Low: x / 2, High: x}
		r.Totals.EnergyJ, r.Totals.GCO2e = *q, q
		r.Totals.ByPhase = map[lifecycle.Phase]lifecycle.PhaseTotal{lifecycle.PhaseTraining: {EnergyJ: q, GCO2e: q}}
		texts(t, svg(t, r, None))
		require.NoError(t, PNG(io.Discard, r, None))
	}
}

func TestThePNGShowsBarsOnItsBackground(t *testing.T) {
	r := known(t)
	for b, background := range map[Background]uint32{None: 0, Light: 0xffff, Dark: 0x0d0d} {
		var first bytes.Buffer
		require.NoError(t, PNG(&first, r, b))
		if b == None {
			var second bytes.Buffer
			require.NoError(t, PNG(&second, r, b))
			assert.Equal(t, first.Bytes(), second.Bytes(), "the same record gives the same bytes")
		}
		img, err := png.Decode(&first)
		require.NoError(t, err)
		assert.Equal(t, 1440, img.Bounds().Dx())
		red, _, _, a := img.At(2, 2).RGBA()
		assert.Equal(t, background, red)
		assert.Equal(t, b == None, a == 0, "without a background the page shows through")
		longest := 0 // of production: brown pixels in its row
		row := int(2 * (headH + panelTop + rowH/2 - barH/2 + 2).Points())
		for x := range img.Bounds().Dx() {
			if r, _, blue, a := img.At(x, row).RGBA(); a > 0 && r > blue*5/4 {
				longest++
			}
		}
		q := r.Totals.ByPhase[lifecycle.PhaseProduction].GCO2e
		pn := newPicture(r, b).panels[0]
		want := 2 * (width - labels - numbers - 2*margin).Points() * q.Value / pn.unit.Size / pn.top()
		assert.InDelta(t, want, longest, 0.03*want+6, "the bar is as long as its figure says")
	}
}

func TestColoursAreLegible(t *testing.T) {
	luminance := func(c interface{ RGBA() (r, g, b, a uint32) }) float64 {
		linear := func(v uint32) float64 {
			x := float64(v) / 0xffff
			if x <= 0.03928 {
				return x / 12.92
			}
			return math.Pow((x+0.055)/1.055, 2.4)
		}
		r, g, b, _ := c.RGBA()
		return 0.2126*linear(r) + 0.7152*linear(g) + 0.0722*linear(b)
	}
	contrast := func(a, b interface{ RGBA() (r, g, b, a uint32) }) float64 { // WCAG 2.2, 1.4.3
		x, y := luminance(a)+0.05, luminance(b)+0.05
		return max(x, y) / min(x, y)
	}
	for b, least := range map[Background]float64{None: 4.2, Light: 4.5, Dark: 4.5} {
		p := palettes[b]
		pages := []interface{ RGBA() (r, g, b, a uint32) }{p.background}
		if b == None {
			pages = pages[:0]
			pages = append(pages, palettes[Light].background, palettes[Dark].background)
		}
		for _, page := range pages {
			assert.Greater(t, contrast(p.ink, page), least)
			assert.Greater(t, contrast(p.faint, page), least)
			assert.Greater(t, contrast(p.service, page), 3.0)
			assert.Greater(t, contrast(p.made, page), 3.0)
		}
	}
}

func TestAxesHaveRoundTicks(t *testing.T) {
	for top, want := range map[float64]string{1: "0 0.2 0.4 0.6 0.8 1", 121: "0 20 40 60 80 100 120", 4.1: "0 1 2 3 4", 999: "0 200 400 600 800", 7e-4: "0 0.0002 0.0004 0.0006"} {
		var labels []string
		for _, tick := range ticks(0, top) {
			labels = append(labels, tick.Label)
		}
		assert.Equal(t, want, strings.Join(labels, " "), "up to %v", top)
	}
}

func BenchmarkSVG(b *testing.B) {
	r := recordtest.Many(10_000)
	for b.Loop() {
		if err := SVG(io.Discard, r, None); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPNG(b *testing.B) {
	r := recordtest.Many(10_000)
	for b.Loop() {
		if err := PNG(io.Discard, r, None); err != nil {
			b.Fatal(err)
		}
	}
}
