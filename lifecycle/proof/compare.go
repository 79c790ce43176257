package proof

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

func byName(a, b Subject) int { return cmp.Compare(a.Name, b.Name) }

// compare tells how files differ from those that were signed. A file that has
// only got another name is told as that, not as one that is gone and one that
// has come.
func compare(files, signed []Subject, partial bool) []Problem {
	problems := map[string]string{} // by name
	sums := map[string]string{}     // of the files that are signed, by name
	for _, s := range signed {
		sums[s.Name] = s.SHA256
	}
	gone := maps.Clone(sums)
	var come []Subject
	for _, f := range files {
		delete(gone, f.Name)
		switch sum, ok := sums[f.Name]; {
		case !ok:
			come = append(come, f)
		case sum != f.SHA256:
			problems[f.Name] = fmt.Sprintf("it was changed: its SHA-256 is %s, in the envelope %s", short(f.SHA256), short(sum))
		}
	}
	left := map[string][]string{} // names that are gone, by digest
	for _, name := range slices.Sorted(maps.Keys(gone)) {
		left[gone[name]] = append(left[gone[name]], name)
	}
	slices.SortFunc(come, byName)
	for _, f := range come {
		problems[f.Name] = "it was not signed"
		if old := left[f.SHA256]; len(old) > 0 {
			problems[f.Name] = fmt.Sprintf("it was renamed: in the envelope it is %q", old[0])
			left[f.SHA256] = old[1:]
			delete(gone, old[0])
		}
	}
	if !partial {
		for name := range gone {
			problems[name] = "it is missing"
		}
	}
	var all []Problem
	for _, name := range slices.Sorted(maps.Keys(problems)) {
		all = append(all, Problem{name, problems[name]})
	}
	return all
}

// short is the beginning of a digest, enough to tell two apart.
func short(sum string) string { return sum[:min(len(sum), 12)] + "…" }

// maxDifferences is how many differences of two records are told, and
// maxCompared how long both may be together, in bytes, for them to be told at
// all: taken apart they need some thirty times as much.
const (
	maxDifferences = 20
	maxCompared    = 32 << 20
)

// differences tells where a record at hand differs from the one that was signed.
func differences(found, signed []byte) []Problem {
	var a, b any
	if len(found)+len(signed) > maxCompared || json.Unmarshal(found, &a) != nil || json.Unmarshal(signed, &b) != nil {
		return []Problem{{"", "it is another record"}} // both are canonical JSON
	}
	d := differ{}
	d.value("", a, b)
	return d.problems
}

// differ walks two documents at once.
type differ struct{ problems []Problem }

func (d *differ) value(at string, a, b any) {
	if len(d.problems) >= maxDifferences || reflect.DeepEqual(a, b) {
		return
	}
	if a, ok := a.(map[string]any); ok {
		if b, ok := b.(map[string]any); ok {
			names := maps.Clone(a)
			maps.Copy(names, b)
			for _, name := range slices.Sorted(maps.Keys(names)) {
				d.member(at+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(name), a, b, name)
			}
			return
		}
	}
	if a, ok := a.([]any); ok {
		if b, ok := b.([]any); ok && len(a) == len(b) {
			for i := range a {
				d.value(at+"/"+strconv.Itoa(i), a[i], b[i])
			}
			return
		}
	}
	d.tell(at, written(a)+", in the envelope "+written(b))
}

func (d *differ) member(at string, a, b map[string]any, name string) {
	x, inA := a[name]
	y, inB := b[name]
	switch {
	case inA && inB:
		d.value(at, x, y)
	case inA:
		d.tell(at, written(x)+", in the envelope nothing")
	default:
		d.tell(at, "nothing, in the envelope "+written(y))
	}
}

func (d *differ) tell(at, what string) {
	if len(d.problems) < maxDifferences {
		d.problems = append(d.problems, Problem{at, what})
	}
}

// written is a value for people, cut short.
func written(v any) string {
	text, _ := json.Marshal(v) // it was read from JSON
	if runes := []rune(string(text)); len(runes) > 60 {
		return string(runes[:60]) + "…"
	}
	return string(text)
}
