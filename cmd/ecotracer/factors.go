package main

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/internal/spelling"
)

// asking is what one call of `factors` is to tell.
type asking struct {
	kind, match string // of list

	country, region, provider, zone, class, unit string // of explain

	file string
	all  bool // of explain
	json bool

	own []factors.Factor // from file
}

const factorsUsage = "write `ecotracer factors list`, `ecotracer factors show ID` or `ecotracer factors explain grid --country FR`"

func declareFactors(c *cli, flags *flag.FlagSet) func([]string) int {
	var a asking
	flags.StringVar(&a.kind, "kind", "", "")
	flags.StringVar(&a.match, "match", "", "")
	flags.StringVar(&a.country, "country", "", "")
	flags.StringVar(&a.region, "region", "", "")
	flags.StringVar(&a.provider, "provider", "", "")
	flags.StringVar(&a.zone, "zone", "", "")
	flags.StringVar(&a.class, "class", "", "")
	flags.StringVar(&a.unit, "unit", "", "")
	flags.StringVar(&a.file, "file", "", "")
	flags.BoolVar(&a.all, "all", false, "")
	flags.BoolVar(&a.json, "json", false, "")
	return func(args []string) int {
		if len(args) == 0 {
			return c.usage("factors", "what of them? %s", factorsUsage)
		}
		var ok bool
		if a.own, ok = c.ownFactors("factors", a.file); !ok {
			return exitFound
		}
		verb, args := args[0], args[1:]
		switch {
		case verb == "list" && len(args) == 0:
			return c.listFactors(a)
		case verb == "list":
			return c.usage("factors", "list takes no argument, not %q; write --match %s", args[0], args[0])
		case verb == "show" && len(args) == 1:
			return c.showFactor(a, args[0])
		case verb == "show":
			return c.usage("factors", "show takes one id; `ecotracer factors list` tells them")
		case verb == "explain" && len(args) > 0:
			return c.explain(a, args[0], args[1:])
		case verb == "explain":
			return c.usage("factors", "explain what? write a kind such as grid or pue, or cpu, gpu, instance or device, and what is known of it")
		}
		return c.usage("factors", "%q is unknown; %s", verb, factorsUsage)
	}
}

// rows are those of the user's table and of the data set.
func (a *asking) rows() []factors.Factor {
	return append(slices.Clone(a.own), slices.Collect(factors.All())...)
}

// ownFactors reads a table of factors, none if no file is named, and tells if it
// cannot.
func (c *cli) ownFactors(command, file string) (own []factors.Factor, ok bool) {
	if file == "" {
		return nil, true
	}
	in, err := c.open(file)
	if err == nil {
		defer in.Close()
		own, err = factors.Load(in)
	}
	if err != nil {
		c.complain(command, "--file %s: %s", file, reason(err))
	}
	return own, err == nil
}

// listFactors lists the rows of the data set.
func (c *cli) listFactors(a asking) int {
	rows := []factors.Factor{}
	kinds := map[string]bool{}
	country, _ := factors.Country(a.match)
	for _, f := range a.rows() {
		kinds[string(f.Kind)] = true
		text := strings.ToLower(f.ID + " " + f.Geography + " " + f.Source)
		of, _, _ := strings.Cut(f.Geography, "-")
		matches := strings.Contains(text, strings.ToLower(a.match)) || country != "" && of == country
		if matches && (a.kind == "" || string(f.Kind) == a.kind) {
			rows = append(rows, f)
		}
	}
	if a.kind != "" && !kinds[a.kind] {
		return c.usage("factors", "--kind %q is unknown; write one of %s", a.kind, strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
	}
	if a.json {
		return c.json(rows)
	}
	p := page{style: styleOf(c.out)}
	for i := 0; i < len(rows); { // a table a kind: they differ in what they need of the width
		n := i
		for n < len(rows) && rows[n].Kind == rows[i].Kind {
			n++
		}
		p.factorTable(rows[i:n])
		i = n
	}
	p.line("%s", p.dim(inwords.Plural(len(rows), "factor")+" of data set "+factors.Version))
	p.printTo(c.out)
	return exitOK
}

// factorTable is a row a factor. Ids are never cut: they are there to be used.
func (p *page) factorTable(rows []factors.Factor) {
	t := newTable(false, true, false, false, false, true, false)
	head := make([]cell, 7)
	for i, text := range []string{"id", "value", "95 %", "unit", "of", "year", "quality"} {
		head[i] = cell{text, p.dim}
	}
	t.add(head...)
	for _, f := range rows {
		u := inwords.FactorUnit(&f)
		t.add(cell{f.ID, nil}, cell{inwords.Trimmed(f.Value / u.Size), p.bold}, cell{inwords.Trimmed(f.Low/u.Size) + "–" + inwords.Trimmed(f.High/u.Size), p.dim},
			cell{u.Name, nil}, cell{f.Geography, nil}, cell{fmt.Sprint(f.SourceYear), nil}, cell{f.Quality, nil})
	}
	p.fit(t, 0, 4, 5, 6)
	p.table(t)
}

// showFactor tells all there is to a factor.
func (c *cli) showFactor(a asking, id string) int {
	rows := a.rows()
	i := slices.IndexFunc(rows, func(f factors.Factor) bool { return strings.EqualFold(f.ID, id) })
	if i < 0 {
		ids := make([]string, len(rows))
		for k := range rows {
			ids[k] = rows[k].ID
		}
		return c.usage("factors", "there is no factor %q%s; `ecotracer factors list` tells them all", id, nearest("; near it: ", id, ids))
	}
	if a.json {
		return c.json(rows[i])
	}
	p := page{style: styleOf(c.out)}
	p.factor(rows[i])
	p.printTo(c.out)
	return exitOK
}

// factor lays out one factor.
func (p *page) factor(f factors.Factor) {
	p.line("%s", p.bold(inwords.Visible(f.ID)))
	u := inwords.FactorUnit(&f)
	p.prose("  ", fmt.Sprintf("%s, 95 %% between %s and %s", strings.TrimSpace(inwords.Trimmed(f.Value/u.Size)+" "+u.Name), inwords.Trimmed(f.Low/u.Size), inwords.Trimmed(f.High/u.Size)))
	period := f.ValidFrom
	if f.ValidTo != "" {
		period += " to " + f.ValidTo
	}
	for _, m := range []struct{ name, value string }{
		{"kind", string(f.Kind)},
		{"of", f.Geography},
		{"valid", period},
		{"signal", f.Signal},
		{"accounting", f.Accounting},
		{"basis", f.Basis},
		{"mix", f.Mix},
		{"GWP", f.GWP},
		{"quality", f.Quality},
		{"source", fmt.Sprintf("%s, %d", f.Source, f.SourceYear)},
		{"licence", f.Licence},
		{"found", string(f.Found)},
	} {
		if m.value != "" {
			p.prose("  ", m.name+": "+m.value)
		}
	}
}

// nearest tells the names that are like one that is unknown, up to five after
// an introduction; "" if none is. If any has the name in it, only such are told;
// else those of the same number (A100, 4090) and those that differ by few letters.
func nearest(introduction, name string, names []string) string {
	type near struct {
		name string
		far  int
	}
	var list []near
	word := folded(name)
	numbers := slices.DeleteFunc(wordsOf(name), func(w string) bool { return len(w) < 3 || !strings.ContainsAny(w, "0123456789") })
	for _, n := range names {
		other := folded(n)
		far := spelling.Distance(word, other)
		switch {
		case word != "" && strings.Contains(other, word):
			far = 0
		case far <= max(len(word)/4, 1):
		case slices.ContainsFunc(numbers, func(w string) bool { return slices.Contains(wordsOf(n), w) }):
		default:
			continue
		}
		list = append(list, near{n, far})
	}
	slices.SortStableFunc(list, func(a, b near) int { return a.far - b.far })
	if i := slices.IndexFunc(list, func(n near) bool { return n.far > 0 }); i > 0 {
		list = list[:i]
	}
	var found []string
	for _, n := range list[:min(len(list), 5)] {
		found = append(found, n.name)
	}
	if found == nil {
		return ""
	}
	return introduction + strings.Join(found, ", ")
}

// folded is a name without case, vendor and what is between its words.
func folded(name string) string { return strings.Join(wordsOf(name), "") }

// wordsOf are the words of a name, in lower case, but for its vendor's.
func wordsOf(name string) []string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return slices.DeleteFunc(words, func(word string) bool {
		return slices.Contains([]string{"nvidia", "amd", "intel", "geforce", "tesla", "radeon", "instinct"}, word)
	})
}
