package tracer_test

import (
	"bufio"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
)

// killed runs a program until it has said a number of lines, or with 0 until
// it is seen writing a checkpoint; kills it, and returns all that it has said.
func killed(t *testing.T, dir string, lines int) (said []string) {
	t.Helper()
	cmd := child(t, []string{"ECOTRACER_DIR=" + dir, "ECOTRACER_CHECKPOINTS=1ms"}, "begin", "busy")
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	kill := sync.OnceFunc(func() { assert.NoError(t, cmd.Process.Kill()) })
	var watcher sync.WaitGroup
	if lines == 0 {
		watcher.Go(func() {
			for len(written(t, dir)) == 0 {
			}
			kill()
		})
	}
	for in := bufio.NewScanner(out); in.Scan(); {
		said = append(said, in.Text())
		if len(said) == lines {
			kill()
		}
	}
	watcher.Wait()
	require.Error(t, cmd.Wait(), "it was killed")
	return said
}

// written lists the records in a folder that are being written.
func written(t *testing.T, dir string) (names []string) {
	for _, name := range filesIn(t, dir) {
		if name[0] == '.' && strings.Contains(name, ".json.") {
			names = append(names, name)
		}
	}
	return names
}

// lastOf is the number of the last line of a kind.
func lastOf(t *testing.T, said []string, kind string) float64 {
	t.Helper()
	for i := len(said) - 1; i >= 0; i-- {
		if s, ok := strings.CutPrefix(said[i], kind+" "); ok {
			v, err := strconv.ParseFloat(s, 64)
			require.NoError(t, err)
			return v
		}
	}
	return 0
}

// Trap 46, trap 48: nothing of the tracer outlives the program, and a record is
// never half written.
func TestAProgramThatIsKilledAtAnyMomentLeavesItsLastCheckpoint(t *testing.T) {
	kills := 25
	if testing.Short() {
		kills = 3
	}
	dir := t.TempDir()
	half := 0
	for i := range kills {
		lines := 2 + rand.IntN(400)
		if i%2 == 0 {
			lines = 0
		}
		said := killed(t, dir, lines)
		id, ok := strings.CutPrefix(said[0], "id ")
		require.True(t, ok, said[0])
		path := filepath.Join(dir, id+".json")
		if len(written(t, dir)) > 0 {
			half++
		}
		closed, err := tracer.Recover(dir)
		require.NoError(t, err)
		seen := lastOf(t, said, "seen")
		if _, err := os.Stat(path); err != nil {
			require.Zero(t, seen, "before its first checkpoint it leaves nothing")
			require.Empty(t, closed)
			continue
		}
		require.Equal(t, []string{path}, closed)
		rec := readRecord(t, path)
		assert.Equal(t, lifecycle.Interrupted, rec.Run.Status)
		assert.GreaterOrEqual(t, rec.Run.DurationS, seen, "what it had seen in its record stands there")
		if rec.Run.DurationS > 0.1 {
			assert.Positive(t, span(t, rec, "step").Units["steps"].Count)
		}
	}
	for _, name := range filesIn(t, dir) {
		assert.True(t, strings.HasSuffix(name, ".json") && name[0] != '.', "nothing half-written stays: %s", name)
	}
	assert.Positive(t, half, "some were writing when they were killed")
	t.Logf("%d of %d were writing when they were killed", half, kills)
}

func TestAKilledProgramLosesAtMostOneCheckpoint(t *testing.T) {
	// How old exactly TestACheckpointIsAtMostOnePeriodOld tells, in simulated
	// time: here the machine may be busy with other things.
	dir := t.TempDir()
	cmd := child(t, []string{"ECOTRACER_DIR=" + dir, "ECOTRACER_CHECKPOINTS=500ms"}, "begin", "busy")
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	var at, seen, worst float64
	checkpoints := 0
	for in := bufio.NewScanner(out); in.Scan(); {
		kind, text, _ := strings.Cut(in.Text(), " ")
		v, err := strconv.ParseFloat(text, 64)
		switch {
		case kind == "seen":
			require.NoError(t, err)
			if v > seen {
				checkpoints++
			}
			seen = v
		case kind == "at":
			at = v
			worst = max(worst, at-seen)
		}
		if checkpoints == 3 {
			_ = cmd.Process.Kill()
		}
	}
	_ = cmd.Wait()
	t.Logf("a record was at most %.3f s behind", worst)
	recs := readRecords(t, dir)
	require.Len(t, recs, 1)
	assert.Equal(t, lifecycle.Running, recs[0].Run.Status)
	assert.Positive(t, seen)
	assert.GreaterOrEqual(t, recs[0].Run.DurationS, seen, "what it had seen in its record stands there")
}
