package lifecycle

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/factors"
)

// unknownDevice is the first of unknownDevices.
func (b *basis) unknownDevice() (index int, found bool) {
	if all := b.unknownDevices(); len(all) > 0 {
		return all[0], true
	}
	return 0, false
}

// unknownDevices are those whose production is unknown: they have no embodied
// factors, no other device's factors cover them, and it is not said that they
// have nothing to tell.
func (b *basis) unknownDevices() (all []int) {
	covered := make(map[string]bool)
	for i := range b.record.Hardware {
		if e := b.record.Hardware[i].Embodied; e != nil {
			for _, id := range e.Covers {
				covered[id] = true
			}
		}
	}
	none := make(map[string]bool)
	for _, m := range b.record.Missing {
		if m.Reason == "not-applicable" && m.What == "" {
			none[m.Path] = true
		}
	}
	for i := range b.record.Hardware {
		h := &b.record.Hardware[i]
		if h.Embodied == nil && !covered[h.ID] && !none[pointer("hardware", i)] && !none[pointer("hardware", i, "embodied")] {
			all = append(all, i)
		}
	}
	return all
}

// refreshMissing lists the derived figures that a record must tell or list,
// exactly as long as they are unknown.
func (b *basis) refreshMissing() {
	r := b.record
	b.list("/totals/gco2e", r.Totals.GCO2e == nil)
	b.list("/totals/embodied_gco2e", r.Totals.EmbodiedGCO2e == nil)
	b.list("/totals/water_l", r.Totals.WaterL == nil)
	for i := range r.Phases {
		if p := &r.Phases[i]; !p.Stage.Device() {
			b.list(pointer("phases", i, waterL), p.WaterL == nil)
		}
	}
}

// list keeps an entry of missing, whatever reason it gives, or adds one, or
// takes it away.
func (b *basis) list(path string, absent bool) {
	r := b.record
	if !absent {
		r.Missing = slices.DeleteFunc(r.Missing, func(m Missing) bool { return m.Path == path && m.What == "" })
		return
	}
	if !slices.ContainsFunc(r.Missing, func(m Missing) bool {
		return m.What == "" && (m.Path == path || strings.HasPrefix(path, m.Path+"/"))
	}) {
		r.Missing = append(r.Missing, Missing{Path: path, Reason: "unknown"})
	}
}

// The warnings that Assess keeps.
const (
	outsideValidity  = "factor-outside-validity"
	unverifiedFactor = "factor-unverified"
	directBasis      = "basis-direct"
	mixedBasis       = "basis-mixed"
	belowBoundary    = "boundary-below-it"
)

// refreshWarnings warns of factors that are used outside their period (R34),
// that nothing published confirms (quality D), or that leave out a part of the
// life cycle of electricity; of both bases in one total; and of a PUE above 1
// on energy that is less than all that the facility serves (R35).
func (b *basis) refreshWarnings() {
	r := b.record
	var outside, unverified, direct []Warning
	for i := range r.Factors {
		f, at := &r.Factors[i], pointer("factors", i)
		if detail, out := outOfPeriod(f, &r.Run); out {
			outside = append(outside, Warning{Code: outsideValidity, Path: at, Detail: detail})
		}
		if f.Quality == "D" {
			unverified = append(unverified, Warning{Code: unverifiedFactor, Path: at, Detail: "quality D: an estimate that no published figure confirms"})
		}
		if f.Basis == "direct" {
			direct = append(direct, Warning{Code: directBasis, Path: at, Detail: "what power plants emit, without their fuel chain and construction"})
		}
	}
	b.warn(outsideValidity, outside)
	b.warn(unverifiedFactor, unverified)
	b.warn(directBasis, direct)

	var due []Warning
	if len(r.gridAxis(func(f *factors.Factor) string { return f.Basis })) > 1 {
		due = []Warning{{Code: mixedBasis, Path: "/environments", Detail: "grams of the direct and of the life-cycle basis are added up"}}
	}
	b.warn(mixedBasis, due)

	below := false
	if r.Run.Boundary == BoundaryComponent || r.Run.Boundary == BoundaryAccelerators {
		for _, p := range b.places {
			below = below || p.err == nil && b.value(p.pue) > 1
		}
	}
	due = nil
	if below {
		due = []Warning{{
			Code: belowBoundary, Path: "/run/boundary",
			Detail: fmt.Sprintf("PUE is applied to the energy of boundary %q, not to all that the facility serves", r.Run.Boundary),
		}}
	}
	b.warn(belowBoundary, due)
}

// gridAxis is what the grid factors of the record's environments say of an
// axis, each answer once and in order.
func (r *Record) gridAxis(axis func(*factors.Factor) string) (told []string) {
	for i := range r.Factors {
		f := &r.Factors[i]
		used := slices.ContainsFunc(r.Environments, func(e Environment) bool { return e.Factors.Grid == f.ID })
		if a := axis(f); used && a != "" && !slices.Contains(told, a) {
			told = append(told, a)
		}
	}
	slices.Sort(told)
	return told
}

// warn makes the warnings of a code those that are due. Of one that is there
// already the text is kept.
func (b *basis) warn(code string, due []Warning) {
	wanted := make(map[string]bool, len(due))
	for _, w := range due {
		wanted[w.Path] = true
	}
	b.record.Warnings = slices.DeleteFunc(b.record.Warnings, func(w Warning) bool {
		if w.Code != code {
			return false
		}
		keep := wanted[w.Path]
		delete(wanted, w.Path)
		return !keep
	})
	for _, w := range due {
		if wanted[w.Path] {
			b.record.Warnings = append(b.record.Warnings, w)
		}
	}
}

// outOfPeriod reports whether the run starts outside the period that the
// factor's figure describes. Dates as text compare like dates.
func outOfPeriod(f *factors.Factor, run *RunInfo) (detail string, outside bool) {
	if run.StartedAt == nil || f.ValidFrom == "" && f.ValidTo == "" {
		return "", false
	}
	day := run.StartedAt.UTC().Format("2006-01-02")
	switch {
	case f.ValidFrom != "" && day < f.ValidFrom:
		return fmt.Sprintf("figure from %s on, run of %s", f.ValidFrom, day), true
	case f.ValidTo != "" && day > f.ValidTo:
		return fmt.Sprintf("figure up to %s, run of %s", f.ValidTo, day), true
	}
	return "", false
}
