package main

import (
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
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
	if p.all {
		return strings.Join(list, ", ")
	}
	p.cut = p.cut || len(list) > few+1
	return inwords.Few(list, few)
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
	code, detail := inwords.Code(list[0].Code), list[0].Detail
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
	text := code + ", " + inwords.Count(int64(len(list))) + " times"
	if len(places) > 0 {
		text += ": " + p.some(places, fewPlaces)
	}
	return text
}

// placeOf tells where a warning is from, and its detail.
func (p *page) placeOf(w lifecycle.Warning, before, detail string) string {
	text := ""
	if w.Path != "" {
		text = before + strings.Join(inwords.Pointer(p.record, w.Path), " ")
	}
	if detail != "" {
		text += ": " + detail
	}
	if w.Count != nil && *w.Count > 1 {
		text += " (" + inwords.Count(*w.Count) + " times)"
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
		words := inwords.Pointer(p.record, m.Path)
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
		p.line("  %s", inwords.Visible(inwords.Reason(reason)))
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
