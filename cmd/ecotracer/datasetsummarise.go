package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// summarising is what one call of `dataset summarise` is to do.
type summarising struct {
	telling
	federated bool
	sharing   dataset.Sharing
	noise     dataset.Noise
	budget    string
	allow     string
	bounds    string
}

// telling is how groups are told.
type telling struct {
	command string
	by      []dataset.Dimension
	given   bool // by was
	unit    string
	out     string
	json    bool
	all     bool
}

func (t *telling) declare(command string, flags *flag.FlagSet) {
	t.command = command
	flags.Func("by", "", func(text string) error {
		t.by, t.given = nil, true
		for name := range strings.SplitSeq(text, ",") {
			if name = strings.TrimSpace(name); name != "" {
				t.by = append(t.by, dataset.Dimension(name))
			}
		}
		return nil
	})
	flags.StringVar(&t.unit, "unit", "", "")
	flags.StringVar(&t.out, "o", "", "")
	flags.BoolVar(&t.json, "json", false, "")
	flags.BoolVar(&t.all, "all", false, "")
}

func declareDatasetSummarise(c *cli, flags *flag.FlagSet) func([]string) int {
	const command = "dataset summarise"
	s := summarising{}
	s.declare(command, flags)
	flags.BoolVar(&s.federated, "federated", false, "")
	flags.Int64Var(&s.sharing.MinRuns, "min-runs", 10, "")
	flags.BoolVar(&s.sharing.Publisher, "publisher", false, "")
	flags.Float64Var(&s.noise.Epsilon, "epsilon", 0, "")
	flags.Float64Var(&s.noise.Delta, "delta", 1e-6, "")
	flags.IntVar(&s.noise.Groups, "run-groups", 4, "")
	flags.StringVar(&s.bounds, "run-bounds", "energy_j=3.6e8,gco2e=5e4,water_l=1000,stage_s=86400", "")
	flags.StringVar(&s.budget, "budget", "", "")
	flags.StringVar(&s.allow, "allow", "", "")
	open := c.reader(command, flags)
	return func(paths []string) int {
		if !s.given {
			s.by = []dataset.Dimension{"phase"}
		}
		alone := ""
		flags.Visit(func(f *flag.Flag) {
			if !s.federated && slices.Contains([]string{"min-runs", "publisher", "epsilon", "delta", "run-groups", "run-bounds", "budget", "allow"}, f.Name) {
				alone = f.Name
			}
		})
		switch {
		case len(paths) == 0:
			return c.noPath(command, "")
		case alone != "":
			return c.usage(command, "--%s is of what leaves the site: write --federated too", alone)
		case s.federated && s.out == "":
			return c.usage(command, "--federated makes a file for others: write -o FILE")
		case s.noise.Epsilon != 0 && s.budget == "":
			return c.usage(command, "--epsilon needs the budget that it is taken from: write --budget FILE")
		case s.noise.Epsilon == 0 && (s.budget != "" || s.allow != ""):
			return c.usage(command, "--budget is for --epsilon: write how much this release may take, --epsilon 1")
		}
		if _, err := dataset.NewSummary(s.by...); err != nil {
			return c.usage(command, "%s", ours(err))
		}
		if slices.ContainsFunc(paths, isTable) && slices.ContainsFunc(paths, func(path string) bool { return !isTable(path) }) {
			return c.usage(command, "%s", errMixed)
		}
		if s.noise.Epsilon != 0 && c.askedTable(command, paths) {
			return exitUsage
		}
		r, done := open()
		if s.noise.Epsilon != 0 {
			return c.release(s, r, done, paths)
		}
		return c.summarise(s, r, done, paths)
	}
}

// ours is an error of the data set's without its name.
func ours(err error) string {
	if errors.Is(err, context.Canceled) {
		return "interrupted"
	}
	text := bare(err)
	for _, of := range []string{"parquet: ", "dataset: ", "summary: ", "share: ", "noise: ", "privacy: ", "budget: ", "release: "} {
		text = strings.TrimPrefix(text, of)
	}
	return text
}

// summarised is what is told to programs.
type summarised struct {
	By       []dataset.Dimension `json:"by"`
	Groups   []dataset.Group     `json:"groups"`
	Total    dataset.Group       `json:"total"`
	MinRuns  int64               `json:"min_runs,omitempty"`
	Withheld *int                `json:"withheld_groups,omitempty"`
	Report   *dataset.Report     `json:"report,omitempty"`
}

// summarise summarises records by groups.
func (c *cli) summarise(s summarising, r dataset.Reader, done func(dataset.Report), paths []string) int {
	ctx, stop := interrupted()
	defer stop()
	summary, report, err := summariseAll(ctx, r, paths, s.by...)
	done(report)
	if err != nil {
		c.complain(s.command, "%s", ours(err))
		return exitFound
	}
	if summary.Total().Runs == 0 && !s.federated { // a site without records takes part all the same
		if isTable(paths[0]) {
			c.complain(s.command, "there is no run in the table")
			return exitFound
		}
		return c.readable(s.command, report, 0, "")
	}
	told := summarised{Report: &report}
	if s.federated {
		withheld := 0
		if summary, withheld, err = s.sharing.Share(summary); err != nil {
			return c.usage(s.command, "%s", ours(err))
		}
		told.Withheld = &withheld
	}
	code := c.tellSummary(s.telling, summary, told)
	if !report.Sound() {
		code = max(code, exitFound)
	}
	return code
}

// tellSummary writes a summary to its file and tells what is in it.
func (c *cli) tellSummary(t telling, s *dataset.Summary, told summarised) int {
	if t.out != "" {
		text, err := s.MarshalJSON()
		if err != nil {
			c.complain(t.command, "%s", ours(err))
			return exitFound
		}
		if !c.put(t.command, t.out, text) {
			return exitFound
		}
	}
	told.By, told.MinRuns, told.Groups, told.Total = s.By(), s.MinRuns(), s.Groups(), s.Total()
	if t.json {
		return c.json(told)
	}
	p := page{style: styleOf(c.out)}
	p.summary(t, told)
	p.printTo(c.out)
	return exitOK
}

// put writes a file and tells if it cannot.
func (c *cli) put(command, file string, text []byte) bool {
	if err := writeFile(file, append(text, '\n')); err != nil {
		c.complain(command, "%s: it cannot be written (%s)", file, cause(err))
		return false
	}
	return true
}

// release shares sums with noise.
func (c *cli) release(s summarising, r dataset.Reader, done func(dataset.Report), paths []string) int {
	if err := s.readBounds(); err != nil {
		return c.usage(s.command, "%s", err)
	}
	s.noise.MinRuns, s.noise.Publisher = s.sharing.MinRuns, s.sharing.Publisher
	if _, err := s.noise.Private(s.by...); err != nil {
		return c.usage(s.command, "%s", ours(err))
	}
	budget, err := dataset.OpenBudget(s.budget)
	if errors.Is(err, fs.ErrNotExist) {
		if s.allow == "" {
			return c.usage(s.command, "%s is not there: write what all releases together may take, --allow EPSILON,DELTA, to make it", s.budget)
		}
		var of [2]float64
		if of, err = pairIn(s.allow); err != nil {
			return c.usage(s.command, "--allow %q: %s", s.allow, err)
		}
		budget, err = dataset.CreateBudget(s.budget, of[0], of[1])
	} else if err == nil && s.allow != "" {
		return c.usage(s.command, "%s is there, and says what releases may take: leave --allow out", s.budget)
	}
	if err != nil {
		c.complain(s.command, "%s", ours(err))
		return exitFound
	}
	ctx, stop := interrupted()
	defer stop()
	private, report, err := s.noise.Summarise(ctx, r, paths, s.by...)
	done(report)
	if err != nil {
		c.complain(s.command, "%s", ours(err))
		return exitFound
	}
	released, err := private.Release(budget)
	if err != nil {
		c.complain(s.command, "%s", ours(err))
		return exitFound
	}
	code := c.tellReleased(s.telling, released, &report)
	if left, err := budget.Left(s.noise.Delta); err == nil && !s.json {
		tell(c.err, fmt.Sprintf("%s allows releases of ε %s more, with δ %g", s.budget, inwords.Trimmed(left), s.noise.Delta))
	}
	if !report.Sound() {
		code = max(code, exitFound)
	}
	return code
}

// readBounds reads --run-bounds.
func (s *summarising) readBounds() error {
	for part := range strings.SplitSeq(s.bounds, ",") {
		name, text, _ := strings.Cut(strings.TrimSpace(part), "=")
		x, err := strconv.ParseFloat(text, 64)
		to := map[string]*float64{"energy_j": &s.noise.EnergyJ, "gco2e": &s.noise.GCO2e, "water_l": &s.noise.WaterL, "stage_s": &s.noise.StageS}[name]
		if err != nil || to == nil || !(x > 0) {
			return fmt.Errorf("--run-bounds %q: it is a list such as energy_j=3.6e8,gco2e=5e4, of energy_j, gco2e, water_l and stage_s", part)
		}
		*to = x
	}
	return nil
}

// pairIn reads two numbers.
func pairIn(text string) (pair [2]float64, err error) {
	a, b, _ := strings.Cut(text, ",")
	for i, part := range []string{a, b} {
		if pair[i], err = strconv.ParseFloat(strings.TrimSpace(part), 64); err != nil {
			return pair, errors.New("write two numbers, such as 4,1e-5")
		}
	}
	return pair, nil
}

// releasedTold is what is told to programs of a release.
type releasedTold struct {
	By      []dataset.Dimension    `json:"by"`
	Sites   int64                  `json:"sites"`
	Privacy dataset.Privacy        `json:"privacy"`
	Groups  []dataset.PrivateGroup `json:"groups"`
	Total   dataset.PrivateGroup   `json:"total"`
	Report  *dataset.Report        `json:"report,omitempty"`
}

// tellReleased writes a release to its file and tells what is in it.
func (c *cli) tellReleased(t telling, r *dataset.Released, report *dataset.Report) int {
	if t.out != "" {
		text, err := r.MarshalJSON()
		if err != nil {
			c.complain(t.command, "%s", ours(err))
			return exitFound
		}
		if !c.put(t.command, t.out, text) {
			return exitFound
		}
	}
	told := releasedTold{r.By(), r.Sites(), r.Privacy(), r.Groups(), r.Total(), report}
	if t.json {
		return c.json(told)
	}
	p := page{style: styleOf(c.out)}
	p.released(t, told)
	p.printTo(c.out)
	return exitOK
}

// wholeNoisy is a noisy count.
func wholeNoisy(n dataset.Noisy) string {
	return inwords.Count(int64(math.Round(n.Value)))
}
