package main

import (
	"cmp"
	"flag"
	"fmt"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

func declareOutliers(c *cli, flags *flag.FlagSet) func([]string) int {
	a := c.ask("dataset outliers", flags).asJSON(flags)
	var o dataset.OutlierOptions
	by := flags.String("by", strings.Join(dataset.DefaultTraits, ","), "")
	flags.StringVar(&o.Figure, "of", "energy_j", "")
	flags.Float64Var(&o.Least, "least", 1.1, "")
	most := flags.Int("most", 20, "")
	return func(paths []string) int {
		if *by != "" {
			o.By = strings.Split(*by, ",")
		}
		if *most < 0 {
			return c.usage(a.command, "--most %d: write how many to tell of, 0 for all", *most)
		}
		if _, err := dataset.FindOutliers(nil, o); err != nil { // before hours are read
			return c.usage(a.command, "%s", ours(err))
		}
		points, report, code := c.points(a, paths)
		if len(points) == 0 {
			return code
		}
		out, err := dataset.FindOutliers(points, o)
		if err != nil {
			return c.usage(a.command, "%s", ours(err))
		}
		if a.json {
			return max(code, c.json(struct {
				*dataset.Outliers
				Report dataset.Report `json:"report"`
			}{out, report}))
		}
		p := page{style: styleOf(c.out)}
		p.asked(report, len(points), a.where)
		p.outliers(out, *most)
		p.notCounted(&report)
		p.printTo(c.out)
		return code
	}
}

// outliers tells what is unlike its group, and why.
func (p *page) outliers(out *dataset.Outliers, most int) {
	judged := fmt.Sprintf("%s of runs judged, in %s by %s", inwords.Plural(out.Judged, "stage"), inwords.Plural(len(out.Groups), "group"), strings.Join(out.By, ", "))
	p.prose("", judged+".")
	if out.TooSmall.Groups > 0 {
		p.prose("", fmt.Sprintf("Nothing is claimed of %s with fewer than %d runs: %s.", inwords.Plural(out.TooSmall.Groups, "group"), dataset.SmallestGroup, inwords.Plural(out.TooSmall.Stages, "stage")))
	}
	if out.Judged == 0 {
		return
	}
	if len(out.Found) == 0 {
		p.line("\n%s", p.bold("No outlier: no run is further from its group than chance explains."))
		return
	}
	runs := out.ByRun()
	p.heading(fmt.Sprintf("%s, of %s", inwords.Plural(len(out.Found), "outlier"), inwords.Plural(len(runs), "run")))
	p.prose("", fmt.Sprintf("Of these, %s are expected to be chance.", inwords.Percent(dataset.FalseShare)))
	for i, found := range runs {
		if i == most && most > 0 {
			p.line("\n%s", p.dim(fmt.Sprintf("and of %s more: --most 0 tells of all", inwords.Plural(len(runs)-i, "run"))))
			break
		}
		p.outlier(out, &found[0])
		if rest := found[1:]; len(rest) > 0 {
			var stages []string
			for _, o := range rest {
				stages = append(stages, fmt.Sprintf("%s (%s times)", o.Stage, inwords.Trimmed(o.Times)))
			}
			p.prose("  ", "So are its stages "+inwords.Few(stages, 4)+".")
		}
	}
}

// outlier tells of one.
func (p *page) outlier(out *dataset.Outliers, o *dataset.Outlier) {
	g := &out.Groups[o.Group]
	name := o.Run
	if o.Name != "" {
		name += "  " + o.Name
	}
	p.line("\n%s", p.bold(inwords.Visible(name)))
	p.prose("  ", outlierInWords(o, g, out.By))
	if len(o.Causes) == 0 {
		var parts []string
		for _, part := range o.Parts {
			parts = append(parts, fmt.Sprintf("%s × %s", part.What, inwords.Trimmed(part.Times)))
		}
		p.prose("  ", "No cause was found in its record; usual × : "+strings.Join(parts, ", ")+".")
	}
	for i, cause := range o.Causes {
		lead := "Likely: "
		if i > 0 {
			lead = "Also: "
		}
		explains := fmt.Sprintf(" (explains %s)", inwords.Percent(inwords.Rounded(cause.Explains, 2)))
		if !cause.Proven {
			explains = " (it fits, which proves nothing)"
		}
		p.prose("  ", lead+cause.Text+explains+".")
	}
}

// outlierInWords is how far it is from what is usual, in a sentence.
func outlierInWords(o *dataset.Outlier, g *dataset.OutlierGroup, by []string) string {
	var traits []string
	for i, t := range g.Traits {
		if by[i] == "stage" && t == o.Stage {
			continue
		}
		traits = append(traits, cmp.Or(t, by[i]+" unknown"))
	}
	return fmt.Sprintf("%s: %s %s, %s times the median of %s alike (%s; usual are %s).",
		o.Stage, inwords.Trimmed(o.Value), g.Measure, inwords.Trimmed(o.Times), inwords.Count(int64(g.Stages)),
		strings.Join(traits, ", "), inwords.Trimmed(g.Low)+"–"+inwords.Trimmed(g.High))
}
