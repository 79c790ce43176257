package lifecycle

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// tree is a document as JSON knows it, to be changed in ways that the Go types
// do not allow.
func tree(t testing.TB, doc []byte) map[string]any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	var root map[string]any
	require.NoError(t, d.Decode(&root))
	return root
}

func untree(t testing.TB, root any) []byte {
	t.Helper()
	b, err := json.Marshal(root)
	require.NoError(t, err)
	return b
}

// at follows a JSON Pointer in a tree.
func at(t testing.TB, root any, pointer string) any {
	t.Helper()
	for _, part := range splitPointer(pointer) {
		switch v := root.(type) {
		case map[string]any:
			require.Contains(t, v, part, pointer)
			root = v[part]
		case []any:
			i, err := strconv.Atoi(part)
			require.NoError(t, err, pointer)
			require.Less(t, i, len(v), pointer)
			root = v[i]
		default:
			require.Fail(t, "no such place", pointer)
		}
	}
	return root
}

// put changes the value at a JSON Pointer, or adds it; drop takes it away.
func put(t testing.TB, root any, pointer string, value any) {
	t.Helper()
	cut := strings.LastIndexByte(pointer, '/')
	name := splitPointer(pointer[cut:])[0]
	switch parent := at(t, root, pointer[:cut]).(type) {
	case map[string]any:
		parent[name] = value
	case []any:
		i, err := strconv.Atoi(name)
		require.NoError(t, err)
		parent[i] = value
	}
}

func drop(t testing.TB, root any, pointer string) {
	t.Helper()
	cut := strings.LastIndexByte(pointer, '/')
	delete(at(t, root, pointer[:cut]).(map[string]any), splitPointer(pointer[cut:])[0])
}

// visit calls f for every value of a tree but the root, parents first.
func visit(root any, pointer string, f func(pointer string, value any)) {
	each := func(part string, v any) {
		p := pointer + "/" + escapePointer(part)
		f(p, v)
		visit(v, p, f)
	}
	switch v := root.(type) {
	case map[string]any:
		for name, member := range v {
			each(name, member)
		}
	case []any:
		for i, item := range v {
			each(strconv.Itoa(i), item)
		}
	}
}
