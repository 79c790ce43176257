package dataset

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"

	"github.com/ecotracer/ecotracer/internal/lognormal"
)

// ReleasedSchema names the format of what was released with noise.
const ReleasedSchema = "urn:ecotracer:private-summary:v1"

// Released is what a site released with noise (see [Noise]), or what the
// releases of several sites add up to. It may be used by one goroutine at a
// time.
type Released struct {
	file   releasedFile // but the groups
	groups map[string]*released
}

// released is a group.
type released struct {
	texts     []string
	values    [quantities]big.Int // in units
	variances [quantities]big.Int // of the noise
}

// Privacy is what a release promises to the runs. Of several sites, who have no
// run in common, it is the weakest of what they promise.
type Privacy struct {
	Protects  string             `json:"protects"`   // run: a run is there or is not
	Mechanism string             `json:"mechanism"`  // discrete-gaussian
	Epsilon   float64            `json:"epsilon"`    // of this release
	Delta     float64            `json:"delta"`      //
	Rho       float64            `json:"rho"`        // of the noise, as zero-concentrated differential privacy
	Groups    int                `json:"max_groups"` // that a run adds to
	MinRuns   int64              `json:"min_runs"`   // of a group, but for a probability of δ/2
	Threshold int64              `json:"threshold"`  // noisy count of runs from which on a group is released
	Bounds    map[string]float64 `json:"bounds"`     // what a run adds to a group at most, by quantity
}

type releasedFile struct {
	Schema  string              `json:"schema"`
	By      []Dimension         `json:"by"`
	Sites   int64               `json:"sites"`
	Privacy Privacy             `json:"privacy"`
	Units   map[string]float64  `json:"units"`
	Groups  []releasedGroupFile `json:"groups"`
}

type releasedGroupFile struct {
	Key    []string             `json:"key"`
	Values map[string]noisyFile `json:"values"`
}

type noisyFile struct {
	Value    json.Number `json:"value"`
	Variance json.Number `json:"variance"`
}

// PrivateGroup is a group of a release.
type PrivateGroup struct {
	Key    []string   `json:"key"`
	Runs   Noisy      `json:"runs"`
	StageS Noisy      `json:"stage_s"`
	Energy PrivateSum `json:"energy_j"`
	GCO2e  PrivateSum `json:"gco2e"` // operational and embodied
	Water  PrivateSum `json:"water_l"`
}

// Noisy is a sum with noise. It may be below 0: so it adds up without bias.
type Noisy struct {
	Value float64 `json:"value"`
	Noise float64 `json:"noise"` // 95 % of the noise is within ± this
}

// PrivateSum is a figure with noise. Low and High are the 95 % interval that the
// meters and factors give it, as if all runs of the group shared them, which is
// cautious; they have noise of their own. What was cut at the bounds is missing.
type PrivateSum struct {
	Noisy
	Low   Noisy `json:"low"`
	High  Noisy `json:"high"`
	Known Noisy `json:"known"` // runs that tell it in full
}

// By are the dimensions.
func (r *Released) By() []Dimension { return slices.Clone(r.file.By) }

// Sites is how many releases it is of.
func (r *Released) Sites() int64 { return r.file.Sites }

// Privacy is what was promised.
func (r *Released) Privacy() Privacy {
	p := r.file.Privacy
	p.Bounds = maps.Clone(p.Bounds)
	return p
}

// Groups are the groups, sorted by key.
func (r *Released) Groups() []PrivateGroup {
	groups := make([]PrivateGroup, 0, len(r.groups))
	for _, g := range r.sorted() {
		groups = append(groups, r.told(g))
	}
	return groups
}

// Total is the sum of all groups: a run counts once for each that it added to.
func (r *Released) Total() PrivateGroup {
	all := &released{texts: []string{}}
	for _, g := range r.groups {
		all.merge(g)
	}
	return r.told(all)
}

func (r *Released) sorted() []*released {
	return slices.SortedFunc(maps.Values(r.groups), func(a, b *released) int { return slices.Compare(a.texts, b.texts) })
}

func (r *Released) told(g *released) PrivateGroup {
	noisy := func(q quantity) Noisy {
		unit := r.file.Units[q.name()]
		value, _ := new(big.Float).SetInt(&g.values[q]).Float64()
		variance, _ := new(big.Float).SetInt(&g.variances[q]).Float64()
		return Noisy{value * unit, sixDigits(lognormal.Z95 * math.Sqrt(variance) * unit)}
	}
	sum := func(f quantity) PrivateSum {
		q := figuresNoisy + 4*f
		return PrivateSum{noisy(q + 1), noisy(q + 2), noisy(q + 3), noisy(q)}
	}
	return PrivateGroup{slices.Clone(g.texts), noisy(runsNoisy), noisy(stageNoisy), sum(0), sum(1), sum(2)}
}

func (g *released) merge(o *released) {
	for q := range quantities {
		g.values[q].Add(&g.values[q], &o.values[q])
		g.variances[q].Add(&g.variances[q], &o.variances[q])
	}
}

// Merge adds the release of another site. Both must have the same dimensions
// and the same bounds. It is exactly associative and commutative.
func (r *Released) Merge(o *Released) error {
	if !slices.Equal(r.file.By, o.file.By) {
		return fmt.Errorf("dataset: release: one by (%s) and one by (%s) do not add up", join(r.file.By), join(o.file.By))
	}
	p, q := &r.file.Privacy, &o.file.Privacy
	if p.Mechanism != q.Mechanism || p.Protects != q.Protects || !maps.Equal(p.Bounds, q.Bounds) || !maps.Equal(r.file.Units, o.file.Units) {
		return errors.New("dataset: release: sites that are combined must have agreed on the same bounds of what a run adds")
	}
	p.Epsilon, p.Delta, p.Rho, p.Groups = max(p.Epsilon, q.Epsilon), max(p.Delta, q.Delta), max(p.Rho, q.Rho), max(p.Groups, q.Groups)
	p.MinRuns, p.Threshold = min(p.MinRuns, q.MinRuns), min(p.Threshold, q.Threshold)
	r.file.Sites += o.file.Sites
	for key, from := range o.groups {
		r.add(key, from)
	}
	return nil
}

func (r *Released) add(key string, from *released) {
	g := r.groups[key]
	if g == nil {
		g = &released{texts: from.texts}
		r.groups[key] = g
	}
	g.merge(from)
}

// Regroup is the release by some of its dimensions. A run counts in it once for
// each group that it added to.
func (r *Released) Regroup(by ...Dimension) (*Released, error) {
	if _, err := NewSummary(by...); err != nil {
		return nil, err
	}
	fresh := &Released{file: r.file, groups: map[string]*released{}}
	fresh.file.By = slices.Clone(by)
	var places []int
	for _, name := range by {
		at := slices.Index(r.file.By, name)
		if at < 0 {
			return nil, fmt.Errorf("dataset: release: it is by %s, and cannot be by %s", cmp.Or(join(r.file.By), "nothing"), name)
		}
		places = append(places, at)
	}
	for _, g := range r.groups {
		texts := make([]string, len(places))
		for i, at := range places {
			texts[i] = g.texts[at]
		}
		fresh.add(groupKey(texts), &released{texts, g.values, g.variances})
	}
	return fresh, nil
}

// groupKey is the texts of a group in one.
func groupKey(texts []string) string {
	var b []byte
	for _, text := range texts {
		b = appendPart(b, text)
	}
	return string(b)
}

// MarshalJSON writes the release: schema, by, sites, privacy (see [Privacy]),
// units (of which values are whole numbers, by quantity) and groups, sorted by
// key: of each quantity its value and the variance of its noise. Equal releases
// are equal bytes.
func (r *Released) MarshalJSON() ([]byte, error) {
	f := r.file
	f.Schema, f.Groups = ReleasedSchema, make([]releasedGroupFile, 0, len(r.groups))
	for _, g := range r.sorted() {
		of := releasedGroupFile{g.texts, map[string]noisyFile{}}
		for q := range quantities {
			of.Values[q.name()] = noisyFile{json.Number(g.values[q].String()), json.Number(g.variances[q].String())}
		}
		f.Groups = append(f.Groups, of)
	}
	return encodeSummary(f)
}

// UnmarshalJSON reads what [Released.MarshalJSON] writes, and nothing else but
// white space and escapes in texts.
func (r *Released) UnmarshalJSON(text []byte) error {
	fresh := &Released{groups: map[string]*released{}}
	if err := decodeSummary(text, &fresh.file, ReleasedSchema); err != nil {
		return err
	}
	f := &fresh.file
	if _, err := NewSummary(f.By...); err != nil {
		return err
	}
	wrong := func(path string) error { return fmt.Errorf("dataset: release: %s is not as it would be written", path) }
	if usablePrivacy(f.Privacy.Epsilon, f.Privacy.Delta) != nil || f.Sites < 1 || f.Sites > maxCount || !(f.Privacy.Rho > 0 && f.Privacy.Rho < 1e6) {
		return wrong("/privacy")
	}
	for q := range quantities {
		if unit, bound := f.Units[q.name()], f.Privacy.Bounds[q.name()]; !(unit >= 1e-20 && unit <= 1e20 && bound >= 1e-20 && bound <= 1e20) {
			return wrong("/units/" + q.name())
		}
	}
	for i := range f.Groups {
		of := &f.Groups[i]
		if len(of.Key) != len(f.By) || slices.ContainsFunc(of.Key, func(text string) bool { return tidy(text) != text }) || len(of.Values) != int(quantities) {
			return wrong(fmt.Sprintf("/groups/%d", i))
		}
		g := &released{texts: append([]string{}, of.Key...)}
		for q := range quantities {
			x := of.Values[q.name()]
			const digits = 60
			if len(x.Value) > digits || len(x.Variance) > digits || !whole(x.Value, &g.values[q]) || !whole(x.Variance, &g.variances[q]) || g.variances[q].Sign() < 0 {
				return wrong(fmt.Sprintf("/groups/%d/values/%s", i, q.name()))
			}
		}
		fresh.groups[groupKey(g.texts)] = g
	}
	f.Groups = nil
	again, err := fresh.MarshalJSON()
	if err != nil {
		return err
	}
	if !sameJSON(text, again) {
		return errors.New("dataset: release: it is not in the one form that its content has")
	}
	*r = *fresh
	return nil
}

// whole reads a whole number.
func whole(text json.Number, to *big.Int) bool {
	_, ok := to.SetString(string(text), 10)
	return ok
}
