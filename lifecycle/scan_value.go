package lifecycle

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// text reads a text of a form.
func (s *scanner) text(f *form) (string, bool) {
	if s.at >= len(s.data) || s.data[s.at] != '"' {
		return "", false
	}
	rest := s.data[s.at+1:]
	n := bytes.IndexByte(rest, '"')
	if n < 0 {
		return "", false
	}
	slot := s.texts.slot(rest, n)
	if slot != nil && slot.text == string(rest[:n]) { // and so there is nothing wrong with it
		s.at += n + 2
		if slot.form != f {
			slot.form, slot.fits, slot.tells = f, f.text(slot.text), f.tells(slot.text)
		}
		s.formed, s.telling = s.formed && slot.fits && n > 0, s.telling || slot.tells
		return slot.text, true
	}
	for _, c := range rest[:n] {
		if c < ' ' {
			return "", false
		}
		if c == '\\' {
			return s.escaped(f)
		}
	}
	if n > maxText {
		return "", false
	}
	s.at += n + 2
	known := knownText{text: string(rest[:n]), form: f}
	known.fits, known.tells = f.text(known.text), f.tells(known.text)
	if slot != nil {
		*slot = known
	}
	s.formed, s.telling = s.formed && known.fits && n > 0, s.telling || known.tells
	return known.text, true
}

// escaped reads a text that holds escapes. Half of a surrogate pair would read
// as U+FFFD, so with that it gives up.
func (s *scanner) escaped(f *form) (t string, ok bool) {
	n := textLength(s.data[s.at:])
	if json.Unmarshal(s.data[s.at:s.at+n], &t) != nil || len(t) > maxText || strings.ContainsRune(t, utf8.RuneError) {
		return "", false
	}
	s.at += n
	s.formed, s.telling = s.formed && f.text(t), s.telling || f.tells(t)
	return t, true
}

func (s *scanner) bool() (b, ok bool) {
	rest := s.data[s.at:]
	switch {
	case bytes.HasPrefix(rest, []byte("true")):
		s.at += len("true")
		return true, true
	case bytes.HasPrefix(rest, []byte("false")):
		s.at += len("false")
		return false, true
	}
	return false, false
}

// number reads a number. Where its digits and its power of ten are exact, so is
// their product or quotient but for one rounding (Clinger, How to read floating
// point numbers accurately, 1990); the others are strconv's.
func (s *scanner) number(f *form) (x float64, ok bool) {
	d := s.data
	start, i := s.at, s.at
	negative := i < len(d) && d[i] == '-'
	if negative {
		i++
	}
	var digits uint64
	whole := i
	for i < len(d) && d[i]-'0' <= 9 {
		digits = 10*digits + uint64(d[i]-'0')
		i++
	}
	count := i - whole
	if count == 0 || d[whole] == '0' && count > 1 {
		return 0, false
	}
	power := 0
	if i < len(d) && d[i] == '.' {
		i++
		point := i
		for i < len(d) && d[i]-'0' <= 9 {
			digits = 10*digits + uint64(d[i]-'0')
			i++
		}
		power = point - i
		if power == 0 {
			return 0, false
		}
		count -= power
	}
	exact := count <= 19 && digits <= 1<<53 && power >= -22
	if i < len(d) && (d[i] == 'e' || d[i] == 'E') {
		i++
		if i < len(d) && (d[i] == '-' || d[i] == '+') {
			i++
		}
		exponent := i
		for i < len(d) && d[i]-'0' <= 9 {
			i++
		}
		if i == exponent {
			return 0, false
		}
		exact = false
	}
	s.at = i
	if exact {
		x = float64(digits) / powers[-power]
		if negative {
			x = -x
		}
	} else {
		var err error
		if x, err = strconv.ParseFloat(string(d[start:i]), 64); err != nil {
			return 0, false
		}
	}
	s.formed = s.formed && f.number(x)
	return x + 0, x >= 0 || f != nil && f.signed
}

// integer reads a whole number, however it is written.
func (s *scanner) integer(f *form) (n int64, ok bool) {
	d := s.data
	i := s.at
	for i < len(d) && d[i]-'0' <= 9 {
		n = 10*n + int64(d[i]-'0')
		i++
	}
	count := i - s.at
	if count > 0 && count <= 15 && (d[s.at] != '0' || count == 1) && i < len(d) && d[i] != '.' && d[i] != 'e' && d[i] != 'E' {
		s.at = i
		s.formed = s.formed && f.number(float64(n))
		return n, true
	}
	x, ok := s.number(f)
	if !ok || x != math.Trunc(x) || x > maxInteger {
		return 0, false
	}
	return int64(x), true
}

// time reads a time in UTC, which the form of such texts describes.
func (s *scanner) time(t *time.Time) bool {
	const shape = `"0000-00-00T00:00:00`
	d := s.data[s.at:]
	if len(d) < len(shape)+2 {
		return false
	}
	for i := range len(shape) {
		if c := d[i]; c != shape[i] && (shape[i] != '0' || c-'0' > 9) {
			return false
		}
	}
	two := func(i int) int { return 10*int(d[i]-'0') + int(d[i+1]-'0') }
	year, month, day, hour, minute, second := 100*two(1)+two(3), two(6), two(9), two(12), two(15), two(18)
	if month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59 {
		return false
	}
	n, nanosecond := len(shape), 0
	if d[n] == '.' {
		unit := int(time.Second)
		for n++; n < len(d) && d[n]-'0' <= 9; n++ {
			if unit /= 10; unit == 0 {
				return false
			}
			nanosecond += unit * int(d[n]-'0')
		}
		if unit == int(time.Second) {
			return false
		}
	}
	if !bytes.HasPrefix(d[n:], []byte(`Z"`)) {
		return false
	}
	at := time.Date(year, time.Month(month), day, hour, minute, second, nanosecond, time.UTC)
	if at.Day() != day { // the month is shorter
		return false
	}
	*t = at
	s.at += n + 2
	s.formed = s.formed && !at.IsZero()
	return true
}
