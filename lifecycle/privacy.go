package lifecycle

import (
	"fmt"
	"net/netip"
	"reflect"
	"regexp"
	"strings"
	"sync"
)

// checkPrivacy checks that a public record tells nothing of a machine or a
// person, and that the digest is right (R40).
func (c *checker) checkPrivacy() {
	r := c.record
	if r.Integrity != nil {
		if sum, err := r.SHA256(); err == nil && sum != r.Integrity.SHA256 {
			c.wrong("R40", "/integrity/sha256", r.Integrity.SHA256, sum, "the digest is not that of the record: it was changed after it was sealed")
		}
	}
	if r.Publisher.Confidentiality != "public" {
		return
	}
	const expected = "no member in a public record"
	for i := range r.Hardware {
		if len(r.Hardware[i].Instance) > 0 {
			c.wrong("R40", pointer("hardware", i, "instance"), "a value", expected, "the member links the records of one machine")
		}
	}
	if r.Publisher.Contact != "" {
		c.wrong("R40", "/publisher/contact", "a value", expected, "the member names a person or an address")
	}
	if c.telling || !c.formed {
		v := reflect.ValueOf(r).Elem()
		c.publicObject(v, layouts()[v.Type()], &trail{})
	}
}

// publicObject looks at every text of an object. Those of lists, once they are
// known to be of them, tell nothing.
func (c *checker) publicObject(v reflect.Value, l *layout, at *trail) {
	for i := range l.fields {
		f := &l.fields[i]
		if !f.words && c.formed {
			continue
		}
		at.down(f.name)
		c.publicTexts(f.of(v), f.shape, f.form, at)
		at.up()
	}
}

// publicTexts looks at every text of a value that has a form.
func (c *checker) publicTexts(v reflect.Value, sh *shape, f *form, at *trail) {
	switch sh.kind {
	case reflect.Pointer:
		if !v.IsNil() {
			c.publicTexts(v.Elem(), sh.elem, f, at)
		}
	case reflect.Struct:
		if sh.layout != nil {
			c.publicObject(v, sh.layout, at)
		}
	case reflect.Slice:
		for i := range v.Len() {
			at.item(i)
			c.publicTexts(v.Index(i), sh.elem, f, at)
			at.up()
		}
	case reflect.Map:
		if sh.elem.kind == reflect.Interface {
			c.publicExtension(v, at)
			return
		}
		for entry := v.MapRange(); entry.Next(); {
			key := entry.Key().String()
			at.down(key)
			c.publicText(key, nil, at)
			c.publicTexts(entry.Value(), sh.elem, f, at)
			at.up()
		}
	case reflect.String:
		c.publicText(v.String(), f, at)
	}
}

// publicExtension looks at every text of what anybody put there.
func (c *checker) publicExtension(v reflect.Value, at *trail) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			c.publicExtension(v.Elem(), at)
		}
	case reflect.Struct:
		if l := layouts()[v.Type()]; l != nil { // what is in Go only is passed over
			formed := c.formed
			c.formed = false // which nobody has looked at here
			c.publicObject(v, l, at)
			c.formed = formed
		}
	case reflect.Slice:
		for i := range v.Len() {
			at.item(i)
			c.publicExtension(v.Index(i), at)
			at.up()
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			at.down(fmt.Sprint(k))
			c.publicText(fmt.Sprint(k), nil, at)
			c.publicExtension(v.MapIndex(k), at)
			at.up()
		}
	case reflect.String:
		c.publicText(v.String(), nil, at)
	}
}

func (c *checker) publicText(s string, f *form, at *trail) {
	told := ""
	switch {
	case !f.tells(s): // or is no words of the record's maker
	case f == spanPath:
		for name := range strings.SplitSeq(s, "/") {
			if told == "" {
				told = telling(unescapePointer(name), true)
			}
		}
	default:
		told = telling(s, false)
	}
	if told != "" { // which is not repeated
		c.wrong("R40", at.String(), told, "a text that tells nothing of a machine or a person", "a public record holds "+told)
	}
}

// tells is false of a text of a form that tells nothing for certain.
func (f *form) tells(s string) bool {
	return mayTell(s) && f != pointerText && (f == nil || f.enum == nil || !f.text(s))
}

// mayTell is false of a text that holds nothing of what telling looks for,
// which is soon seen of nearly all: no mark of a path, an address or an id, and
// no slash but behind a letter or digit, as in gCO2e/kWh.
func mayTell(s string) bool {
	dots, colons, dashes := 0, 0, 0
	letter := false // or digit, just before
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
			letter = true
			continue
		case c == '/' && !letter, c == '\\', c == '~', c == '@':
			return true
		case c == '.':
			dots++
		case c == ':':
			colons++
		case c == '-':
			dashes++
		}
		letter = false
	}
	return dots >= 3 || colons >= 2 || dashes >= 5
}

// tells are what a public text may not look like. A route such as
// /api/predict is an ordinary name of a span, so that in these only folders
// that file systems have are taken for paths.
var tells = sync.OnceValue(func() (t struct{ root, path, home, windows, credentials, mail, number, device *regexp.Regexp }) {
	const before = `(?:^|[\s"'` + "`" + `(\[{<>=,;:|]|file://)`
	t.root = regexp.MustCompile(before + `/(?:bin|boot|dev|etc|home|lib|media|mnt|nfs|opt|private|proc|root|run|scratch|srv|sys|tmp|Users|usr|var|Volumes|workspace)(?:/|$)`)
	t.path = regexp.MustCompile(`^/[^/\s]+$|` + before + `/[^/\s]+/[^/\s]`)
	t.home = regexp.MustCompile(before + `~[A-Za-z0-9._-]*/[^/\s]`)
	t.windows = regexp.MustCompile(before + `(?:[A-Za-z]:[\\/][^\\/\s]|\\\\[^\\\s]+\\)`)
	t.credentials = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://(?:[^/\s?#@]+@|[^\s#]*[?&](?i:sig|key|[a-z0-9_-]*(?:signature|credential|token|secret|password|api[_-]?key|access[_-]?key))=[^\s&])`)
	t.mail = regexp.MustCompile(`[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:[.][A-Za-z0-9-]+)*[.][A-Za-z]{2,}`)
	t.device = regexp.MustCompile(`\b(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}\b|\b(?:GPU|MIG)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b`)
	t.number = regexp.MustCompile(`[0-9A-Za-z_.:-]+`)
	return t
})

// telling names what a text tells of a machine or a person, "" for nothing.
func telling(s string, name bool) string {
	t := tells()
	switch {
	case strings.ContainsAny(s, `/\`) && (t.root.MatchString(s) || t.home.MatchString(s) || t.windows.MatchString(s) || !name && t.path.MatchString(s)):
		return "an absolute path"
	case strings.Contains(s, "://") && t.credentials.MatchString(s):
		return "a URL with credentials"
	case strings.Contains(s, "@") && t.mail.MatchString(s):
		return "an e-mail address"
	case (strings.Count(s, ":") >= 5 || strings.Count(s, "-") >= 5) && t.device.MatchString(s):
		return "the address or id of a device"
	case strings.Count(s, ".") >= 3 || strings.Count(s, ":") >= 2:
		for _, word := range t.number.FindAllString(s, -1) {
			if isAddress(strings.Trim(word, ".-_")) {
				return "an IP address"
			}
		}
	}
	return ""
}

// isAddress tells whether a word is an IP address, with or without a port.
func isAddress(word string) bool {
	for _, w := range []string{word, strings.TrimRight(word, ":")} {
		if a, err := netip.ParseAddr(w); err == nil && !(a.Is6() && a.IsUnspecified()) {
			return true
		}
		if a, err := netip.ParseAddrPort(w); err == nil && a.Addr().Is4() {
			return true
		}
	}
	return false
}
