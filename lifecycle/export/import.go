package export

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/internal/inventory"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// Imported is a record made of what a file of another format tells.
type Imported struct {
	Record  *lifecycle.Record
	Guesses []Guess
	Where   string // line or pointer in the source
}

const (
	joulesPerKWh = 3.6e6
	siteID       = "site"
)

// importing is a record in the making. A reader tells it run, place, devices,
// meters and then what each stage used; finish does all sums.
//
// What the source does not tell is not made up but where a record cannot be
// without it, and then it is a guess. Nothing is read of the machine that the
// reader runs on, nor of its clock: the same file gives the same record
// anywhere.
type importing struct {
	book    inventory.Book
	rec     *lifecycle.Record
	guesses []Guess
}

// importRun begins the record of a run of a source that was made at a time (the
// zero time: it does not tell). content is what tells one run from another of
// the same time.
func importRun(run lifecycle.RunInfo, made time.Time, content ...[]byte) *importing {
	im := &importing{rec: &lifecycle.Record{
		Schema: lifecycle.Schema, SchemaRevision: lifecycle.SchemaRevision,
		CreatedAt: made.UTC(),
		Run:       run,
		Generator: lifecycle.Generator{
			Name: "ecotracer", Version: version(), FactorsVersion: factors.Version,
			OS: "unknown", Arch: "unknown",
		},
		Publisher:  lifecycle.Publisher{Confidentiality: "internal"},
		Hardware:   []lifecycle.Hardware{},
		Spans:      []lifecycle.Span{},
		Warnings:   []lifecycle.Warning{},
		Extensions: map[string]any{},
	}}
	im.book.Record = im.rec
	if made.IsZero() {
		im.rec.CreatedAt = time.Unix(0, 0).UTC()
		im.guess("/created_at", "the source tells no date: that of a clock that was never set")
	}
	at := im.rec.CreatedAt
	if run.StartedAt != nil {
		at = *run.StartedAt
	}
	if im.rec.Run.ID == "" {
		im.rec.Run.ID = importedID(at, content...)
	}
	return im
}

// importedID is a UUIDv7 by shape (RFC 9562, 5.7): the time of the run, and a
// digest of what tells it from others instead of random bits, so that what is
// read twice is one run.
func importedID(at time.Time, content ...[]byte) string {
	h := sha256.New()
	for _, c := range content {
		_ = binary.Write(h, binary.BigEndian, uint64(len(c))) // a hash never fails
		h.Write(c)
	}
	id := h.Sum(nil)[:16]
	binary.BigEndian.PutUint64(id, uint64(max(at.UnixMilli(), 0))<<16|uint64(binary.BigEndian.Uint16(id[6:]))&0xfff|0x7000)
	id[8] = id[8]&0x3f | 0x80
	s := hex.EncodeToString(id)
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// version is that of ecotracer in this program.
var version = sync.OnceValue(func() string {
	const module = "github.com/ecotracer/ecotracer"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range append(info.Deps, &info.Main) {
			if m.Path == module && m.Version != "" {
				return m.Version
			}
		}
	}
	return "(devel)"
})

// guess notes what was taken for something that the source does not tell.
func (im *importing) guess(path, format string, args ...any) {
	im.guesses = append(im.guesses, Guess{Path: path, Why: fmt.Sprintf(format, args...)})
}

// unknown lists what is not known of a list that is there.
func (im *importing) unknown(list, what string) {
	im.rec.Missing = append(im.rec.Missing, lifecycle.Missing{Path: list, What: what, Reason: "unknown"})
}

// factor adds a figure that the source tells, and returns its id. Grid figures
// are taken for average, location-based and of the life cycle.
func (im *importing) factor(f factors.Factor) string {
	f.Found, f.SourceYear = factors.Declared, im.rec.CreatedAt.Year()
	if f.Quality == "" {
		f.Quality = "C"
	}
	if f.Kind == factors.Grid {
		f.Signal, f.Accounting, f.Basis, f.Mix, f.GWP = "average", "location", "lifecycle", "production", "unstated"
	}
	return im.book.Add(f)
}

// place adds the one environment, with the data set's factors for what the
// source does not tell, and returns its id.
func (im *importing) place(e lifecycle.Environment) string {
	e.ID = siteID
	told := e.Factors
	if err := im.book.Place(e, "the source does not tell it"); err != nil {
		im.guess("/environments/0", "%v: a wider place stands for it", err)
	}
	at := im.rec.Environments[0].Factors
	for _, f := range []struct{ name, told, found string }{
		{"grid", told.Grid, at.Grid}, {"pue", told.PUE, at.PUE}, {"wue", told.WUE, at.WUE}, {"ewif", told.EWIF, at.EWIF},
	} {
		if f.told == "" && f.found != "" {
			im.guess("/environments/0/factors/"+f.name, "the source does not tell it: %s of the data set %s", f.found, factors.Version)
		}
	}
	return siteID
}

// device adds an entry of the hardware under an id that is free, which it
// returns.
func (im *importing) device(h lifecycle.Hardware) string {
	h.Environment, h.Count = siteID, max(h.Count, 1)
	if h.ID == "" {
		h.ID = string(h.Kind)
	}
	for name, n := h.ID, 2; slices.ContainsFunc(im.rec.Hardware, func(o lifecycle.Hardware) bool { return o.ID == h.ID }); n++ {
		h.ID = name + "-" + strconv.Itoa(n)
	}
	im.rec.Hardware = append(im.rec.Hardware, h)
	return h.ID
}

// meter adds a method under an id that is free, which it returns.
func (im *importing) meter(m lifecycle.MethodEntry) string {
	for name, n := m.ID, 2; slices.ContainsFunc(im.rec.Methods, func(o lifecycle.MethodEntry) bool { return o.ID == m.ID }); n++ {
		m.ID = name + "-" + strconv.Itoa(n)
	}
	im.rec.Methods = append(im.rec.Methods, m)
	return m.ID
}

// reading is what one meter told of one device in one stage: IT energy, without
// PUE.
type reading struct {
	device, meter string
	joules        float64
	share         float64 // of the device that is the run's; 0 is not told
}

// stage books what a stage used, from the begin of the run on. name is the path
// of its span, "" where nobody says what ran: then it is nobody's. A stage that
// is told twice adds up.
func (im *importing) stage(stage lifecycle.Stage, name string, seconds float64, readings []reading) {
	p := im.phase(stage)
	*p.DurationS += seconds
	if p.EndedAt != nil {
		*p.EndedAt = p.EndedAt.Add(time.Duration(seconds * float64(time.Second)))
	}
	var joules float64
	for _, r := range readings {
		joules += r.joules
		im.row(p, r, seconds)
		im.line(r, name != "")
	}
	if name != "" {
		im.span(stage, name, seconds, joules)
	}
}

// phase is the entry of a stage, new if there is none.
func (im *importing) phase(stage lifecycle.Stage) *lifecycle.PhaseEntry {
	phases := im.rec.Phases
	for i := range phases {
		if phases[i].Stage == stage {
			return &phases[i]
		}
	}
	p := lifecycle.PhaseEntry{Phase: stage.Phase(), Stage: stage, DurationS: new(float64), Usage: []lifecycle.Usage{}}
	if begin := im.rec.Run.StartedAt; begin != nil {
		started, ended := *begin, *begin
		p.StartedAt, p.EndedAt = &started, &ended
	}
	im.rec.Phases = append(phases, p)
	return &im.rec.Phases[len(im.rec.Phases)-1]
}

func (im *importing) row(p *lifecycle.PhaseEntry, r reading, seconds float64) {
	for i := range p.Usage {
		if u := &p.Usage[i]; u.Hardware == r.device && u.Meter == r.meter {
			u.EnergyJ.Value += r.joules
			*u.UseS += seconds
			return
		}
	}
	u := lifecycle.Usage{Hardware: r.device, Meter: r.meter, EnergyJ: &lifecycle.Quantity{Value: r.joules}, UseS: &seconds, Count: new(int)}
	*u.Count = im.rec.Hardware[slices.IndexFunc(im.rec.Hardware, func(h lifecycle.Hardware) bool { return h.ID == r.device })].Count
	if r.share > 0 {
		u.Share, u.ShareBy = &r.share, "declared"
	}
	p.Usage = append(p.Usage, u)
}

func (im *importing) line(r reading, spans bool) {
	domain := r.device + "/" + r.meter
	i := slices.IndexFunc(im.rec.Ledger, func(l lifecycle.LedgerLine) bool { return l.Domain == domain })
	if i < 0 {
		i = len(im.rec.Ledger)
		m := slices.IndexFunc(im.rec.Methods, func(m lifecycle.MethodEntry) bool { return m.ID == r.meter })
		im.rec.Ledger = append(im.rec.Ledger, lifecycle.LedgerLine{
			Domain: domain, Hardware: r.device, Meter: r.meter, Method: im.rec.Methods[m].Method, Split: "declared", IdleFound: "unknown",
		})
	}
	l := &im.rec.Ledger[i]
	l.TotalJ += r.joules
	if spans {
		l.SpansJ += r.joules
	} else {
		l.UnattributedJ += r.joules
	}
}

func (im *importing) span(stage lifecycle.Stage, name string, seconds, joules float64) {
	path := escape(name)
	for i := range im.rec.Spans {
		if s := &im.rec.Spans[i]; s.Path == path && s.Stage == stage {
			all := s.TotalS + seconds
			s.SelfS, s.TotalS, s.SelfJ = all, all, s.SelfJ+joules
			s.MinS, s.P50S, s.P95S, s.P99S, s.MaxS = &all, &all, &all, &all, &all
			return
		}
	}
	im.rec.Spans = append(im.rec.Spans, lifecycle.Span{
		Path: path, Stage: stage, Count: 1, SelfS: seconds, TotalS: seconds, SelfJ: joules,
		MinS: &seconds, P50S: &seconds, P95S: &seconds, P99S: &seconds, MaxS: &seconds,
	})
}

// finish assesses the record and lists what it lacks. An error says which rule
// of the record the source's facts break.
func (im *importing) finish(where string) (Imported, error) {
	for i, h := range im.rec.Hardware {
		if h.Embodied == nil {
			im.rec.Missing = append(im.rec.Missing, lifecycle.Missing{Path: "/hardware/" + strconv.Itoa(i) + "/embodied", Reason: "unknown"})
		}
	}
	if err := lifecycle.Assess(im.rec); err != nil {
		return Imported{}, fmt.Errorf("%s: what it tells makes no record: %w", where, err)
	}
	lifecycle.FillMissing(im.rec)
	im.keepPrivate()
	for _, f := range lifecycle.Validate(im.rec) {
		switch {
		case !f.Warning:
			return Imported{}, fmt.Errorf("%s: what it tells makes no record: %v", where, f)
		case f.Rule == "R33", f.Rule == "R32":
			im.guess(f.Pointer, "taken as the source has it, though %s is not %s: is a unit wrong there?", f.Found, f.Expected)
		}
	}
	return Imported{Record: im.rec, Guesses: im.guesses, Where: where}, nil
}

// keepPrivate takes back that a record is public that tells something of a
// machine or a person, as sources may that do not look at it (R40).
func (im *importing) keepPrivate() {
	if im.rec.Publisher.Confidentiality != "public" {
		return
	}
	for _, f := range lifecycle.Validate(im.rec) {
		if f.Rule == "R40" {
			im.rec.Publisher.Confidentiality = "internal"
			im.guess("/publisher/confidentiality", "the source says public, and %s: internal", f.Message)
			return
		}
	}
}
