package main

import (
	"bufio"
	"debug/elf"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// cannotRun tells why a program cannot be started, and what to do.
func (c *cli) cannotRun(path, name string, err error) int {
	var pathErr *fs.PathError
	var execErr *exec.Error
	switch {
	case errors.As(err, &pathErr):
		err = pathErr.Err
	case errors.As(err, &execErr):
		err = execErr.Err
	}
	code, why := exitCannotRun, err.Error()
	switch {
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		code = exitNotFound
		interpreter := interpreterOf(path)
		switch {
		case interpreter != "":
			why = "its interpreter " + interpreter + " is missing"
			if strings.HasSuffix(interpreter, "\r") {
				why += "; its lines end as on Windows: write it with plain newlines"
			}
		case filepath.Base(name) == name:
			why += "; check the name, or give the path: ./" + name
		default:
			why += "; check the path"
		}
	case errors.Is(err, fs.ErrPermission):
		why += "; is it a program, and executable (chmod +x)?"
	case strings.Contains(why, "exec format"):
		why += "; a script needs a first line such as #!/bin/sh, or its interpreter in front"
	}
	c.complain("run", "cannot run %s: %s", name, why)
	return code
}

// interpreterOf is the program without which that at path cannot start and
// which is not there: the interpreter of a script, the loader of a binary.
func interpreterOf(path string) string {
	name := scriptInterpreter(path)
	if name == "" {
		name = loader(path)
	}
	if _, err := os.Stat(name); name == "" || err == nil {
		return ""
	}
	return name
}

// scriptInterpreter is what the first line of a script names.
func scriptInterpreter(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	line, _ := bufio.NewReader(io.LimitReader(f, 256)).ReadString('\n') // Linux looks no further
	line, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "#!")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(strings.TrimLeft(line, " \t"), " ")
	name, _, _ = strings.Cut(name, "\t")
	return name
}

// loader is what a dynamic ELF binary is loaded by.
func loader(path string) string {
	f, err := elf.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP && p.Filesz < 4096 {
			name, _ := io.ReadAll(p.Open())
			return strings.TrimRight(string(name), "\x00")
		}
	}
	return ""
}
