package proof

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// folder makes a folder of files, by path and content.
func folder(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
	}
	return dir
}

func TestAFolderIsTheFilesBelowIt(t *testing.T) {
	dir := folder(t, map[string]string{
		"b.bin": "b", "a/c.bin": "c", "a/b/d.bin": "", "ünï\n code": "x", "record.dsse": "it is made now",
		".git/HEAD": "changes", "sub/.git": "of a submodule", ".gitattributes": "is a part",
	})
	got, err := Subjects([]string{dir}, filepath.Join(dir, "record.dsse"), filepath.Join(dir, "none"))
	require.NoError(t, err)
	want := []Subject{file(".gitattributes", "is a part"), file("a/b/d.bin", ""), file("a/c.bin", "c"), file("b.bin", "b"), file("ünï\n code", "x")}
	assert.Equal(t, want, got)

	moved := filepath.Join(t.TempDir(), "elsewhere")
	require.NoError(t, os.Rename(dir, moved))
	again, err := Subjects([]string{moved + string(filepath.Separator)}, filepath.Join(moved, "record.dsse"))
	require.NoError(t, err)
	assert.Equal(t, want, again, "the folder's own name is no part of it")
}

// An envelope may hold members that nobody signed, so that whoever could have it
// stand for a file of the model as well would have a say in what that holds.
func TestAFileIsLeftOutAtItsOwnPlaceAlone(t *testing.T) {
	dir := folder(t, map[string]string{"run.dsse": "e", "w.bin": "w", "sub/y": "y"})
	envelope := filepath.Join(dir, "run.dsse")
	require.NoError(t, os.Link(envelope, filepath.Join(dir, "hard.json")))
	require.NoError(t, os.Link(envelope, filepath.Join(dir, "sub", "run.dsse")))
	want := []Subject{file("hard.json", "e"), file("sub/run.dsse", "e"), file("sub/y", "y"), file("w.bin", "w")}
	if runtime.GOOS != "windows" { // where links need a privilege
		require.NoError(t, os.Symlink("run.dsse", filepath.Join(dir, "soft.json")))
		want = slices.Insert(want, 1, file("soft.json", "e"))
		slices.SortFunc(want, byName)
	}
	got, err := Subjects([]string{dir}, envelope)
	require.NoError(t, err)
	assert.Equal(t, want, got)
	got, err = Subjects([]string{envelope, filepath.Join(dir, "hard.json")}, envelope)
	require.NoError(t, err)
	assert.Equal(t, []Subject{file("hard.json", "e")}, got)

	t.Chdir(filepath.Join(dir, "sub"))
	got, err = Subjects([]string{dir}, filepath.Join("..", "run.dsse"))
	require.NoError(t, err)
	assert.Equal(t, want, got, "whichever way leads there")
	if runtime.GOOS == "windows" {
		return
	}
	other := filepath.Join(t.TempDir(), "other")
	require.NoError(t, os.Symlink(dir, other))
	got, err = Subjects([]string{other}, envelope)
	require.NoError(t, err)
	assert.Equal(t, want, got, "by links to the folder too")
}

func TestAFileIsCalledByItsOwnName(t *testing.T) {
	dir := folder(t, map[string]string{"data/train.csv": "1", "data/deep/test.csv": "2", "model/w.bin": "3"})
	got, err := Subjects([]string{filepath.Join(dir, "model"), filepath.Join(dir, "data", "train.csv"), filepath.Join(dir, "data", "deep", "test.csv")})
	require.NoError(t, err)
	assert.Equal(t, []Subject{file("test.csv", "2"), file("train.csv", "1"), file("w.bin", "3")}, got)
}

func TestFilesThatCannotBeSignedAreToldByName(t *testing.T) {
	dir := folder(t, map[string]string{"a/x": "1", "b/x": "2"})
	empty := t.TempDir()
	for name, test := range map[string]struct {
		paths []string
		says  string
	}{
		"two of one name": {[]string{filepath.Join(dir, "a", "x"), filepath.Join(dir, "b")}, "would both be called x: give the folder that both are in"},
		"one twice":       {[]string{filepath.Join(dir, "a"), filepath.Join(dir, "a")}, "would both be called x"},
		"none":            {[]string{filepath.Join(dir, "c")}, "no such file"},
		"an empty folder": {[]string{empty}, empty + ": there is no file in this folder"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Subjects(test.paths)
			assert.ErrorContains(t, err, test.says)
		})
	}
}

func TestNoLinkLeadsOutOfAFolder(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need a privilege there")
	}
	outside := filepath.Join(folder(t, map[string]string{"secret": "s"}), "secret")
	for name, test := range map[string]struct{ link, to, says string }{
		"to a file in it":       {"sub/link", "../x", ""},
		"to one outside":        {"link", outside, "link: path escapes from parent: a link must lead to a file in the folder"},
		"to one outside, by ..": {"link", "../../etc/passwd", "path escapes from parent"},
		"to itself":             {"link", "link", "a link must lead to a file in the folder"},
		"to nothing":            {"link", "none", "a link must lead to a file in the folder"},
		"to a folder":           {"link", "sub", "it is no file, nor a link to one in the folder"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, map[string]string{"x": "1", "sub/y": "2"})
			require.NoError(t, os.Symlink(test.to, filepath.Join(dir, test.link)))
			got, err := Subjects([]string{dir})
			if test.says != "" {
				require.ErrorContains(t, err, test.says)
				assert.Contains(t, err.Error(), dir)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, []Subject{file("sub/link", "1"), file("sub/y", "2"), file("x", "1")}, got)
		})
	}
}
