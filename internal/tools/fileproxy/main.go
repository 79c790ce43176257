// Command fileproxy makes a module proxy of files out of a checkout, as if its
// modules had been tagged at the versions that go.work gives them:
//
//	fileproxy CHECKOUT FOLDER
//
// With GOPROXY=file://FOLDER the command can then be installed as its users
// will install it.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: fileproxy CHECKOUT FOLDER")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "fileproxy:", err)
		os.Exit(1)
	}
}

func run(checkout, folder string) error {
	cmd := exec.Command("go", "work", "edit", "-json", filepath.Join(checkout, "go.work"))
	out, err := cmd.Output()
	if err != nil {
		return err
	}
	var work struct {
		Replace []struct {
			Old module.Version
			New struct{ Path string }
		}
	}
	if err := json.Unmarshal(out, &work); err != nil {
		return err
	}
	for _, r := range work.Replace {
		if err := publish(r.Old, filepath.Join(checkout, r.New.Path), folder); err != nil {
			return fmt.Errorf("%s: %w", r.Old, err)
		}
	}
	return nil
}

// publish writes the four files that a proxy serves of one version.
func publish(m module.Version, dir, folder string) error {
	path, err := module.EscapePath(m.Path)
	if err != nil {
		return err
	}
	at := filepath.Join(folder, filepath.FromSlash(path), "@v")
	if err := os.MkdirAll(at, 0o755); err != nil {
		return err
	}
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return err
	}
	info := fmt.Sprintf(`{"Version":%q,"Time":"2026-01-01T00:00:00Z"}`, m.Version)
	for name, content := range map[string][]byte{
		"list": []byte(m.Version + "\n"), m.Version + ".info": []byte(info), m.Version + ".mod": mod,
	} {
		if err := os.WriteFile(filepath.Join(at, name), content, 0o644); err != nil {
			return err
		}
	}
	f, err := os.Create(filepath.Join(at, m.Version+".zip"))
	if err != nil {
		return err
	}
	if err := zip.CreateFromDir(f, m, dir); err != nil {
		return err
	}
	return f.Close()
}
