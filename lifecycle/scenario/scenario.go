package scenario

import "github.com/ecotracer/ecotracer/lifecycle"

// Scenario is what is to be lived through: places, devices and services over
// some years, and what is asked of it. It is plain data: Go code may fill it in,
// [Parse] reads it from YAML, [Scenario.With] changes it. Maps are by the name
// that the user gives. The zero value of a field is "not given".
type Scenario struct {
	Name  string `yaml:"name"`
	About string `yaml:"about"`

	Start int `yaml:"start"` // calendar year that the first year is called by
	Years int `yaml:"years"` // 1 to MaxYears

	// Per names the service by whose units the footprint is told for one; not
	// needed where there is one service.
	Per string `yaml:"per"`

	Places   map[string]Place   `yaml:"places"`
	Devices  map[string]Fleet   `yaml:"devices"`
	Services map[string]Service `yaml:"services"`

	Questions   map[string]Question   `yaml:"questions"`
	Minimise    string                `yaml:"minimise"` // a figure: gco2e (also ""), energy, water or cost
	Knobs       map[string]Knob       `yaml:"knobs"`
	Constraints map[string]Constraint `yaml:"constraints"`

	records map[string]*lifecycle.Record // that Parse opened, for what is changed later
}

// MaxYears is how many years a scenario may have.
const MaxYears = 50

// Place is where electricity is used. What is not given is looked up in package
// factors by country, subdivision, cloud region or class of site.
type Place struct {
	Country     string `yaml:"country"`     // ISO 3166-1 alpha-2, or an English name
	Subdivision string `yaml:"subdivision"` // ISO 3166-2
	Provider    string `yaml:"provider"`    // of a cloud
	Region      string `yaml:"region"`      // of that cloud
	Site        string `yaml:"site"`        // class of PUE and WUE: on-premise, edge, desk, ...

	Grid        *Input `yaml:"grid" unit:"gCO2e/kWh"`              // life-cycle intensity in the first year
	GridDecline *Input `yaml:"grid-decline" unit:"decline"`        // by which it falls from one year to the next
	PUE         *Input `yaml:"pue" unit:"1"`                       // facility energy over IT energy
	WUE         *Input `yaml:"wue" unit:"L/kWh"`                   // of IT energy, on site
	EWIF        *Input `yaml:"ewif" unit:"L/kWh"`                  // of electricity, where it is generated
	Price       *Input `yaml:"electricity-price" unit:"money/kWh"` // of facility energy

	// Hours are the intensities of the 24 hours of a typical day beside one
	// another, in any unit: only their ratios to the mean count.
	Hours []float64 `yaml:"hours"`
}

// Fleet is devices of one kind. It is owned (Count, or AsNeeded) or Rented by
// the time that work takes on it.
type Fleet struct {
	Place string          `yaml:"place"` // not needed where there is one
	Stage lifecycle.Stage `yaml:"stage"` // of the energy that no work accounts for: use/operation

	// What it is, for package factors: kind node (also ""), gpu, cpu, memory or
	// storage, as in a record; class server, iot, ...; model as its vendor prints it.
	Kind  string `yaml:"kind"`
	Class string `yaml:"class"`
	Model string `yaml:"model"`

	Count    *Input `yaml:"count" unit:"1"`       // devices in the first year
	ForEach  string `yaml:"for-each"`             // a fleet: Count is for each of its devices
	AsNeeded bool   `yaml:"as-needed"`            // as many whole devices as its work takes
	Rented   bool   `yaml:"rented"`               // no device is bought: the time used pays its share
	Growth   *Input `yaml:"growth" unit:"growth"` // of the count, from one year to the next
	Age      *Input `yaml:"age" unit:"s"`         // of the devices that are there at the start, whose production is past

	Production  *Input `yaml:"production" unit:"gCO2e"`  // of one device
	Transport   *Input `yaml:"transport" unit:"gCO2e"`   // to the user, where production has it not
	EndOfLife   *Input `yaml:"end-of-life" unit:"gCO2e"` // of one device
	Lifetime    *Input `yaml:"lifetime" unit:"s"`
	Utilisation *Input `yaml:"utilisation" unit:"share"` // of the lifetime that rented devices are rented

	IdlePower   *Input `yaml:"idle-power" unit:"W"`
	ActivePower *Input `yaml:"active-power" unit:"W"`
	Duty        *Input `yaml:"duty" unit:"share"`    // of the time active; of devices that no work is on
	Busiest     *Input `yaml:"busiest" unit:"share"` // of the time that work may take: 1

	Price *Input `yaml:"price" unit:"money"`  // of one device
	Rent  *Input `yaml:"rent" unit:"money/h"` // of one rented device
}

// Service is what is done for others, counted in units, and the work behind it.
type Service struct {
	Unit     string          `yaml:"unit"`  // of which the rate is so many: request
	Place    string          `yaml:"place"` // of work that names none; not needed where there is one
	Rate     *Input          `yaml:"rate" unit:"rate"`
	Growth   *Input          `yaml:"growth" unit:"growth"`  // of the rate, from one year to the next
	Accuracy *Input          `yaml:"accuracy" unit:"share"` // for constraints
	Work     map[string]Work `yaml:"work"`
}

// Work is one thing that a service does: for each unit (an amount such as 0.3
// Wh/request), once, or at intervals (Every). It has exactly one of Energy,
// Time, Power, Stored and Transferred.
type Work struct {
	Stage lifecycle.Stage `yaml:"stage"` // where the name does not tell it (lifecycle.StageOf)
	Place string          `yaml:"place"`
	On    string          `yaml:"on"` // the fleet that Time is on

	Energy      *Input `yaml:"energy" unit:"J" per:"unit"` // IT energy, without PUE
	Time        *Input `yaml:"time" unit:"s" per:"unit"`   // of one device, all devices added up
	Power       *Input `yaml:"power" unit:"W"`             // all the time
	Stored      *Input `yaml:"stored" unit:"B"`            // all the time
	Transferred *Input `yaml:"transferred" unit:"B" per:"unit"`

	Media    string `yaml:"media"`   // of what is stored: ssd or hdd
	Network  string `yaml:"network"` // of what is transferred: fixed, mobile or cloud
	Replicas *Input `yaml:"replicas" unit:"1"`

	Scale *Input `yaml:"scale" unit:"1"`     // times the amount: what a variant makes of it
	Share *Input `yaml:"share" unit:"share"` // of the units that need it: 1
	From  int    `yaml:"from"`               // year in which it begins
	Every *Input `yaml:"every" unit:"s"`     // from one time to the next

	Latency      *Input `yaml:"latency" unit:"s"`       // for constraints
	GreenerHours *Input `yaml:"greener-hours" unit:"s"` // a day, in one go, in which it is all done: the greenest of the place's Hours
}

// Question compares the scenario with what it is after some changes.
type Question struct {
	Asks string            `yaml:"asks"` // in words
	Set  map[string]string `yaml:"set"`  // by path, such as devices.gpu.lifetime; a value as in YAML
	Of   string            `yaml:"of"`   // the figure that the answer is of: gco2e (also ""), energy, water or cost

	// AsItOccurs has devices count when they are bought and discarded, which is
	// what decides whether to buy. Else they count by the time that they are used.
	AsItOccurs bool `yaml:"as-it-occurs"`
}

// Knob is what the optimiser may turn: one path, by a list of values or by a
// range, or named options of several paths each.
type Knob struct {
	Path    string                       `yaml:"path"`
	Values  []string                     `yaml:"values"`
	From    string                       `yaml:"from"`
	To      string                       `yaml:"to"`
	Step    string                       `yaml:"step"` // none: any value of the range
	Options map[string]map[string]string `yaml:"options"`
}

// Constraint is what the optimiser must keep to: a path of an input, or a figure
// of all years (cost, gco2e, energy, water), and its bounds.
type Constraint struct {
	Of      string `yaml:"of"`
	AtMost  string `yaml:"at-most"`
	AtLeast string `yaml:"at-least"`
}
