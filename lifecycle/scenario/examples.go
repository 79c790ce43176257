package scenario

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed examples/*.yaml
var shipped embed.FS

// Examples are the names of the scenarios that are part of the package.
func Examples() (names []string) {
	files, _ := shipped.ReadDir("examples") // it is there: it is part of the program
	for _, f := range files {
		names = append(names, strings.TrimSuffix(f.Name(), ".yaml"))
	}
	return names
}

// Example is one of them, as YAML with its sources.
func Example(name string) ([]byte, error) {
	text, err := shipped.ReadFile("examples/" + name + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("%s", unknown("example", name, Examples()))
	}
	return text, nil
}
