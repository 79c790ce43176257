package dataset

import (
	"math"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// AddRow adds a row. The rows of a run follow one another, with those of a
// stage together, in whatever order, and all go to one Summary, which is not read
// or merged between them: else its run is counted once for each part. Nothing of
// the row is kept.
func (s *Summary) AddRow(row *Row) {
	if row.RunID != s.run || s.runNo == 0 {
		s.flush()
		s.runNo++
		s.run = strings.Clone(row.RunID)
		s.nextStage(row)
	} else if row.Stage != s.stage || s.stageNo == 0 {
		s.nextStage(row)
	}
	t := s.tallyOf(row)
	s.visit(t, row)
	s.visit(s.total, row)
	t.rows++
	told, lacks := s.addFigures(t, row)
	for _, of := range [2]*tally{t, s.total} {
		of.told |= told
		of.lacks |= lacks
		if lacks != 0 && s.units != 0 {
			of.lack(lacks, s.sets[s.units])
		}
	}
}

// nextStage begins a stage of the run.
func (s *Summary) nextStage(row *Row) {
	s.stage = strings.Clone(row.Stage)
	s.stageNo++
	s.units, s.counts = 0, s.counts[:0]
	if len(row.Units) == 0 {
		return
	}
	if len(row.Units) == 1 { // of many rows the same
		for name, count := range row.Units {
			if set := s.sets[s.lateUnits]; count >= 0 && len(set) == 1 && set[0] == name {
				s.units, s.counts = s.lateUnits, append(s.counts, float64(count))
				return
			}
		}
	}
	names := make([]string, 0, len(row.Units))
	for name, count := range row.Units {
		if count >= 0 {
			names = append(names, tidy(name))
		}
	}
	sortByHash(names)
	names = slices.Compact(names)
	names = names[:min(len(names), s.limits.units)]
	slices.Sort(names)
	s.units = s.set(names)
	s.lateUnits = s.units
	s.counts = append(s.counts, make([]float64, len(names))...)
	for name, count := range row.Units {
		if k := slices.Index(names, tidy(name)); k >= 0 && count >= 0 {
			s.counts[k] += float64(count)
		}
	}
}

// visit counts the run and the stage once in a group.
func (s *Summary) visit(t *tally, row *Row) {
	if t.runNo != s.runNo {
		t.runNo = s.runNo
		t.pending, t.told, t.lacks = [2]exact{}, 0, 0
		t.runs++
		k := 0
		for k < len(statuses)-1 && statuses[k] != row.Status {
			k++
		}
		t.status[k]++
		s.touched = append(s.touched, t)
	}
	if t.stageNo == s.stageNo {
		return
	}
	t.stageNo = s.stageNo
	if x, ok := summable(row.StageS); ok {
		t.seconds.add(x)
		t.told |= 1 << stageTime
	}
	for k, name := range s.sets[s.units] {
		u := t.unit(name)
		u.count.add(s.counts[k])
		u.stages++
		if u.runNo != s.runNo {
			u.runNo = s.runNo
			u.runs++
		}
	}
}

// addFigures adds the figures of a row, and tells which it told and which it
// should have.
func (s *Summary) addFigures(t *tally, row *Row) (told, lacks uint16) {
	k := s.blendOf(row)
	b := &s.blends[k]
	c, fresh := t.cell(k)
	if fresh {
		s.cells++
	}
	told4 := [4]*float64{row.Energy.Value, row.Facility.Value, row.Operational.Value, row.Water.Value}
	first := energySum
	if b.kind&ofDevice != 0 {
		told4, first = [4]*float64{row.Embodied.Value, row.ADPe, row.PrimaryEnergy, row.Waste}, embodiedSum
	} else if x, ok := summable(row.DeviceS); ok {
		t.held.add(x)
		told |= 1 << deviceTime
	}
	for i, told1 := range told4 {
		f := first + sumOf(i)
		x, ok := summable(told1)
		if !ok || b.usable>>f&1 == 0 {
			lacks |= 1 << f
			continue
		}
		told |= 1 << f
		c.sums[i].add(x)
		switch f {
		case energySum:
			t.pending[0].add(x)
			s.total.pending[0].add(x)
		case operationalSum, embodiedSum:
			t.pending[1].add(x)
			s.total.pending[1].add(x)
		case waterSum:
			if e, ok := summable(row.Energy.Value); ok {
				if site, ok := summable(new(e * row.WUE.Value / joulesPerKWh)); ok {
					c.sums[siteWater].add(min(x, site))
				}
			}
		}
	}
	if complete := b.usable &^ optionalSums; c.runNo != s.runNo && complete != 0 && told&complete == complete {
		c.runNo = s.runNo
		c.runs++
	}
	return told, lacks
}

// optionalSums are figures that few rows tell.
const optionalSums = 1<<adpeSum | 1<<primarySum | 1<<wasteSum

// lack notes that stages which tell these units do not tell some figures.
func (t *tally) lack(figures uint16, units []string) {
	for i, f := range unitFigures {
		if figures>>f&1 == 0 {
			continue
		}
		for _, name := range units {
			t.unit(name).lacking[i]++
		}
	}
}

// endRun counts a run's figures in a group.
func (s *Summary) endRun(t *tally) {
	const parts = 1<<operationalSum | 1<<embodiedSum
	if t.told&parts != 0 {
		t.told |= 1 << gco2eSum
	}
	if t.lacks&parts != 0 {
		t.lacks |= 1 << gco2eSum
	}
	for f := range allSums {
		switch {
		case t.lacks>>f&1 != 0:
			t.unknown[f]++
		case t.told>>f&1 != 0:
			t.known[f]++
		}
	}
	for i, f := range perRunFigures {
		if t.told>>f&1 != 0 && t.lacks>>f&1 == 0 {
			t.perRun[i].add(t.pending[i].value())
		}
	}
}

func isDevice(row *Row) bool { return lifecycle.Stage(row.Stage).Device() }

// summable is a number that can be summed.
func summable(x *float64) (float64, bool) {
	if x == nil || !(*x >= 0 && *x <= 1e150) {
		return 0, false
	}
	return math.Abs(*x), true // of −0, 0
}

// flush ends the run that is being added.
func (s *Summary) flush() {
	if s.groups == nil { // the zero value
		s.whole, s.limits = true, usualLimits
		s.reset()
	}
	for _, t := range s.touched {
		s.endRun(t)
	}
	s.touched, s.run, s.stage, s.units = s.touched[:0], "", "", 0
	s.runNo++
	s.stageNo++
	if len(s.groups) > 2*s.limits.groups || s.cells > 2*s.limits.cells || len(s.blends) > 4*s.limits.cells {
		s.prune()
	}
}

// tallyOf is the group of a row.
func (s *Summary) tallyOf(row *Row) *tally {
	b := s.buffer[:0]
	for i := range s.by {
		b = appendPart(b, s.by[i].text(row))
	}
	s.buffer = b
	if t := s.latelyTold[string(b)]; t != nil {
		return t
	}
	texts := make([]string, len(s.by))
	for i := range s.by {
		texts[i] = strings.Clone(tidy(s.by[i].text(row)))
	}
	if len(s.latelyTold) > 2*s.limits.groups || s.latelyTold == nil {
		s.latelyTold = map[string]*tally{}
	}
	told := string(b)
	t := s.group(texts)
	s.latelyTold[told] = t
	return t
}

// group is the group with these texts, which are tidy.
func (s *Summary) group(texts []string) *tally {
	key := groupKey(texts)
	t := s.groups[key]
	if t == nil {
		t = &tally{key: key, texts: texts, hash: hashSeed}
		for _, text := range texts {
			t.hash = hashOf(t.hash, text)
		}
		s.groups[t.key] = t
	}
	return t
}

// late is a blend that was seen lately, by what rows tell of it.
type late struct {
	blend  int32 // and 1; 0: none
	units  int32
	kind   blendKind
	meter  string
	rel    float64 // error of the meter; -1: unknown
	inputs [5]Input
}

const lateBlends = 1024

// blendOf is the blend of a row.
func (s *Summary) blendOf(row *Row) int32 {
	if s.lately == nil {
		s.lately = new([lateBlends]late)
	}
	device := isDevice(row)
	at := &s.lately[lateSlot(row, s.units, device)]
	if at.blend != 0 && at.is(row, s.units, device) {
		return at.blend - 1
	}
	l := late{units: s.units, rel: -1}
	if device {
		l.kind = ofDevice
		l.inputs = [5]Input{deviceSlot: row.Device, lifetimeSlot: row.Lifetime, utilisationSlot: row.Utilisation}
	} else {
		l.meter = row.Meter
		if row.MeterError != nil {
			l.rel = *row.MeterError
		}
		l.kind = blendKindOf(row)
		l.inputs = [5]Input{supplySlot: row.Service, pueSlot: row.PUE, gridSlot: row.Grid, wueSlot: row.WUE, ewifSlot: row.EWIF}
	}
	b := blend{units: l.units, kind: l.kind}
	for slot, in := range l.inputs {
		if in.ID != "" && (slot == supplySlot || l.kind&direct == 0) {
			kinds := l.kind.slotKinds(slot)
			b.of[slot] = s.input(newUncertain(kinds[len(kinds)-1], in.ID, in.Value, in.Low, in.High))
		}
	}
	if l.inputs[supplySlot].ID == "" && l.meter != "" && l.rel >= 0 {
		b.of[supplySlot] = s.input(newUncertain(meterInput, l.meter, 1, 1/(1+l.rel), 1+l.rel))
	}
	l.blend = s.blend(b) + 1
	for slot := range l.inputs {
		l.inputs[slot].ID = s.kept(l.inputs[slot].ID, b.of[slot])
	}
	l.meter = s.kept(l.meter, b.of[supplySlot])
	*at = l
	return l.blend - 1
}

// blendKindOf is the kind of a row of an operational stage.
func blendKindOf(row *Row) (k blendKind) {
	if row.Method == string(lifecycle.Metered) || row.Method == string(lifecycle.Counter) {
		k = measured
	}
	if row.Service.ID != "" && row.Energy.Value == nil {
		k |= direct
	}
	return k
}

// is tells whether a row is of this blend.
func (l *late) is(row *Row, units int32, device bool) bool {
	if l.units != units || device != (l.kind == ofDevice) {
		return false
	}
	same := func(a, b *Input) bool {
		return a.Value == b.Value && a.Low == b.Low && a.High == b.High && a.ID == b.ID
	}
	in := &l.inputs
	if device {
		return same(&in[deviceSlot], &row.Device) && same(&in[lifetimeSlot], &row.Lifetime) && same(&in[utilisationSlot], &row.Utilisation)
	}
	rel := -1.
	if row.MeterError != nil {
		rel = *row.MeterError
	}
	return l.rel == rel && l.kind == blendKindOf(row) &&
		same(&in[gridSlot], &row.Grid) && same(&in[pueSlot], &row.PUE) && same(&in[wueSlot], &row.WUE) && same(&in[ewifSlot], &row.EWIF) &&
		same(&in[supplySlot], &row.Service) && l.meter == row.Meter
}

// lateSlot is where the blend of a row is kept: cheap, and different for most.
func lateSlot(row *Row, units int32, device bool) uint64 {
	h := uint64(units) << 8
	add := func(x float64) { h = (h ^ math.Float64bits(x)) * 0x9e3779b97f4a7c15 }
	if device {
		add(row.Device.Value)
		add(row.Lifetime.Value)
		add(row.Utilisation.Value)
		return scramble(h) % lateBlends
	}
	if n := len(row.Meter); n > 0 {
		h += uint64(row.Meter[n-1])<<16 + uint64(row.Meter[n/2])
	}
	if row.MeterError != nil {
		add(*row.MeterError)
	}
	add(row.Grid.Value)
	add(row.PUE.Value)
	add(row.WUE.Value)
	add(row.EWIF.Value)
	add(row.Service.Value)
	return scramble(h) % lateBlends
}

// kept is a text in memory that is not the row's.
func (s *Summary) kept(text string, input int32) string {
	if id := s.inputs[input].id; id == text {
		return id
	}
	return strings.Clone(text)
}
