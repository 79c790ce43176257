// Package lifecycle gives a run its meaning: the phases and stages of the life
// cycle, the record of a run and its schema, and the assessment that turns
// joules and device-seconds into emissions and water.
//
// It knows no clock and no sensor. Everything in it is a pure computation over
// plain values, so that whoever holds a record can redo every figure in it.
//
// # Reading and writing
//
// [Decode] reads a record strictly: what it does not know it refuses, and it
// says where. [Encode] writes the same bytes for the same record. [Validate]
// checks a record that is held in memory, and [Check] does both at once for a
// document of unknown origin, telling everything that is wrong with it in one
// list of findings.
//
// # Stages
//
// Two axes are kept apart. A stage such as training/fine-tuning belongs to the
// life cycle of an AI service (ISO/IEC 22989 and 5338, ITU-T L.1801) and holds
// operational energy. The stages of production and end-of-life belong to the
// devices and hold shares of what it takes to make and to discard them. No
// figure is in both. [StageOf] tells the stage that a span's name stands for.
//
// # Figures of records
//
// [Assess] fills in what follows from a record's facts. From whole records
// follow more: [Compare] tells whether one run really came to less than
// another, [SCI] is the Software Carbon Intensity of a run (ISO/IEC 21031), and
// of a provider's or a consumer's part of it; [Amortise] has a serving run carry
// its part of a training, which [FootprintPerUnit] adds to what the serving
// took itself; [InstrumentShare] turns the kWh of a market instrument into the
// share that an environment declares. [Rate] tells how complete a record is and
// how well it knows what it tells, and [Redact] makes the one that may be
// published; package proof signs records and verifies them.
//
// # Services
//
// What a run stores, transfers or asks of others is read by no meter: the row
// holds the amount and the factor (R37), and whoever writes the record computes
// the same joules, because ledger and spans hold them too:
//
//	stored       bytes × seconds × replicas × Wh/TBh / 1e12  J
//	transferred  bytes / 1e9 × kWh/GB × 3.6e6                J
//	calls        count × Wh × 3600  J, or count × gCO2e      g
//
// A service is a device entry of kind storage, network or service, count 1,
// and a row in each stage that used it: count 1, use_s the stage's own time,
// the amount and the factor, no share. Its meter is an entry of methods that
// stands for the calculation: method modelled, rel_error 0, for the error is
// the factor's. A ledger line of that meter has split declared, idle_found
// unknown, and total_j = spans_j = the joules of all its rows; the spans that
// used the service have them in self_j. A call that is told in grams has no
// joules, and so no line. Several amounts in one stage are added up: bytes as
// Σ bytes × seconds × replicas / seconds.
//
// The joules are multiplied by the PUE of the device's environment. A figure
// that holds cooling already, as those of networks and of providers' calls do,
// belongs in an environment of its own whose PUE is 1.
//
// What it took to make the devices of others has no place in these rows. As
// long as missing lists /hardware/…/embodied of the entry as unknown, the
// total of gco2e is unknown too. Where the run's boundary ends before those
// devices, the entry's is not-applicable, and /hardware lists by what that
// their making is not in the record; both are needed, for nothing is left out
// in silence.
package lifecycle
