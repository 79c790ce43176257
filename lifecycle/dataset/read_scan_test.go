package dataset

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/race"
	"github.com/ecotracer/ecotracer/internal/recordtest"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// What a scan of the text says is what decoding says, in any layout.
func TestAScanFindsWhatDecodingFinds(t *testing.T) {
	for seed := range race.Few(uint64(150)) {
		r := recordtest.Random(seed)
		var want identity
		require.True(t, want.of(r))
		var line, pretty bytes.Buffer
		require.NoError(t, lifecycle.EncodeLine(&line, r))
		require.NoError(t, lifecycle.Encode(&pretty, r))
		canonical, err := r.Canonical()
		require.NoError(t, err)
		for name, text := range map[string][]byte{"on a line": line.Bytes(), "for people": pretty.Bytes(), "canonical": canonical} {
			var got identity
			require.True(t, got.scan(text), "seed %d, %s", seed, name)
			require.Equal(t, want, got, "seed %d, %s", seed, name)
		}
	}
}

// FuzzScan holds scanning to decoding: a valid record has the identity that
// scanning finds, if it finds one.
func FuzzScan(f *testing.F) {
	for seed := range race.Few(uint64(4)) {
		var b bytes.Buffer
		require.NoError(f, lifecycle.EncodeLine(&b, recordtest.Random(seed)))
		f.Add(b.Bytes())
	}
	f.Add([]byte(`{"schema":"urn:ecotracer:record:v1","created_at":"2026-01-01T00:00:00Z","run":{"id":"019cadc6-9a80-7000-8000-0123456789ab","status":"complete"}}`))
	f.Add([]byte(`{"run":{"rank":{"index":1,"count":2},"merged":[{"id":""}]},"hardware":[{"instance":["0123456789abcdef"]}]`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		var got, want identity
		found := got.scan(doc)
		rec, err := lifecycle.Decode(bytes.NewReader(doc))
		if !found || err != nil || !want.of(rec) {
			return
		}
		if bytes.Contains(doc, []byte(`\u`)) || len(got.parts) >= mostParts {
			return // names that are written in an unusual way may be passed over
		}
		assert.Equal(t, want.run, got.run)
		assert.Equal(t, want.created, got.created)
		assert.Equal(t, want.status, got.status)
		assert.Equal(t, want.machine, got.machine)
	})
}

// FuzzRead reads anything, under limits: it never fails, and what it counts is
// valid.
func FuzzRead(f *testing.F) {
	var line bytes.Buffer
	require.NoError(f, lifecycle.EncodeLine(&line, recordtest.Random(3)))
	for _, seed := range []string{line.String(), "[" + line.String() + "]", "\x1F\x8B\x08", "\x28\xB5\x2F\xFD", "{\n}\n{", "[{},\n1", "\xEF\xBB\xBF{}", strings.Repeat("[", 100)} {
		f.Add([]byte(seed), ".json")
		f.Add([]byte(seed), ".ndjson")
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, content []byte, ext string) {
		path := filepath.Join(dir, "a.json")
		if ext == ".ndjson" {
			path = filepath.Join(dir, "a.ndjson")
		}
		require.NoError(t, os.WriteFile(path, content, 0o600))
		r := Reader{Workers: 2, MaxRecord: 64 << 10, MaxUnpacked: 1 << 20, Estimates: true, Running: true, Now: time.Now().AddDate(100, 0, 0)}
		report, err := r.Read(context.Background(), []string{path}, func(_ int, rec *lifecycle.Record) error {
			for _, finding := range lifecycle.Validate(rec) {
				require.True(t, finding.Warning, finding)
			}
			return nil
		})
		require.NoError(t, err)
		n := report.Counted - report.Merged + report.Shards
		for _, k := range report.LeftOut {
			n += k
		}
		for _, k := range report.Refused {
			n += k
		}
		require.Equal(t, report.Documents, n, "%+v", report)
	})
}

// However many notes there are, they come in their order.
func TestNotesThatDoNotFitIntoMemoryAreSorted(t *testing.T) {
	s := notes{most: 100, file: log{dir: t.TempDir(), most: 1000}}
	var want []note
	for i := range 1234 {
		n := note{kind: noteKind(i % 3 * 3), doc: uint32(i), t: int64(i * 7919 % 101), u: int64(i), flags: uint8(i % 4)}
		n.key[0] = byte(i * 31)
		want = append(want, n)
		require.NoError(t, s.add(n))
	}
	defer s.close()
	all := notes{mem: want, most: 1 << 20}
	all.sort()
	for range 2 { // as often as it is asked
		var got []note
		require.NoError(t, s.each(func(n note) error { got = append(got, n); return nil }))
		require.Equal(t, all.mem, got)
	}
	require.NotEmpty(t, s.runs)
}

// BenchmarkScan is the light reading of every document that comes first.
func BenchmarkScan(b *testing.B) {
	var line bytes.Buffer
	require.NoError(b, lifecycle.EncodeLine(&line, recordtest.Many(20)))
	b.SetBytes(int64(line.Len()))
	var id identity
	for b.Loop() {
		if !id.scan(line.Bytes()) {
			b.Fatal("it is a record")
		}
	}
}
