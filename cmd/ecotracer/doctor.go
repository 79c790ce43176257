package main

import (
	"cmp"
	"context"
	"flag"
	"io/fs"
	"os"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/meter/detect"
)

func declareDoctor(c *cli, flags *flag.FlagSet) func([]string) int {
	root := flags.String("root", "/", "")
	asJSON := flags.Bool("json", false, "")
	return func(args []string) int {
		if len(args) > 0 {
			return c.usage("doctor", "takes no argument, not %q; another host's files are given by --root DIR", args[0])
		}
		return c.doctor(*root, *asJSON)
	}
}

// doctor tells what can be measured on the host below root.
func (c *cli) doctor(root string, asJSON bool) int {
	host, closeHost, err := openHost(root)
	if err != nil {
		c.complain("doctor", "%s: %s", root, reason(err))
		return exitFound
	}
	defer closeHost()
	d := diagnose(host)
	if asJSON {
		return max(d.code(), c.json(d))
	}
	p := page{style: styleOf(c.out), record: d.record}
	p.diagnosis(d)
	p.printTo(c.out)
	return d.code()
}

// openHost opens a host's files. Links in a copy do not lead out of it, to the
// files of this host.
func openHost(root string) (fs.FS, func(), error) {
	if root == "/" {
		return os.DirFS(root), func() {}, nil
	}
	dir, err := os.OpenRoot(root)
	if err != nil {
		return nil, nil, err
	}
	_, noProc := dir.Stat("proc")
	_, noSys := dir.Stat("sys")
	if noProc != nil && noSys != nil {
		dir.Close()
		return nil, nil, errNoHost
	}
	return dir.FS(), func() { dir.Close() }, nil
}

const errNoHost = hostError("it holds neither proc nor sys; `ecotracer help doctor` tells how to copy them")

type hostError string

func (e hostError) Error() string { return string(e) }

// diagnosis is what `doctor --json` tells.
type diagnosis struct {
	Hardware    []lifecycle.Hardware    `json:"hardware"`
	Environment []lifecycle.Environment `json:"environments"`
	Domains     []diagnosedDomain       `json:"domains"`
	Missing     []diagnosedMissing      `json:"missing"`
	Settings    []string                `json:"settings,omitempty"` // what is wrong with them

	record *lifecycle.Record
	tree   *branch
}

// diagnosedDomain is a domain that was seen. An absent figure is unknown.
type diagnosedDomain struct {
	ID          string                 `json:"id"`
	Meter       string                 `json:"meter"`
	Decision    string                 `json:"decision"` // counted, contained, mirrored, unreadable, refused
	Why         string                 `json:"why,omitempty"`
	Fix         string                 `json:"fix,omitempty"`
	Kind        lifecycle.HardwareKind `json:"kind"`
	Device      int                    `json:"device"`
	Name        string                 `json:"name,omitempty"`
	Model       string                 `json:"model,omitempty"`
	Path        string                 `json:"path,omitempty"`
	Within      string                 `json:"within,omitempty"`
	By          string                 `json:"by,omitempty"` // what is counted in its place
	Method      lifecycle.Method       `json:"method"`
	Sensor      string                 `json:"sensor"`
	Mode        string                 `json:"mode,omitempty"`
	RelError    float64                `json:"rel_error"`
	RawJ        *float64               `json:"raw_j,omitempty"`
	RangeJ      *float64               `json:"range_j,omitempty"`
	ResolutionJ *float64               `json:"resolution_j,omitempty"`
	MaxW        *float64               `json:"max_w,omitempty"`
	TDPW        *float64               `json:"tdp_w,omitempty"`
	IdleW       *float64               `json:"idle_w,omitempty"`
	IdleFound   string                 `json:"idle_found,omitempty"`
}

// diagnosedMissing is something that could be metered and is not.
type diagnosedMissing struct {
	What string `json:"what"`
	Why  string `json:"why"`
	Fix  string `json:"fix,omitempty"`
}

// code is 1 if there is something to mend.
func (d diagnosis) code() int {
	for _, m := range d.Missing {
		if m.Fix != "" {
			return exitFound
		}
	}
	if len(d.Settings) > 0 {
		return exitFound
	}
	return exitOK
}

// diagnose looks at a host.
func diagnose(host fs.FS) diagnosis {
	meters, report := detect.Detect(host)
	for _, m := range meters {
		_ = m.Close() // it was not read
	}
	d := diagnosis{Domains: []diagnosedDomain{}, Missing: []diagnosedMissing{}}
	for _, found := range report.Domains {
		d.Domains = append(d.Domains, diagnoseDomain(found))
	}
	d.tree = treeOf(d.Domains)
	d.Domains = append([]diagnosedDomain{}, d.tree.list()...)
	for _, m := range report.Missing {
		d.Missing = append(d.Missing, diagnosedMissing{m.What, m.Why, m.Fix})
	}
	d.record, d.Settings = recordOf(host)
	d.Hardware, d.Environment = d.record.Hardware, d.record.Environments
	return d
}

// byNumber orders texts by the numbers in them: cpu2 before cpu10.
func byNumber(a, b string) int {
	for a != "" && b != "" {
		m, restA := leading(a)
		n, restB := leading(b)
		if c := cmp.Or(cmp.Compare(len(m), len(n)), cmp.Compare(m, n)); isNumber(m) && isNumber(n) && c != 0 {
			return c
		}
		if c := cmp.Compare(m, n); c != 0 {
			return c
		}
		a, b = restA, restB
	}
	return cmp.Compare(len(a), len(b))
}

// leading parts a text behind the number, or the text, that it begins with.
func leading(s string) (first, rest string) {
	i := 1
	for i < len(s) && isNumber(s[i:i+1]) == isNumber(s[:1]) {
		i++
	}
	return s[:i], s[i:]
}

func isNumber(s string) bool { return s != "" && s[0] >= '0' && s[0] <= '9' }

// counted is the decision on a domain that is not left out.
const counted = "counted"

func diagnoseDomain(m detect.Found) diagnosedDomain {
	d := diagnosedDomain{
		ID: m.ID, Meter: m.Meter, By: m.By, Decision: cmp.Or(m.LeftOut, counted), Why: m.Why, Fix: m.Fix,
		Kind: m.Kind, Device: m.Device, Name: m.Name, Model: m.Model, Path: m.Path, Within: m.Within,
		Method: m.Method, Sensor: m.Sensor, Mode: m.Mode, RelError: m.RelError,
		RangeJ: known(m.RangeJ), ResolutionJ: known(m.ResolutionJ), MaxW: known(m.MaxW), TDPW: known(m.TDPW),
		IdleW: known(m.IdleW), IdleFound: m.IdleFound,
	}
	if m.LeftOut != "unreadable" && (m.Method == lifecycle.Counter || m.Method == lifecycle.Metered) {
		d.RawJ = &m.RawJ
	}
	return d
}

// known is a figure of which 0 means unknown.
func known(v float64) *float64 {
	if v == 0 {
		return nil
	}
	return &v
}

// recordOf is what a record would tell of a host, and what is wrong with the
// settings. Nothing is written.
func recordOf(host fs.FS) (*lifecycle.Record, []string) {
	_, run, err := tracer.Begin(context.Background(), tracer.Host(host), tracer.Sinks(discard{}), tracer.Checkpoints(-1))
	var settings []string
	if err != nil {
		settings = strings.Split(err.Error(), "\n")
	}
	record, err := run.End()
	if err != nil {
		settings = append(settings, strings.Split(err.Error(), "\n")...)
	}
	if record == nil {
		record = &lifecycle.Record{}
	}
	if record.Run.ID == "" && len(settings) == 0 {
		settings = append(settings, "ECOTRACER_DISABLED is set: no run is traced")
	}
	return record, settings
}

// discard is a sink for records that nobody wants.
type discard struct{}

func (discard) Write(context.Context, *lifecycle.Record) error { return nil }

// diagnosis lays out what was found for people.
func (p *page) diagnosis(d diagnosis) {
	if len(d.Hardware) > 0 {
		p.line("%s", p.bold("Host"))
		p.words("  ", places(d.record)...)
		p.devices()
	}
	p.heading("Domains")
	said := map[string]bool{}
	for _, m := range d.Missing {
		said[m.Fix] = true
	}
	if len(d.Domains) > 0 {
		p.tree(d.tree, said)
	}
	if len(d.Domains) == 0 {
		p.prose("  ", "none: there is nothing here that tells or lets guess the energy")
	}
	if len(d.Missing) > 0 {
		p.heading("Missing")
	}
	for _, m := range d.Missing {
		p.prose("  ", m.What+": "+m.Why)
		if m.Fix != "" {
			p.prose("    ", "to mend it: "+m.Fix)
		}
	}
	if len(d.Settings) > 0 {
		p.heading("Settings")
	}
	for _, s := range d.Settings {
		p.prose("  ", s)
	}
}
