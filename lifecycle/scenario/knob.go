package scenario

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// knob is a knob with all its values.
type knob struct {
	name    string
	labels  []string
	changes []map[string]string // by value
	real    bool                // a range between whose values there are others
	from    float64             // of a range, in the written unit
	step    float64
	unit    string // that the range is written in
	path    string
}

// constraint is a bound on a path, a figure, or the time of a fleet.
type constraint struct {
	name, of, unit string
	bound          float64
	least          bool // at least
	fleet          bool
}

// knob reads the values of a knob.
func (s *Scenario) knob(name string) (knob, error) {
	from := s.Knobs[name]
	k := knob{name: name, path: from.Path}
	kinds := 0
	for _, is := range []bool{from.Values != nil, from.From != "" || from.To != "" || from.Step != "", from.Options != nil} {
		if is {
			kinds++
		}
	}
	switch {
	case kinds != 1:
		return k, errors.New("write one of values: […], from: … and to: … (and step: …), and options: {…}")
	case (from.Path == "") == (from.Options == nil):
		return k, errors.New("values and ranges need a path, such as devices.gpu.lifetime; options have theirs")
	}
	for _, v := range from.Values {
		k.labels, k.changes = append(k.labels, v), append(k.changes, map[string]string{from.Path: v})
	}
	for _, name := range slices.Sorted(maps.Keys(from.Options)) {
		k.labels, k.changes = append(k.labels, name), append(k.changes, from.Options[name])
	}
	if from.From != "" || from.To != "" {
		if err := k.ranged(from); err != nil {
			return k, err
		}
	}
	if len(k.labels) > maxValues {
		return k, fmt.Errorf("%d values: at most %d", len(k.labels), maxValues)
	}
	return k, nil
}

// ranged reads a range: two figures, and a step, in one unit.
func (k *knob) ranged(from Knob) error {
	first, unit, ok := leadingNumber(from.From)
	last, unitTo, okTo := leadingNumber(from.To)
	if !ok || !okTo || unit != unitTo || first >= last {
		return fmt.Errorf("from %q to %q: write two figures in one unit, the lesser first", clipped(from.From), clipped(from.To))
	}
	k.from, k.unit = first, unit
	n := coarse
	if from.Step == "" {
		k.real, k.step = true, (last-first)/coarse
	} else {
		var unitStep string
		k.step, unitStep, ok = leadingNumber(from.Step)
		if !ok || k.step <= 0 || unitStep != unit || (last-first)/k.step > maxValues {
			return fmt.Errorf("step %q: write a figure above 0 in the unit of the range, for at most %d values", clipped(from.Step), maxValues)
		}
		n = int(math.Floor((last-first)/k.step + 1e-9))
	}
	for i := range n + 1 {
		k.labels = append(k.labels, k.label(float64(i)))
		k.changes = append(k.changes, map[string]string{k.path: k.label(float64(i))})
	}
	return nil
}

// shares is a path that both of two knobs turn; "" if there is none.
func (k *knob) shares(other *knob) string {
	for _, set := range k.changes {
		for _, path := range slices.Sorted(maps.Keys(set)) {
			for _, o := range other.changes {
				if _, ok := o[path]; ok {
					return path
				}
			}
		}
	}
	return ""
}

// label writes a value.
func (k *knob) label(at float64) string {
	if k.step == 0 {
		return k.labels[int(at)]
	}
	text := fmt.Sprintf("%.10g", k.from+at*k.step)
	if k.unit != "" && !strings.HasPrefix(k.unit, "%") {
		text += " "
	}
	return text + k.unit
}

// constraints are those that are written, and the time of the devices.
func (s *Scenario) constraints(m *model) (list []constraint, err error) {
	for _, name := range slices.Sorted(maps.Keys(s.Constraints)) {
		from, path := s.Constraints[name], "constraints."+name
		c := constraint{name: name, of: from.Of, least: from.AtLeast != ""}
		if (from.AtMost == "") == (from.AtLeast == "") {
			return nil, &Error{Path: path, Message: "write one of at-most: … and at-least: …"}
		}
		switch k := figureIndex(from.Of); k {
		case nFigures:
			in, unit := s.fieldAt(from.Of)
			if unit == "" {
				return nil, &Error{Path: path + ".of", Message: fmt.Sprintf("%q is neither a figure (%s) nor the path of an input, such as services.chat.accuracy", clipped(from.Of), strings.Join(figureNames, ", "))}
			}
			if in == nil {
				return nil, &Error{Path: path + ".of", Message: from.Of + " is not given"}
			}
			c.unit = unit
		default:
			c.unit = [...]string{"J", "J", "gCO2e", "L", "money"}[k]
		}
		bound, err := quantity(cmp.Or(from.AtMost, from.AtLeast), c.unit, false)
		if err != nil {
			return nil, &Error{Path: path, Message: err.Error()}
		}
		c.bound = bound.Value
		list = append(list, c)
	}
	for i, f := range m.fleets {
		if !f.rented && !f.asNeeded && m.works(i) {
			list = append(list, constraint{name: "time of " + f.name, of: f.name, unit: "share", fleet: true})
		}
	}
	return list, nil
}

// works tells whether work is on a fleet.
func (m *model) works(fleet int) bool {
	return slices.ContainsFunc(m.services, func(v service) bool {
		return slices.ContainsFunc(v.work, func(w work) bool { return w.on == fleet })
	})
}
