package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// rankFiles writes the shards of a job of three ranks on one host, one of which
// is missing, into a folder, one file each.
func rankFiles(t *testing.T) (dir string, shards []*lifecycle.Record) {
	t.Helper()
	dir = t.TempDir()
	for _, rank := range []int{0, 2} {
		r := measured(t)
		r.Run.ID = fmt.Sprintf("019df4e5-8ac0-7000-8000-0123456789a%d", rank)
		r.Run.TraceID, r.Run.Rank = "4bf92f3577b34da6a3ce929d0e0e4736", &lifecycle.Rank{Index: rank, Count: 3}
		for i := range r.Hardware {
			r.Hardware[i].Instance = []string{fmt.Sprintf("%016x", i+1)}
		}
		shards = append(shards, r)
		shard(t, dir, fmt.Sprintf("rank%d.json", rank), r)
	}
	return dir, shards
}

// shard writes a record to a folder.
func shard(t *testing.T, dir, name string, r *lifecycle.Record) string {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.WriteFile(path, encoded(t, r), 0o644))
	return path
}

// without takes the name of a test's folder out of a text.
func without(dir, text string) string {
	return strings.ReplaceAll(text, dir+string(filepath.Separator), "")
}

func TestMergeMakesOneRecordOfAFolderOfShards(t *testing.T) {
	dir, shards := rankFiles(t)
	r := call("", "merge", dir)
	require.Zero(t, r.code, r.err)
	golden(t, "merge-record.json", r.out)
	golden(t, "merge-words.txt", without(dir, r.err))
	m, findings, err := lifecycle.Check(strings.NewReader(r.out))
	require.NoError(t, err)
	require.Empty(t, findings, "what was merged must be valid")
	for _, l := range shards[0].Ledger {
		for _, got := range m.Ledger {
			if got.Domain == l.Domain {
				assert.InEpsilon(t, l.TotalJ, got.TotalJ, 1e-9, "trap 38: %s: the host counts once", l.Domain)
			}
		}
	}
	assert.Len(t, m.Ledger, 2)
	other := call("", "merge", filepath.Join(dir, "rank2.json"), filepath.Join(dir, "rank0.json"))
	assert.True(t, r.out == other.out, "the order of the files does not matter")
}

func TestMergeWritesAFileAndNeverOverAShard(t *testing.T) {
	dir, _ := rankFiles(t)
	out := filepath.Join(dir, "job.json")
	first := call("", "merge", dir, "-o", out)
	require.Zero(t, first.code, first.err)
	assert.Empty(t, first.out, "the record is in the file")
	one, err := os.ReadFile(out)
	require.NoError(t, err)

	checkpoint := measured(t)
	checkpoint.Run.ID, checkpoint.Run.Status = "019df4e5-8ac0-7000-8000-0123456789a0", lifecycle.Running
	shard(t, dir, "checkpoint.json", checkpoint)
	again := call("", "merge", "-o", out, dir, filepath.Join(dir, "rank0.json"))
	require.Zero(t, again.code, again.err)
	assert.Equal(t, "run X in job.json: 2 of 3 ranks, 1.06 MJ\n"+
		"left out: checkpoint.json (a later record of the same run is in rank0.json)\n"+
		"left out: job.json (it was merged of such shards before)\n"+
		"missing: rank 1 of 3\n"+
		"overlap: cpu0: 2 shards booked 445000 J more of it than the 745000 J that it used: what they booked was reduced\n",
		regexp.MustCompile("run [0-9a-f-]{36}").ReplaceAllString(without(dir, again.err), "run X"))
	two, err := os.ReadFile(out)
	require.NoError(t, err)
	assert.True(t, string(one) == string(two), "merging again, the merged record among its shards, changes nothing")
	left, err := filepath.Glob(filepath.Join(dir, ".*"))
	require.NoError(t, err)
	assert.Empty(t, left, "nothing half-written is left")
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, files, 4, "trap 48: the shards of a job, its checkpoint and the merged record are files of their own")
}

func TestMergeTellsProgramsWhatItDid(t *testing.T) {
	dir, _ := rankFiles(t)
	out := filepath.Join(t.TempDir(), "job.json")
	r := call("", "merge", "--json", "-o", out, dir)
	require.Zero(t, r.code, r.err)
	assert.Empty(t, r.err)
	var told mergedFiles
	require.NoError(t, json.Unmarshal([]byte(r.out), &told))
	assert.Equal(t, out, told.File)
	assert.Equal(t, 3, told.Ranks)
	assert.Equal(t, []partOf{
		{filepath.Join(dir, "rank0.json"), "019df4e5-8ac0-7000-8000-0123456789a0", 0},
		{filepath.Join(dir, "rank2.json"), "019df4e5-8ac0-7000-8000-0123456789a2", 2},
	}, told.Shards)
	assert.Equal(t, []string{"rank 1 of 3"}, told.Missing)
	assert.NotEmpty(t, told.Warnings)
	assert.Contains(t, r.out, `"left_out": []`)
}

func TestMergeNamesTheFilesThatItCannotMerge(t *testing.T) {
	dir, shards := rankFiles(t)
	none := filepath.Join(dir, "none.json")
	text := filepath.Join(dir, "notes.txt")
	require.NoError(t, os.WriteFile(text, []byte("hello"), 0o644))
	other := *shards[0]
	other.Run.ID, other.Run.TraceID = "019df4e5-8ac0-7000-8000-0123456789af", "0af7651916cd43dd8448eb211c80319c"
	elsewhere := t.TempDir()
	stranger := shard(t, elsewhere, "stranger.json", &other)
	running := *shards[1]
	running.Run.ID, running.Run.Status, running.Run.Rank = "019df4e5-8ac0-7000-8000-0123456789ae", lifecycle.Running, &lifecycle.Rank{Index: 1, Count: 3}
	open := shard(t, elsewhere, "open.json", &running)
	wrong := *shards[1]
	wrong.Totals.MeasuredShare = 0.5
	bad := shard(t, elsewhere, "wrong.json", &wrong)
	zero := filepath.Join(dir, "rank0.json")

	for name, c := range map[string]struct {
		args []string
		says []string
	}{
		"no such file":    {[]string{zero, none}, []string{none + ": there is no such file"}},
		"no record":       {[]string{zero, text}, []string{text + ": "}},
		"an empty folder": {[]string{t.TempDir()}, []string{"there is no .json file in this folder"}},
		"of two jobs":     {[]string{zero, stranger}, []string{zero, stranger, "their trace ids differ", "--unrelated"}},
		"still running":   {[]string{zero, open}, []string{open + ": ", "still running", "--running"}},
		"not valid":       {[]string{zero, bad}, []string{bad + ": ", "R25 /totals/measured_share"}},
		"no folder":       {[]string{zero, "-o", filepath.Join(dir, "none", "job.json")}, []string{"it cannot be written (no such file or directory)"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := call("", append([]string{"merge"}, c.args...)...)
			assert.Equal(t, 1, r.code)
			assert.Empty(t, r.out, "nothing may be taken for a result")
			for _, s := range c.says {
				assert.Contains(t, r.err, s)
			}
			assert.NotContains(t, r.err, "dataset:")
			assert.Equal(t, 1, strings.Count(r.err, "\n"), "one line for one mistake")
		})
	}
	assert.Zero(t, call("", "merge", "--unrelated", zero, stranger).code, "asked for, they are merged")
	assert.Zero(t, call("", "merge", "--running", zero, open).code)
}

func TestMergeReadsAShardFromStandardInput(t *testing.T) {
	dir, shards := rankFiles(t)
	want := call("", "merge", dir)
	r := call(string(encoded(t, shards[1])), "merge", filepath.Join(dir, "rank0.json"), "-")
	require.Zero(t, r.code, r.err)
	assert.True(t, want.out == r.out)
}
