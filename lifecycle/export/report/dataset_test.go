package report

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// surveyed is the survey of n runs like another, and of what does not count.
func surveyed(t testing.TB, n int, change func(int, *lifecycle.Record)) *dataset.Survey {
	t.Helper()
	var lines bytes.Buffer
	for i := range n {
		r := another(t, math.Exp(0.2*math.Sin(float64(5*i))))
		r.Run.ID = fmt.Sprintf("019df184-1c00-7000-8000-%012x", i)
		r.Run.Name = ""
		if change != nil {
			change(i, r)
		}
		require.NoError(t, lifecycle.EncodeLine(&lines, r))
	}
	lines.WriteString("{}\n")
	file := filepath.Join(t.TempDir(), "records.ndjson")
	require.NoError(t, os.WriteFile(file, lines.Bytes(), 0o600))
	s, err := dataset.NewSurvey(t.Context(), dataset.Reader{Now: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)}, []string{file}, dataset.Where{})
	require.NoError(t, err)
	require.Len(t, s.Points, n, "%+v", s.Report)
	return s
}

func datasetPageOf(t testing.TB, s *dataset.Survey, o Options) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, WriteDataset(&b, s, o))
	return b.String()
}

func TestFiguresOfADataSetArePlain(t *testing.T) {
	s := surveyed(t, 12, nil)
	page := datasetPageOf(t, s, Options{Title: "Ours"})
	total := s.ByPhase.Total()
	for _, v := range []float64{*total.Energy.Value, *total.GCO2e.Value, *total.Water.Value} {
		assert.Contains(t, page, `<data value="`+exact(v)+`">`, "all digits are in the source")
	}
	assert.Contains(t, page, "<h1><bdi>Ours</bdi></h1>")
	assert.Contains(t, page, "12 runs used ")
	assert.Contains(t, page, "refused: no record")
	assert.Contains(t, page, "1 document was refused and not in any figure.")
	assert.Equal(t, page, datasetPageOf(t, s, Options{Title: "Ours"}), "the same survey makes the same page")
	assert.Contains(t, datasetPageOf(t, s, Options{}), "<title>Data set – energy and emissions</title>")
}

func TestWhatIsUnknownOfADataSetIsNotZero(t *testing.T) {
	s := surveyed(t, 6, func(i int, r *lifecycle.Record) {
		for h := range r.Hardware {
			if r.Hardware[h].Embodied != nil && r.Hardware[h].Kind == lifecycle.KindGPU {
				r.Hardware[h].Embodied = nil
				r.Missing = append(r.Missing, lifecycle.Missing{Path: fmt.Sprintf("/hardware/%d/embodied", h), Reason: "unknown"})
			}
		}
		used := func(id string) bool { return !strings.HasPrefix(id, "gpu.") }
		r.Factors = slices.DeleteFunc(r.Factors, func(f factors.Factor) bool { return !used(f.ID) })
		require.NoError(t, lifecycle.Assess(r))
		lifecycle.FillMissing(r)
	})
	page := datasetPageOf(t, s, Options{})
	assert.True(t, strings.Contains(page, "They come to at least "))
	assert.True(t, strings.Contains(page, "Of 6 runs not all that their devices took to make is known"))
	assert.True(t, strings.Contains(page, "at least, for 6 runs do not tell all of it"))
}

func TestNoTextOfADataSetIsMoreThanText(t *testing.T) {
	const canary = `</script><script>window.pwned=1</script><img src=x onerror='window.pwned=1'>"{{.Title}}` + "\u202e"
	s := surveyed(t, 8, func(i int, r *lifecycle.Record) {
		r.Publisher.Confidentiality = "internal"
		r.Run.Name = canary
		r.Technology.ML.Task = canary + strings.Repeat(" long", 700)
		r.Technology.ML.Evaluation[0].Metric = canary
		for h := range r.Hardware {
			r.Hardware[h].Model = canary + fmt.Sprint(i, h)
		}
	})
	page := datasetPageOf(t, s, Options{Title: canary})
	assert.Equal(t, 1+len(datasetAssets().Scripts), strings.Count(page, "</script>"))
	assert.NotContains(t, page, "<img")
	body := regexp.MustCompile(`(?s)<script>.*?</script>`).ReplaceAllString(page, "")
	assert.NotContains(t, body, "\u202e")
}

// A hundred thousand runs are no more on a page than some.
func TestThePageOfManyRunsStaysBelowAMegabyte(t *testing.T) {
	s := surveyed(t, 300, func(i int, r *lifecycle.Record) {
		r.Technology.ML.Task = fmt.Sprint("task ", i, strings.Repeat(" very long", 300))
		r.Technology.ML.Evaluation[0].Value = float64(i)
		for h := range r.Hardware {
			r.Hardware[h].Model = fmt.Sprint("model ", i, strings.Repeat(" long", 700))
		}
	})
	s.Points = slices.Repeat(s.Points, 40)
	page := datasetPageOf(t, s, Options{})
	assert.Less(t, len(page), 800_000)
	assert.Contains(t, page, "12 000 runs")
	assert.Contains(t, page, "The chart shows 1000 of ")
	assert.Contains(t, page, " more in the data")
}

func TestADataSetOfNothingMakesNoPage(t *testing.T) {
	var b bytes.Buffer
	require.ErrorContains(t, WriteDataset(&b, nil, Options{}), "no run")
	require.ErrorContains(t, WriteDataset(&b, &dataset.Survey{}, Options{}), "no run")
	assert.Empty(t, b.Bytes())
}
