package lifecycle

import (
	"errors"
	"fmt"
)

// Rating is how much a record tells, and how well it knows it: computed from
// the record, never declared in it.
type Rating struct {
	Level    Level       `json:"level"` // the lowest of the criteria
	Criteria []Criterion `json:"criteria"`
	Lift     []string    `json:"lift"` // what would lift it to the next level, a text for each criterion that holds it back
}

// Criterion is one of the things that a rating weighs.
type Criterion struct {
	Name  string `json:"name"` // completeness, coverage, evidence, precision, quality, fit
	Level Level  `json:"level"`
	Found string `json:"found"`           // what the level rests on
	Lacks string `json:"lacks,omitempty"` // what the next level asks for; "" at gold
}

// Level is what a rating comes to. Levels are ordered, so that a record of at
// least silver is one with Level >= Silver.
type Level int

// The levels, from the least on.
const (
	Unrated Level = iota // valid, and not enough is known for bronze
	Bronze
	Silver
	Gold
)

var levelNames = [...]string{"none", "bronze", "silver", "gold"}

// String is the level in lower case, "none" for Unrated.
func (l Level) String() string {
	if l < Unrated || l > Gold {
		return fmt.Sprintf("Level(%d)", int(l))
	}
	return levelNames[l]
}

// MarshalText writes the level as String has it.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (l *Level) UnmarshalText(text []byte) error {
	for i, name := range levelNames {
		if name == string(text) {
			*l = Level(i)
			return nil
		}
	}
	return fmt.Errorf("lifecycle: %.40q is no level of a rating", text)
}

// Rate rates a record: bronze, silver or gold, and why. A record is as good as
// the worst of six criteria, so that no strength makes up for a weakness:
//
//	               gold                silver            bronze
//	completeness   90 % told *         75 %              50 %
//	coverage       all of it           devices           electricity
//	evidence       90 % measured       50 %              any
//	precision      ±10 %               ±25 %             within ×√10
//	quality        90 % of A or B      90 % of C         50 % of C
//	fit            90 % of its own     90 % of its kind  50 % of its kind
//
// Completeness is the share of the members that a record must tell or list as
// missing which it does tell: the mean over the parts of a record (publisher,
// use case, technology, ...), so that a long list outweighs none of them. What
// is not applicable to a technology does not count, up to two thirds of it;
// elsewhere every member applies to every run, and a reason is no figure. For gold
// half of each part must be told (*).
//
// Coverage is what is in the totals: of gold electricity, the devices' production
// and end of life, and water, with nothing of the hardware listed as left out; of
// silver electricity and devices. A boundary below the node (component,
// accelerators), or a counted domain of which nothing is told, leaves out what
// nobody knows, and is bronze at best; so is a record that calls the making of all
// its devices not applicable. Without any meter there is no rating. Of a merged
// record 90 % of the ranks must be there for silver, all of them for gold.
//
// Evidence is measured_share (R25): the share of the joules that an external
// meter or a hardware counter told. Precision is the 95 % interval of energy_j:
// of gold and silver the classes high and medium of BoAmps 1.1 (±10 %, ±25 %),
// of bronze half an order of magnitude either way.
//
// Quality and fit weigh the factors by the grams that rest on them, each row by
// its weakest: of electricity the grid's and the PUE, or the factor of the
// service; of devices that of their production, transport or end of life.
// Lifetime and utilisation are conventions and not weighed. Quality is the
// factor's own class A to D. Fit is how it was found: of its own (live, declared,
// exact, normalised), of its kind (family, class, region, country) or of the
// world; a PUE of the world counts as of its kind, for it is 1 to 2 anywhere. So
// a run of an unknown place has no rating: the mean of all grids is that of none.
// Electricity and devices are weighed apart. For devices 50 % of A or B, or of
// their own, are gold, 50 % of C, or of their kind, silver, and all else bronze,
// unknown ones too: makers tell little.
//
// These are the indicators of the pedigree matrix (Weidema and Wesnæs, Journal
// of Cleaner Production 4, 1996; ecoinvent data quality guideline 3, 2013,
// chapter 10) as far as a record can tell them by itself: completeness, and
// reliability, which is evidence and quality; geographical and technological
// correlation, which is fit. Where the thresholds lie is a choice of ours, made
// such that gold can be reached with a counter, an operator's PUE and a
// published grid factor, and that telling more or measuring better never lowers
// a level.
//
// A record that [Validate] finds fault with has no rating: the error tells the
// first finding. Rate does not change the record.
func Rate(r *Record) (Rating, error) {
	for _, f := range Validate(r) {
		if !f.Warning {
			return Rating{}, errors.New("lifecycle: a record that is not valid has no rating: " + f.String())
		}
	}
	weights, err := weigh(r)
	if err != nil {
		return Rating{}, err
	}
	rating := Rating{Level: Gold, Lift: []string{}, Criteria: []Criterion{
		rateCompleteness(r), rateCoverage(r), rateEvidence(r), ratePrecision(r), weights.quality(), weights.fit(),
	}}
	for _, c := range rating.Criteria {
		rating.Level = min(rating.Level, c.Level)
	}
	for _, c := range rating.Criteria {
		if c.Level == rating.Level && c.Lacks != "" {
			rating.Lift = append(rating.Lift, c.Name+": "+c.Lacks)
		}
	}
	return rating, nil
}

// reached is the highest level whose threshold a share reaches, from bronze on,
// and what the next one asks for.
func reached(share float64, thresholds [3]float64) (Level, float64) {
	level := Unrated
	for i, t := range thresholds {
		if !atLeast(share, t) {
			return level, t
		}
		level = Level(i + 1)
	}
	return level, 0
}

// atLeast tells whether a share reaches a threshold, but for rounding.
func atLeast(share, threshold float64) bool { return share >= threshold || close9(share, threshold) }

// percentage is a share for people. It is never rounded up to what it does not
// reach.
func percentage(share float64) string {
	return fmt.Sprintf("%.4g %%", float64(int(share*1000*(1+1e-12)))/10)
}
