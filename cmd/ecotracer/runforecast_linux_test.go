package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// The program may put anything in its record's place after the folder was listed.
func TestRunDoesNotWaitForAPipeInARecordsPlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "019df4e5-8ac1-7000-8000-000000000002.json")
	require.NoError(t, unix.Mkfifo(path, 0o600))
	for name, open := range map[string]bool{"nobody writes to": false, "somebody holds": true} {
		t.Run("that "+name, func(t *testing.T) {
			if open {
				w, err := os.OpenFile(path, os.O_RDWR, 0)
				require.NoError(t, err)
				defer w.Close()
			}
			told := make(chan bool)
			go func() { told <- new(outlook).foretold(path) != nil }()
			select {
			case foretold := <-told:
				assert.False(t, foretold)
			case <-time.After(10 * time.Second):
				assert.Fail(t, "it waits")
			}
		})
	}
}
