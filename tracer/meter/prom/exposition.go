package prom

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"
)

// Bounds on what one line may hold. Lines of families that are not asked for
// (a process's whole command line is a label of some) may be longer.
const (
	maxLine   = 64 << 10
	maxLabels = 64
)

// labels are those of one series, in the order of the exposition.
type labels []label

type label struct{ name, value string }

// get is the value of a label, "" if there is none.
func (ls labels) get(name string) string {
	for _, l := range ls {
		if l.name == name {
			return l.value
		}
	}
	return ""
}

// first is the value of the first of these labels that there is.
func (ls labels) first(names ...string) string {
	for _, n := range names {
		if v := ls.get(n); v != "" {
			return v
		}
	}
	return ""
}

// point is one line of an exposition.
type point struct {
	labels labels
	value  float64
	text   string    // the value as it stands there
	at     time.Time // zero: the line says no time
}

// syntaxError is what is wrong with a line. It does not quote the line.
type syntaxError struct {
	line int
	why  string
}

func (e *syntaxError) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.why) }

// errTruncated is that an exposition ends before its end.
var errTruncated = errors.New("it ends in the middle")

// scan reads an exposition in the Prometheus text format (version 0.0.4) or in
// OpenMetrics text and gives take each point of the families that are wanted.
// A name with _total, as OpenMetrics wants for counters, is also that of its
// family without. It goes line by line, keeps nothing and looks no further
// into the lines of other families than their names: of the megabytes that an
// agent tells of pods and processes only a few lines are ours.
//
// https://prometheus.io/docs/instrumenting/exposition_formats/
// https://prometheus.io/docs/specs/om/open_metrics_spec/
func scan(r io.Reader, openMetrics bool, wanted map[string]bool, take func(name string, p point) error) error {
	br := bufio.NewReaderSize(r, maxLine)
	for n := 1; ; n++ {
		line, err := br.ReadSlice('\n')
		long := errors.Is(err, bufio.ErrBufferFull)
		switch {
		case err == io.EOF && len(line) == 0 && !openMetrics:
			return nil
		case err == io.EOF && (len(line) > 0 || openMetrics) && string(line) != "# EOF":
			return errTruncated // each line ends in a line feed, OpenMetrics in # EOF
		case err != nil && err != io.EOF && !long:
			return err
		}
		line = bytes.TrimRight(line, "\r\n")
		if openMetrics && string(line) == "# EOF" {
			return nil
		}
		name, rest, err := splitName(line)
		if err != nil {
			return &syntaxError{n, err.Error()}
		}
		full, ok := family(name, wanted)
		if long {
			if ok {
				return &syntaxError{n, fmt.Sprintf("it is longer than %d bytes", maxLine)}
			}
			if err := skipLine(br); err != nil {
				return err
			}
			continue
		}
		if !ok {
			continue
		}
		p, err := parsePoint(rest, openMetrics)
		if err != nil {
			return &syntaxError{n, err.Error()}
		}
		if err := take(full, p); err != nil {
			return err
		}
	}
}

func skipLine(br *bufio.Reader) error {
	for {
		_, err := br.ReadSlice('\n')
		switch {
		case err == nil:
			return nil
		case err == io.EOF:
			return errTruncated
		case !errors.Is(err, bufio.ErrBufferFull):
			return err
		}
	}
}

// family is the name by which a wanted family is known.
func family(name []byte, wanted map[string]bool) (string, bool) {
	if len(name) == 0 {
		return "", false
	}
	if wanted[string(name)] {
		return string(name), true
	}
	if short, ok := bytes.CutSuffix(name, []byte("_total")); ok && wanted[string(short)] {
		return string(short), true
	}
	return "", false
}

// splitName cuts the name of a metric off its line; it is empty for a comment,
// an empty line, and a name in quotes, which none of ours is.
func splitName(line []byte) (name, rest []byte, err error) {
	line = bytes.TrimLeft(line, " \t")
	if len(line) == 0 || line[0] == '#' || line[0] == '{' {
		return nil, nil, nil
	}
	i := 0
	for i < len(line) && isName(line[i], i == 0) {
		i++
	}
	if i == 0 || i < len(line) && line[i] != '{' && line[i] != ' ' && line[i] != '\t' || i == len(line) {
		return nil, nil, errors.New("it does not begin with the name of a metric")
	}
	return line[:i], line[i:], nil
}

func isName(c byte, first bool) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == ':' || !first && c >= '0' && c <= '9'
}

// parsePoint reads what follows a name: {labels} value [time] [# exemplar].
func parsePoint(b []byte, openMetrics bool) (point, error) {
	var p point
	b = bytes.TrimLeft(b, " \t")
	if len(b) > 0 && b[0] == '{' {
		var err error
		if p.labels, b, err = parseLabels(b[1:]); err != nil {
			return p, err
		}
	}
	if openMetrics {
		b, _, _ = bytes.Cut(b, []byte(" # "))
	}
	fields := bytes.Fields(b)
	if len(fields) == 0 || len(fields) > 2 {
		return p, errors.New("a value is wanted, and perhaps a time")
	}
	p.text = string(fields[0])
	var err error
	if p.value, err = parseNumber(p.text); err != nil {
		return p, errors.New("its value is no number")
	}
	if len(fields) == 2 {
		at, err := parseNumber(string(fields[1]))
		if !openMetrics {
			at /= 1000 // ms in the text format, s in OpenMetrics
		}
		if err != nil || !(math.Abs(at) < 1e11) {
			return p, errors.New("its time is no number")
		}
		p.at = time.UnixMilli(int64(at * 1000))
	}
	return p, nil
}

// parseNumber takes what both formats allow, and not Go's hexadecimal numbers
// and underscores.
func parseNumber(s string) (float64, error) {
	for i := range len(s) {
		if c := s[i]; c == 'x' || c == 'X' || c == '_' || c == 'p' || c == 'P' {
			return 0, strconv.ErrSyntax
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	if errors.Is(err, strconv.ErrRange) {
		err = nil // it is infinite or 0, which the caller judges
	}
	return f, err
}

// parseLabels reads name="value",...} and gives what follows.
func parseLabels(b []byte) (labels, []byte, error) {
	var ls labels
	for {
		b = bytes.TrimLeft(b, " \t")
		if len(b) > 0 && b[0] == '}' {
			return ls, b[1:], nil
		}
		i := 0
		for i < len(b) && isName(b[i], i == 0) {
			i++
		}
		name := b[:i]
		b = bytes.TrimLeft(b[i:], " \t")
		if i == 0 || len(b) == 0 || b[0] != '=' {
			return nil, nil, errors.New("its labels are not name=\"value\"")
		}
		b = bytes.TrimLeft(b[1:], " \t")
		value, rest, err := parseQuoted(b)
		if err != nil {
			return nil, nil, err
		}
		if len(ls) == maxLabels {
			return nil, nil, fmt.Errorf("it has more than %d labels", maxLabels)
		}
		ls = append(ls, label{string(name), value})
		b = bytes.TrimLeft(rest, " \t")
		switch {
		case len(b) > 0 && b[0] == ',':
			b = b[1:]
		case len(b) == 0 || b[0] != '}':
			return nil, nil, errors.New("its labels do not end")
		}
	}
}

// parseQuoted reads "value", in which \\, \" and \n stand for what they say.
func parseQuoted(b []byte) (string, []byte, error) {
	if len(b) == 0 || b[0] != '"' {
		return "", nil, errors.New("the value of a label is not in quotes")
	}
	var out []byte
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '"':
			return string(out), b[i+1:], nil
		case '\\':
			i++
			if i == len(b) {
				return "", nil, errors.New("the value of a label does not end")
			}
			c := b[i]
			if c == 'n' {
				c = '\n'
			}
			out = append(out, c)
		default:
			out = append(out, b[i])
		}
	}
	return "", nil, errors.New("the value of a label does not end")
}
