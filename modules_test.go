package ecotracer

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/tracer"
)

const modulePath = "github.com/ecotracer/ecotracer"

// requirement and modFile are the parts of `go mod edit -json` and
// `go work edit -json` that the rules are about.
type requirement struct {
	Path, Version string
	Indirect      bool
}

type replacement struct{ Old, New requirement }

type modFile struct {
	Module  requirement
	Require []requirement
	Replace []replacement
	Use     []struct{ DiskPath string }
}

func parse(t *testing.T, args ...string) modFile {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err, "go %s", strings.Join(args, " "))
	var f modFile
	require.NoError(t, json.Unmarshal(out, &f))
	return f
}

func workFile(t *testing.T) modFile {
	if _, err := os.Stat("go.work"); err != nil {
		t.Skip("no go.work: this is the module as it is published, not a clone")
	}
	return parse(t, "work", "edit", "-json")
}

func TestRootModuleRequiresExactlyThreeModules(t *testing.T) {
	var direct []string
	for _, r := range parse(t, "mod", "edit", "-json", "go.mod").Require {
		if !r.Indirect {
			direct = append(direct, r.Path)
		}
	}
	assert.ElementsMatch(t, []string{
		"github.com/google/uuid", "github.com/stretchr/testify", "golang.org/x/exp",
	}, direct, "what the library costs its users was promised; heavier things go into a module of their own")
}

func TestNoModuleReplacesAnother(t *testing.T) {
	for _, u := range workFile(t).Use {
		path := filepath.Join(u.DiskPath, "go.mod")
		assert.Empty(t, parse(t, "mod", "edit", "-json", path).Replace,
			"%s: a replace makes `go install …@latest` refuse; go.work has it", path)
	}
}

func TestWorkspaceAndModulesAgree(t *testing.T) {
	work := workFile(t)
	version := map[string]string{} // of each of our modules, as go.work has it
	dir := map[string]string{}
	for _, r := range work.Replace {
		version[r.Old.Path], dir[r.Old.Path] = r.Old.Version, filepath.Clean(r.New.Path)
	}
	used := map[string]bool{}
	for _, u := range work.Use {
		f := parse(t, "mod", "edit", "-json", filepath.Join(u.DiskPath, "go.mod"))
		used[f.Module.Path] = true
		assert.Equal(t, filepath.Clean(u.DiskPath), dir[f.Module.Path], "go.work: %s needs a replace by its folder", f.Module.Path)
		assert.Equal(t, strings.TrimPrefix(strings.TrimPrefix(f.Module.Path, modulePath), "/"),
			strings.TrimPrefix(filepath.ToSlash(filepath.Clean(u.DiskPath)), "."), "a module is named after its folder")
		for _, r := range f.Require {
			if strings.HasPrefix(r.Path, modulePath) {
				assert.Equal(t, version[r.Path], r.Version, "%s requires %s: go.work replaces another version", f.Module.Path, r.Path)
			}
		}
	}
	assert.Equal(t, version[modulePath], "v"+tracer.Version, "records name the version that is tagged next")
	for path := range version {
		assert.True(t, used[path], "go.work replaces %s and does not use it", path)
	}
	var folders []string
	for path := range dir {
		folders = append(folders, dir[path])
	}
	require.NoError(t, filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Name() == "go.mod" && !strings.HasPrefix(path, "internal") {
			assert.True(t, slices.Contains(folders, filepath.Dir(path)), "%s is a module that go.work does not know", path)
		}
		return err
	}))
}
