package scenario

import (
	"fmt"
	"testing"
	"time"
)

func TestTry(t *testing.T) {
	for _, n := range Examples() {
		text, _ := Example(n)
		t1 := time.Now()
		s, err := Parse(n, text, nil)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println("parse", time.Since(t1))
		t0 := time.Now()
		r, err := s.Run()
		fmt.Println(n, time.Since(t0), err)
		fmt.Println(r.Amortised.Total.GCO2e, r.Occurring.Total.GCO2e, r.Passings, r.Notes)
		for _, p := range r.Parts {
			fmt.Println("  ", p)
		}
		for _, f := range r.Fleets {
			fmt.Println("  ", f)
		}
		for q := range s.Questions {
			t0 = time.Now()
			a, err := s.Ask(s.Questions[q])
			fmt.Println(q, time.Since(t0), err)
			d := a.Lead()
			fmt.Println("   ", d.Verdict, d.Lower, d.Ratio, a.PaysBack.Probability)
		}
		t0 = time.Now()
		tor, err := s.Tornado("", false)
		fmt.Println(time.Since(t0), err)
		for i, x := range tor {
			if i < 5 {
				fmt.Println("   ", x.Path, x.AtLow, x.AtHigh, x.Share)
			}
		}
		if len(s.Knobs) > 0 {
			t0 = time.Now()
			o, err := s.Optimise()
			fmt.Println(time.Since(t0), err)
			if err == nil {
				fmt.Println(o.Settings, o.Value, o.Today, o.Tried, o.Feasible, o.Constraints)
			}
		}
	}
}
