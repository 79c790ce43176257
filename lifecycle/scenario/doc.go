// Package scenario computes what devices and AI services come to over years: a
// model of both, in which everything that is not known exactly has an interval.
//
//	s, err := scenario.Parse("scenario.yaml", text, nil)
//	r, err := s.Run()                         // by phase and year
//	a, err := s.Ask(s.Questions["sweden"])    // what if, and how surely
//	list, err := s.Tornado("gco2e", false)    // what matters
//	o, err := s.Optimise()                    // the best setting of its knobs
//
// A Scenario is plain data and nothing here reads a clock, a file or the
// network: the same scenario always has the same result. All functions may be
// called concurrently. `ecotracer twin` is its command; [Example] has scenarios
// to begin with, with their sources.
//
// # What a scenario is
//
// YAML, of which each key stands at the field that it is read into ([Scenario],
// [Place], [Fleet], [Service], [Work], [Question], [Knob], [Constraint]):
//
//	start: 2026
//	years: 5
//	places:
//	  dublin: {provider: aws, region: eu-west-1, grid-decline: 5 %/year (2 to 8)}
//	devices:
//	  gpu: {kind: gpu, model: H100-SXM5-80GB, as-needed: true, busiest: 50 %}
//	services:
//	  chat:
//	    unit: request
//	    rate: {2026: 2 million requests/day (1 to 4), 2028: 5 million requests/day}
//	    work:
//	      training: {energy: 40 MWh (30 to 60), every: 6 months}
//	      serving: {time: 0.2 s/request (0.1 to 0.3), on: gpu}
//	questions:
//	  longer: {asks: Longer use?, set: {devices.gpu.lifetime: 6 years}}
//
// A figure is written with its unit and, in parentheses, its 95 % interval in the
// same unit. Without an interval it is exact. thousand, million, billion and
// trillion may stand before the unit; the units are
//
//	power      µW mW W kW MW           energy    mJ J kJ MJ GJ mWh Wh kWh MWh GWh TWh
//	time       ms s min h d week month (a twelfth of a year) year (365.25 days)
//	emissions  gCO2e kgCO2e tCO2e      grid      gCO2e/kWh kgCO2e/kWh
//	water      L/kWh                   data      B kB MB GB TB PB (of 1000)
//	share      0.3 or 30 %             growth    30 %/year; decline likewise
//	rate       3 requests/s, …/day     money     300 EUR, 0.2 EUR/kWh, 2 EUR/h
//
// Energy, time and data of work are for one unit where they say so (0.3
// Wh/request), else for one time. A mapping of years holds from each year to the
// next. Instead of a figure there may be where it is taken from: a stage of a
// record, {from: run.json, stage: inference/serving, per: requests}, with its
// interval; an estimate (package lifecycle/estimate), {device: H100-SXM5-80GB,
// count: 8, parameters: 8 billion, tokens: 1 trillion}; a service that others
// measured, {call: gemini-prompt, per: request}.
//
// What is not given is looked up in package factors: grid, PUE, WUE and EWIF by
// place, production, end of life, lifetime and utilisation by class or model,
// power by model of GPU or processor. What is neither given nor known is an
// error, never zero.
//
// # What is computed
//
// For each year, of 365.25 days:
//
//	units      rate × growth since the first year × the year's seconds
//	energy     of work: its amount × scale × how often, or × units × share;
//	           time on devices × (active − idle power), of rented ones × active
//	           power; data × Wh/TBh × time, or × kWh/GB
//	           of owned devices: count × the year × (active × duty + idle × (1 − duty)),
//	           or with work on them count × the year × idle power
//	facility   energy × PUE
//	gCO2e      facility energy × grid × (1 − decline) for each year since the first
//	water      energy × WUE + facility energy × EWIF
//	cost       facility energy × price, devices when bought, rent × time
//
// Owned devices are bought at the begin of the year in which they are needed,
// discarded when their lifetime ends, and replaced at once while they are needed.
// Where there are too many the oldest are discarded. So many are needed as their
// count × growth says (a mean: it need not be whole), or, as-needed, as many whole
// ones as leave the work on them no busier than busiest. A lifetime that ends at
// midnight of New Year's Eve ends in the old year.
//
// There are two ways of accounting for them. As it occurs, production counts in
// the year in which a device is bought, end of life in that in which it is
// discarded. By use (amortised), a year has the share of both that it is of the
// lifetime; what is discarded early is used up then. Over full lifetimes both come
// to the same; else what is paid and not used is told (LeftGCO2e), and what was
// there at the start (age) was paid before. Of rented devices the time used pays
// its share of lifetime × utilisation, in both ways, as in a record.
//
// The best estimate is computed from the best estimates. Intervals are those of
// 10,000 draws, a Latin hypercube of lognormal inputs (package
// internal/lognormal: shares are cut at 1, of growth g it is 1 + g that is
// lognormal, of a decline d 1 − d). An input is one variable in all years, phases
// and compared scenarios; so is a factor, but for one that stands for anything
// in the world. Growth to the power of years and whole generations of devices are no
// sums of products, which is why they are drawn; where a scenario is one, its bounds are
// those of a record within 2 %, and a test holds them to it.
//
// # What is not in it
//
// Production and end of life have grams and no water or other impacts; work that
// is done within less than a month (every: 1 day) is spread over the year; learning
// curves, market effects and rebound are the user's to write as growth or by year.
package scenario
