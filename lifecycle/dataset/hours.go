package dataset

import (
	"math"
	"time"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// maxHours bounds the steps of a series that is made of several.
const maxHours = 200_000

// hours is the intensity of a place's grid over the time of one shard.
type hours struct {
	shard *shard
	factors.Factor
	start time.Time
}

// uniteHours makes one series of what shards have of one place, each of its own
// time: with factors that differ they would be of several places.
func (j *job) uniteHours() {
	at := map[string][]hours{}
	var order []string
	for _, s := range j.shards {
		s.united = map[string]factors.Factor{}
		for _, f := range s.Factors {
			if f.Series == nil {
				continue
			}
			start, err := time.Parse(time.RFC3339, f.Series.Start)
			if err != nil {
				continue
			}
			place := s.gridOf(f.ID)
			if place == nil {
				continue
			}
			same, step := f, f.Series.StepS
			same.Value, same.Low, same.High, same.Series, same.ValidFrom, same.ValidTo = 0, 0, 0, nil, "", ""
			key := contentOf([]any{place, same, step})
			if at[key] == nil {
				order = append(order, key)
			}
			at[key] = append(at[key], hours{s, f, start})
		}
	}
	for _, key := range order {
		if list := at[key]; len(list) > 1 {
			j.unitePlace(list)
		}
	}
}

// gridOf is the place whose grid a factor is of, without what names it.
func (s *shard) gridOf(factor string) *lifecycle.Environment {
	for _, e := range s.Environments {
		if e.Factors.Grid == factor {
			e.ID = ""
			return &e
		}
	}
	return nil
}

// unitePlace makes one series of several of a place, with the same step. An
// hour that several tell is the lowest rank's; one that nobody tells, in which
// no shard ran, has the value before it. The interval is as wide as the widest.
func (j *job) unitePlace(list []hours) {
	u := list[0].Factor
	first, step := list[0].start, u.Series.StepS
	for _, h := range list {
		if h.start.Before(first) {
			first, u.Series = h.start, h.Series
		}
	}
	steps, offsets := 0, make([]int, len(list))
	for i, h := range list {
		offset := h.start.Sub(first).Seconds() / step
		if offsets[i] = int(math.Round(offset)); math.Abs(offset-math.Round(offset)) > 1e-6 {
			return // steps that overlap in part are none of one series
		}
		if steps = max(steps, offsets[i]+len(h.Series.Value)); steps > maxHours {
			return
		}
	}
	values, told := make([]float64, steps), make([]bool, steps)
	low, high, open := 1.0, 1.0, false
	for i, h := range list {
		for k, v := range h.Series.Value {
			k += offsets[i]
			if told[k] && math.Abs(values[k]-v) > 1e-9*max(values[k], v) {
				j.conflicts("/environments", "shards tell different intensities of the grid at one time; that of the lowest rank was taken")
			}
			if !told[k] {
				values[k], told[k] = v, true
			}
		}
		if h.Value > 0 {
			low, high = min(low, h.Low/h.Value), max(high, h.High/h.Value)
		}
		u.ValidFrom, u.ValidTo = min(u.ValidFrom, h.ValidFrom), max(u.ValidTo, h.ValidTo)
		open = open || h.ValidTo == ""
	}
	if open {
		u.ValidTo = ""
	}
	var sum float64
	for k := range values {
		if !told[k] {
			values[k] = values[k-1]
		}
		sum += values[k]
	}
	u.Value = sum / float64(steps)
	u.Low, u.High = u.Value*low, u.Value*high
	u.Series = &factors.Series{Start: u.Series.Start, StepS: step, Value: values}
	for _, h := range list {
		h.shard.united[h.ID] = u
	}
}
