package redfish

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
)

// The parts that are needed of the resources of DSP8010. Readings are null
// while a sensor has none, and some controllers write them as strings.

type link struct {
	Path string `json:"@odata.id"`
}

type serviceRoot struct {
	RedfishVersion             string
	Systems, Chassis, Managers link
	Links                      struct{ Sessions link }
}

type collection struct {
	Members []link
	Next    string `json:"Members@odata.nextLink"`
}

type system struct {
	ID         string `json:"Id"`
	SystemType string // Physical if it is told and a host is meant
	Model      string
	Links      struct{ Chassis, ManagedBy []link }
}

type chassis struct {
	ID                                        string `json:"Id"`
	ChassisType, Model                        string
	EnvironmentMetrics, PowerSubsystem, Power link
	Links                                     struct{ ComputerSystems, ManagedBy []link }
}

type manager struct {
	Model, FirmwareVersion string
}

// excerpt is a copy of the reading of a sensor (Sensor, excerpt).
type excerpt struct {
	Reading number
	Source  string `json:"DataSourceUri"`
}

type environmentMetrics struct {
	PowerWatts, EnergykWh, EnergyJoules excerpt
}

type powerSubsystem struct {
	CapacityWatts number
	PowerSupplies link
}

type powerSupply struct {
	Status  struct{ State string }
	Metrics link
}

type powerSupplyMetrics struct {
	InputPowerWatts excerpt
}

// power is the older resource, which PowerSubsystem and EnvironmentMetrics
// replace since release 2020.4.
type power struct {
	PowerControl []powerControl
}

type powerControl struct {
	PhysicalContext                        string
	PowerConsumedWatts, PowerCapacityWatts number
	RelatedItem                            []link
	PowerMetrics                           struct{ AverageConsumedWatts, IntervalInMin number }
}

type sensor struct {
	Accuracy        number // ± percent, until schema 1.8
	ReadingAccuracy number // ± in the unit of the reading, since then
	SensingInterval string // ISO 8601
}

// number is a reading and the least step that its digits can show.
type number struct {
	value, step float64
	told        bool
}

// mostReading is beyond all readings, in whatever unit.
const mostReading = 1e15

// UnmarshalJSON never fails: what is no sensible number is not told.
func (n *number) UnmarshalJSON(text []byte) error {
	*n = number{}
	s := strings.TrimSpace(strings.Trim(string(text), `"`))
	if s == "" || strings.Trim(s, "+-.0123456789eE") != "" {
		return nil
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || math.Abs(v) > mostReading {
		return nil
	}
	mantissa, exponent, _ := strings.Cut(strings.ToLower(s), "e")
	_, decimals, _ := strings.Cut(mantissa, ".")
	power, _ := strconv.Atoi(exponent) // 0 if there is none
	*n = number{value: v, step: math.Pow(10, float64(power-len(decimals))), told: true}
	return nil
}

// positive tells whether it is a sensible figure of something that is running:
// a controller that cannot tell says 0 as often as null.
func (n number) positive() bool { return n.told && n.value > 0 }

// watts tells whether it is a sensible power of a node.
func (n number) watts() bool { return n.positive() && n.value <= maxNode }

var iso8601 = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^P(?:([0-9]{1,3})D)?(?:T(?:([0-9]{1,5})H)?(?:([0-9]{1,6})M)?(?:([0-9]{1,9}(?:\.[0-9]{1,9})?)S)?)?$`)
})

// duration reads an ISO 8601 duration of days and less; 0 if it is none.
func duration(s string) time.Duration {
	m := iso8601().FindStringSubmatch(s)
	if m == nil {
		return 0
	}
	var seconds float64
	for i, unit := range []float64{86400, 3600, 60, 1} {
		v, _ := strconv.ParseFloat(m[i+1], 64) // 0 if it is not told
		seconds += v * unit
	}
	return time.Duration(min(seconds, 365*86400) * float64(time.Second))
}

// clean is a text of the controller as it may be printed.
func clean(s string) string {
	var b strings.Builder
	for _, r := range strings.TrimSpace(s) {
		if b.Len() >= 64 {
			break
		}
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		}
	}
	return strings.TrimSpace(b.String())
}
