package ecotracer

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// mayPanic are the calls of panic that no program and no input can reach.
var mayPanic = map[string]string{
	"tracer/meter/register.go": "two packages register one name: told while the program starts, as database/sql does",
	"lifecycle/layout.go":      "the grammar and the Go types disagree, which the package's tests exclude",
}

// ends is what ends a program, or the goroutine that runs it.
var ends = map[string][]string{
	"os":      {"Exit"},
	"syscall": {"Exit", "Kill"},
	"runtime": {"Goexit"},
	"log":     {"Fatal", "Fatalf", "Fatalln", "Panic", "Panicf", "Panicln"},
}

// launches are packages that run what they are given.
var launches = []string{"os/exec", "plugin", "text/template", "html/template", "go/build", "net/rpc"}

// mayEvaluate are the files that import one of them all the same.
var mayEvaluate = map[string]string{
	"lifecycle/export/report/assets.go": "html/template: the layout is a part of the program, and escapes what it is filled with; no record is ever a template",
}

// libraryFiles calls f with each file of a package that a program imports.
// Commands and what only tests use are none.
func libraryFiles(t *testing.T, f func(path string, set *token.FileSet, file *ast.File)) {
	t.Helper()
	others := []string{"testdata", "tracertest", "hosttest", "recordtest", "nvmltest", "tools", "benchmarks", "examples"}
	files := 0
	require.NoError(t, filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); slices.Contains(others, name) || len(name) > 1 && name[0] == '.' {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil || file.Name.Name == "main" {
			return err
		}
		files++
		f(filepath.ToSlash(path), set, file)
		return nil
	}))
	assert.Greater(t, files, 100)
}

// Trap 45: the host program is not ours to end.
func TestNoPackageEndsTheProgram(t *testing.T) {
	found := map[string]bool{}
	libraryFiles(t, func(path string, set *token.FileSet, file *ast.File) {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			switch f := call.Fun.(type) {
			case *ast.Ident:
				if _, known := mayPanic[path]; f.Name == "panic" {
					found[path] = true
					assert.True(t, known, "%s: a panic in a library ends the program: return an error", set.Position(n.Pos()))
				}
			case *ast.SelectorExpr:
				if pkg, ok := f.X.(*ast.Ident); ok {
					assert.NotContains(t, ends[pkg.Name], f.Sel.Name, "%s: %s.%s ends the host program", set.Position(n.Pos()), pkg.Name, f.Sel.Name)
				}
			}
			return true
		})
	})
	for path := range mayPanic {
		assert.True(t, found[path], "%s no longer panics, but is listed", path)
	}
}

// Trap 46, trap 49: who starts no process leaves none behind, and who evaluates
// nothing does not do what an answer from the network says.
func TestNoPackageRunsWhatItIsGiven(t *testing.T) {
	found := map[string]bool{}
	libraryFiles(t, func(path string, _ *token.FileSet, file *ast.File) {
		for _, i := range file.Imports {
			_, known := mayEvaluate[path]
			if launches := slices.Contains(launches, strings.Trim(i.Path.Value, `"`)); launches {
				found[path] = true
				assert.True(t, known, "%s imports %s", path, i.Path.Value)
			}
		}
	})
	for path := range mayEvaluate {
		assert.True(t, found[path], "%s no longer does, but is listed", path)
	}
}

// slow is what takes long enough that every program which imports a package
// would wait for it.
var slow = []string{"regexp.MustCompile", "template.Must", "json.Unmarshal", "sha256.Sum256"}

// What a package needs is made when it is first used (sync.OnceValue), not when
// a program starts that may never use it.
func TestNoPackageMakesTheProgramStartSlower(t *testing.T) {
	libraryFiles(t, func(path string, set *token.FileSet, file *ast.File) {
		for _, d := range file.Decls {
			vars, ok := d.(*ast.GenDecl)
			if !ok || vars.Tok != token.VAR {
				continue
			}
			ast.Inspect(vars, func(n ast.Node) bool {
				if _, later := n.(*ast.FuncLit); later {
					return false
				}
				if f, ok := n.(*ast.SelectorExpr); ok {
					if pkg, ok := f.X.(*ast.Ident); ok {
						assert.NotContains(t, slow, pkg.Name+"."+f.Sel.Name, "%s: it runs in every program that imports the package", set.Position(n.Pos()))
					}
				}
				return true
			})
		}
	})
}
