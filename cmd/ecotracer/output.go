package main

import (
	"encoding/json"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/term"

	"github.com/ecotracer/ecotracer/internal/inwords"
)

// json prints v for programs.
func (c *cli) json(v any) int {
	enc := json.NewEncoder(c.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return exitFound // run tells why
	}
	return exitOK
}

// results is where results go. It remembers the first write that failed.
type results struct {
	io.Writer
	err error
}

func (r *results) Write(b []byte) (int, error) {
	n, err := r.Writer.Write(b)
	if r.err == nil {
		r.err = err
	}
	return n, err
}

// The widths that text is laid out for.
const (
	minWidth     = 20
	defaultWidth = 80
	maxWidth     = 100
	tableWidth   = 80 // tables run over the edge of a narrower terminal
)

// style is how text for people is written.
type style struct {
	width  int
	colour bool
}

// styleOf is the style for a stream: what is no terminal gets no colour.
func styleOf(w io.Writer) style {
	s := style{width: defaultWidth}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		s.width = n
	}
	if f := terminal(w); f != nil {
		s.colour = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 0 {
			s.width = n
		}
	}
	s.width = min(max(s.width, minWidth), maxWidth)
	return s
}

// terminal is the terminal that w writes to, or nil.
func terminal(w io.Writer) *os.File {
	if r, ok := w.(*results); ok {
		w = r.Writer
	}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return f
	}
	return nil
}

// tell writes one line of text. A terminal gets it broken at words; anything
// else gets it whole, so that a program can read it by lines.
func tell(w io.Writer, text string) {
	lines := []string{inwords.Visible(text)}
	if terminal(w) != nil {
		lines = fold(lines[0], styleOf(w).width, "  ")
	}
	_, _ = io.WriteString(w, strings.Join(lines, "\n")+"\n") // results remembers a failure
}

func (s style) bold(text string) string   { return s.paint("1", text) }
func (s style) dim(text string) string    { return s.paint("2", text) }
func (s style) red(text string) string    { return s.paint("31", text) }
func (s style) green(text string) string  { return s.paint("32", text) }
func (s style) yellow(text string) string { return s.paint("33", text) }

func (s style) paint(code, text string) string {
	if !s.colour || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
