package dataset_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/race"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// entangled makes up documents, one a line, that have much to do with one
// another: few machines, services, jobs and runs, at few times.
func entangled(t *testing.T, seed uint64) (lines []string) {
	rng := rand.New(rand.NewPCG(seed, 11))
	hosts := []*madeUp{host(3 * seed), host(3*seed + 1), host(3*seed + 2)}
	for i, j := range hosts { // one each, with devices of its own
		j.hosts = append(make([]madeUpHost, 2*i), j.hosts...)
	}
	span := 10 * (1 + rng.Float64()*200)
	var made []*lifecycle.Record
	add := func(r *lifecycle.Record) {
		made = append(made, r)
		lines = append(lines, lineOf(t, r))
	}
	invalid := func(r *lifecycle.Record) *lifecycle.Record {
		return edited(t, r, func(r *lifecycle.Record) { r.Totals.EnergyJ.Value++ })
	}
	for range 4 + rng.IntN(24) {
		h := rng.IntN(len(hosts))
		j := hosts[h]
		from := span * rng.Float64()
		to := from + 0.5 + 100*rng.Float64()*rng.Float64()*rng.Float64()
		if rng.IntN(3) == 0 {
			from, to = float64(int(from)/50*50), float64(int(from)/50*50+50)
		}
		scope := lifecycle.ScopeProcess
		if rng.IntN(4) == 0 {
			scope = lifecycle.ScopeMachine
		}
		r := j.shard(t, 0, 1, 2*h, from, to, scope)
		var old *lifecycle.Record
		if len(made) > 0 {
			old = made[rng.IntN(len(made))]
		}
		switch rng.IntN(12) {
		case 0, 1:
			r.Run.Segment = &lifecycle.Segment{Series: fmt.Sprintf("019cadc6-9a80-7000-8000-0123456789a%d", rng.IntN(2)), Index: rng.IntN(20)}
		case 2:
			if old != nil {
				r.Run.Parent = old.Run.ID
				r.Warnings = append(r.Warnings, lifecycle.Warning{Code: "counted-by-parent", Path: "/run/parent"})
			}
		case 3:
			if old != nil {
				r = later(t, old, time.Duration(rng.IntN(3)-1)*time.Second, renamed(fmt.Sprint(rng.IntN(2))))
			}
		case 4:
			if old != nil {
				r = invalid(old)
			}
		case 5:
			r = invalid(r)
		case 6:
			for i, s := range makeUp(t, seed+rng.Uint64N(3)).shards {
				if i < 4 || rng.IntN(2) == 0 {
					add(s)
				}
			}
		case 7:
			if old != nil {
				r = old
			}
		}
		add(r)
	}
	rng.Shuffle(len(lines), func(i, k int) { lines[i], lines[k] = lines[k], lines[i] })
	return lines
}

// fates is what became of each line, and what was made of them.
type fates struct {
	of        []string
	counted   []string
	conflicts map[dataset.Reason]int
	merged    int64
}

func (f *fates) read(t *testing.T, r dataset.Reader, lines []string, at []int) {
	var text strings.Builder
	for _, i := range at {
		text.WriteString(lines[i])
	}
	r.Stdin = strings.NewReader(text.String())
	o := reading(t, r, "-")
	for _, l := range o.left {
		f.of[at[l.Line-1]] = string(l.Reason)
	}
	for _, bad := range o.refused {
		f.of[at[bad.Line-1]] = string(bad.Reason)
	}
	for _, r := range o.records {
		f.counted = append(f.counted, r.Run.ID+fmt.Sprint(r.Totals.EnergyJ, r.CreatedAt, r.Run.Name))
	}
	for _, c := range o.Conflicts {
		if c.Reason != dataset.BeyondMeter {
			f.conflicts[c.Reason]++
		}
	}
	f.merged += o.Merged
	slices.Sort(f.counted)
}

// parts are the lines that have to do with one another, found by relations.
func parts(t *testing.T, lines []string) (all [][]int) {
	up := make([]int, len(lines))
	for i := range up {
		up[i] = i
	}
	var root func(i int) int
	root = func(i int) int {
		if up[i] != i {
			up[i] = root(up[i])
		}
		return up[i]
	}
	relations, of := map[[16]byte][]dataset.Relation{}, map[[16]byte][]int{}
	_, err := dataset.Reader{Now: today}.Documents(t.Context(), dataset.File{Path: "-", Named: true}, strings.NewReader(strings.Join(lines, "")), func(d dataset.Document) error {
		for _, r := range d.Relations {
			relations[r.Key] = append(relations[r.Key], r)
			of[r.Key] = append(of[r.Key], int(d.Line-1))
		}
		return nil
	})
	require.NoError(t, err)
	for key, list := range relations {
		dataset.Related(list, func(i, j int) { up[root(of[key][i])] = root(of[key][j]) })
	}
	in := map[int][]int{}
	for i := range lines {
		in[root(i)] = append(in[root(i)], i)
	}
	for _, part := range in {
		all = append(all, part)
	}
	return all
}

func TestWhatIsNotRelatedHasNoSayInWhatCounts(t *testing.T) {
	seeds := race.Few(uint64(60))
	divided, reasons := 0, map[string]int{}
	for seed := range seeds {
		lines := entangled(t, seed)
		r := dataset.Reader{Running: seed%2 == 0, Workers: 1}
		whole := fates{of: make([]string, len(lines)), conflicts: map[dataset.Reason]int{}}
		var all []int
		for i := range lines {
			all = append(all, i)
		}
		whole.read(t, r, lines, all)
		apart := fates{of: make([]string, len(lines)), conflicts: map[dataset.Reason]int{}}
		list := parts(t, lines)
		for _, part := range list {
			apart.read(t, r, lines, part)
		}
		for _, fate := range whole.of {
			reasons[fate]++
		}
		if slices.Contains(whole.of, string(dataset.Invalid)) {
			// After some rounds the reader looks at all that others rely on, and so may
			// see that what does not count is invalid too: then it tells other reasons.
			for _, f := range []*fates{&whole, &apart} {
				for i, fate := range f.of {
					if fate != "" {
						f.of[i] = "does not count"
					}
				}
			}
		}
		require.Equal(t, whole, apart, "seed %d: %d lines in %d parts", seed, len(lines), len(list))
		if len(list) > 1 && len(list) < len(lines) {
			divided++
		}
	}
	if race.On {
		return
	}
	assert.Greater(t, divided, int(seeds)/2, "most are divided, and not down to single documents")
	for _, reason := range []dataset.Reason{"", dataset.Invalid, dataset.Copy, dataset.Replaced, dataset.OtherOfRun, dataset.CountedByParent, dataset.OnMachine, dataset.OtherWindow} {
		assert.NotZero(t, reasons[string(reason)], "it happens: %s, among %v", reason, reasons)
	}
}

func TestWindowsOneAfterTheOtherAreNotRelated(t *testing.T) {
	j := host(5)
	var lines []string
	for i := range 20 {
		from := 100 * float64(i)
		lines = append(lines, lineOf(t, j.alone(t, from, from+100.5, func(r *lifecycle.Record) {
			r.Run.Segment = &lifecycle.Segment{Series: "019cadc6-9a80-7000-8000-0123456789ab", Index: i}
		})))
	}
	assert.Len(t, parts(t, lines), 20, "else all of a service would have to be looked at together")
}

// FuzzDocuments cuts documents out of whatever a file has, whole and in parts:
// it must find what Read finds, and the parts together what the whole has.
func FuzzDocuments(f *testing.F) {
	var b strings.Builder
	_ = lifecycle.EncodeLine(&b, host(1).machine(f, 0, 10))
	line := b.String()
	f.Add("a.ndjson", line+"\n{}\n"+line, uint16(10))
	f.Add("a.json", "", uint16(1))
	f.Add("a.json", "{\"a\": 1}", uint16(1))
	f.Add("b.json", "["+line+","+line+"]", uint16(3))
	f.Add("c", "\ufeff"+strings.ReplaceAll(line, ",", ",\n"), uint16(3))
	f.Add("a.tgz", gz(f, tarOf(f, "x.json", line, "y.txt", "?", "z.ndjson", line+line)), uint16(3))
	f.Add("a.zst", zst(f, line)[:100], uint16(3))
	f.Fuzz(func(t *testing.T, name, content string, size uint16) {
		if strings.ContainsAny(name, "/\x00\\") || len(name) > 50 || name == "" || len(content) > 1<<20 {
			return
		}
		file := folder(t, map[string]string{"f" + name: content})
		r := dataset.Reader{Now: today, Workers: 1, MaxUnpacked: 8 << 20}
		read, err := r.Read(t.Context(), []string{file}, func(int, *lifecycle.Record) error { return nil })
		require.NoError(t, err)
		var texts []string
		report, err := r.Documents(t.Context(), dataset.File{Path: "f" + name}, strings.NewReader(content), func(d dataset.Document) error {
			texts = append(texts, string(d.Text))
			return nil
		})
		require.NoError(t, err)
		if read.Files > 0 || read.Skipped > 0 {
			assert.Equal(t, read.Documents, report.Documents)
			assert.Equal(t, read.Skipped, report.Skipped)
			assert.Equal(t, read.Files, report.Files)
		}
		if !dataset.Divisible("f"+name, strings.NewReader(content)) || size < 2 {
			return
		}
		_, err = r.Documents(t.Context(), dataset.File{Path: "f" + name, Named: true}, strings.NewReader(content), func(dataset.Document) error { return nil })
		require.NoError(t, err)
		var again []string
		for from := int64(0); from < int64(len(content)); from += int64(size) {
			_, err := r.Documents(t.Context(), dataset.File{Path: "f" + name, Named: true, From: from, To: min(from+int64(size), int64(len(content)))},
				bytes.NewReader([]byte(content)[max(from-1, 0):]), func(d dataset.Document) error {
					again = append(again, string(d.Text))
					assert.True(t, strings.HasPrefix(content[d.Offset:], string(d.Text)), "it is at its place")
					return nil
				})
			require.NoError(t, err)
		}
		if len(texts) > 0 {
			assert.Equal(t, texts, again)
		}
	})
}
