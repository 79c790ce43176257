package main

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed help/*.txt
var helpTexts embed.FS

// helpText is the help for a command, "" for the whole program. That of a command
// of two words is in a file whose name joins them by a dash.
func helpText(command string) string {
	if command == "" {
		command = "ecotracer"
	}
	text, err := helpTexts.ReadFile("help/" + strings.ReplaceAll(command, " ", "-") + ".txt")
	if err != nil {
		return ""
	}
	return string(text)
}

// help prints the help for the program or for one command.
func (c *cli) help(args []string) int {
	name := strings.Join(args[:min(len(args), 2)], " ")
	if !strings.HasPrefix(name, "dataset ") {
		name, _, _ = strings.Cut(name, " ")
	}
	text := helpText(name)
	if text == "" {
		return c.usage("help", "unknown command %q; `ecotracer help` lists the commands", name)
	}
	fmt.Fprint(c.out, text)
	return exitOK
}
