package main

import (
	"embed"
	"fmt"
)

//go:embed help/*.txt
var helpTexts embed.FS

// helpText is the help for a command, "" for the whole program.
func helpText(command string) string {
	if command == "" {
		command = "ecotracer"
	}
	text, err := helpTexts.ReadFile("help/" + command + ".txt")
	if err != nil {
		return ""
	}
	return string(text)
}

// help prints the help for the program or for one command.
func (c *cli) help(args []string) int {
	name := ""
	if len(args) > 0 {
		name = args[0]
	}
	text := helpText(name)
	if text == "" {
		return c.usage("help", "unknown command %q; `ecotracer help` lists the commands", name)
	}
	fmt.Fprint(c.out, text)
	return exitOK
}
