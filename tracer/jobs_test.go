package tracer_test

import (
	"io"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// Trap 48: no process of a job array overwrites what another wrote.
func TestTheProcessesOfAJobArrayShareAFolder(t *testing.T) {
	const jobs = 8
	dir := t.TempDir()
	env := []string{"ECOTRACER_DIR=" + dir, "ECOTRACER_NAME=array", "ECOTRACER_CHECKPOINTS=1ms"}
	var cmds []*exec.Cmd
	var ins []io.WriteCloser
	for range jobs {
		cmd := child(t, env, "begin", "start", "wait", "stop", "end")
		in, err := cmd.StdinPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		cmds, ins = append(cmds, cmd), append(ins, in)
	}
	for len(readRecords(t, dir)) < jobs { // all run at once
	}
	for _, rec := range readRecords(t, dir) {
		assert.Equal(t, lifecycle.Running, rec.Run.Status, "a run that begins closes none that runs")
	}
	for _, in := range ins {
		_, err := io.WriteString(in, "\n")
		require.NoError(t, err)
	}
	for _, cmd := range cmds {
		require.NoError(t, cmd.Wait())
	}
	recs := readRecords(t, dir)
	require.Len(t, recs, jobs)
	assert.Len(t, filesIn(t, dir), jobs)
	for _, rec := range recs {
		assert.Equal(t, lifecycle.Complete, rec.Run.Status)
		assert.EqualValues(t, 1, span(t, rec, "work").Count)
	}
}
