// Package redfish meters a whole node by its management controller (BMC,
// iDRAC, iLO, XCC), in the terms of the Redfish standard (DMTF DSP0266 and the
// schemas of DSP8010).
//
// Give what [Open] returns to tracer.Meters:
//
//	bmc, err := redfish.Open(ctx, redfish.Config{
//		URL:          "https://10.0.0.7",
//		Username:     "power",
//		PasswordFile: "/run/secrets/bmc",
//		Fingerprint:  "B1:0C:...", // or RootCAs
//	})
//	...
//	ctx, run, err := tracer.Begin(ctx, tracer.Meters(bmc))
//
// Or import the package for its effect alone and set, where the program runs,
//
//	ECOTRACER_REDFISH_URL            https://10.0.0.7
//	ECOTRACER_REDFISH_USER           power
//	ECOTRACER_REDFISH_PASSWORD_FILE  /run/secrets/bmc
//	ECOTRACER_REDFISH_FINGERPRINT    of the certificate, unless an authority of the system signed it
//	ECOTRACER_REDFISH_CHASSIS        the Id of the chassis, where there are several
//	ECOTRACER_REDFISH_INSECURE       1 takes any certificate, and plain http
//
// Without the first of them, when the program starts, nothing is registered.
// With it, detection does what it never does otherwise: it opens a network
// connection, and tracer.Begin waits for the controller, a second or two
// mostly, 15 s at most. It has to be asked then: a node that is not metered
// after all must not keep the counters of its parts from being counted.
//
// # What is read
//
// The domain node0 is the chassis of the only computer system that the
// controller looks after, or the one that is named. Of what that chassis tells,
// the first of these is taken, and Mode says which:
//
//   - environment-metrics: EnergyJoules or EnergykWh of EnvironmentMetrics, if
//     its steps are no coarser than what a server uses in a second; else
//     PowerWatts of it. A counter of whole watt-hours leaps by 3.6 kJ every
//     half minute: it would be exact over a day, and wrong for every span.
//   - power-subsystem: the sum of InputPowerWatts of all power supplies. If one
//     that is present does not tell, none is taken.
//   - power: PowerConsumedWatts of the member of PowerControl that is of the
//     whole chassis, or if that is not told AverageConsumedWatts, which is the
//     mean of some minutes. Members of parts (CPU, memory) are never added up.
//   - environment-metrics again, with a coarse energy counter, if nothing else
//     tells anything.
//
// What is null, zero, negative, no number or more than the node can draw is
// not taken for a reading. Controllers average and refresh their sensors as
// they like, seldom more than once a second: what a span of a few seconds used
// is shared out by what others did around it, too.
//
// The error is what the sensor says (Accuracy, ReadingAccuracy), else 5 %.
//
// # Manners
//
// A controller is a small computer: it is asked every 5 s, over one connection
// that is kept, in one session that is given back by Close. After failures it
// is asked less and less often, after a refused login once a minute at most.
// No request outlasts the Timeout, no answer is read beyond 1 MiB, no link and
// no redirect is followed to another host. A session that ran out is renewed.
//
// A refused login or reading is flagged permission-denied, a controller that is
// gone counter-unplugged, one that does not answer or tells nonsense
// counter-unreadable, a counter that began anew after a restart of the
// controller counter-range-unknown. What was used meanwhile is bridged by power,
// and counted in full by an energy counter.
package redfish
