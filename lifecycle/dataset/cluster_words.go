package dataset

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
)

// describe puts every run to its medoid and says what sets each cluster apart.
func (c *Clusters) describe(g *gower, medoids []int) {
	of := make([]int, len(g.points))
	members := make([][]int, len(medoids))
	for i := range g.points {
		of[i], _ = g.nearest(i, medoids)
		members[of[i]] = append(members[of[i]], i)
	}
	for k, own := range members {
		if len(own) == 0 {
			continue // two medoids that are alike
		}
		cluster := Cluster{Runs: len(own), Medoid: g.points[medoids[k]].run.String(), Apart: []Mark{}}
		joules := make([]float64, len(own))
		for i, at := range own {
			cluster.Members = append(cluster.Members, g.points[at].run.String())
			joules[i] = g.points[at].energy.value
		}
		slices.Sort(joules)
		at := func(percent int64) float64 { return joules[quantilePlace(percent, int64(len(joules)))-1] } // as of a Summary
		cluster.EnergyJ = Quartiles{at(25), at(50), at(75)}
		cluster.Apart = g.marks(of, k)
		cluster.Words = words(&cluster)
		c.Clusters = append(c.Clusters, cluster)
	}
	slices.SortFunc(c.Clusters, func(a, b Cluster) int {
		return cmp.Or(cmp.Compare(b.Runs, a.Runs), cmp.Compare(a.Medoid, b.Medoid))
	})
}

// marks are what tells a cluster from the rest; of the only one, what its runs
// have in common.
func (g *gower) marks(of []int, cluster int) []Mark {
	type weighed struct {
		Mark
		weight float64
	}
	var all []weighed
	for f, feature := range wordFeatures {
		in, out := map[word]int{}, map[word]int{}
		var n, rest int
		for i := range g.points {
			w := g.words[i*len(wordFeatures)+f]
			if of[i] == cluster {
				in[w]++
				n++
			} else {
				out[w]++
				rest++
			}
		}
		var most word
		for w, k := range in {
			if w != (word{}) && (k > in[most] || most == (word{}) || k == in[most] && w.String() < most.String()) {
				most = w
			}
		}
		if most == (word{}) {
			continue
		}
		m := Mark{Feature: feature.name, Value: most.String(), Share: float64(in[most]) / float64(n)}
		if rest > 0 {
			m.Rest = float64(out[most]) / float64(rest)
		}
		weight := m.Share - m.Rest
		if m.Share >= 0.5 && (weight >= 0.3 || rest == 0) {
			all = append(all, weighed{m, weight})
		}
	}
	for f, feature := range numberFeatures {
		var in, out []float64
		for i := range g.points {
			x := logRatio(feature.of(&g.points[i], g.points[i].main()), 1)
			switch {
			case math.IsNaN(x):
			case of[i] == cluster:
				in = append(in, x)
			default:
				out = append(out, x)
			}
		}
		if len(in) == 0 {
			continue
		}
		own := medianOf(in)
		m := Mark{Feature: feature.name, Median: math.Exp(own)}
		weight := 0.0
		if len(out) > 0 {
			d := own - medianOf(out)
			m.Times = math.Exp(d)
			// How much of the cluster is on the far side of the rest's median.
			far := 0
			for _, x := range in {
				if (x-median(out))*d > 0 {
					far++
				}
			}
			weight = math.Min(math.Abs(d)/3, 1) * (2*float64(far)/float64(len(in)) - 1)
		}
		if weight >= 0.2 || len(out) == 0 && f < 2 {
			all = append(all, weighed{m, weight})
		}
	}
	slices.SortStableFunc(all, func(a, b weighed) int { return cmp.Compare(b.weight, a.weight) })
	marks := []Mark{}
	for _, w := range all {
		marks = append(marks, w.Mark)
	}
	return marks
}

// spoken is the order in which marks are said.
var spoken = []string{
	"main stage", "training type", "kind", "task", "algorithm", "parameters", "layers", "epochs", "hardware", "devices", "power per device", "duration", "method",
}

// words says in a sentence what sets a cluster apart.
func words(c *Cluster) string {
	text := fmt.Sprintf("; median %s a run", inwords.Amount(c.EnergyJ.Median, inwords.WattHours))
	marks := slices.DeleteFunc(slices.Clone(c.Apart), func(m Mark) bool {
		if m.Feature == "energy" && m.Times > 1 {
			text += fmt.Sprintf(", %s times the rest", inwords.Trimmed(inwords.Rounded(m.Times, 2)))
		} else if m.Feature == "energy" && m.Times > 0 {
			text += fmt.Sprintf(", 1/%s of the rest", inwords.Trimmed(inwords.Rounded(1/m.Times, 2)))
		}
		return m.Feature == "energy" || m.Feature == "training type" && slices.ContainsFunc(c.Apart, func(s Mark) bool {
			return s.Feature == "main stage" && strings.HasSuffix(s.Value, "/"+m.Value) // said once
		})
	})
	marks = marks[:min(len(marks), 6)]
	slices.SortFunc(marks, func(a, b Mark) int {
		return cmp.Compare(slices.Index(spoken, a.Feature), slices.Index(spoken, b.Feature))
	})
	var texts []string
	for _, m := range marks {
		texts = append(texts, m.words())
	}
	if len(texts) > 0 {
		text = ": " + strings.Join(texts, ", ") + text
	}
	return inwords.Plural(c.Runs, "run") + text
}

// words says one mark.
func (m *Mark) words() string {
	about := "≈ "
	switch m.Feature {
	case "energy":
		return about + inwords.Amount(m.Median, inwords.WattHours)
	case "duration":
		return about + inwords.Duration(m.Median)
	case "devices":
		return inwords.Plural(int(math.Round(m.Median)), "device")
	case "power per device":
		return about + inwords.Amount(m.Median, inwords.Watts) + " each"
	case "parameters", "layers", "epochs":
		return about + inPowers(inwords.Rounded(m.Median, 2)) + " " + m.Feature
	}
	text := m.Value
	switch m.Feature {
	case "method":
		text = "energy " + m.Value
		if m.Value == "counter" {
			text = "energy by counters"
		}
	case "hardware":
		text = "on " + m.Value
	}
	if m.Share < 0.9 {
		text += " (" + inwords.Percent(rounded(m.Share)) + ")"
	}
	return text
}
