package dataset

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// SummarySchema names the format of a summary as JSON.
const SummarySchema = "urn:ecotracer:summary:v1"

// What a summary that is read may be at most.
const (
	maxSummaryBytes = 256 << 20
	maxCount        = 1 << 53
)

var sumNames = [allSums]string{"energy_j", "facility_energy_j", "operational_gco2e", "water_l", "embodied_gco2e", "embodied_adpe_kgsbeq", "embodied_primary_energy_j", "embodied_waste_kg", "gco2e", "stage_s", "device_s"}

// sumName is how a sum of a cell is called.
func (k blendKind) sumName(at int) string {
	switch {
	case k&ofDevice != 0:
		return sumNames[int(embodiedSum)+at]
	case at == siteWater:
		return "site_water_l"
	}
	return sumNames[at]
}

type summaryFile struct {
	Schema string      `json:"schema"`
	By     []Dimension `json:"by"`
	Shared int64       `json:"min_runs,omitempty"`
	Apart  bool        `json:"overlapping,omitempty"`
	Inputs []inputFile `json:"inputs"`
	Groups []groupFile `json:"groups"`
	Others *groupFile  `json:"others,omitempty"`
	Total  *groupFile  `json:"total,omitempty"`
}

type inputFile struct {
	Kind string  `json:"kind"`
	ID   string  `json:"id"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

type groupFile struct {
	Key          []string             `json:"key,omitempty"`
	Runs         int64                `json:"runs"`
	Statuses     map[string]int64     `json:"statuses,omitempty"`
	Rows         int64                `json:"rows,omitempty"`
	StageS       exact                `json:"stage_s"`
	DeviceS      exact                `json:"device_s"`
	Known        map[string]int64     `json:"known,omitempty"`
	Unknown      map[string]int64     `json:"unknown,omitempty"`
	EnergyPerRun *sketchFile          `json:"energy_j_per_run,omitempty"`
	GCO2ePerRun  *sketchFile          `json:"gco2e_per_run,omitempty"`
	Units        map[string]*unitFile `json:"units,omitempty"`
	MoreUnits    bool                 `json:"more_units,omitempty"`
	Cells        []cellFile           `json:"cells,omitempty"`
	Rest         *restFile            `json:"rest,omitempty"`
}

type unitFile struct {
	Count   exact            `json:"count"`
	Stages  int64            `json:"stages"`
	Runs    int64            `json:"runs"`
	Lacking map[string]int64 `json:"lacking,omitempty"`
	Rest    map[string]exact `json:"rest,omitempty"`
}

type sketchFile struct {
	Min       float64    `json:"min"`
	Max       float64    `json:"max"`
	Zero      int64      `json:"zero,omitempty"`
	Buckets   [][2]int64 `json:"buckets"`
	Collapsed bool       `json:"collapsed,omitempty"`
}

type cellFile struct {
	Inputs   []int            `json:"inputs"`
	Units    []string         `json:"units,omitempty"`
	Device   bool             `json:"device,omitempty"`
	Measured bool             `json:"measured,omitempty"`
	Direct   bool             `json:"direct,omitempty"`
	Runs     int64            `json:"runs,omitempty"`
	Sums     map[string]exact `json:"sums,omitempty"`
}

type restFile struct {
	Sums     map[string]exact   `json:"sums"`
	Measured exact              `json:"measured"`
	Low      map[string]float64 `json:"low"`
	High     map[string]float64 `json:"high"`
}

// MarshalJSON writes the summary in full: what has seen the same is the same
// bytes. Members, of which those that are 0 or empty may be absent:
//
//	schema   urn:ecotracer:summary:v1
//	by       dimensions
//	inputs   factors and meters, sorted: kind, id, low and high (95 % bounds over the value)
//	groups   sorted by key
//	others   what was not kept apart
//	total    of all runs, what does not add up over groups; absent if shared
//	min_runs of a summary that was shared: no group or cell has fewer (see [Sharing])
//	overlapping  the groups were made of smaller ones, and a run may count once for each (see [Summary.Regroup])
//
// Of a group: key (a text a dimension), runs, statuses, rows, stage_s, device_s,
// known and unknown (runs, by figure), energy_j_per_run and gco2e_per_run
// (min, max, zero: how many are 0, buckets: pairs of the first 18 bits of a
// float64 and how many runs have them; collapsed if there was more below the
// lowest), units (by name: count, stages, runs, lacking, rest), cells (inputs by
// index, units that their stages tell, whether it is of device stages, measured,
// or of grams by factor alone, how many runs tell all of it, and sums) and rest (sums of cells that were not
// kept, with the widest of their relative bounds).
//
// Sums, stage_s, device_s and counts of units are texts, a hexadecimal number
// with an exponent of 2 in which nothing is rounded: 0x1a3fp-30 is 6719 × 2^-30.
// Go's strconv.ParseFloat and Python's float.fromhex read them. Units of
// measurement are in the names; the arithmetic is told at [Summary].
func (s *Summary) MarshalJSON() ([]byte, error) {
	s.settle()
	return encodeSummary(s.file())
}

func encodeSummary(file any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(file); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func (s *Summary) file() *summaryFile {
	f := &summaryFile{Schema: SummarySchema, By: s.By(), Shared: s.shared, Apart: s.overlapping, Inputs: []inputFile{}, Groups: make([]groupFile, 0, len(s.groups))}
	if s.shared == 0 {
		f.Total = s.total.file()
	}
	used := make([]bool, len(s.inputs))
	for _, t := range s.groups {
		for i := range t.cells {
			for _, u := range s.blends[t.cells[i].blend].of {
				used[u] = true
			}
		}
	}
	place := make([]int, len(s.inputs))
	for _, k := range ranked(len(s.inputs), func(i, j int32) int { return s.inputs[i].compare(&s.inputs[j]) }) {
		if u := &s.inputs[k]; k != 0 && used[k] {
			place[k] = len(f.Inputs)
			f.Inputs = append(f.Inputs, inputFile{inputKinds[u.kind], u.id, u.low, u.high})
		}
	}
	for _, t := range s.groups {
		g := t.file()
		cells := slices.Clone(t.cells)
		slices.SortFunc(cells, func(a, b sumCell) int { return s.compareBlends(&s.blends[a.blend], &s.blends[b.blend]) })
		g.Cells = make([]cellFile, len(cells))
		for i := range cells {
			g.Cells[i] = s.cellFile(&cells[i], place)
		}
		f.Groups = append(f.Groups, *g)
	}
	slices.SortFunc(f.Groups, func(a, b groupFile) int { return slices.Compare(a.Key, b.Key) })
	if s.others != nil {
		f.Others = s.others.file()
	}
	return f
}

func (s *Summary) cellFile(c *sumCell, place []int) cellFile {
	b := &s.blends[c.blend]
	f := cellFile{Inputs: []int{}, Units: s.sets[b.units], Device: b.kind&ofDevice != 0, Measured: b.kind&measured != 0, Direct: b.kind&direct != 0, Runs: c.runs, Sums: map[string]exact{}}
	for _, u := range b.of {
		if u != 0 {
			f.Inputs = append(f.Inputs, place[u])
		}
	}
	for k := range c.sums {
		if !c.sums[k].isZero() {
			f.Sums[b.kind.sumName(k)] = c.sums[k]
		}
	}
	return f
}

func (t *tally) file() *groupFile {
	g := &groupFile{
		Key: t.texts, Runs: t.runs, Rows: t.rows, StageS: t.seconds, DeviceS: t.held, MoreUnits: t.moreUnits,
		Statuses: counts(statuses[:], t.status[:]), Known: counts(sumNames[:], t.known[:]), Unknown: counts(sumNames[:], t.unknown[:]),
		EnergyPerRun: t.perRun[0].file(), GCO2ePerRun: t.perRun[1].file(),
	}
	for name, u := range t.units {
		f := &unitFile{Count: u.count, Stages: u.stages, Runs: u.runs, Lacking: counts(unitNames(), u.lacking[:]), Rest: map[string]exact{}}
		for i, name := range unitNames() {
			if !u.rest[i].isZero() {
				f.Rest[name] = u.rest[i]
			}
		}
		if g.Units == nil {
			g.Units = map[string]*unitFile{}
		}
		g.Units[name] = f
	}
	if r := t.rest; r != nil {
		g.Rest = &restFile{Sums: map[string]exact{}, Measured: r.measured, Low: map[string]float64{}, High: map[string]float64{}}
		for f := range ownSums {
			if !r.sums[f].isZero() {
				g.Rest.Sums[sumNames[f]] = r.sums[f]
			}
			if r.low[f] != 1 || r.high[f] != 1 {
				g.Rest.Low[sumNames[f]], g.Rest.High[sumNames[f]] = r.low[f], r.high[f]
			}
		}
	}
	return g
}

func unitNames() []string { return []string{sumNames[unitFigures[0]], sumNames[unitFigures[1]]} }

func counts(names []string, of []int64) map[string]int64 {
	m := map[string]int64{}
	for i, n := range of {
		if n != 0 {
			m[names[i]] = n
		}
	}
	return m
}

func (s *sketch) file() *sketchFile {
	if s.count() == 0 {
		return nil
	}
	f := &sketchFile{Min: s.min, Max: s.max, Zero: s.none, Collapsed: s.collapsed, Buckets: make([][2]int64, len(s.buckets))}
	for i, b := range s.buckets {
		f.Buckets[i] = [2]int64{int64(b.number), b.count}
	}
	return f
}

// UnmarshalJSON reads what [Summary.MarshalJSON] writes, but for white space
// and escapes in texts, and nothing else: an unknown, doubled or unsorted
// member is an error, as is more than 256 MiB.
func (s *Summary) UnmarshalJSON(text []byte) error {
	var f summaryFile
	if err := decodeSummary(text, &f, SummarySchema); err != nil {
		return err
	}
	fresh, err := f.summary()
	if err != nil {
		return fmt.Errorf("dataset: summary: %w", err)
	}
	again, err := fresh.MarshalJSON()
	if err != nil {
		return err
	}
	if !sameJSON(text, again) {
		return errors.New("dataset: summary: it is not in the one form that its content has: a member is doubled, out of order or not as it would be written")
	}
	*s = *fresh
	return nil
}

// decodeSummary reads a document of a schema.
func decodeSummary(text []byte, into any, schema string) error {
	if len(text) > maxSummaryBytes {
		return fmt.Errorf("dataset: summary: it is longer than %d MiB", maxSummaryBytes>>20)
	}
	var head struct{ Schema string }
	if err := json.Unmarshal(text, &head); err != nil {
		return fmt.Errorf("dataset: summary: it is no JSON: %w", err)
	}
	if head.Schema != schema {
		return fmt.Errorf("dataset: summary: its schema is %q, and not %s", head.Schema, schema)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("dataset: summary: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return errors.New("dataset: summary: something follows its end")
	}
	return nil
}

// sameJSON tells whether two documents are the same but for white space and
// escapes.
func sameJSON(a, b []byte) bool {
	var x, y, tight bytes.Buffer
	for text, to := range map[*[]byte]*bytes.Buffer{&a: &x, &b: &y} {
		tight.Reset()
		if json.Compact(&tight, *text) != nil {
			return false
		}
		json.HTMLEscape(to, tight.Bytes())
	}
	return bytes.Equal(x.Bytes(), y.Bytes())
}

// summary is the summary of a document.
func (f *summaryFile) summary() (*Summary, error) {
	s, err := NewSummary(f.By...)
	if err != nil {
		return nil, err
	}
	if len(f.Groups) > s.limits.groups {
		return nil, fmt.Errorf("it has more than %d groups", s.limits.groups)
	}
	inputs := make([]int32, len(f.Inputs))
	for i, in := range f.Inputs {
		kind := slices.Index(inputKinds[:], in.Kind)
		u := uncertain{inputKind(max(kind, 0)), in.ID, in.Low, in.High}
		if kind < 1 || in.ID == "" || !u.usable() || tidy(in.ID) != in.ID {
			return nil, fmt.Errorf("/inputs/%d is no input", i)
		}
		inputs[i] = s.input(u, true)
	}
	for i := range f.Groups {
		g := &f.Groups[i]
		if len(g.Key) != len(s.by) || slices.ContainsFunc(g.Key, func(text string) bool { return tidy(text) != text }) {
			return nil, fmt.Errorf("/groups/%d/key does not fit the dimensions", i)
		}
		t := s.group(append([]string{}, g.Key...))
		if err := t.read(g); err != nil {
			return nil, fmt.Errorf("/groups/%d: %w", i, err)
		}
		if s.cells += len(g.Cells); s.cells > s.limits.cells {
			return nil, fmt.Errorf("it has more than %d cells", s.limits.cells)
		}
		for k := range g.Cells {
			if err := s.readCell(t, &g.Cells[k], inputs); err != nil {
				return nil, fmt.Errorf("/groups/%d/cells/%d: %w", i, k, err)
			}
		}
	}
	if f.Others != nil {
		s.others = &tally{}
		if err := s.others.read(f.Others); err != nil || len(f.Others.Cells) > 0 {
			return nil, fmt.Errorf("/others: %w", cmpErr(err, "it has cells"))
		}
	}
	s.shared, s.overlapping = f.Shared, f.Apart
	if s.shared < 0 || s.shared > maxCount || (s.shared == 0) != (f.Total != nil) {
		return nil, errors.New("/total is there if and only if /min_runs is not")
	}
	if f.Total != nil {
		if err := s.total.read(f.Total); err != nil || len(f.Total.Cells) > 0 {
			return nil, fmt.Errorf("/total: %w", cmpErr(err, "it has cells"))
		}
	}
	return s, nil
}

func cmpErr(err error, text string) error {
	if err != nil {
		return err
	}
	return errors.New(text)
}

func (s *Summary) readCell(t *tally, f *cellFile, inputs []int32) error {
	var b blend
	for flag, on := range map[blendKind]bool{ofDevice: f.Device, measured: f.Measured, direct: f.Direct} {
		if on {
			b.kind |= flag
		}
	}
	if f.Device && (f.Measured || f.Direct) {
		return errors.New("a device stage is not measured, nor direct")
	}
	for _, k := range f.Inputs {
		if k < 0 || k >= len(inputs) {
			return fmt.Errorf("there is no input %d", k)
		}
		u := &s.inputs[inputs[k]]
		slot := 0
		for slot < len(b.of) && !slices.Contains(b.kind.slotKinds(slot), u.kind) {
			slot++
		}
		if slot == len(b.of) || b.of[slot] != 0 {
			return fmt.Errorf("input %d has no place in it", k)
		}
		b.of[slot] = inputs[k]
	}
	if len(f.Units) > s.limits.units || slices.ContainsFunc(f.Units, func(n string) bool { return tidy(n) != n }) || !slices.IsSorted(f.Units) {
		return errors.New("its units are not such")
	}
	b.units = s.set(f.Units)
	c, fresh := t.cell(s.blend(b))
	if !fresh {
		return errors.New("it is there twice")
	}
	if c.runs = f.Runs; c.runs < 0 || c.runs > t.runs {
		return errors.New("it has more runs than its group")
	}
	for at := range c.sums {
		if b.kind&ofDevice != 0 && at > int(wasteSum-embodiedSum) {
			break
		}
		name := b.kind.sumName(at)
		sum, ok := f.Sums[name]
		if !ok {
			continue
		}
		of := waterSum // of which site water is a part
		if at != siteWater || b.kind&ofDevice != 0 {
			of = sumOf(slices.Index(sumNames[:], name))
		}
		if s.blends[c.blend].usable>>of&1 == 0 {
			return fmt.Errorf("it lacks an input of %s", name)
		}
		c.sums[at] = sum
	}
	return nil
}

func (t *tally) read(f *groupFile) (err error) {
	t.runs, t.rows, t.seconds, t.held, t.moreUnits = f.Runs, f.Rows, f.StageS, f.DeviceS, f.MoreUnits
	whole := func(n int64) int64 {
		if n < 0 || n > maxCount {
			err = errors.New("a count is not between 0 and 2^53")
		}
		return n
	}
	take := func(names []string, to []int64, from map[string]int64) {
		for i, name := range names {
			to[i] = whole(from[name])
		}
	}
	whole(f.Runs)
	whole(f.Rows)
	take(statuses[:], t.status[:], f.Statuses)
	take(sumNames[:], t.known[:], f.Known)
	take(sumNames[:], t.unknown[:], f.Unknown)
	if len(f.Units) > usualLimits.units {
		return fmt.Errorf("it has more than %d units", usualLimits.units)
	}
	for name, of := range f.Units {
		if of == nil || tidy(name) != name {
			return errors.New("a unit is none")
		}
		u := t.unit(name)
		u.count, u.stages, u.runs = of.Count, whole(of.Stages), whole(of.Runs)
		take(unitNames(), u.lacking[:], of.Lacking)
		for i, name := range unitNames() {
			u.rest[i] = of.Rest[name]
		}
	}
	if r := f.Rest; r != nil {
		t.rest = newRest()
		t.rest.measured = r.Measured
		for f := range ownSums {
			name := sumNames[f]
			t.rest.sums[f] = r.Sums[name]
			low, some := r.Low[name]
			high, both := r.High[name]
			if some != both || some && !(low > 0 && low <= 1 && high >= 1 && high <= 1e300) {
				return fmt.Errorf("the bounds of %s are none", name)
			}
			if some {
				t.rest.low[f], t.rest.high[f] = low, high
			}
		}
	}
	for i, of := range [2]*sketchFile{f.EnergyPerRun, f.GCO2ePerRun} {
		if of != nil {
			if err := t.perRun[i].read(of); err != nil {
				return err
			}
			if t.perRun[i].count() > t.runs {
				return errors.New("more runs tell a figure than there are")
			}
		}
	}
	return err
}

func (s *sketch) read(f *sketchFile) error {
	wrong := errors.New("a distribution is none")
	if len(f.Buckets) > maxBuckets || !(0 <= f.Min && f.Min <= f.Max && f.Max <= 1e300) || f.Zero < 0 || f.Zero > maxCount {
		return wrong
	}
	s.min, s.max, s.none, s.collapsed = f.Min, f.Max, f.Zero, f.Collapsed
	for i, b := range f.Buckets {
		if b[0] < 0 || b[0] >= 1<<17 || i > 0 && b[0] <= f.Buckets[i-1][0] || b[1] < 1 || b[1] > maxCount {
			return wrong
		}
		s.buckets = append(s.buckets, bucket{int32(b[0]), b[1]})
	}
	if s.count() == 0 {
		return wrong
	}
	return nil
}
