package export

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// Style is how a form for people is written.
type Style string

// The styles. Figures are rounded as the form wants them but in JSON, which has
// them in full beside the rounded text.
const (
	Text     Style = "" // aligned by blanks
	Markdown Style = "markdown"
	JSON     Style = "json"
)

// styled is a form in a style.
func styled(form Func, style Style) Func {
	return func(w io.Writer, r *lifecycle.Record, o Options) ([]Loss, error) {
		o.Style = style
		return form(w, r, o)
	}
}

// sheet is a form that is filled in.
type sheet struct {
	title string
	parts []sheetPart
	notes []string

	merged bool // rows that say the same are one
}

// sheetPart is a table of a form. The first column names its rows.
type sheetPart struct {
	title   string
	columns []string
	rows    [][]entry
}

// entry is a field: a text, or a figure that is shown as text, or unknown.
type entry struct {
	text     string
	quantity *lifecycle.Quantity // in unit
	number   *float64            // in unit: a figure without an interval
	unit     string
	unknown  string // why nothing is known
}

// facts adds a part of names and values.
func (s *sheet) facts(title string, rows ...[]entry) {
	s.parts = append(s.parts, sheetPart{title, []string{"item", "value"}, rows})
}

// fact is a row of a name and a value.
func fact(name string, value entry) []entry { return []entry{{text: name}, value} }

// toldText is a text, or unknown for a reason.
func toldText(text, why string) entry {
	if text == "" {
		return entry{unknown: why}
	}
	return entry{text: text}
}

// quantified is a figure in the units that suit it, and for programs in one
// unit, which is size of the record's; unknown for a reason if it is nil.
func quantified(q *lifecycle.Quantity, units []inwords.Unit, size float64, unit, why string) entry {
	if q == nil {
		return entry{unknown: why}
	}
	return entry{text: inwords.Figure(*q, units), quantity: divided(*q, size), unit: unit}
}

// divided is a quantity in a unit that is size of its own.
func divided(q lifecycle.Quantity, size float64) *lifecycle.Quantity {
	q.Value, q.Low, q.High = q.Value/size, q.Low/size, q.High/size
	return &q
}

// lacking tells why a record does not tell something, by the pointers that
// missing may name it by.
func lacking(r *lifecycle.Record, pointers ...string) string {
	for _, p := range pointers {
		for _, m := range r.Missing {
			if m.Path == p || strings.HasPrefix(p, m.Path+"/") && m.What == "" {
				return inwords.Reason(m.Reason)
			}
		}
	}
	return "the record does not tell"
}

// shown is what people read of an entry.
func (e entry) shown() string {
	if e.unknown == "" {
		return e.text
	}
	return "unknown (" + e.unknown + ")"
}

// MarshalJSON writes a text as a string, and figures and what is unknown as
// objects.
func (e entry) MarshalJSON() ([]byte, error) {
	switch {
	case e.unknown != "":
		return json.Marshal(struct {
			Unknown string `json:"unknown"`
		}{e.unknown})
	case e.quantity != nil:
		q := e.quantity
		return json.Marshal(struct {
			Value  float64          `json:"value"`
			Low    float64          `json:"low"`
			High   float64          `json:"high"`
			Method lifecycle.Method `json:"method,omitempty"` // a factor has none
			Unit   string           `json:"unit"`
			Text   string           `json:"text"`
		}{q.Value, q.Low, q.High, q.Method, e.unit, e.text})
	case e.number != nil:
		return json.Marshal(struct {
			Value float64 `json:"value"`
			Unit  string  `json:"unit"`
			Text  string  `json:"text"`
		}{*e.number, e.unit, e.text})
	}
	return json.Marshal(e.text)
}

// write writes a form.
func (s *sheet) write(w io.Writer, r *lifecycle.Record, style Style) error {
	if text := statusText(r); text != "" {
		s.notes = append([]string{text}, s.notes...)
	}
	var b strings.Builder
	switch style {
	case Text:
		s.asText(&b)
	case Markdown:
		s.asMarkdown(&b)
	case JSON:
		if err := s.asJSON(&b); err != nil {
			return fmt.Errorf("export: %s: %w", s.title, err)
		}
	default:
		return fmt.Errorf("export: %s: there is no style %q: it is %q, %q or nothing", s.title, style, Markdown, JSON)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("export: %s: %w", s.title, err)
	}
	return nil
}

// asText writes columns that are as wide as their widest cell.
func (s *sheet) asText(b *strings.Builder) {
	fmt.Fprintf(b, "%s\n%s\n", s.title, strings.Repeat("=", utf8.RuneCountInString(s.title)))
	for _, p := range s.parts {
		fmt.Fprintf(b, "\n%s\n", p.title)
		var lines [][]string
		if len(p.columns) > 2 {
			lines = append(lines, p.columns)
		}
		for _, row := range p.rows {
			var line []string
			for _, e := range row {
				line = append(line, inwords.Visible(e.shown()))
			}
			lines = append(lines, line)
		}
		widths := make([]int, len(p.columns))
		for _, line := range lines {
			for i, text := range line {
				widths[i] = max(widths[i], utf8.RuneCountInString(text))
			}
		}
		for _, line := range lines {
			var cells strings.Builder
			for i, text := range line {
				cells.WriteString("  " + text + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text)))
			}
			b.WriteString(strings.TrimRight(cells.String(), " ") + "\n")
		}
	}
	if len(s.notes) > 0 {
		b.WriteString("\n")
	}
	for _, note := range s.notes {
		b.WriteString(inwords.Visible(note) + "\n")
	}
}

// asMarkdown writes a table for each part.
func (s *sheet) asMarkdown(b *strings.Builder) {
	fmt.Fprintf(b, "# %s\n", markdown(s.title))
	for _, p := range s.parts {
		fmt.Fprintf(b, "\n## %s\n\n| %s |\n|%s\n", markdown(p.title), strings.Join(p.columns, " | "), strings.Repeat("---|", len(p.columns)))
		for _, row := range p.rows {
			b.WriteString("|")
			for _, e := range row {
				b.WriteString(" " + markdown(e.shown()) + " |")
			}
			b.WriteString("\n")
		}
	}
	for _, note := range s.notes {
		b.WriteString("\n" + markdown(note) + "\n")
	}
}

// asJSON writes the parts with their rows as objects of the columns.
func (s *sheet) asJSON(b *strings.Builder) error {
	type part struct {
		Title string             `json:"title"`
		Rows  []map[string]entry `json:"rows"`
	}
	parts := make([]part, len(s.parts))
	for i, p := range s.parts {
		parts[i] = part{p.title, make([]map[string]entry, len(p.rows))}
		for k, row := range p.rows {
			parts[i].Rows[k] = map[string]entry{}
			for c, e := range row {
				parts[i].Rows[k][p.columns[c]] = e
			}
		}
	}
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	return enc.Encode(struct {
		Form  string   `json:"form"`
		Parts []part   `json:"parts"`
		Notes []string `json:"notes"`
	}{s.title, parts, s.notes})
}

// rounding adds that a form rounds what it tells of a part of the record.
func rounding(o Options, path string, lost []Loss) []Loss {
	if o.Style == JSON {
		return lost
	}
	return append(lost, Loss{Path: path, Why: "figures are rounded"})
}

// timeSpan tells when a run was: 2026-05-04T06:00:00Z to 2026-05-04T06:16:40Z.
func timeSpan(r *lifecycle.Record) string {
	if r.Run.StartedAt == nil || r.Run.EndedAt == nil {
		return ""
	}
	const layout = "2006-01-02T15:04:05Z"
	return r.Run.StartedAt.UTC().Format(layout) + " to " + r.Run.EndedAt.UTC().Format(layout)
}

// generatorName is the program that made the record.
func generatorName(r *lifecycle.Record) string {
	return r.Generator.Name + " " + r.Generator.Version + ", factors " + r.Generator.FactorsVersion
}

// recordName tells where the record is and its digest.
func recordName(o Options, digest string) string {
	if o.Record == "" {
		return "SHA-256 of its canonical form: " + digest
	}
	return o.Record + " (SHA-256 of its canonical form: " + digest + ")"
}
