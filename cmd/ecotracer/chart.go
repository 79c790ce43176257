package main

import (
	"bytes"
	"flag"
	"path/filepath"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle/export/chart"
)

func declareChart(c *cli, flags *flag.FlagSet) func([]string) int {
	out := flags.String("o", "", "")
	on := flags.String("background", "none", "")
	return func(files []string) int {
		if len(files) != 1 {
			return c.usage("chart", "it takes one record; write `ecotracer chart FILE -o phases.svg`")
		}
		background, ok := map[string]chart.Background{"none": chart.None, "light": chart.Light, "dark": chart.Dark}[*on]
		if !ok {
			return c.usage("chart", "--background %q: write none, light or dark", *on)
		}
		draw := chart.SVG
		switch strings.ToLower(filepath.Ext(*out)) {
		case ".svg":
		case ".png":
			draw = chart.PNG
		default:
			return c.usage("chart", "-o %q: write -o FILE.svg or -o FILE.png; the end of the name says what is drawn", *out)
		}
		record := c.valid("chart", files[0])
		if record == nil {
			return exitFound
		}
		var picture bytes.Buffer
		if err := draw(&picture, record, background); err != nil {
			c.complain("chart", "%s", strings.TrimPrefix(err.Error(), "chart: "))
			return exitFound
		}
		if err := writeFile(*out, picture.Bytes()); err != nil {
			c.complain("chart", "%s: it cannot be written (%s)", *out, cause(err))
			return exitFound
		}
		tell(c.out, chart.Text(record))
		return exitOK
	}
}
