// Package hosttest gives tests the files of hosts that the test's own machine
// is not: small trees of sys and proc, one text file each.
package hosttest

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

//go:embed testdata/*.txt
var testdata embed.FS

// Names lists the hosts.
func Names() []string {
	entries, err := testdata.ReadDir("testdata")
	if err != nil {
		panic(err) // embedded
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".txt"))
	}
	return names
}

// Open unpacks a host below t.TempDir and returns its root. Files that are
// marked as denied cannot be opened, not even by root.
func Open(t testing.TB, name string) fs.FS {
	t.Helper()
	dir, denied := unpack(t, name)
	return &guarded{os.DirFS(dir), denied}
}

// Dir unpacks a host below t.TempDir and returns the folder. Files that are
// marked as denied have no permissions, which does not keep root out.
func Dir(t testing.TB, name string) string {
	t.Helper()
	dir, denied := unpack(t, name)
	for _, d := range denied {
		if err := os.Chmod(filepath.Join(dir, d), 0); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func unpack(t testing.TB, name string) (dir string, denied []string) {
	t.Helper()
	text, err := testdata.ReadFile("testdata/" + name + ".txt")
	if err != nil {
		t.Fatalf("no host %q: want one of %v", name, Names())
	}
	entries, err := parse(text)
	if err != nil {
		t.Fatalf("host %s: %v", name, err)
	}
	dir = t.TempDir()
	for _, e := range entries {
		full := filepath.Join(dir, filepath.FromSlash(e.name))
		err := os.MkdirAll(filepath.Dir(full), 0o755)
		switch {
		case err != nil:
		case e.link != "":
			err = os.Symlink(e.link, full)
		default:
			err = os.WriteFile(full, e.content, 0o644)
		}
		if err != nil {
			t.Fatalf("host %s: %v", name, err)
		}
		if e.denied {
			denied = append(denied, e.name)
		}
	}
	return dir, denied
}

// entry is one file of a host.
type entry struct {
	name    string
	link    string // target, if it is a symbolic link
	denied  bool
	content []byte
}

// parse reads a comment and then files, each after a line that names it:
//
//	-- sys/class/powercap/intel-rapl:0/name --
//	-- sys/class/powercap/intel-rapl:0/energy_uj denied --
//	-- sys/class/powercap/intel-rapl:0 -> ../../devices/intel-rapl:0 --
func parse(text []byte) ([]entry, error) {
	var entries []entry
	for line := range bytes.Lines(text) {
		head, ok := strings.CutPrefix(strings.TrimSuffix(string(line), "\n"), "-- ")
		head, ok2 := strings.CutSuffix(head, " --")
		if !ok || !ok2 {
			if len(entries) > 0 {
				last := &entries[len(entries)-1]
				last.content = append(last.content, line...)
			}
			continue
		}
		var e entry
		e.name, e.link, _ = strings.Cut(head, " -> ")
		e.name, e.denied = strings.CutSuffix(e.name, " denied")
		if !fs.ValidPath(e.name) {
			return nil, fmt.Errorf("%q is no path below a root", e.name)
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// guarded is a file system some of whose files may not be opened.
type guarded struct {
	fs.FS
	denied []string
}

func (g *guarded) Open(name string) (fs.File, error) {
	if slices.Contains(g.denied, name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return g.FS.Open(name)
}
