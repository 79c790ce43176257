package main

import (
	"flag"
	"fmt"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

func declareCluster(c *cli, flags *flag.FlagSet) func([]string) int {
	a := c.ask("dataset cluster", flags).asJSON(flags)
	var o dataset.ClusterOptions
	flags.IntVar(&o.K, "k", 0, "")
	flags.IntVar(&o.Most, "most", 8, "")
	return func(paths []string) int {
		if _, err := dataset.FindClusters(nil, o); err != nil {
			return c.usage(a.command, "%s", ours(err))
		}
		points, report, code := c.points(a, paths)
		if len(points) == 0 {
			return code
		}
		clusters, err := dataset.FindClusters(points, o)
		if err != nil {
			return c.usage(a.command, "%s", ours(err))
		}
		if a.json {
			return max(code, c.json(struct {
				*dataset.Clusters
				Report dataset.Report `json:"report"`
			}{clusters, report}))
		}
		p := page{style: styleOf(c.out)}
		p.asked(report, len(points), a.where)
		p.clusters(clusters, o.K > 0)
		p.notCounted(&report)
		p.printTo(c.out)
		return code
	}
}

// clusters tells which runs are alike.
func (p *page) clusters(c *dataset.Clusters, asked bool) {
	p.prose("", "Compared by "+strings.Join(c.Features, ", ")+".")
	if c.Sampled < c.Runs {
		p.prose("", fmt.Sprintf("Sought in %d samples of %d runs; every run was then put to the nearest.", c.Samples, c.Sampled))
	}
	switch {
	case len(c.Clusters) == 1 && !asked:
		p.heading("One kind of runs: none are told apart")
	default:
		p.heading(fmt.Sprintf("%s of runs, told apart at %s of 1 (mean silhouette)", inwords.Plural(len(c.Clusters), "kind"), inwords.Trimmed(inwords.Rounded(c.Silhouette, 2))))
	}
	for i, k := range c.Clusters {
		p.line("")
		p.prose("  ", fmt.Sprintf("%d. %s.", i+1, k.Words))
		p.line("  %s", p.dim("in the middle: "+k.Medoid))
	}
}
