package export

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/recordtest"
	"github.com/ecotracer/ecotracer/internal/timeline"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// BenchmarkFormats writes a record of 10,000 paths, for which the bar is 100 ms,
// and those that show single spans one of each path.
func BenchmarkFormats(b *testing.B) {
	r := recordtest.Many(10_000)
	singles := onePerPath(r)
	write := func(name string, f Func, o Options) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if o.Spans != nil {
					o.Spans = bytes.NewReader(singles)
				}
				if _, err := f(io.Discard, r, o); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	o := matrixOptions(r)
	o.Record = "record.json"
	for _, f := range Formats() {
		write(f.Name, f.Write, o)
	}
	accounts, bare, stages := o, o, o
	accounts.Spans, bare.Bare, stages.PerStage = nil, true, true
	write("otlp-traces without single spans", OTLPTraces, accounts)
	write("boamps bare", BoAmps, bare)
	write("boamps per stage", BoAmps, stages)
}

// onePerPath is a stream of single spans, one of each path of a record, each
// within its parent.
func onePerPath(r *lifecycle.Record) []byte {
	var lines bytes.Buffer
	enc := json.NewEncoder(&lines)
	for _, s := range r.Spans {
		_ = enc.Encode(timeline.Span{Path: s.Path, Stage: s.Stage, BeginS: 0, EndS: r.Run.DurationS, SelfS: s.SelfS})
	}
	return lines.Bytes()
}

// A stream of the benchmark is one that the formats show.
func TestOneSpanPerPathIsShown(t *testing.T) {
	r := recordtest.Many(100)
	text, _ := exported(t, OTLPTraces, r, Options{Spans: bytes.NewReader(onePerPath(r))})
	require.Equal(t, 1+100, bytes.Count(text, []byte(`"spanId"`)))
}
