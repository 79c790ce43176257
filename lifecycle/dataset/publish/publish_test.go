package publish_test

import (
	"bytes"
	"context"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/recordtest"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
	"github.com/ecotracer/ecotracer/lifecycle/dataset/publish"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// csvTable stands in for a writer of Parquet, which is a module of its own and
// tests publishing with it.
type csvTable struct{ *dataset.CSVWriter }

func (t csvTable) Close() error { return t.Flush() }

func publication() publish.Publication {
	return publish.Publication{
		Name: "Runs of a | test", Licence: "CC-BY-4.0", Date: time.Date(2026, 12, 1, 15, 0, 0, 0, time.UTC),
		Redacting: lifecycle.Redacting{Salt: bytes.Repeat([]byte{7}, 32)},
		Table:     func(w io.Writer) publish.TableWriter { return csvTable{dataset.NewCSVWriter(w)} },
	}
}

var reader = dataset.Reader{Estimates: true, Running: true, Now: time.Date(2029, 1, 1, 0, 0, 0, 0, time.UTC)}

// written writes records into a file of a folder of their own.
func written(t *testing.T, records ...*lifecycle.Record) string {
	t.Helper()
	var text bytes.Buffer
	for _, r := range records {
		require.NoError(t, lifecycle.EncodeLine(&text, r))
	}
	path := filepath.Join(t.TempDir(), "records.ndjson")
	require.NoError(t, os.WriteFile(path, text.Bytes(), 0o600))
	return path
}

// small is a record of the lifecycle package, of this confidentiality.
func small(t *testing.T, confidentiality string) *lifecycle.Record {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "testdata", "small.json"))
	require.NoError(t, err)
	defer f.Close()
	r, err := lifecycle.Decode(f)
	require.NoError(t, err)
	r.Integrity = nil
	r.Publisher.Confidentiality = confidentiality
	if confidentiality == "public" {
		r.Publisher.Contact = ""
		for i := range r.Hardware {
			r.Hardware[i].Instance = nil
		}
	}
	return r
}

func recordsOf(t *testing.T, dir string) (list []*lifecycle.Record) {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, publish.RecordsFile))
	require.NoError(t, err)
	defer f.Close()
	z, err := zstd.NewReader(f)
	require.NoError(t, err)
	defer z.Close()
	text, err := io.ReadAll(z)
	require.NoError(t, err)
	for _, line := range bytes.Split(bytes.TrimSpace(text), []byte("\n")) {
		r, err := lifecycle.Decode(bytes.NewReader(line))
		require.NoError(t, err)
		list = append(list, r)
	}
	return list
}

func TestTheDataCardAndCroissantTellWhatIsInTheFolder(t *testing.T) {
	out := filepath.Join(t.TempDir(), "public")
	p := publication()
	p.Internal, p.URL, p.Creators = true, "https://example.org/runs", []string{"A lab"}
	_, err := p.Publish(context.Background(), reader, []string{written(t, small(t, "internal"))}, out)
	require.NoError(t, err)
	for _, name := range []string{publish.CardFile, publish.CroissantFile} {
		got, err := os.ReadFile(filepath.Join(out, name))
		require.NoError(t, err)
		got = regexp.MustCompile(`"[0-9a-f]{64}"|"[0-9]+ B"`).ReplaceAll(got, []byte(`"…"`)) // of compressed files
		golden := filepath.Join("testdata", name)
		if *update {
			require.NoError(t, os.MkdirAll("testdata", 0o755))
			require.NoError(t, os.WriteFile(golden, got, 0o644))
		}
		want, err := os.ReadFile(golden)
		require.NoError(t, err)
		assert.Equal(t, string(want), string(got))
	}
}

func TestOnlyWhatIsPublicLeavesUnlessInternalIsAskedFor(t *testing.T) {
	for _, c := range []struct {
		confidentiality string
		internal        bool
		published       int64
		why             publish.Reason
	}{
		{"public", false, 1, ""}, {"internal", false, 0, publish.NotPublic}, {"internal", true, 1, ""},
		{"confidential", true, 0, publish.Private}, {"secret", true, 0, publish.Private},
	} {
		p := publication()
		p.Internal = c.internal
		out := filepath.Join(t.TempDir(), "public")
		result, err := p.Publish(context.Background(), reader, []string{written(t, small(t, c.confidentiality))}, out)
		assert.Equal(t, c.published, result.Published, c.confidentiality)
		if c.published == 0 {
			assert.ErrorIs(t, err, publish.ErrNothing)
			assert.Equal(t, int64(1), result.LeftOut[c.why])
			assert.NoDirExists(t, out, "all of it or nothing")
			continue
		}
		require.NoError(t, err)
		for _, r := range recordsOf(t, out) {
			assert.Equal(t, "public", r.Publisher.Confidentiality)
			assert.NotEqual(t, small(t, "public").Run.ID, r.Run.ID, "ids are renewed")
		}
	}
}

func TestARecordThatRepeatsTheIDOfAnotherIsLeftOut(t *testing.T) {
	one, other := small(t, "internal"), small(t, "confidential")
	other.Run.ID = "01a22c2b-5843-708d-aa8a-05d3d26290ff"
	one.UseCase.Description = "continues " + strings.ToUpper(other.Run.ID)
	third := small(t, "internal")
	third.Run.ID = "01a22c2b-5843-708d-aa8a-05d3d26290fe"
	for _, r := range []*lifecycle.Record{one, other, third} {
		for i := range r.Hardware {
			r.Hardware[i].Instance = nil // of three machines
		}
	}
	p := publication()
	p.Internal = true
	out := filepath.Join(t.TempDir(), "public")
	result, err := p.Publish(context.Background(), reader, []string{written(t, one, other, third)}, out)
	require.NoError(t, err)
	assert.Equal(t, map[publish.Reason]int64{publish.Private: 1, publish.Tells: 1}, result.LeftOut)
	assert.Equal(t, int64(1), result.Published)
}

func TestAnEarlierRedactionOfARunIsPublishedOnce(t *testing.T) {
	r := small(t, "internal")
	earlier, _, err := lifecycle.Redact(r, "public", lifecycle.Redacting{Salt: bytes.Repeat([]byte{1}, 16)})
	require.NoError(t, err)
	p := publication()
	p.Internal = true
	out := filepath.Join(t.TempDir(), "public")
	result, err := p.Publish(context.Background(), reader, []string{written(t, r), written(t, earlier)}, out)
	require.NoError(t, err)
	assert.Equal(t, int64(1), result.Published)
	assert.Equal(t, int64(1), result.LeftOut[publish.Twice])
}

func TestTheSameRecordsAreTheSameBytes(t *testing.T) {
	var records []*lifecycle.Record
	for seed := range uint64(40) {
		records = append(records, recordtest.Random(seed))
	}
	var sums []string
	for _, workers := range []int{1, 4} {
		r := reader
		r.Workers = workers
		out := filepath.Join(t.TempDir(), "public")
		_, err := publication().Publish(context.Background(), r, []string{written(t, records...)}, out)
		require.NoError(t, err)
		text, err := os.ReadFile(filepath.Join(out, publish.SumsFile))
		require.NoError(t, err)
		sums = append(sums, string(text))
		for i, j := 0, len(records)-1; i < j; i, j = i+1, j-1 { // in whatever order
			records[i], records[j] = records[j], records[i]
		}
	}
	assert.Equal(t, sums[0], sums[1])
}

func TestAFolderThatIsThereIsNotOverwritten(t *testing.T) {
	records := written(t, small(t, "public"))
	out := t.TempDir()
	_, err := publication().Publish(context.Background(), reader, []string{records}, out)
	require.NoError(t, err, "an empty one")
	before, err := os.ReadFile(filepath.Join(out, publish.SumsFile))
	require.NoError(t, err)
	_, err = publication().Publish(context.Background(), reader, []string{records}, out)
	assert.ErrorIs(t, err, publish.ErrNotEmpty)
	after, err := os.ReadFile(filepath.Join(out, publish.SumsFile))
	require.NoError(t, err)
	assert.Equal(t, before, after)
}

func TestWhatIsAskedForMustMakeSense(t *testing.T) {
	for what, change := range map[string]func(*publish.Publication){
		"no name":    func(p *publish.Publication) { p.Name = "" },
		"no licence": func(p *publish.Publication) { p.Licence = "" },
		"a sentence": func(p *publish.Publication) { p.Licence = "free for all" },
		"a version":  func(p *publish.Publication) { p.Version = "v1" },
		"a page":     func(p *publish.Publication) { p.URL = "javascript:alert(1)" },
		"no table":   func(p *publish.Publication) { p.Table = nil },
	} {
		p := publication()
		change(&p)
		out := filepath.Join(t.TempDir(), "public")
		_, err := p.Publish(context.Background(), reader, []string{written(t, small(t, "public"))}, out)
		assert.ErrorIs(t, err, publish.ErrAsked, what)
		assert.NoDirExists(t, out)
	}
}

func TestACancelledPublicationLeavesNothing(t *testing.T) {
	parent := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := publication().Publish(ctx, reader, []string{written(t, small(t, "public"))}, filepath.Join(parent, "public"))
	assert.ErrorIs(t, err, context.Canceled)
	left, err := os.ReadDir(parent)
	require.NoError(t, err)
	assert.Empty(t, left)
}
