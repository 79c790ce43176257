package dataset

import (
	"errors"
	"fmt"
	"math"
)

// Check tells what is wrong with a row from outside: what a row always tells is
// there, numbers are finite and not negative, a figure and a factor are told
// with their bounds, and low ≤ value ≤ high. Rows of a valid record have nothing
// wrong. What the figures follow from is not computed again: that is for
// records. Of a factor that is not there Check makes the numbers 0, where a
// reader left NaN.
func (r *Row) Check() error {
	for _, i := range r.inputs() {
		for _, x := range [...]*float64{&i.Value, &i.Low, &i.High} {
			if i.ID == "" && math.IsNaN(*x) {
				*x = 0
			}
		}
	}
	for k := range columns {
		c := &columns[k]
		v := c.Cell(r)
		switch {
		case !v.Known && c.Required:
			return fmt.Errorf("%s: nothing, where every row tells it", c.Name)
		case !(v.Number >= 0 && v.Number <= math.MaxFloat64):
			return fmt.Errorf("%s: %v is no amount", c.Name, v.Number)
		case v.Count < 0 && c.Type == CountColumn:
			return fmt.Errorf("%s: %d is no count", c.Name, v.Count)
		}
		for name, n := range v.Units {
			if name == "" || n < 0 {
				return fmt.Errorf("%s: %q=%d is no count of a unit", c.Name, name, n)
			}
		}
	}
	for _, f := range []struct {
		name string
		*Figure
	}{{"energy_j", &r.Energy}, {"facility_energy_j", &r.Facility}, {"operational_gco2e", &r.Operational}, {"embodied_gco2e", &r.Embodied}, {"water_l", &r.Water}} {
		switch there := []bool{f.Value != nil, f.Low != nil, f.High != nil}; {
		case there[0] != there[1] || there[1] != there[2]:
			return fmt.Errorf("%s: a figure is told with both bounds, or not at all", f.name)
		case there[0] && !(*f.Low <= *f.Value && *f.Value <= *f.High):
			return fmt.Errorf("%s: low ≤ value ≤ high does not hold", f.name)
		}
	}
	for _, i := range r.inputs() {
		switch {
		case i.ID == "" && (i.Value != 0 || i.Low != 0 || i.High != 0):
			return errors.New("a factor is told with its identity, or not at all")
		case !(i.Low <= i.Value && i.Value <= i.High):
			return fmt.Errorf("%s: low ≤ value ≤ high does not hold", i.ID)
		}
	}
	return nil
}

func (r *Row) inputs() [8]*Input {
	return [...]*Input{&r.Grid, &r.PUE, &r.WUE, &r.EWIF, &r.Device, &r.Lifetime, &r.Utilisation, &r.Service}
}
