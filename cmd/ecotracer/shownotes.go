package main

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// How many of a kind are shown of places and of members, unless all are asked
// for. A run of many short spans has a note on each of them.
const (
	fewPlaces  = 3
	fewMembers = 12
)

// some writes a list, or the first few of it and how many more there are.
func (p *page) some(list []string, few int) string {
	if p.all || len(list) <= few+1 {
		return strings.Join(list, ", ")
	}
	p.cut = true
	return strings.Join(list[:few], ", ") + " and " + count(int64(len(list)-few)) + " more"
}

// tellCut tells how to see what was left out of a section.
func (p *page) tellCut() {
	if p.cut {
		p.flow("  ", " ", pieces("--all lists them all"), p.dim)
	}
	p.cut = false
}

// warnings tells which figures deserve care, those of a code in one line.
func (p *page) warnings() {
	if len(p.record.Warnings) == 0 {
		return
	}
	p.heading("Warnings")
	var codes []string
	of := map[string][]lifecycle.Warning{} // by code
	for _, w := range p.record.Warnings {
		if of[w.Code] == nil {
			codes = append(codes, w.Code)
		}
		of[w.Code] = append(of[w.Code], w)
	}
	for _, code := range codes {
		p.prose("  ", p.warning(of[code]))
	}
	p.tellCut()
}

// warning tells of warnings of one code.
func (p *page) warning(list []lifecycle.Warning) string {
	code, detail := inWords(list[0].Code), list[0].Detail
	if len(list) == 1 {
		return code + p.placeOf(list[0], ", ", detail)
	}
	differs := func(w lifecycle.Warning) bool { return w.Detail != detail }
	if slices.ContainsFunc(list, differs) {
		detail = ""
	}
	var places []string
	for _, w := range list {
		own := w.Detail
		if own == detail { // told once
			own = ""
		}
		if place := p.placeOf(w, "", own); place != "" {
			places = append(places, strings.TrimPrefix(place, ": "))
		}
	}
	if detail != "" {
		code += ": " + detail
	}
	text := code + ", " + count(int64(len(list))) + " times"
	if len(places) > 0 {
		text += ": " + p.some(places, fewPlaces)
	}
	return text
}

// placeOf tells where a warning is from, and its detail.
func (p *page) placeOf(w lifecycle.Warning, before, detail string) string {
	text := ""
	if w.Path != "" {
		text = before + strings.Join(p.inRecord(w.Path), " ")
	}
	if detail != "" {
		text += ": " + detail
	}
	if w.Count != nil && *w.Count > 1 {
		text += " (" + count(*w.Count) + " times)"
	}
	return text
}

// missing tells what the record does not know, by reason; of things of one
// kind that lack the same in one line.
func (p *page) missing() {
	if len(p.record.Missing) == 0 {
		return
	}
	p.heading("Missing")
	var reasons []string
	parents := map[string][]string{} // by reason
	members := map[string][]string{} // by reason and parent
	for _, m := range p.record.Missing {
		words := p.inRecord(m.Path)
		parent, member := "", strings.Join(words, " ")
		switch {
		case m.What != "":
			parent, member = member, m.What
		case len(words) > 1:
			parent, member = strings.Join(words[:len(words)-1], " "), words[len(words)-1]
		}
		if parents[m.Reason] == nil {
			reasons = append(reasons, m.Reason)
		}
		key := m.Reason + "\n" + parent
		if members[key] == nil {
			parents[m.Reason] = append(parents[m.Reason], parent)
		}
		members[key] = append(members[key], member)
	}
	slices.Sort(reasons)
	for _, reason := range reasons {
		p.line("  %s", plain(inWords(reason)))
		var lacks []string
		alike := map[string][]string{} // parents, by kind and what they lack
		for _, parent := range parents[reason] {
			kind, _, _ := strings.Cut(parent, " ")
			lack := kind + "\n" + p.some(members[reason+"\n"+parent], fewMembers)
			if alike[lack] == nil {
				lacks = append(lacks, lack)
			}
			alike[lack] = append(alike[lack], parent)
		}
		for _, lack := range lacks {
			of := p.some(alike[lack], fewPlaces)
			_, text, _ := strings.Cut(lack, "\n")
			if of != "" {
				text = of + ": " + text
			}
			p.prose("    ", text)
		}
	}
	p.tellCut()
}

// inWords writes a code as words: not-measured, not measured.
func inWords(code string) string { return strings.ReplaceAll(code, "-", " ") }

// inRecord writes a JSON Pointer as words, one for each step, an entry of a
// list by its name: /totals/water_l, totals and water; /spans/3, span fit/epoch.
func (p *page) inRecord(pointer string) []string {
	words := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, word := range words {
		for _, unit := range []string{"_j", "_s", "_l"} {
			word = strings.TrimSuffix(word, unit)
		}
		words[i] = strings.NewReplacer("~1", "/", "~0", "~", "_", " ").Replace(word)
	}
	if len(words) > 1 {
		if name := p.entry(words[0], words[1]); name != "" {
			words = append([]string{strings.TrimSuffix(words[0], "s") + " " + name}, words[2:]...)
		}
	}
	return words
}

// entry is the name of an entry of one of the record's lists, "" if it has
// none.
func (p *page) entry(list, index string) string {
	i, err := strconv.Atoi(index)
	if err != nil || i < 0 {
		return ""
	}
	r := p.record
	switch {
	case list == "environments" && i < len(r.Environments):
		return r.Environments[i].ID
	case list == "hardware" && i < len(r.Hardware):
		return r.Hardware[i].ID
	case list == "phases" && i < len(r.Phases):
		return string(r.Phases[i].Stage)
	case list == "spans" && i < len(r.Spans):
		return r.Spans[i].Path
	case list == "ledger" && i < len(r.Ledger):
		return r.Ledger[i].Domain
	case list == "methods" && i < len(r.Methods):
		return r.Methods[i].ID
	case list == "factors" && i < len(r.Factors):
		return r.Factors[i].ID
	}
	return ""
}
