package tracer

import (
	"context"
	"io"
	"io/fs"
	"time"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
)

// Option configures a run. Options given to Begin override what the
// environment says; of the same option given twice the last one counts, but
// for Sinks, Meters and Grid, which add up.
//
// What Named, At, Publisher, UseCase and Technology declare is held to the
// rules of the record at once: what breaks one, such as a metric that is NaN,
// is left out, and the error of Begin or Run.Describe says which and why.
type Option func(*config)

// config is what the options of a run come to.
type config struct {
	declared
	scope       lifecycle.Scope
	taken       bool // another process has the machine, or the control group
	dir         string
	sinks       []Sink
	meters      []meter.Meter
	grids       []factors.GridSource
	root        fs.FS
	cpuTime     func() time.Duration
	idle        map[string]float64
	synchronise func(ctx context.Context, devices []string) error
	sampling    time.Duration
	checkpoints time.Duration
	maxPaths    int
	weights     bool // by CPU time, if it may be had
	timeline    bool
	stream      io.Writer // of single spans; nil: a file of the run's own
	streamed    bool
	traceparent string
	failed      bool
}

// Site is where the run takes place. What is left empty is unknown: it is
// never guessed, and the record says so.
type Site struct {
	Country        string // ISO 3166-1 alpha-2, such as US, or a name; default $ECOTRACER_COUNTRY
	Subdivision    string // ISO 3166-2, such as US-CA, which says the country too; default $ECOTRACER_REGION, which may be aws:eu-west-1 as well
	GridZone       string
	Infrastructure string // on-premise, private-cloud, public-cloud, edge, desk, other
	Provider       string // of a cloud: aws, azure, gcp, ...
	Region         string // of that cloud, which says the country too: eu-west-1
	InstanceType   string // of a cloud

	// Factors replace those of the data set where the operator knows better,
	// each by its kind: grid, pue, wue, ewif, lifetime, utilisation. Those of
	// kind storage, transfer and service are told by their id: that of
	// Span.Call("embeddings", n) is "service.embeddings" or "embeddings". They
	// need all that the record asks of a factor, bounds and source included. One
	// whose Geography is another place is not used: a table of many may be given.
	Factors []factors.Factor

	// Instruments are market instruments for the site's electricity. The record
	// then tells market-based emissions beside those of the place.
	Instruments []Instrument
}

// Named gives the run a name. It is never made from a path or command line.
func Named(name string) Option { return func(c *config) { c.name = name } }

// Scope tells whose joules are the run's: lifecycle.ScopeProcess (the default)
// is this process's share of the machine's; lifecycle.ScopeCgroup is that of its
// control group, such as all processes of a container (of GPUs, this process's
// share all the same), and gives the run a ledger of its own;
// lifecycle.ScopeMachine is all, for a machine that serves this run alone. If
// another process has said that already, the run's scope is its process, and
// the record says so.
func Scope(s lifecycle.Scope) Option { return func(c *config) { c.scope = s } }

// At tells where the run takes place. A Site without country, subdivision and
// cloud region is in those that the environment says.
func At(s Site) Option { return func(c *config) { c.site = s } }

// Publisher tells who publishes the record, and how openly.
func Publisher(p lifecycle.Publisher) Option { return func(c *config) { c.publisher = p } }

// UseCase tells what the run is for.
func UseCase(u lifecycle.UseCase) Option { return func(c *config) { c.useCase = u } }

// Technology describes what runs: the model, its data and its training.
func Technology(t lifecycle.Technology) Option { return func(c *config) { c.technology = t } }

// Dir is the folder that the record is written to, as <run id>.json. The
// default is $ECOTRACER_DIR, else ecotracer-records.
func Dir(path string) Option { return func(c *config) { c.dir = path } }

// Sinks take the record in place of the folder. All of them are written to,
// also when one fails.
func Sinks(s ...Sink) Option { return func(c *config) { c.sinks = append(c.sinks, s...) } }

// Meters are read beside those that detection finds on the host. The run then
// keeps a ledger of its own, which sees no span of other runs, and closes the
// meters when it ends.
func Meters(m ...meter.Meter) Option {
	return func(c *config) { c.meters = append(c.meters, m...) }
}

// Host is the root of the file system in which sys and proc are found, by
// default os.DirFS("/"). With another host the run keeps a ledger of its own.
func Host(root fs.FS) Option { return func(c *config) { c.root = root } }

// CPUTime tells the CPU time of the process that the run is about, from any
// start, never falling; the default is this process. It is called from the
// sampler. With another process the run keeps a ledger of its own.
func CPUTime(f func() time.Duration) Option { return func(c *config) { c.cpuTime = f } }

// IdlePower declares the idle power of domains, in watts by domain ID; it
// goes before what meters and factors tell. Where the meters told less power
// than that, that is taken.
func IdlePower(watts map[string]float64) Option { return func(c *config) { c.idle = watts } }

// Sampling is how often the meters are read once the first three seconds are
// over (there it is every 100 ms, or as often as this says), by default every
// second, and no more often than every 10 ms. Runs that share a ledger are
// sampled as often as the most eager of them says.
func Sampling(period time.Duration) Option { return func(c *config) { c.sampling = period } }

// Timeline puts the run's power over time into its final record, under
// extensions: at most 4,096 readings of each domain, of which the longer run
// keeps fewer. With it and an execution trace (runtime/trace) that was written
// meanwhile, package deep and `ecotracer attribute` book the energy of
// concurrent spans again, by the exact time that their goroutines ran. The
// default is $ECOTRACER_TIMELINE, on or off.
func Timeline() Option { return func(c *config) { c.timeline = true } }

// Traceparent makes the run a part of a trace: header is one of W3C Trace
// Context, "00-<trace id>-<span id>-<flags>". The record has its trace id. The
// default is $TRACEPARENT, else a trace of the job's, else one of its own.
func Traceparent(header string) Option { return func(c *config) { c.traceparent = header } }

// Checkpoints is how often the record of a running run is written, by default
// every 5 s and first after 0.1 s: a process that is killed loses what came
// after. A negative period writes none.
//
// It is written less often where that takes more than a tenth of the time.
// While CPU samples are taken, a second at a time, it waits for them; periods
// of 2.5 s and more are kept all the same, by being early. Of the ranks of a job
// on one host one writes as often as that, the others as many times less often
// as there are ranks, but once a minute at least.
func Checkpoints(period time.Duration) Option {
	return func(c *config) { c.checkpoints = period }
}
