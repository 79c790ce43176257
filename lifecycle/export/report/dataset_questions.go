package report

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// front weighs the metric of most runs against energy.
func (p *datasetPage) front(s *dataset.Survey) error {
	metrics := dataset.Metrics(s.Points)
	say := func(format string, args ...any) { p.FrontNotes = append(p.FrontNotes, fmt.Sprintf(format, args...)) }
	if len(metrics) == 0 {
		say("No run tells how good its model is (technology.ml.evaluation), so there is nothing to weigh.")
		return nil
	}
	metric := metrics[0].Metric
	if metric.Direction == "" {
		say("Records tell %s without saying whether a higher or a lower value is better, so it cannot be weighed.", name(metric.String()))
		return nil
	}
	f, err := dataset.Pareto(s.Points, dataset.ParetoOptions{Metric: metric})
	if err != nil { // some tell it with a split, some without
		say("%s cannot be weighed: %s.", name(metric.String()), prose(strings.TrimPrefix(err.Error(), "dataset: ")))
		return nil
	}
	if len(f.Front) == 0 {
		say("No run tells both %s and its energy.", name(metric.String()))
		return nil
	}
	say("%s of the %s that tell %s, nothing beats: none is at least as good for less energy.", capital(inwords.Plural(len(f.Front), "run")), inwords.Count(int64(f.Runs)), name(metric.String()))
	if last := f.LastStep(); last != nil {
		say("The last step: %s.", name(inwords.Step(last.Gain, last.Times, last.More, metric.Name, "energy", inwords.WattHours)))
	}
	if len(metrics) > 1 {
		say("It is the metric that most runs tell; %s more, which are not mixed with it.", inwords.Plural(len(metrics)-1, "metric"))
	}
	for _, c := range f.Caveats {
		c, _, _ = strings.Cut(c, "; select by")
		say("%s.", capital(prose(c)))
	}
	dots := &frontDots{Metric: name(metric.String()), Knee: f.Knee, Front: [][2]float64{}, Others: [][2]float64{}}
	for _, w := range sample(f.Front, mostFrontDots) {
		dots.Front = append(dots.Front, [2]float64{w.Cost.Value, w.Value})
	}
	if len(f.Front) > mostFrontDots {
		dots.Knee = -1
	}
	for _, w := range sample(f.Beaten, mostDots) {
		dots.Others = append(dots.Others, [2]float64{w.Cost.Value, w.Value})
	}
	if len(f.Beaten) > mostDots || len(f.Front) > mostFrontDots {
		say("The chart shows %d of %s runs that are beaten and %d of %d that are not, evenly by energy.", len(dots.Others), inwords.Count(int64(len(f.Beaten))), len(dots.Front), len(f.Front))
	}
	p.Charts.Front = dots
	t := table{Caption: "The runs that nothing beats, the best last", Head: head("#"+name(metric.Name), "#Energy", "#Times the one before", "Run")}
	from := max(0, len(f.Front)-mostFront)
	for i := from; i < len(f.Front); i++ {
		w := &f.Front[i]
		step := cell{}
		if i > 0 {
			step = cell{Text: "× " + inwords.Trimmed(f.Steps[i-1].Times), Exact: exact(f.Steps[i-1].Times)}
		}
		run := note(cmp.Or(name(w.Name), w.Run), "")
		if w.Name != "" {
			run.Small = w.Run
		}
		if i == f.Knee {
			run.Small = joined(", ", run.Small, "the knee: beyond it, more costs most for what it brings")
		}
		t.Rows = append(t.Rows, row{Cells: []cell{
			{Text: tied(inwords.Trimmed(w.Value)), Exact: exact(w.Value)},
			figure(&lifecycle.Quantity{Value: w.Cost.Value, Low: w.Cost.Low, High: w.Cost.High}, inwords.WattHours, "", ""), step, run,
		}})
	}
	if from > 0 {
		t.More = count(int64(from)) + " more before these, cheaper and less good"
	}
	p.Front = t
	return nil
}

// sample are at most n of a list, evenly, the first and the last among them.
func sample(list []dataset.Weighed, n int) []dataset.Weighed {
	if len(list) <= n {
		return list
	}
	some := make([]dataset.Weighed, n)
	for i := range some {
		some[i] = list[i*(len(list)-1)/(n-1)]
	}
	return some
}

// outliers tell which runs are unlike others, and why.
func (p *datasetPage) outliers(s *dataset.Survey) error {
	out, err := dataset.FindOutliers(s.Points, dataset.OutlierOptions{})
	if err != nil {
		return err
	}
	say := func(format string, args ...any) {
		p.OutlierNotes = append(p.OutlierNotes, fmt.Sprintf(format, args...))
	}
	say("%s of runs judged by energy, in %s alike in %s.", capital(inwords.Plural(out.Judged, "stage")), inwords.Plural(len(out.Groups), "group"), inwords.Few(wordsOf(out.By), len(out.By)))
	if n := out.TooSmall; n.Groups > 0 {
		say("Nothing is claimed of %s of fewer than %d (%s).", inwords.Plural(n.Groups, "group"), dataset.SmallestGroup, inwords.Plural(n.Stages, "stage"))
	}
	if out.Judged == 0 {
		return nil
	}
	if len(out.Found) == 0 {
		say("No outlier: none is further from its group than chance explains.")
		return nil
	}
	say("Of those told, %s are expected to be chance. A cause is what fits the record, which proves nothing unless figures follow from it.", percent(dataset.FalseShare))
	runs := out.ByRun()
	t := table{Caption: fmt.Sprintf("%s, of %s, the farthest from usual first", inwords.Plural(len(out.Found), "outlier"), inwords.Plural(len(runs), "run")), Head: head("Run", "#Took", "#Times usual", "Likely cause")}
	for i, found := range runs {
		if i == mostFound {
			t.More = count(int64(len(runs)-mostFound)) + " more runs in the data"
			break
		}
		o := &found[0]
		g := &out.Groups[o.Group]
		what := []string{o.Stage}
		for k, trait := range g.Traits {
			if out.By[k] != "stage" {
				what = append(what, trait)
			}
		}
		run := cell{Text: o.Run, Small: name(joined(" · ", what...)), Head: true}
		if o.Name != "" {
			run.Text, run.Small = name(o.Name), o.Run+" · "+run.Small
		}
		cause := cell{Text: "none was found in its record", Class: "unknown", Small: partsInWords(o.Parts)}
		var more []string
		for k, c := range o.Causes {
			said := prose(c.Text)
			if c.Proven {
				said += fmt.Sprintf(" (explains %s)", percent(inwords.Rounded(c.Explains, 2)))
			}
			if k == 0 {
				cause = cell{Text: capital(said)}
			} else if k < 4 {
				more = append(more, "also: "+said)
			}
		}
		if rest := found[1:]; len(rest) > 0 {
			more = append(more, "likewise "+inwords.Plural(len(rest), "more stage")+" of the run")
		}
		cause.Small = joined("; ", append([]string{cause.Small}, more...)...)
		t.Rows = append(t.Rows, row{Cells: []cell{
			run, {Text: tied(inwords.Trimmed(o.Value) + " " + name(g.Measure)), Small: tied("usual " + inwords.Trimmed(g.Low) + "–" + inwords.Trimmed(g.High)), Exact: exact(o.Value)},
			{Text: inwords.Trimmed(o.Times), Exact: exact(o.Times)}, cause,
		}})
	}
	p.Outliers = t
	return nil
}

func wordsOf(codes []string) (words []string) {
	for _, c := range codes {
		words = append(words, strings.ReplaceAll(c, "_", " "))
	}
	return words
}

// partsInWords tells of what a deviation is made.
func partsInWords(parts []dataset.Part) string {
	var texts []string
	for _, part := range parts {
		if part.Times > 1.1 || part.Times < 1/1.1 {
			texts = append(texts, fmt.Sprintf("%s × %s", name(part.What), inwords.Trimmed(part.Times)))
		}
	}
	return strings.Join(texts, ", ")
}

// clusters tell which runs are alike.
func (p *datasetPage) clusters(s *dataset.Survey) error {
	c, err := dataset.FindClusters(s.Points, dataset.ClusterOptions{})
	if err != nil {
		return err
	}
	say := func(format string, args ...any) {
		p.ClusterNotes = append(p.ClusterNotes, fmt.Sprintf(format, args...))
	}
	say("Runs are compared by %s.", inwords.Few(c.Features, len(c.Features)))
	if c.Sampled < c.Runs {
		say("Kinds were sought in %d samples of %d runs; every run was then put to the nearest.", c.Samples, c.Sampled)
	}
	if len(c.Clusters) == 1 {
		say("No kinds are told apart.")
	} else {
		say("%s are told apart, at %s of 1 (mean silhouette).", capital(inwords.Plural(len(c.Clusters), "kind")), inwords.Trimmed(inwords.Rounded(c.Silhouette, 2)))
	}
	t := table{Caption: "Kinds of runs", Head: head("What sets them apart", "#Runs", "#Median energy", "The run in the middle")}
	for _, k := range c.Clusters {
		t.Rows = append(t.Rows, row{Cells: []cell{
			{Text: prose(k.Words), Head: true}, {Text: count(int64(k.Runs)), Exact: exact(float64(k.Runs))},
			{Text: amount(k.EnergyJ.Median, inwords.WattHours), Small: between(k.EnergyJ.Low, k.EnergyJ.High), Exact: exact(k.EnergyJ.Median)}, text(k.Medoid),
		}})
	}
	p.Clusters = t
	return nil
}
