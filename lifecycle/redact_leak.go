package lifecycle

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// leaks are the places of texts in the redacted record that repeat an id of the
// original which the record itself does not tell any more: a name that was made
// of it, say.
func (x *redactor) leaks(r *Record) []Finding {
	ids := map[string]bool{}
	had := func(all ...string) {
		for _, id := range all {
			if id != "" {
				ids[strings.ReplaceAll(id, "-", "")] = true
			}
		}
	}
	for _, d := range x.done {
		if v, there := lookup(r, d.Path); there == present && d.Did != "coarsened" {
			if all, ok := v.Interface().([]string); ok {
				had(all...)
			} else if id, ok := v.Interface().(string); ok && d.Path != "/publisher/contact" { // which may be any word
				had(id)
			}
		}
	}
	if len(ids) == 0 {
		return nil
	}
	var text bytes.Buffer
	var document any
	if Encode(&text, x.record) != nil || json.Unmarshal(text.Bytes(), &document) != nil {
		return nil // a sound record can be written and read
	}
	l := leaker{ids: ids}
	l.value(document)
	return l.told
}

// idLike finds what may be an id in a text.
var idLike = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[0-9a-fA-F-]{16,}`) })

// leaker walks a document in search of ids.
type leaker struct {
	ids  map[string]bool
	at   trail
	told []Finding
}

func (l *leaker) value(v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			l.at.down(name)
			l.text(name)
			l.value(v[name])
			l.at.up()
		}
	case []any:
		for i := range v {
			l.at.item(i)
			l.value(v[i])
			l.at.up()
		}
	case string:
		l.text(v)
	}
}

func (l *leaker) text(s string) {
	for _, word := range idLike().FindAllString(s, -1) {
		word = strings.ToLower(strings.ReplaceAll(word, "-", ""))
		for _, n := range [...]int{16, 32, 64} { // digits of an instance, of a UUID or trace id, of a digest
			for i := 0; i+n <= len(word); i++ {
				if l.ids[word[i:i+n]] {
					l.told = append(l.told, Finding{Rule: "R40", Pointer: l.at.String(), Found: "an id that was removed", Message: "the text repeats it"})
					return
				}
			}
		}
	}
}
