package tracer_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// sources parses the files of a package but its tests.
func sources(t *testing.T, dir string) []*ast.File {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		files = append(files, f)
	}
	require.NotEmpty(t, files)
	return files
}

// text is what a literal of a string says.
func text(t *testing.T, e ast.Expr) (s string, ok bool) {
	t.Helper()
	l, ok := e.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(l.Value)
	require.NoError(t, err)
	return s, true
}

// warningCodes are the codes that the tracer's sources name: those that they
// warn of, those that they flag spans with, which are warned of by way of the
// flag, and the conditions of meters. Of a call whose code is none of these the
// test wants to know.
func warningCodes(t *testing.T) (codes []string) {
	t.Helper()
	for _, file := range sources(t, ".") {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			first := call.Args[0]
			switch fun := call.Fun.(type) {
			case *ast.SelectorExpr:
				if fun.Sel.Name != "warn" {
					return true
				}
				if code, ok := text(t, first); ok {
					codes = append(codes, code)
					return true
				}
				if conversion, ok := first.(*ast.CallExpr); ok { // string(condition)
					first = conversion.Args[0]
				}
				name, ok := first.(*ast.Ident)
				assert.True(t, ok && (name.Name == "c" || name.Name == "f"), "a warning whose code is neither a text, a condition c nor a flag f")
			case *ast.Ident:
				if field, ok := first.(*ast.SelectorExpr); !ok || fun.Name != "append" || field.Sel.Name != "Flags" {
					return true
				}
				for _, e := range call.Args[1:] {
					code, ok := text(t, e)
					assert.True(t, ok, "a flag that is no text")
					codes = append(codes, code)
				}
			}
			return true
		})
	}
	for _, file := range sources(t, "meter") {
		ast.Inspect(file, func(n ast.Node) bool {
			if v, ok := n.(*ast.ValueSpec); ok {
				if typ, ok := v.Type.(*ast.Ident); ok && typ.Name == "Condition" {
					for _, e := range v.Values {
						if code, ok := text(t, e); ok && code != "" { // OK is none
							codes = append(codes, code)
						}
					}
				}
			}
			return true
		})
	}
	return codes
}

func TestEveryWarningOfTheTracerIsInThePublishedTable(t *testing.T) {
	codes := warningCodes(t)
	for _, code := range []string{"suspended", "below-resolution", "paths-bounded", "counter-gap", "permission-denied"} {
		assert.Contains(t, codes, code, "one that the tracer is known to write")
	}
	for _, code := range codes {
		_, known := lifecycle.WarningMeaning(code)
		assert.True(t, known, "%s has no meaning in lifecycle.WarningMeaning", code)
	}
}
