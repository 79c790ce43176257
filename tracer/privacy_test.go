package tracer_test

import (
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestARecordHoldsNothingPrivate(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "canary-records")
	secrets := []string{"canary", root, "not understood"}
	for _, get := range []func() (string, error){os.Hostname, os.UserHomeDir, os.Getwd} {
		if s, err := get(); err == nil {
			secrets = append(secrets, s)
		}
	}
	if u, err := user.Current(); err == nil {
		secrets = append(secrets, u.Username, u.HomeDir, u.Name)
	}
	cmd := child(t, []string{
		"ECOTRACER_DIR=" + dir, "HOME=/home/canary", "USER=canary", "LOGNAME=canary", "HOSTNAME=canary.example.org",
		"AWS_SECRET_ACCESS_KEY=canary", "CANARY=canary", "SLURM_JOB_ACCOUNT=canary", "PWD=/canary",
	}, "begin", "start", "stop", "canary", "end")
	cmd.Dir = filepath.Join(root, "canary-work")
	require.NoError(t, os.Mkdir(cmd.Dir, 0o700))
	require.NoError(t, cmd.Start())
	secrets = append(secrets, filepath.Base(cmd.Path), filepath.Dir(cmd.Path), `"`+strconv.Itoa(cmd.Process.Pid)+`"`)
	require.NoError(t, cmd.Wait())
	readRecords(t, dir)
	names := filesIn(t, dir)
	require.Len(t, names, 1)
	content, err := os.ReadFile(filepath.Join(dir, names[0]))
	require.NoError(t, err)
	text := strings.ToLower(string(content))
	for _, s := range secrets {
		// What is as short as "root" or "me" may be part of any word.
		if len(s) > 4 {
			assert.NotContains(t, text, strings.ToLower(s))
		}
	}
}
