package publish

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// describe fills in what whoever publishes did not say, from what is published,
// and notes what is still lacking.
func (w *job) describe(f *facts) {
	note := func(format string, args ...any) {
		w.result.Notes = append(w.result.Notes, fmt.Sprintf(format, args...))
	}
	if w.Description == "" {
		w.Description = fmt.Sprintf("Energy, emissions and water of %s by stage of the life cycle and hardware, each figure with its 95 %% interval and how it was obtained.", runs(w.result.Published))
	}
	if len(w.Creators) == 0 {
		for _, name := range f.counts["publisher"].most() {
			if name != "not told" && len(w.Creators) < 20 {
				w.Creators = append(w.Creators, name)
			}
		}
	}
	if len(w.Creators) == 0 {
		note("no record names its publisher, so that %s lacks the creator, which Croissant asks for: tell who made the data set", CroissantFile)
	}
	if w.URL == "" {
		note("%s lacks the URL of the data set's page, which Croissant asks for: publish it again once the page is known", CroissantFile)
	}
	if w.Citation == "" {
		w.Citation = w.bibTeX()
	}
	for _, licence := range f.counts["licence"].most() {
		if licence != w.Licence && licence != "not told" {
			note("%s of %s have the licence %s, and the data set has %s: make sure that it may", runs(f.counts["licence"][licence]), inwords.Count(w.result.Published), licence, w.Licence)
		}
	}
}

// bibTeX is how to cite the data set.
func (w *job) bibTeX() string {
	var b strings.Builder
	tex := strings.NewReplacer("{", "", "}", "", `\`, "", "\n", " ", "&", `\&`, "%", `\%`, "#", `\#`, "_", `\_`, "$", `\$`)
	fmt.Fprintf(&b, "@misc{%s-%s,\n  title = {%s},\n", slug(w.Name), w.Version, tex.Replace(w.Name))
	if len(w.Creators) > 0 {
		names := make([]string, len(w.Creators))
		for i, c := range w.Creators {
			names[i] = "{" + tex.Replace(c) + "}"
		}
		fmt.Fprintf(&b, "  author = {%s},\n", strings.Join(names, " and "))
	}
	fmt.Fprintf(&b, "  year = {%d},\n  version = {%s},\n", w.Date.Year(), w.Version)
	if w.URL != "" {
		fmt.Fprintf(&b, "  url = {%s},\n", w.URL)
	}
	return b.String() + "}"
}

// slug is a name that may stand in an identifier.
func slug(name string) string {
	text := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, name)
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '-' }), "-")
	if text == "" {
		return "data-set"
	}
	return text
}

// card is the data card: Markdown, with the front matter that Hugging Face reads
// of a data set's README.md. All that it says follows from the records and from
// what whoever publishes said.
func (w *job) card(f *facts) []byte {
	c := &page{}
	w.frontMatter(c)
	c.line("# %s\n", markdown(w.Name))
	c.line("%s\n", w.Description)
	w.contents(c, f)
	w.collection(c, f)
	w.fileList(c)
	w.columns(c)
	w.limits(c, f)
	c.line("## Licence and citation\n")
	c.line("%s, version %s of %s.\n", w.licenceLink(), w.Version, w.Date.Format(time.DateOnly))
	c.line("```bibtex\n%s\n```", strings.ReplaceAll(w.Citation, "```", "'''"))
	return []byte(c.b.String())
}

// page is Markdown that is being written.
type page struct{ b strings.Builder }

func (c *page) line(format string, args ...any) { fmt.Fprintf(&c.b, format+"\n", args...) }

// table is a table of which all but the first column are numbers, if asked for.
func (c *page) table(numbers bool, rows ...[]string) {
	for i, row := range rows {
		cells := make([]string, len(row))
		for k, text := range row {
			cells[k] = markdown(text)
		}
		c.line("| %s |", strings.Join(cells, " | "))
		if i == 0 {
			rule := strings.Repeat("---|", len(row))
			if numbers {
				rule = "---|" + strings.Repeat("---:|", len(row)-1)
			}
			c.line("|%s", rule)
		}
	}
	c.line("")
}

var markdownEscaper = strings.NewReplacer(`\`, `\\`, "|", `\|`, "<", "&lt;", ">", "&gt;", "&", "&amp;", "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "]", `\]`, "#", `\#`, "~", `\~`, "$", `\$`)

// markdown is a text of others in Markdown, where it is nothing but text.
func markdown(text string) string {
	return markdownEscaper.Replace(strings.Join(strings.Fields(inwords.Visible(text)), " "))
}

// quoted is a text in YAML, as JSON is.
func quoted(text string) string {
	b, _ := json.Marshal(text) // a text can be told
	return string(b)
}

// hubLicences are identifiers of Hugging Face that are not the SPDX one in
// lower case.
var hubLicences = map[string]string{"ODbL-1.0": "odbl", "ODC-By-1.0": "odc-by", "PDDL-1.0": "pddl", "BSD-3-Clause": "bsd-3-clause"}

// hubKnown are those that are.
var hubKnown = []string{
	"apache-2.0", "mit", "cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0",
	"cc-by-nd-4.0", "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "cdla-sharing-1.0", "cdla-permissive-1.0", "cdla-permissive-2.0",
	"gfdl", "unlicense", "zlib", "isc", "mpl-2.0",
}

func (w *job) frontMatter(c *page) {
	c.line("---")
	id := strings.ToLower(w.Licence)
	if hub := hubLicences[w.Licence]; hub != "" {
		c.line("license: %s", hub)
	} else if slices.Contains(hubKnown, id) {
		c.line("license: %s", id)
	} else {
		c.line("license: other")
		c.line("license_name: %s", quoted(slug(w.Licence)))
		c.line("license_link: %s", quoted(licenceURL(w.Licence)))
	}
	c.line("pretty_name: %s", quoted(w.Name))
	c.line("size_categories:\n- %s", sizeCategory(w.result.Rows))
	c.line("tags:\n- energy\n- carbon-footprint\n- life-cycle\n- croissant")
	c.line("configs:\n- config_name: table\n  default: true\n  data_files: %s\n- config_name: records\n  data_files: %s", TableFile, RecordsFile)
	c.line("---\n")
}

// sizeCategory is Hugging Face's class of so many rows.
func sizeCategory(rows int64) string {
	bounds := []struct {
		below int64
		name  string
	}{{1e3, "n<1K"}, {1e4, "1K<n<10K"}, {1e5, "10K<n<100K"}, {1e6, "100K<n<1M"}, {1e7, "1M<n<10M"}, {1e8, "10M<n<100M"}, {1e9, "100M<n<1B"}, {1e10, "1B<n<10B"}, {1e11, "10B<n<100B"}, {1e12, "100B<n<1T"}}
	for _, b := range bounds {
		if rows < b.below {
			return b.name
		}
	}
	return "n>1T"
}

func licenceURL(licence string) string {
	if forms().webURL.MatchString(licence) {
		return licence
	}
	return "https://spdx.org/licenses/" + licence
}

func (w *job) licenceLink() string {
	return fmt.Sprintf("[%s](%s)", markdown(w.Licence), licenceURL(w.Licence))
}

// contents tells what is in the data set.
func (w *job) contents(c *page, f *facts) {
	c.line("## What is in it\n")
	text := fmt.Sprintf("%s in %s of the table, with %s of spans", runs(w.result.Published), plural(w.result.Rows, "row"), plural(f.spans, "account"))
	if !f.first.IsZero() {
		first, last := f.first.Format("2006-01"), f.last.Format("2006-01")
		if text += ", begun in " + first; first != last {
			text += " to " + last
		}
	}
	c.line("%s.\n", text)
	for _, d := range []struct {
		by    dataset.Dimension
		title string
	}{{"phase", "Phase"}, {"kind", "Technology"}, {"country", "Country"}, {"class", "Hardware"}} {
		rows := [][]string{{d.title, "runs", "energy", "95 %", "emissions", "95 %", "water"}}
		groups := f.by[d.by].Groups()
		for i := range groups {
			if len(rows) > 20 {
				rows = append(rows, []string{fmt.Sprintf("and %d more", len(groups)-i), "", "", "", "", "", ""})
				break
			}
			rows = append(rows, groupRow(&groups[i], groups[i].Key))
		}
		if d.by == "phase" {
			total := f.by[d.by].Total()
			rows = append(rows, groupRow(&total, []string{"all"}))
		}
		c.table(true, rows...)
	}
	c.line("Energy is that of the hardware, without what the facility adds. Emissions are location-based, of electricity and, in the phases production and end-of-life, of the share of the devices. A sum is of what is known; — is unknown.\n")
}

func groupRow(g *dataset.Group, key []string) []string {
	name := "not told"
	if g.Other {
		name = "others"
	} else if len(key) > 0 && key[0] != "" {
		name = key[0]
	}
	row := []string{name, inwords.Count(g.Runs)}
	for _, s := range []struct {
		dataset.Sum
		units []inwords.Unit
	}{{g.Energy, inwords.WattHours}, {g.GCO2e, inwords.CO2e}} {
		value, bounds := "—", ""
		if s.Value != nil {
			value = inwords.Amount(*s.Value, s.units)
			if s.Low != nil && s.High != nil {
				value, bounds = inwords.Interval(lifecycle.Quantity{Value: *s.Value, Low: *s.Low, High: *s.High}, s.units)
			}
		}
		row = append(row, value, bounds)
	}
	if g.Water.Value == nil {
		return append(row, "—")
	}
	return append(row, inwords.Amount(*g.Water.Value, inwords.Litres))
}

// collection tells how the records came to be.
func (w *job) collection(c *page, f *facts) {
	c.line("## How it was collected\n")
	c.line("Each record tells itself which program made it, and how each of its figures was obtained.\n")
	for _, k := range []struct{ what, title string }{
		{"generator", "Program that made the record"}, {"factors", "Version of the emission factors"}, {"status", "State of the run"},
		{"scope", "Whose joules are the run's"}, {"boundary", "What energy covers"}, {"publisher", "Publisher"}, {"licence", "Licence of the record"},
	} {
		rows := [][]string{{k.title, "records"}}
		list := f.counts[k.what].most()
		for i, value := range list {
			if len(rows) > 12 {
				rows = append(rows, []string{fmt.Sprintf("and %d more", len(list)-i), ""})
				break
			}
			rows = append(rows, []string{value, inwords.Count(f.counts[k.what][value])})
		}
		c.table(true, rows...)
	}
	rows := [][]string{{"How energy was obtained", "runs", "energy"}}
	for _, g := range f.by["method"].Groups() {
		if g.Energy.Value != nil {
			rows = append(rows, []string{g.Key[0], inwords.Count(g.Runs), inwords.Amount(*g.Energy.Value, inwords.WattHours)})
		}
	}
	c.table(true, rows...)
}

// fileList tells what the files are.
func (w *job) fileList(c *page) {
	c.line("## Files\n")
	c.table(false,
		[]string{"file", "what it is"},
		[]string{TableFile, "the flat table: a row for each stage and entry of hardware of a run"},
		[]string{RecordsFile, "the records in full, a line each (NDJSON, compressed by zstd)"},
		[]string{SchemaFile, "the JSON Schema of a record"},
		[]string{"queries/", "questions in SQL, with what each answers"},
		[]string{CroissantFile, "a description for programs (Croissant 1.0, MLCommons)"},
		[]string{SumsFile, "SHA-256 of each file: sha256sum -c " + SumsFile},
	)
}

// columns tells the columns of the table.
func (w *job) columns(c *page) {
	c.line("## Columns of the table\n")
	c.line("Null is unknown or not applicable, never zero. The figures of a row are its own and add up; what tells of the run or its stage is told again in each row.\n")
	rows := [][]string{{"column", "type", "unit", "meaning"}}
	for _, k := range dataset.Columns() {
		rows = append(rows, []string{k.Name, string(k.Type), k.Unit, k.About})
	}
	c.table(false, rows...)
}

// limits tells what is unsure, missing, and was removed.
func (w *job) limits(c *page, f *facts) {
	c.line("## How sure it is\n")
	c.line("Bounds are 95 %% intervals: each factor and each meter's error is lognormal between its own, and what several figures share is one error, not several. Rows share factors (columns that end with _id), so that bounds of rows do not add up to those of a sum. Errors of how a device's energy was shared among spans and programs are not in the bounds.\n")
	if g := f.by["phase"].Total(); g.MeasuredShare != nil {
		c.line("%s of the energy was read by external meters or counters of the hardware; the rest is modelled or declared.\n", inwords.Percent(*g.MeasuredShare))
	}
	c.line("## What is missing\n")
	missing := f.counts["missing"]
	rows := [][]string{{"member of the record, and why it is absent", "records"}}
	list := missing.most()
	for i, at := range list {
		if len(rows) > 20 {
			rows = append(rows, []string{fmt.Sprintf("and %d more", len(list)-i), ""})
			break
		}
		rows = append(rows, []string{at, inwords.Count(missing[at])})
	}
	c.table(true, rows...)
	if warnings := f.counts["warning"]; len(warnings) > 0 {
		rows := [][]string{{"warning", "times"}}
		for _, code := range warnings.most() {
			rows = append(rows, []string{code, inwords.Count(warnings[code])})
		}
		c.table(true, rows...)
	}
	c.line("## What was removed\n")
	c.line("The records were redacted for the public: ids are new, times are coarsened (time_resolution_s tells to what), and what links a record to a machine or a person is removed. Figures are as they were. Members removed: %s, renewed: %s, coarsened: %s.\n",
		inwords.Count(w.result.Redacted["removed"]), inwords.Count(w.result.Redacted["renewed"]), inwords.Count(w.result.Redacted["coarsened"]))
	var left int64
	for _, n := range w.result.LeftOut {
		left += n
	}
	c.line("Records that count and are not published: %s.\n", inwords.Count(left))
	c.line("## Limits\n")
	c.line("- These are the runs that were given, not a sample of all runs: what is rare here need not be rare elsewhere.")
	c.line("- Runs of different boundaries and scopes do not cover the same; the columns boundary and scope tell them apart.")
	c.line("- Emissions follow from factors of a place and time; other factors give other grams for the same joules.")
	c.line("- Market-based, marginal and network-loss emissions, single spans and profiles over time are in the records, not in the table.\n")
}

func runs(n int64) string { return plural(n, "run") }

func plural(n int64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return inwords.Count(n) + " " + thing + "s"
}
