package expose

import (
	"mime"
	"strconv"
	"strings"
)

// format is a way to write metrics.
type format int

const (
	prometheusText format = iota // text exposition format 0.0.4
	openMetrics                  // OpenMetrics 1.0.0
)

func (f format) contentType() string {
	if f == openMetrics {
		return "application/openmetrics-text; version=1.0.0; charset=utf-8"
	}
	return "text/plain; version=0.0.4; charset=utf-8"
}

// write writes metrics. The formats differ in where a counter's suffix stands,
// in units, in what is an info, and in that one tells its end.
func (f format) write(all []*family) []byte {
	var b []byte
	for _, m := range all {
		if len(m.samples) == 0 {
			continue
		}
		series := m.name // of a sample
		switch m.kind {
		case counter:
			series += "_total"
		case info:
			series += "_info"
		}
		name, kind := m.name, m.kind // of the metric
		if f == prometheusText {
			name = series
			if kind == info {
				kind = gauge
			}
		}
		b = append(b, "# HELP "+name+" "+m.help+"\n# TYPE "+name+" "+kind+"\n"...)
		if f == openMetrics && m.unit != "" {
			b = append(b, "# UNIT "+name+" "+m.unit+"\n"...)
		}
		for _, s := range m.samples {
			b = append(b, series...)
			b = append(b, s.labels...)
			b = append(b, ' ')
			b = strconv.AppendFloat(b, s.value, 'g', -1, 64)
			b = append(b, '\n')
		}
	}
	if f == openMetrics {
		b = append(b, "# EOF\n"...)
	}
	return b
}

// formatOf is what a client that accepts this gets: OpenMetrics if it asks for
// it by name, and for nothing that we have more dearly (RFC 9110, 12.5.1).
func formatOf(accept string) format {
	open, text := 0.0, 0.0
	for part := range strings.SplitSeq(accept, ",") {
		kind, params, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		q := 1.0
		if s, ok := params["q"]; ok {
			if q, err = strconv.ParseFloat(s, 64); err != nil {
				continue
			}
		}
		version := params["version"]
		switch {
		case kind == "application/openmetrics-text" && (version == "" || version == "1.0.0"):
			open = max(open, q)
		case kind == "text/plain" && (version == "" || version == "0.0.4"):
			text = max(text, q)
		}
	}
	if open > 0 && open >= text {
		return openMetrics
	}
	return prometheusText
}
