package inwords

import (
	"math"
	"strconv"
	"time"
)

// year is the seconds of one, as lifetimes are told.
const year = 365.25 * 24 * 3600

// Duration writes seconds as people say them: 1 h 12 min, 3 min 20 s, 4.25 s.
func Duration(seconds float64) string {
	whole := math.Round(seconds)
	switch {
	case seconds == 0:
		return "0 s"
	case seconds < 999.5e-6:
		return Trimmed(seconds*1e6) + " µs"
	case seconds < 0.9995:
		return Trimmed(seconds*1e3) + " ms"
	case whole < 60:
		return Trimmed(seconds) + " s"
	case whole < 3600:
		return split(whole, 60, "min", "s")
	case math.Round(seconds/60) < 24*60:
		return split(math.Round(seconds/60), 60, "h", "min")
	case seconds >= 1000*86400:
		return Trimmed(seconds/year) + " years"
	}
	return split(math.Round(seconds/3600), 24, "d", "h")
}

// split writes n smaller units as larger and smaller ones.
func split(n, perLarge float64, large, small string) string {
	text := strconv.FormatFloat(math.Floor(n/perLarge), 'f', 0, 64) + " " + large
	if rest := math.Mod(n, perLarge); rest > 0 {
		text += " " + strconv.FormatFloat(rest, 'f', 0, 64) + " " + small
	}
	return text
}

// When writes the time of a run: both days only if they differ; "" if nobody
// told it.
func When(start, end *time.Time) string {
	if start == nil {
		return ""
	}
	text := start.UTC().Format(time.DateTime)
	if end != nil {
		layout := time.TimeOnly
		if start.UTC().Format(time.DateOnly) != end.UTC().Format(time.DateOnly) {
			layout = time.DateTime
		}
		text += " – " + end.UTC().Format(layout)
	}
	return text + " UTC"
}
