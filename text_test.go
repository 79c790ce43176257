package ecotracer

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// eachGoFile parses the Go files of the repository.
func eachGoFile(t *testing.T, f func(path string, file *ast.File)) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && path != ".") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, ".go") {
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.PackageClauseOnly)
			if err != nil {
				return err
			}
			f(path, file)
		}
		return nil
	}))
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	said := map[string][]string{}
	eachGoFile(t, func(path string, file *ast.File) {
		dir := filepath.Dir(path)
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		said[dir] = append(said[dir], "")
		if file.Doc != nil {
			text := file.Doc.Text()
			said[dir] = append(said[dir], text)
			if file.Name.Name == "main" {
				assert.NotEmpty(t, text, path)
			} else {
				assert.True(t, strings.HasPrefix(text, "Package "+file.Name.Name+" "), "%s: the comment begins %q", path, strings.SplitN(text, "\n", 2)[0])
			}
		}
	})
	for dir, texts := range said {
		n := 0
		for _, text := range texts {
			if text != "" {
				n++
			}
		}
		assert.Equal(t, 1, n, "package comments in %s", dir)
	}
}

var goBlock = regexp.MustCompile("(?s)```go\n(.*?)```")

// TestReadmeProgramsCompile compiles each Go block of the READMEs that is a
// whole program.
func TestReadmeProgramsCompile(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	programs := 0
	for _, m := range goBlock.FindAllStringSubmatch(string(readme), -1) {
		if !strings.Contains(m[1], "package main") {
			continue
		}
		programs++
		dir := t.TempDir()
		file := filepath.Join(dir, "main.go")
		require.NoError(t, os.WriteFile(file, []byte(m[1]), 0o600))
		out, err := exec.Command("go", "vet", file).CombinedOutput()
		assert.NoError(t, err, "%s\n%s", out, m[1])
	}
	assert.NotZero(t, programs, "the README shows a program")
}

// TestReadmeNamesWhatIsThere: a file or folder that the README links to
// exists.
func TestReadmeNamesWhatIsThere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#]+)(#[^)]*)?\)`)
	for _, doc := range []string{"README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"} {
		text, err := os.ReadFile(doc)
		require.NoError(t, err)
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			_, err := os.Stat(m[1])
			assert.NoError(t, err, "%s links to it", doc)
		}
	}
}
