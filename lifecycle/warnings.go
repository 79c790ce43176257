package lifecycle

// suspended is the warning that excuses a run's duration from being that
// between its times (R7).
const suspended = "suspended"

// warningMeanings are the codes of a record's warnings.
var warningMeanings = map[string]string{
	outsideValidity:         "the run does not start in the period that the factor's figure describes",
	unverifiedFactor:        "the factor's figure is of quality D: an estimate that no published figure confirms",
	directBasis:             "the factor tells what power plants emit, without their fuel chain and construction",
	mixedBasis:              "grams of the direct and of the life-cycle basis are added up",
	belowBoundary:           "PUE is applied to the energy of less than all IT equipment",
	suspended:               "the machine slept during the run",
	"grid-live-failed":      "the grid's intensity during the run was asked for and is not known; the data set's figure stands for it",
	"grid-live-late":        "the grid's intensity at the end of the run is not known yet; its last value stands for it",
	"place-unknown":         "the place is unknown, so figures have the range of the whole world",
	"instrument-unused":     "a market instrument was declared and covers nothing of the run",
	"residual-unknown":      "what no market instrument covers has no known residual mix, so there are no market-based emissions",
	"time-modelled":         "the time of an estimate is not sure: its error is in the energy, not in the devices' share",
	"power-implausible":     "more power was told than the device is rated for",
	"below-resolution":      "spans were shorter than their meter can tell apart",
	"short-run":             "the run was shorter than the window in which CPU time is compared",
	"budget-likely-spent":   "the work that was expected would more likely than not come to more than the budget that the program had set",
	"budget-spent":          "a budget that the program had set was spent, but for what is kept back",
	"budget-unwatched":      "what counts towards a budget that the program had set is not known, or not all of it",
	"plans-refused":         "what spans expect, or a budget, could not be kept",
	"paths-bounded":         "there were more paths than are kept apart; the rest is in (other)",
	"busy-time-unknown":     "what other processes used is unknown, and counted as the run's",
	"cpu-time-unlabelled":   "much CPU time was spent in threads that no span accounts for",
	"split-by-wall":         "several spans were active at once and their energy went by wall share: no CPU-time weights were to be had",
	"attributed-partly":     "an execution trace told of a part of the run; the rest is as it was booked during the run",
	"device-unclaimed":      "a device drew energy that no span claims",
	"device-divided":        "nobody told which rank of a job uses a device, so each has an equal part of it",
	"device-unsynchronised": "nobody waited at the bounds of spans for a device to finish, so that neighbours may have some of each other's joules",
	"device-unknown":        "spans claim a device that no meter covers",
	"ledger-imbalance":      "what was booked is not what was read",
	"counted-by-parent":     "a run above this one counts its joules too",
	"machine-taken":         "another process counts all of the host, or of its control group; this record has the process's share",
	"clock-step":            "the wall clock was set during the run",
	"clock-foreign":         "spans were started or ended under another clock",
	"checkpoint-failed":     "the record could not be written during the run",
	"metadata-refused":      "what was declared of the run broke a rule and was left out",
	"spans-open":            "spans were still open when the run ended",
	"spans-lost":            "single spans were not written to their stream; they are in all figures",
	"stage-unknown":         "spans were put in a stage that is none",
	"units-refused":         "functional units could not be counted",
	"services-refused":      "what spans stored, transferred or called could not be counted",
	"service-unknown":       "spans used a medium, network or service of which no factor tells what it takes: it is in no figure",
	"meter-extrapolated":    "the end of a slow meter was told by its last power",
	"counter-gap":           "a counter was not read for some time, or wrapped more than once",
	"counter-reset":         "a counter began anew",
	"counter-stuck":         "a counter stood still while its device worked",
	"counter-backwards":     "a counter fell, and not by wrapping",
	"counter-unplugged":     "a counter vanished",
	"counter-unreadable":    "a counter could not be read",
	"counter-range-unknown": "a counter does not tell where it wraps",
	"permission-denied":     "a counter may not be read by this user",
	"parts-exceed-node":     "the parts of a node told more than the node; its rest did not grow meanwhile",
	"merge-overlap":         "merged records booked more of a device than there was; it counts once",
	"merge-conflict":        "merged records tell different things, of which one was taken",
	"merge-unrecognised":    "merged records do not tell which devices or programs they saw, which may be the same",
}

// WarningMeaning tells in words what a warning's code stands for. The list of
// codes is open: known is false for one of a later version or another program,
// which is no fault of the record.
//
// The codes are, of figures: factor-outside-validity, factor-unverified,
// basis-direct, basis-mixed, boundary-below-it, place-unknown,
// grid-live-failed, grid-live-late, time-modelled, instrument-unused,
// residual-unknown, power-implausible; of spans:
// below-resolution, short-run, spans-open, spans-lost, stage-unknown,
// units-refused, services-refused, service-unknown, paths-bounded, cpu-time-unlabelled,
// budget-likely-spent, budget-spent, budget-unwatched, plans-refused,
// busy-time-unknown, split-by-wall, attributed-partly, device-unclaimed,
// device-divided, device-unsynchronised, device-unknown; of the run:
// counted-by-parent, machine-taken, suspended, clock-step, clock-foreign,
// checkpoint-failed, metadata-refused, ledger-imbalance; of meters:
// counter-gap, counter-reset, counter-stuck, counter-backwards,
// counter-unplugged, counter-unreadable, counter-range-unknown,
// permission-denied, parts-exceed-node,
// meter-extrapolated; of merging: merge-overlap, merge-conflict,
// merge-unrecognised.
func WarningMeaning(code string) (meaning string, known bool) {
	meaning, known = warningMeanings[code]
	return meaning, known
}
