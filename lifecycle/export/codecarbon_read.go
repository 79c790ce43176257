package export

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// RowError tells why a line of a file was skipped.
type RowError struct {
	Line int // from 1
	Why  string
}

func (e *RowError) Error() string {
	return fmt.Sprintf("export: codecarbon: line %d: %s", e.Line, e.Why)
}

// CodeCarbonRow is a line that CodeCarbon wrote: a run, or a task of one. Its
// figures are what it tells, but that the PUE, which CodeCarbon has multiplied
// all its energies by, is taken out of EnergyJ again.
type CodeCarbonRow struct {
	Line int    // of the file, from 1
	Task string // in a file of tasks

	RunID           string    // CodeCarbon's
	EndedAt         time.Time // by the machine's clock, whose zone no line tells: in UTC
	DurationS       float64   // s
	EnergyJ         float64   // J of IT equipment
	FacilityEnergyJ float64   // J, with PUE
	GCO2e           float64   // g
	PUE             float64   // 1 where it is not told, as CodeCarbon has it

	// Repaired are the columns that the line left out, so that what follows them
	// had moved. They are back in their place, and empty.
	Repaired []string

	columns []string
	fields  []string
	parts   [3]float64 // J of CPU, GPU and memory, with PUE; NaN is not told
}

// The most that is read into memory at a time.
const (
	maxLine    = 64 << 10
	maxColumns = 256
)

// ReadCodeCarbon reads the file that CodeCarbon appends to, emissions.csv, or
// one of its tasks, of any version since 2.2.0, in constant memory and above 50
// MB/s (rows, not records of them: BenchmarkReadCodeCarbon). Columns are known by
// their names in the first line, which may be there again further on, as where
// files were put together.
//
// A row comes with no error. A line that cannot be used is a *[RowError], and
// the next comes all the same: one that has more fields than there are columns,
// or fewer and it cannot be told which are left out; a figure that is no number
// or is negative; a total below the sum of its parts. Any other error is of the
// file, and the last.
//
// The row of a task is a part of that of its run, in the other file: to add both
// counts its joules twice.
func ReadCodeCarbon(r io.Reader) iter.Seq2[*CodeCarbonRow, error] {
	return func(yield func(*CodeCarbonRow, error) bool) {
		lines := &lineReader{in: bufio.NewReaderSize(r, maxLine)}
		var columns *codeCarbonHeader
		for {
			line, fields, err := lines.next()
			var bad *RowError
			switch {
			case err == io.EOF && columns == nil:
				yield(nil, errors.New("export: codecarbon: the file is empty: it has no line of column names"))
				return
			case err == io.EOF:
				return
			case errors.As(err, &bad) && columns != nil:
				if !yield(nil, bad) {
					return
				}
				continue
			case bad != nil:
				yield(nil, fmt.Errorf("export: codecarbon: the first line has no names of columns: %s", bad.Why))
				return
			case err != nil:
				yield(nil, err)
				return
			}
			if columns == nil || columns.isAgain(fields) {
				if columns, err = newCodeCarbonHeader(fields); err != nil {
					yield(nil, fmt.Errorf("export: codecarbon: line %d: %w", line, err))
					return
				}
				continue
			}
			row, err := columns.row(line, fields)
			if !yield(row, err) {
				return
			}
		}
	}
}

// lineReader takes a CSV file apart (RFC 4180) in bounded memory.
type lineReader struct {
	in   *bufio.Reader
	line int
}

// next is the next line that is not empty, as fields of their own memory. A
// *RowError tells of a line that is none, and the next can be read.
func (l *lineReader) next() (line int, fields []string, err error) {
	for {
		l.line++
		text, err := l.in.ReadSlice('\n')
		switch {
		case err == bufio.ErrBufferFull:
			for err == bufio.ErrBufferFull {
				_, err = l.in.ReadSlice('\n')
			}
			if err != nil && err != io.EOF {
				return l.line, nil, fmt.Errorf("export: codecarbon: line %d: %w", l.line, err)
			}
			return l.line, nil, &RowError{l.line, fmt.Sprintf("it is longer than %d KiB", maxLine>>10)}
		case err == io.EOF && len(text) == 0:
			return l.line, nil, io.EOF
		case err != nil && err != io.EOF:
			return l.line, nil, fmt.Errorf("export: codecarbon: line %d: %w", l.line, err)
		}
		if l.line == 1 {
			text = bytes.TrimPrefix(text, []byte("\ufeff"))
		}
		text = bytes.TrimRight(text, "\r\n")
		if len(text) == 0 {
			continue
		}
		if !utf8.Valid(text) {
			return l.line, nil, &RowError{l.line, "it is not UTF-8"}
		}
		fields, ok := splitCSV(string(text))
		if !ok {
			return l.line, nil, &RowError{l.line, "a quotation mark is not closed, or stands inside a field"}
		}
		return l.line, fields, nil
	}
}

// splitCSV takes a line apart. Fields hold no line ends: CodeCarbon's never do.
func splitCSV(s string) (fields []string, ok bool) {
	fields = make([]string, 0, len(codeCarbonColumns)+1)
	for {
		if !strings.HasPrefix(s, `"`) {
			i := strings.IndexByte(s, ',')
			field := s
			if i >= 0 {
				field = s[:i]
			}
			if strings.IndexByte(field, '"') >= 0 {
				return nil, false
			}
			fields = append(fields, field)
			if i < 0 {
				return fields, true
			}
			s = s[i+1:]
			continue
		}
		var field strings.Builder
		for s = s[1:]; ; {
			i := strings.IndexByte(s, '"')
			if i < 0 {
				return nil, false
			}
			field.WriteString(s[:i])
			s = s[i+1:]
			if !strings.HasPrefix(s, `"`) {
				break
			}
			field.WriteByte('"')
			s = s[1:]
		}
		fields = append(fields, field.String())
		switch {
		case s == "":
			return fields, true
		case s[0] != ',':
			return nil, false
		}
		s = s[1:]
	}
}

// codeCarbonHeader is where the columns are.
type codeCarbonHeader struct {
	names []string
	task  int // -1 if there is none

	timestamp, runID, duration, emissions, energy int
	parts                                         [3]int
	pue, trackingMode, onCloud                    int
}

func newCodeCarbonHeader(names []string) (*codeCarbonHeader, error) {
	if len(names) > maxColumns {
		return nil, fmt.Errorf("%d columns are more than the %d that can be read", len(names), maxColumns)
	}
	for _, name := range codeCarbonNeeds {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("there is no column %q, so that this is no file of CodeCarbon since 2.2.0", name)
		}
	}
	for i, name := range names {
		if name != "" && slices.Contains(names[:i], name) { // pandas' own numbers have no name
			return nil, fmt.Errorf("column %q is there twice", name)
		}
	}
	at := func(name string) int { return slices.Index(names, name) }
	return &codeCarbonHeader{
		names: names, task: at("task_name"),
		timestamp: at("timestamp"), runID: at("run_id"), duration: at("duration"), emissions: at("emissions"), energy: at("energy_consumed"),
		parts: [3]int{at("cpu_energy"), at("gpu_energy"), at("ram_energy")},
		pue:   at("pue"), trackingMode: at("tracking_mode"), onCloud: at("on_cloud"),
	}, nil
}

// isAgain tells whether a line is one of names.
func (h *codeCarbonHeader) isAgain(fields []string) bool {
	return (fields[0] == "timestamp" || fields[0] == "task_name" || fields[0] == "") && slices.Contains(fields, "timestamp") && slices.Contains(fields, "energy_consumed")
}

// row reads a line.
func (h *codeCarbonHeader) row(line int, fields []string) (*CodeCarbonRow, error) {
	nan := math.NaN()
	r := &CodeCarbonRow{Line: line, columns: h.names, fields: fields, PUE: 1, parts: [3]float64{nan, nan, nan}}
	fail := func(format string, args ...any) (*CodeCarbonRow, error) {
		return nil, &RowError{line, fmt.Sprintf(format, args...)}
	}
	switch {
	case len(fields) > len(h.names):
		return fail("it has %d fields and the file %d columns", len(fields), len(h.names))
	case len(fields) < len(h.names):
		if r.fields, r.Repaired = h.repair(fields); r.fields == nil {
			return fail("it has %d fields and the file %d columns, and it cannot be told which are left out", len(fields), len(h.names))
		}
		fields = r.fields
	}
	var err error
	if r.EndedAt, err = time.Parse(codeCarbonTime, fields[h.timestamp]); err != nil || r.EndedAt.Year() < 1970 || r.EndedAt.Year() >= 3000 {
		return fail("timestamp %q is no time such as 2026-03-02T09:00:00", shortened(fields[h.timestamp]))
	}
	if h.task >= 0 {
		r.Task = fields[h.task]
	}
	r.RunID = fields[h.runID]
	var kg, kWh float64
	for _, n := range []struct {
		column int
		to     *float64
		needed bool
	}{
		{h.duration, &r.DurationS, true}, {h.emissions, &kg, true}, {h.energy, &kWh, true}, {h.pue, &r.PUE, false},
		{h.parts[0], &r.parts[0], false}, {h.parts[1], &r.parts[1], false}, {h.parts[2], &r.parts[2], false},
	} {
		switch {
		case n.column >= 0 && fields[n.column] != "":
			if *n.to, err = figure(fields[n.column]); err != nil {
				return fail("%s %q is no number from 0 on", h.names[n.column], shortened(fields[n.column]))
			}
		case n.needed:
			return fail("it tells no %s", h.names[n.column])
		}
	}
	if r.DurationS > maxSeconds {
		return fail("duration %v is longer than any run: it is in seconds", r.DurationS)
	}
	if r.PUE < 1 {
		return fail("pue %v is below 1: a facility draws no less than what is in it", r.PUE)
	}
	if i := h.trackingMode; i >= 0 && fields[i] != "" && !codeCarbonFits("tracking_mode", fields[i]) {
		return fail("tracking_mode %q is neither machine nor process: the columns have moved", shortened(fields[i]))
	}
	var parts float64
	for i := range r.parts {
		if r.parts[i] *= joulesPerKWh; !math.IsNaN(r.parts[i]) {
			parts += r.parts[i]
		}
	}
	r.FacilityEnergyJ, r.GCO2e = kWh*joulesPerKWh, kg*1e3
	r.EnergyJ = r.FacilityEnergyJ / r.PUE
	if parts > r.FacilityEnergyJ*(1+sumsAgree)+1e-9 {
		return fail("energy_consumed is %v kWh, and less than the %v kWh of its parts", kWh, parts/joulesPerKWh)
	}
	return r, nil
}

// sumsAgree is how far sums of others may be off, relatively.
const sumsAgree = 1e-6

// repair puts back the columns that a line left out, nil if it cannot be told
// which: the one way that all values fit their columns.
func (h *codeCarbonHeader) repair(fields []string) (repaired, columns []string) {
	for pick := 1; pick < 1<<len(codeCarbonNone); pick++ {
		var out []string
		for i, group := range codeCarbonNone {
			if pick>>i&1 == 1 {
				out = append(out, group...)
			}
		}
		if len(fields)+len(out) != len(h.names) {
			continue
		}
		whole, rest := make([]string, 0, len(h.names)), fields
		fits := true
		left := 0
		for _, name := range h.names {
			if slices.Contains(out, name) {
				whole = append(whole, "")
				left++
				continue
			}
			if len(rest) == 0 || !codeCarbonFits(name, rest[0]) {
				fits = false
				break
			}
			whole, rest = append(whole, rest[0]), rest[1:]
		}
		switch {
		case !fits || left != len(out):
		case repaired != nil:
			return nil, nil // two ways
		default:
			repaired, columns = whole, out
		}
	}
	return repaired, columns
}

// shortened is a text of a file for a message.
func shortened(s string) string {
	if len(s) > 64 {
		return strings.ToValidUTF8(s[:64], "") + "…"
	}
	return s
}
