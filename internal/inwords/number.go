// Package inwords says what a record holds as people read it: numbers, amounts
// with their bounds, times, and what codes and pointers mean. The command, the
// page, the cards and the pictures all say it by this package, so that they say
// the same. Its texts have plain spaces only. Texts of a record in them are as
// the record has them: who shows them makes them safe (Visible).
package inwords

import (
	"math"
	"strconv"
	"strings"
)

// Significant writes a number with n significant digits and no exponent.
func Significant(v float64, n int) string {
	if v == 0 {
		return "0"
	}
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	v = Rounded(v, n)
	decimals := n - 1 - int(math.Floor(math.Log10(math.Abs(v))))
	return grouped(strconv.FormatFloat(v, 'f', max(decimals, 0), 64))
}

// Rounded is a number to n significant digits.
func Rounded(v float64, n int) float64 {
	r, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'e', n-1, 64), 64)
	return r
}

// Digits writes a number with three significant digits, and an exponent only
// where nobody could count the zeros: 0.120, 12 000, 1.20e12.
func Digits(v float64) string {
	if size := math.Abs(v); size < 1e-9 && size > 0 || size >= 1e12 && !math.IsInf(v, 0) {
		mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(v, 'e', 2, 64), "e")
		n, _ := strconv.Atoi(exponent)
		return strings.Replace(mantissa, "-", "−", 1) + "e" + strconv.Itoa(n)
	}
	return Significant(v, 3)
}

// Trimmed is Digits without idle zeros: 0.12.
func Trimmed(v float64) string {
	mantissa, exponent, found := strings.Cut(Digits(v), "e")
	if strings.Contains(mantissa, ".") {
		mantissa = strings.TrimRight(strings.TrimRight(mantissa, "0"), ".")
	}
	if found {
		mantissa += "e" + exponent
	}
	return mantissa
}

// Signed is Digits with a sign: +0.120, −3.00.
func Signed(v float64) string {
	if text := Digits(v); v < 0 {
		return text
	} else {
		return "+" + text
	}
}

// Count writes a whole number: 1200, 12 000.
func Count(n int64) string { return grouped(strconv.FormatInt(n, 10)) }

// grouped puts spaces between groups of three digits of a number that has more
// than four before its point (SI Brochure, 5.4.4), and writes its minus as one.
func grouped(text string) string {
	sign := ""
	if rest, found := strings.CutPrefix(text, "-"); found {
		sign, text = "−", rest
	}
	whole, fraction, found := strings.Cut(text, ".")
	if len(whole) > 4 {
		var b strings.Builder
		for i, r := range whole {
			if i > 0 && (len(whole)-i)%3 == 0 {
				b.WriteByte(' ')
			}
			b.WriteRune(r)
		}
		whole = b.String()
	}
	if found {
		whole += "." + fraction
	}
	return sign + whole
}

// Percent writes a share: 85.3 %, 5 %. What is not all is not told as 100 %.
func Percent(share float64) string {
	switch {
	case share >= 0.9995 && share < 1-1e-9:
		return "over 99.9 %"
	case share > 0 && share < 1e-6:
		return "under 0.0001 %"
	}
	return Trimmed(100*share) + " %"
}

// Plural is a number of things: 1 path, 3 paths.
func Plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return Count(int64(n)) + " " + thing + "s"
}

// One is one of the things that a unit counts, by what English mostly does:
// samples, sample; queries, query; batches, batch.
func One(unit string) string {
	switch {
	case strings.HasSuffix(unit, "series"), strings.HasSuffix(unit, "ss"):
		return unit
	case strings.HasSuffix(unit, "ries"), strings.HasSuffix(unit, "ties"):
		return strings.TrimSuffix(unit, "ies") + "y"
	}
	for _, end := range []string{"ches", "shes", "sses", "xes"} {
		if strings.HasSuffix(unit, end) && !strings.HasSuffix(unit, "caches") {
			return strings.TrimSuffix(unit, "es")
		}
	}
	return strings.TrimSuffix(unit, "s")
}

// Few lists the first n of some texts and how many more there are; all of them
// if that is one more.
func Few(list []string, n int) string {
	if len(list) <= n+1 {
		return strings.Join(list, ", ")
	}
	return strings.Join(list[:n], ", ") + " and " + Count(int64(len(list)-n)) + " more"
}
