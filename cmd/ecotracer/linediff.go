package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
)

// edit is a line of a difference: kept (' '), taken out ('-') or put in ('+').
type edit struct {
	sign byte
	line string
}

// editsOf is a shortest list of edits that makes b of a (Myers 1986). It takes
// time and memory by how much differs.
func editsOf(a, b []string) []edit {
	furthest := map[int]int{1: 0} // by diagonal x - y: the x that d edits reach
	var past []map[int]int
	for d := 0; ; d++ {
		for k := -d; k <= d; k += 2 {
			x := furthest[k+1]
			if k != -d && (k == d || furthest[k-1] >= furthest[k+1]) {
				x = furthest[k-1] + 1
			}
			for x < len(a) && x-k < len(b) && a[x] == b[x-k] {
				x++
			}
			furthest[k] = x
			if x >= len(a) && x-k >= len(b) {
				return retrace(a, b, past, d)
			}
		}
		past = append(past, maps.Clone(furthest))
	}
}

// retrace follows d edits back from the ends of both texts.
func retrace(a, b []string, past []map[int]int, d int) (edits []edit) {
	x := len(a)
	k := x - len(b)
	for ; d > 0; d-- {
		before := past[d-1]
		down := k == -d || k != d && before[k-1] < before[k+1]
		start := before[k-1] + 1 // of the lines that are kept behind the edit
		if down {
			start = before[k+1]
		}
		for ; x > start; x-- {
			edits = append(edits, edit{' ', a[x-1]})
		}
		if down {
			edits = append(edits, edit{'+', b[x-k-1]})
			k++
		} else {
			x--
			edits = append(edits, edit{'-', a[x]})
			k--
		}
	}
	for x > 0 {
		x--
		edits = append(edits, edit{' ', a[x]})
	}
	slices.Reverse(edits)
	return edits
}

// unifiedDiff tells how two texts differ, as diff -u does, "" if they do not.
func unifiedDiff(name, before, after string) string {
	edits := editsOf(strings.SplitAfter(before, "\n"), strings.SplitAfter(after, "\n"))
	const context = 3
	var b strings.Builder
	was, is := 1, 1 // numbers of the next lines
	for i := 0; i < len(edits); {
		next := slices.IndexFunc(edits[i:], func(e edit) bool { return e.sign != ' ' })
		if next < 0 {
			break
		}
		begin := max(i, i+next-context)
		was, is = was+begin-i, is+begin-i
		end, last := begin, i+next
		for end = last + 1; end < len(edits) && end-last <= 2*context; end++ {
			if edits[end].sign != ' ' {
				last = end
			}
		}
		end = min(last+1+context, len(edits))
		b.WriteString(hunk(edits[begin:end], &was, &is))
		i = end
	}
	if b.Len() == 0 {
		return ""
	}
	return fmt.Sprintf("--- %s\n+++ %s\n%s", name, name, b.String())
}

// hunk writes edits, which begin at these lines, and counts the lines on.
func hunk(edits []edit, was, is *int) string {
	var b strings.Builder
	olds, news := 0, 0
	for _, e := range edits {
		if e.line == "" { // behind the last line end
			continue
		}
		if e.sign != '+' {
			olds++
		}
		if e.sign != '-' {
			news++
		}
		fmt.Fprintf(&b, "%c%s", e.sign, e.line)
		if !strings.HasSuffix(e.line, "\n") {
			b.WriteString("\n\\ No newline at end of file\n")
		}
	}
	head := fmt.Sprintf("@@ -%s +%s @@\n", extent(*was, olds), extent(*is, news))
	*was, *is = *was+olds, *is+news
	return head + b.String()
}

// extent is where lines are in the head of a hunk.
func extent(first, n int) string {
	if n == 0 {
		first--
	}
	return fmt.Sprintf("%d,%d", first, n)
}

// diff shows a difference, safe for a terminal.
func (p *page) diff(text string) {
	for line := range strings.Lines(text) {
		line = inwords.Visible(strings.TrimRight(line, "\r\n"))
		paint := func(s string) string { return s }
		switch {
		case strings.HasPrefix(line, "+"):
			paint = p.green
		case strings.HasPrefix(line, "-"):
			paint = p.red
		case strings.HasPrefix(line, "@@"):
			paint = p.dim
		}
		p.line("%s", paint(line))
	}
}
