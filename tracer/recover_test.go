package tracer_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
)

// checkpoint is the bytes of a record of a running run, and its id.
func checkpoint(t *testing.T) (id string, content []byte) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		ctx, run, err := inFolder(dir)
		require.NoError(t, err)
		_, s := tracer.Start(ctx, "work")
		s.Count("samples", 10)
		time.Sleep(10 * time.Second)
		id = run.ID()
		content, err = os.ReadFile(filepath.Join(dir, id+".json"))
		require.NoError(t, err)
		_, err = run.End()
		require.NoError(t, err)
	})
	return id, content
}

func put(t *testing.T, dir, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return path
}

func lockOf(id string) string { return "." + id + ".lock" }

func TestRecoverClosesTheRecordOfARunThatIsGone(t *testing.T) {
	for name, locked := range map[string]bool{"it was killed": true, "it comes from elsewhere, without its lock": false} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			id, content := checkpoint(t)
			path := put(t, dir, id+".json", content)
			if locked {
				put(t, dir, lockOf(id), nil)
			}
			was := readRecord(t, path)
			require.Equal(t, lifecycle.Running, was.Run.Status)
			closed, err := tracer.Recover(dir)
			require.NoError(t, err)
			assert.Equal(t, []string{path}, closed)
			assert.Equal(t, []string{id + ".json"}, filesIn(t, dir))
			rec := readRecord(t, path)
			assert.Equal(t, lifecycle.Interrupted, rec.Run.Status)
			assert.False(t, rec.CreatedAt.Before(was.CreatedAt))
			rec.Run.Status, rec.CreatedAt = was.Run.Status, was.CreatedAt
			assert.Equal(t, was, rec, "nothing else is changed")

			closed, err = tracer.Recover(dir)
			require.NoError(t, err)
			assert.Empty(t, closed, "that is done once")
		})
	}
}

func TestRecoverUndoesASealAndKeepsTimesInOrder(t *testing.T) {
	dir := t.TempDir()
	var path string
	synctest.Test(t, func(t *testing.T) { // in the year 2000
		folder := t.TempDir()
		_, run, err := inFolder(folder)
		require.NoError(t, err)
		tracer.Sleep(run, 60*365*24*time.Hour) // its end is in the future
		time.Sleep(10 * time.Second)
		rec := readRecord(t, filepath.Join(folder, run.ID()+".json"))
		_, err = run.End()
		require.NoError(t, err)
		sum, err := rec.SHA256()
		require.NoError(t, err)
		rec.Integrity = &lifecycle.Integrity{Canonicalisation: "RFC8785", SHA256: sum}
		path = filepath.Join(dir, rec.Run.ID+".json")
		f, err := os.Create(path)
		require.NoError(t, err)
		require.NoError(t, lifecycle.Encode(f, rec))
		require.NoError(t, f.Close())
		readRecord(t, path)
	})
	closed, err := tracer.Recover(dir)
	require.NoError(t, err)
	require.Equal(t, []string{path}, closed)
	rec := readRecord(t, path)
	assert.Nil(t, rec.Integrity, "the seal was the checkpoint's")
	assert.Equal(t, *rec.Run.EndedAt, rec.CreatedAt)
}

func TestRecoverLeavesARunThatRuns(t *testing.T) {
	dir := t.TempDir()
	_, run, err := inFolder(dir, tracer.Checkpoints(time.Millisecond))
	require.NoError(t, err)
	path := filepath.Join(dir, run.ID()+".json")
	for {
		closed, err := tracer.Recover(dir)
		require.NoError(t, err)
		require.Empty(t, closed)
		if _, err := os.Stat(path); err == nil {
			break // looked at before and after its first checkpoint
		}
	}
	for range 100 {
		closed, err := tracer.Recover(dir)
		require.NoError(t, err)
		require.Empty(t, closed)
	}
	assert.Contains(t, filesIn(t, dir), lockOf(run.ID()), "it is still marked as running")
	_, err = run.End()
	require.NoError(t, err)
	closed, err := tracer.Recover(dir)
	require.NoError(t, err)
	assert.Empty(t, closed)
	assert.Equal(t, lifecycle.Complete, readRecord(t, path).Run.Status)
	assert.Len(t, filesIn(t, dir), 1)
}

func TestRecoverLeavesARunWhoseFolderIsOneOfItsSinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		sink, err := tracer.NewDirSink(dir)
		require.NoError(t, err)
		_, run, err := inFolder("", tracer.Sinks(full(), sink))
		require.NoError(t, err)
		time.Sleep(10 * time.Second)
		closed, err := tracer.Recover(dir)
		require.NoError(t, err)
		assert.Empty(t, closed)
		assert.Equal(t, lifecycle.Running, readRecords(t, dir)[0].Run.Status)
		_, err = run.End()
		require.Error(t, err, "the other sink is full")
		assert.Equal(t, lifecycle.Complete, readRecords(t, dir)[0].Run.Status)
	})
}

func TestRunsThatBeginAndEndAreNeverTakenForDead(t *testing.T) {
	dir := t.TempDir()
	stop := make(chan struct{})
	var recoverers, runners sync.WaitGroup
	for range 3 {
		recoverers.Go(func() {
			for {
				closed, err := tracer.Recover(dir)
				assert.NoError(t, err)
				assert.Empty(t, closed)
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for range 3 {
		runners.Go(func() {
			for range 20 {
				_, run, err := inFolder(dir, tracer.Checkpoints(time.Millisecond))
				assert.NoError(t, err)
				_, err = run.End()
				assert.NoError(t, err)
			}
		})
	}
	runners.Wait()
	close(stop)
	recoverers.Wait()
	recs := readRecords(t, dir)
	assert.Len(t, recs, 60)
	for _, rec := range recs {
		assert.Equal(t, lifecycle.Complete, rec.Run.Status)
	}
	assert.Len(t, filesIn(t, dir), 60, "no lock is left")
}

func TestTwoMayRecoverAFolderAtOnce(t *testing.T) {
	const runs, recoverers = 30, 4
	dir := t.TempDir()
	id, content := checkpoint(t)
	var want []string
	for range runs {
		fresh := uuid.Must(uuid.NewV7()).String()
		want = append(want, put(t, dir, fresh+".json", []byte(strings.ReplaceAll(string(content), id, fresh))))
		put(t, dir, lockOf(fresh), nil)
		put(t, dir, "."+fresh+".json.abc", []byte("half"))
	}
	got := make([][]string, recoverers)
	var wg sync.WaitGroup
	for i := range recoverers {
		wg.Go(func() {
			var err error
			got[i], err = tracer.Recover(dir)
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	var all []string
	for _, closed := range got {
		all = append(all, closed...)
	}
	assert.ElementsMatch(t, want, all, "each record is closed, by one of them")
	for _, rec := range readRecords(t, dir) {
		assert.Equal(t, lifecycle.Interrupted, rec.Run.Status)
	}
	assert.Len(t, filesIn(t, dir), runs)
}

func TestWhatIsNoRecordIsToldAndLeftAsItIs(t *testing.T) {
	id, content := checkpoint(t)
	text := string(content)
	other := uuid.Must(uuid.NewV7()).String()
	for name, bad := range map[string]struct{ content, want string }{
		"truncated":              {text[:len(text)*2/3], "truncated"},
		"truncated early":        {text[:40], "truncated"},
		"empty":                  {"", "empty"},
		"garbage":                {strings.Repeat("\x00\x01garbage", 1000), ""},
		"another program's":      {`{"name": "digits", "status": "running"}`, "schema"},
		"a list":                 {`["schema", "status", "running"]`, ""},
		"of a later version":     {strings.Replace(text, `"schema_revision": 0`, `"schema_revision": 7`, 1), "later version"},
		"of another run":         {strings.ReplaceAll(text, id, other), "the record of run " + other},
		"with a misspelt member": {strings.Replace(text, `"duration_s"`, `"duration"`, 1), "duration"},
		"nested deep":            {strings.Repeat("[", 100_000), ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			good := uuid.Must(uuid.NewV7()).String()
			put(t, dir, good+".json", []byte(strings.ReplaceAll(text, id, good)))
			path := put(t, dir, id+".json", []byte(bad.content))
			put(t, dir, lockOf(id), nil)
			closed, err := tracer.Recover(dir)
			require.ErrorContains(t, err, path, "it says which")
			assert.ErrorContains(t, err, bad.want)
			assert.Equal(t, []string{filepath.Join(dir, good+".json")}, closed, "the others are closed all the same")
			is, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.Equal(t, bad.content, string(is))

			_, run, err := inFolder(dir)
			require.NoError(t, err, "a run that begins there is not troubled")
			_, err = run.End()
			require.NoError(t, err)
		})
	}
	t.Run("huge", func(t *testing.T) {
		dir := t.TempDir()
		path := put(t, dir, id+".json", content)
		require.NoError(t, os.Truncate(path, 10<<30)) // takes no room
		closed, err := tracer.Recover(dir)
		require.ErrorIs(t, err, lifecycle.ErrTooLarge)
		assert.ErrorContains(t, err, path)
		assert.Empty(t, closed)
	})
}

func TestRecoverGoesByNames(t *testing.T) {
	dir := t.TempDir()
	id, content := checkpoint(t)
	dead, alive := uuid.Must(uuid.NewV7()).String(), uuid.Must(uuid.NewV7()).String()
	put(t, dir, lockOf(dead), nil) // killed before its first checkpoint
	put(t, dir, "."+dead+".json.1x2y", []byte("half"))
	put(t, dir, "."+dead+".lock.1x2y", nil)
	old := put(t, dir, "."+alive+".json.old", []byte("half")) // of a sink without a run
	require.NoError(t, os.Chtimes(old, time.Time{}, time.Now().Add(-time.Hour)))
	keep := []string{
		"." + alive + ".json.new", // perhaps still being written
		".gitignore", ".json", ".notes.json.abc", "." + alive + ".json", "." + alive + ".json.", "." + alive + ".txt.abc", "README.md",
	}
	for _, name := range keep {
		put(t, dir, name, []byte("mine"))
	}
	require.NoError(t, os.Mkdir(filepath.Join(dir, id+".json"), 0o700))
	require.NoError(t, os.Mkdir(filepath.Join(dir, lockOf(id)), 0o700))
	elsewhere := put(t, t.TempDir(), "record.json", content)
	link := uuid.Must(uuid.NewV7()).String() + ".json"
	require.NoError(t, os.Symlink(elsewhere, filepath.Join(dir, link)))

	closed, err := tracer.Recover(dir)
	require.NoError(t, err)
	assert.Empty(t, closed)
	assert.ElementsMatch(t, append(keep, id+".json", lockOf(id), link), filesIn(t, dir))
	is, err := os.ReadFile(elsewhere)
	require.NoError(t, err)
	assert.Equal(t, content, is, "what a link leads to is left")
}

// Trap 46: what a crashed program left is closed by the next.
func TestARunThatBeginsClosesThoseThatWereKilled(t *testing.T) {
	dir := t.TempDir()
	id, content := checkpoint(t)
	path := put(t, dir, id+".json", content)
	put(t, dir, lockOf(id), nil)
	put(t, dir, "."+id+".json.abc", []byte("half"))
	_, run, err := inFolder(dir)
	require.NoError(t, err)
	assert.Equal(t, lifecycle.Interrupted, readRecord(t, path).Run.Status)
	_, err = run.End()
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{id + ".json", run.ID() + ".json"}, filesIn(t, dir))
}

func TestRecoverOfManyRunsTellsThatThereAreMore(t *testing.T) {
	dir := t.TempDir()
	for range 1200 {
		put(t, dir, lockOf(uuid.Must(uuid.NewV7()).String()), nil)
	}
	_, err := tracer.Recover(dir)
	require.ErrorContains(t, err, "call again")
	assert.Len(t, filesIn(t, dir), 200)
	_, err = tracer.Recover(dir)
	require.NoError(t, err)
	assert.Empty(t, filesIn(t, dir))
}

func TestRecoverOfNoFolderIsAnError(t *testing.T) {
	_, err := tracer.Recover(filepath.Join(t.TempDir(), "none"))
	assert.ErrorIs(t, err, os.ErrNotExist)
}

func ExampleRecover() {
	dir, err := os.MkdirTemp("", "records")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	closed, err := tracer.Recover(dir)
	fmt.Println(len(closed), "runs had been killed;", err)
	// Output: 0 runs had been killed; <nil>
}
