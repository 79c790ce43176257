package lifecycle

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/race"
)

// rated is small as it is made better or worse.
func rated(t testing.TB, changes ...func(*Record)) (*Record, Rating) {
	t.Helper()
	r := small(t)
	for _, change := range changes {
		change(r)
	}
	r.Warnings = nil
	require.NoError(t, Assess(r))
	FillMissing(r)
	rating, err := Rate(r)
	require.NoError(t, err)
	return r, rating
}

func (r Rating) of(name string) Criterion {
	return r.Criteria[slices.IndexFunc(r.Criteria, func(c Criterion) bool { return c.Name == name })]
}

// best is all that small lacks for gold.
func best(r *Record) {
	r.Publisher.Name, r.Technology.ML.Neurons = "Example Ltd.", to(int64(40))
	r.Missing = nil
	for i := range r.Factors {
		r.Factors[i].Quality = "A"
	}
}

func TestRatingsOfRecords(t *testing.T) {
	for name, test := range map[string]struct {
		change    func(*Record)
		criterion string
		level     Level
		lacks     string
	}{
		"all that there is":     {func(*Record) {}, "", Gold, ""},
		"nobody publishes it":   {func(r *Record) { r.Publisher.Name = "" }, "completeness", Silver, "tell 90 %; untold: /publisher/name"},
		"a purpose of nobody's": {func(r *Record) { r.Publisher.Name, r.UseCase = "", UseCase{} }, "completeness", Bronze, "tell 75 %; untold: /publisher/name, /use_case/sector"},
		"a model of nobody's":   {func(r *Record) { *r.Technology.ML = ML{Task: "chat", Optimizer: "SGD"} }, "completeness", Silver, "tell half of each part; untold: /technology/ml/algorithm"},
		"hardly a word":         {func(r *Record) { r.Publisher.Name, r.UseCase, r.Technology = "", UseCase{}, Technology{} }, "completeness", Bronze, "/technology/kind"},
		"no water":              {noWater, "coverage", Silver, "wue"},
		"no devices":            {noDevices, "coverage", Bronze, "/hardware/0/embodied"},
		"processors only":       {func(r *Record) { r.Run.Boundary = BoundaryComponent }, "coverage", Bronze, "the whole node"},
		"a card that nothing meters": {func(r *Record) {
			r.Missing = append(r.Missing, Missing{Path: "/hardware", What: "gpu X", Reason: "not-measured"})
		}, "coverage", Silver, "measure it"},
		"devices that do not apply": {func(r *Record) {
			noDevices(r)
			for i := range r.Missing {
				r.Missing[i].Reason = "not-applicable"
			}
		}, "coverage", Bronze, "untold: /hardware/0/embodied"},
		"a domain that told nothing": {func(r *Record) {
			r.Missing = append(r.Missing, Missing{Path: "/ledger", What: "cpu1", Reason: "not-measured"})
		}, "coverage", Bronze, "measure or model it"},
		"a model of most":     {func(r *Record) { method(r, "nvml", Modelled, 0.05) }, "evidence", Bronze, "measure 50 % of it, by a counter or a meter; unmeasured: nvml (72.2 %), node-model (5.3 %)"},
		"a model of some":     {func(r *Record) { method(r, "rapl", Modelled, 0.05) }, "evidence", Silver, "measure 90 % of it"},
		"a bill is no meter":  {func(r *Record) { method(r, "rapl", Declared, 0.05) }, "evidence", Silver, "unmeasured: rapl"},
		"a rough counter":     {func(r *Record) { method(r, "nvml", Counter, 0.2) }, "precision", Silver, "know it to ±10 %; errors of more than 10 %: nvml"},
		"a rougher one":       {func(r *Record) { method(r, "nvml", Counter, 1) }, "precision", Bronze, "know it to ±25 %"},
		"any energy":          {func(r *Record) { method(r, "nvml", Counter, 9) }, "precision", Unrated, "a factor of √10 either way"},
		"a poor grid":         {func(r *Record) { r.Factors[0].Quality = "C" }, "quality", Silver, "better figures instead of grid"},
		"a poorer grid":       {func(r *Record) { r.Factors[0].Quality = "D" }, "quality", Unrated, "better figures instead of grid"},
		"poor devices":        {func(r *Record) { quality(r, factors.Production, "D") }, "quality", Bronze, "gpu.production, node.production"},
		"a grid of the world": {func(r *Record) { r.Factors[0].Found = factors.FromWorld }, "fit", Unrated, "figures of the very place or device instead of grid"},
		"a run of nowhere": {func(r *Record) { r.Environments[0].Country, r.Factors[0].Found = "", factors.FromWorld }, "fit", Unrated,
			"instead of grid; where it ran is untold: /environments/0/country"},
		"a PUE of the world": {func(r *Record) { r.Factors[2].Found = factors.FromWorld }, "fit", Silver, "instead of pue"},
		"a PUE of the class": {func(r *Record) { r.Factors[2].Found = factors.Class }, "fit", Silver, "instead of pue"},
		"devices of the class": {func(r *Record) {
			for i := range r.Factors {
				if k := r.Factors[i].Kind; k == factors.Production || k == factors.EndOfLife {
					r.Factors[i].Found = factors.Class
				}
			}
		}, "fit", Silver, "instead of gpu.production"},
	} {
		t.Run(name, func(t *testing.T) {
			_, rating := rated(t, best, test.change)
			assert.Equal(t, test.level, rating.Level, "%+v", rating)
			for _, c := range rating.Criteria {
				assert.NotEmpty(t, c.Found)
				assert.Equal(t, c.Level == Gold, c.Lacks == "", "what is not gold tells what it lacks: %+v", c)
				assert.Less(t, len(c.Found)+len(c.Lacks), 1000)
			}
			if test.criterion == "" {
				assert.Empty(t, rating.Lift)
				return
			}
			assert.Equal(t, test.level, rating.of(test.criterion).Level)
			assert.Contains(t, rating.of(test.criterion).Lacks, test.lacks)
			assert.Contains(t, strings.Join(rating.Lift, "\n"), test.criterion+": ")
		})
	}
}

// method has a meter measure by another method, with another error.
func method(r *Record, id string, m Method, relError float64) {
	for i := range r.Methods {
		if r.Methods[i].ID == id {
			r.Methods[i].Method, r.Methods[i].RelError = m, relError
		}
	}
	for i := range r.Ledger {
		if r.Ledger[i].Meter == id {
			r.Ledger[i].Method = m
		}
	}
}

func quality(r *Record, k factors.Kind, q string) {
	for i := range r.Factors {
		if r.Factors[i].Kind == k {
			r.Factors[i].Quality = q
		}
	}
}

func noWater(r *Record) {
	r.Environments[0].Factors.WUE, r.Environments[0].Factors.EWIF = "", ""
}

func noDevices(r *Record) {
	for i := range r.Hardware {
		r.Hardware[i].Embodied = nil
		r.Missing = append(r.Missing, Missing{Path: pointer("hardware", i, "embodied"), Reason: "unknown"})
	}
	r.Phases = slices.DeleteFunc(r.Phases, func(p PhaseEntry) bool { return p.Stage.Device() })
}

// losses make a record worse: what is known is no longer, or less well. Undone,
// each of them is a gain.
var losses = []func(*Record){
	noWater, noDevices,
	func(r *Record) { r.Publisher.Name = "" },
	func(r *Record) { r.UseCase.Sector = nil },
	func(r *Record) { r.UseCase.Purpose = "" },
	func(r *Record) { r.UseCase.Goal, r.UseCase.Description = "", "" },
	func(r *Record) { r.Technology.Kind = "" },
	func(r *Record) { r.Technology = Technology{} },
	func(r *Record) { onML(r, func(m *ML) { m.Neurons, m.Layers = nil, nil }) },
	func(r *Record) { onML(r, func(m *ML) { m.Optimizer, m.TrainingType, m.LearningParadigm = "", "", "" }) },
	func(r *Record) { onML(r, func(m *ML) { m.Datasets, m.Evaluation, m.Tuning = nil, nil, nil }) },
	func(r *Record) { r.Environments[0].Country = "" },
	func(r *Record) { r.Environments[0].Infrastructure, r.Environments[0].Virtualisation = "", "" },
	func(r *Record) { r.Hardware[1].Model, r.Hardware[2].Model = "", "" },
	func(r *Record) { r.Run.Boundary = BoundaryAccelerators },
	func(r *Record) {
		r.Missing = append(r.Missing, Missing{Path: "/hardware", What: "network", Reason: "not-measured"})
	},
	func(r *Record) { worsen(r, "rapl") }, func(r *Record) { worsen(r, "rapl") },
	func(r *Record) { worsen(r, "nvml") }, func(r *Record) { worsen(r, "nvml") },
	func(r *Record) { worsen(r, "node-model") },
	func(r *Record) { worseFactors(r, factors.Grid) }, func(r *Record) { worseFactors(r, factors.Grid) },
	func(r *Record) { worseFactors(r, factors.PUE) },
	func(r *Record) { worseFactors(r, factors.Production) }, func(r *Record) { worseFactors(r, factors.Production) },
	func(r *Record) { worseFactors(r, factors.EndOfLife) },
}

func onML(r *Record, change func(*ML)) {
	if m := r.Technology.ML; m != nil {
		change(m)
	}
}

// worsen has a meter be less direct and less exact.
func worsen(r *Record, id string) {
	for _, m := range r.Methods {
		if m.ID == id {
			next := map[Method]Method{Metered: Counter, Counter: Modelled, Modelled: Modelled}
			method(r, id, next[m.Method], m.RelError*4)
			return
		}
	}
}

func worseFactors(r *Record, k factors.Kind) {
	for i := range r.Factors {
		if f := &r.Factors[i]; f.Kind == k {
			f.Quality = map[string]string{"A": "B", "B": "C", "C": "D", "D": "D"}[f.Quality]
			f.Found = map[factors.Found]factors.Found{factors.Declared: factors.Class, factors.Class: factors.FromWorld, factors.FromWorld: factors.FromWorld}[f.Found]
		}
	}
}

// Whoever tells more, or measures better, is never rated lower for it, in no
// criterion.
func TestTellingMoreNeverLowersARating(t *testing.T) {
	seen := map[Level]int{}
	for seed := range race.Few(uint64(240)) {
		d := rand.New(rand.NewPCG(seed, 7))
		var lost []func(*Record)
		few := 1 + d.IntN(len(losses))
		for _, i := range d.Perm(len(losses))[:few] {
			lost = append(lost, losses[i])
		}
		undone := d.IntN(len(lost))
		_, worse := rated(t, append([]func(*Record){best}, lost...)...)
		_, better := rated(t, append([]func(*Record){best}, slices.Delete(slices.Clone(lost), undone, undone+1)...)...)
		require.GreaterOrEqual(t, better.Level, worse.Level, "seed %d", seed)
		for i := range worse.Criteria {
			require.GreaterOrEqual(t, better.Criteria[i].Level, worse.Criteria[i].Level, "seed %d: %+v, and better %+v", seed, worse.Criteria[i], better.Criteria[i])
		}
		seen[worse.Level]++
	}
	assert.Greater(t, len(seen), 2, "the tries must reach several levels: %v", seen)
}

func TestAnInvalidRecordHasNoRating(t *testing.T) {
	r := small(t)
	r.Totals.EnergyJ.Value *= 1.01
	_, err := Rate(r)
	assert.ErrorContains(t, err, "not valid")
	assert.ErrorContains(t, err, "/totals/energy_j/value")
}

func TestRatingChangesNoRecordAndIsTheSameForAllOrders(t *testing.T) {
	r := small(t)
	before := everythingIn(r)
	rating, err := Rate(r)
	require.NoError(t, err)
	assert.Equal(t, before, everythingIn(r))
	text, err := json.Marshal(rating)
	require.NoError(t, err)
	assert.Contains(t, string(text), `{"level":"silver","criteria":[{"name":"completeness","level":"silver","found":"32 of 33 members are told, 85.7 % in the mean of the parts of a record"`)
	var back Rating
	require.NoError(t, json.Unmarshal(text, &back))
	assert.Equal(t, rating, back)
	slices.Reverse(r.Methods)
	again, err := Rate(r)
	require.NoError(t, err)
	assert.Equal(t, rating, again)
}

func TestNotApplicableExcusesOnlyATechnology(t *testing.T) {
	_, rating := rated(t, best, func(r *Record) {
		r.Technology.ML.Neurons, r.Publisher.Name = nil, ""
		r.Missing = []Missing{{Path: "/technology/ml/neurons", Reason: "not-applicable"}, {Path: "/publisher/name", Reason: "not-applicable"}}
	})
	c := rating.of("completeness")
	assert.Contains(t, c.Found, "32 of 33 members are told", "a model without neurons lacks none; a publisher has a name")
	assert.Equal(t, "tell 90 %; untold: /publisher/name", c.Lacks)
}

// Whoever says of all of a technology that it does not apply tells nothing of it.
func TestNotEverythingOfATechnologyCanBeInapplicable(t *testing.T) {
	apart := func(r *Record, told ML) {
		r.Technology.ML, r.Missing = &told, nil
		FillMissing(r)
		for i := range r.Missing {
			r.Missing[i].Reason = "not-applicable"
		}
	}
	_, none := rated(t, best, func(r *Record) { apart(r, ML{}) })
	c := none.of("completeness")
	assert.Contains(t, c.Found, "22 of 26 members are told", "a third of the twelve is asked for")
	assert.Equal(t, Silver, c.Level, "though six parts of seven are told in full")
	assert.Contains(t, c.Lacks, "tell half of each part; untold: /technology/ml/")
	_, unknown := rated(t, best, func(r *Record) { r.Technology.ML = &ML{} })
	assert.Equal(t, Silver, unknown.of("completeness").Level)
	_, four := rated(t, best, func(r *Record) {
		apart(r, ML{Task: "chat", Algorithm: &Algorithm{Name: "transformer"}, Layers: to(int64(32)), Parameters: &Parameters{Total: to(int64(7e9))}})
	})
	assert.Contains(t, four.of("completeness").Found, "26 of 26 members are told, 100 %", "a model that is only used has no optimizer")
}

func TestNothingMeasuredIsNotNothingUsed(t *testing.T) {
	r := oneHour()
	r.Ledger, r.Spans, r.Methods, r.Phases = nil, nil, nil, nil
	r.Missing = append(r.Missing, Missing{Path: "/ledger", What: "energy", Reason: "not-measured"})
	assert.Equal(t, Unrated, rateCoverage(r).Level)
	assert.Contains(t, rateCoverage(r).Found, "nothing tells the energy of energy")
	r.Missing = nil
	assert.Equal(t, Unrated, rateCoverage(r).Level, "be it listed or not")
}

func TestLevelsAreOrderedAndNamed(t *testing.T) {
	assert.True(t, Unrated < Bronze && Bronze < Silver && Silver < Gold)
	for l, name := range map[Level]string{Unrated: "none", Bronze: "bronze", Silver: "silver", Gold: "gold", 7: "Level(7)", -1: "Level(-1)"} {
		assert.Equal(t, name, fmt.Sprint(l))
	}
	var l Level
	assert.Error(t, l.UnmarshalText([]byte("platinum")))
}
