package host_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/host"
)

// watched notes what is opened.
type watched struct {
	fs.FS
	opened map[string]bool
}

func (w watched) Open(name string) (fs.File, error) {
	w.opened[name] = true
	return w.FS.Open(name)
}

func TestFileSaysWhatIsThereNow(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "sys/class/powercap"), 0o755))
	long := strings.Repeat("7", 1000)
	for name, test := range map[string]struct {
		root fs.FS
		file string
	}{
		"kept open":               {os.DirFS(dir), "counter"},
		"opened each time":        {onlyRead{os.DirFS(dir)}, "counter"},
		"an attribute, kept open": {os.DirFS(dir), "sys/class/powercap/energy_uj"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, test.file)
			require.NoError(t, os.WriteFile(path, []byte("1\n"), 0o644))
			f, err := host.OpenFile(test.root, test.file, 8)
			require.NoError(t, err)
			for _, text := range []string{"12\n", "3\n", long, "", "45678901", "9"} {
				require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
				b, err := f.Read()
				require.NoError(t, err)
				assert.Equal(t, text, string(b))
			}
			require.NoError(t, f.Close())
			require.NoError(t, f.Close(), "closing twice does no harm")
			_, err = f.Read()
			require.ErrorIs(t, err, fs.ErrClosed)
		})
	}
}

// onlyRead hides that files can be read at an offset.
type onlyRead struct{ fs.FS }

func (o onlyRead) Open(name string) (fs.File, error) {
	f, err := o.FS.Open(name)
	return struct{ fs.File }{f}, err
}

// What the kernel itself gives out in one read is what it gives out in two.
func TestAttributesOfThisMachineAreReadWhole(t *testing.T) {
	for _, name := range []string{"sys/devices/system/cpu/online", "sys/devices/system/cpu/possible", "sys/class/net/lo/mtu"} {
		want, err := os.ReadFile("/" + name)
		if err != nil {
			t.Log("this machine has no ", name)
			continue
		}
		for _, size := range []int{1, 64} {
			f, err := host.OpenFile(os.DirFS("/"), name, size)
			require.NoError(t, err)
			for range 2 {
				b, err := f.Read()
				require.NoError(t, err)
				assert.Equal(t, string(want), string(b), name)
			}
			require.NoError(t, f.Close())
		}
	}
}

func TestFileThatIsKeptOpenIsReadWithoutAllocation(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "counter"), []byte("123456\n"), 0o644))
	w := watched{os.DirFS(dir), map[string]bool{}}
	f, err := host.OpenFile(w, "counter", 16)
	require.NoError(t, err)
	defer f.Close()
	clear(w.opened)
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		if _, err := f.Read(); err != nil {
			t.Fatal(err)
		}
	}))
	assert.Empty(t, w.opened, "it is not opened again")
}

// flaky fails to be read while broken is set.
type flaky struct {
	fs.FS
	broken *error
	opened *int
}

type flakyFile struct {
	*os.File
	broken *error
}

func (f flaky) Open(name string) (fs.File, error) {
	*f.opened++
	file, err := f.FS.Open(name)
	if err != nil {
		return nil, err
	}
	return flakyFile{file.(*os.File), f.broken}, nil
}

func (f flakyFile) ReadAt(p []byte, off int64) (int, error) {
	if *f.broken != nil {
		return 0, *f.broken
	}
	return f.File.ReadAt(p, off)
}

func TestFileThatWasLostIsOpenedAgain(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "counter"), []byte("1"), 0o644))
	var broken error
	var opened int
	f, err := host.OpenFile(flaky{os.DirFS(dir), &broken, &opened}, "counter", 16)
	require.NoError(t, err)
	defer f.Close()
	broken = errors.New("input/output error")
	for range 3 {
		_, err = f.Read()
		require.ErrorIs(t, err, broken)
	}
	broken = nil
	b, err := f.Read()
	require.NoError(t, err)
	assert.Equal(t, "1", string(b))
	assert.Equal(t, 4, opened, "once at first, once for each reading after a failure")
}

func TestFileThatNeverEndsIsRefused(t *testing.T) {
	_, err := host.OpenFile(fstest.MapFS{"big": {Data: make([]byte, 4<<20)}}, "big", 64)
	require.ErrorContains(t, err, "longer than")
}

func TestParseUint(t *testing.T) {
	for text, want := range map[string]uint64{"0": 0, "7\n": 7, " 262143328850 \n": 262143328850, "18446744073709551615": 1<<64 - 1, "007": 7} {
		n, ok := host.ParseUint([]byte(text))
		assert.True(t, ok, "%q", text)
		assert.Equal(t, want, n, "%q", text)
	}
	for _, text := range []string{"", " ", "-1", "+1", "1.5", "1e6", "0x10", "1 2", "18446744073709551616", "99999999999999999999", "<nil>"} {
		_, ok := host.ParseUint([]byte(text))
		assert.False(t, ok, "%q is no number of microjoules", text)
	}
}

func FuzzParseUint(f *testing.F) {
	f.Add([]byte("262143328850\n"))
	f.Add([]byte("18446744073709551616"))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, ok := host.ParseUint(text)
		trimmed := strings.Trim(string(text), " \t\n")
		want, err := strconv.ParseUint(trimmed, 10, 64)
		if strings.HasPrefix(trimmed, "+") {
			err = strconv.ErrSyntax
		}
		assert.Equal(t, err == nil, ok, "%q", text)
		if ok {
			assert.Equal(t, want, got, "%q", text)
		}
	})
}
