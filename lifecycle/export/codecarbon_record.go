package export

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// The errors that CodeCarbon's figures are taken to have, as ratios less 1. Of
// the CPU no line tells whether it was read (RAPL) or modelled by its rating,
// and memory is always modelled, by 3 W for 8 GB up to 2.8 and by 5 W a module
// since: both may be a third or three times of it (analyst's estimate). GPUs are
// read by the driver's counter, which is right to 5 %.
const (
	codeCarbonModelError = 2
	codeCarbonGPUError   = 0.05

	// of the intensity: a country's mean of another year, for the hours of a run
	// (package factors, "What the intervals mean")
	codeCarbonGridError = 0.5
)

// Record makes a record of the row, which is the same whenever it is made. Where
// it leads is "line 2". An error is a *[RowError].
//
// It takes some hundred times as long as to read the row (about 0.2 ms), nearly
// all of it to compute the record's intervals and to check it. Records of several
// rows may be made at once.
func (r *CodeCarbonRow) Record() (Imported, error) {
	started := r.EndedAt.Add(-time.Duration(r.DurationS * float64(time.Second)))
	ended := r.EndedAt
	run := lifecycle.RunInfo{
		Status: lifecycle.Complete, StartedAt: &started, EndedAt: &ended, DurationS: r.DurationS,
		Scope: lifecycle.ScopeMachine, Boundary: lifecycle.BoundaryComponent,
	}
	im := importRun(run, ended, []byte(strings.Join(r.columns, ",")), []byte(strings.Join(r.fields, ",")))
	im.identity(r)
	im.codeCarbonPlace(r)
	readings := im.codeCarbonEnergy(r)
	stage := lifecycle.Unassigned
	if r.Task != "" {
		if s := lifecycle.StageOf(r.Task); s != "" {
			stage = s
			im.guess("/phases/0/stage", "the name of the task, %q, stands for it", r.Task)
		}
	}
	im.stage(stage, r.Task, r.DurationS, readings)
	imp, err := im.finish(fmt.Sprintf("line %d", r.Line))
	if err != nil {
		return Imported{}, &RowError{r.Line, strings.TrimPrefix(err.Error(), fmt.Sprintf("line %d: ", r.Line))}
	}
	return imp, nil
}

// text is the value of a column, "" if there is none.
func (r *CodeCarbonRow) text(column string) string {
	if i := slices.Index(r.columns, column); i >= 0 {
		return r.fields[i]
	}
	return ""
}

// identity tells what ran, when and as whose.
func (im *importing) identity(r *CodeCarbonRow) {
	rec := im.rec
	rec.Run.Name = r.Task
	rec.Publisher.Project = r.text("project_name")
	rec.Generator.OS, rec.Generator.Arch = platform(r.text("os"))
	switch r.text("tracking_mode") {
	case "process":
		rec.Run.Scope = lifecycle.ScopeProcess
	case "":
		im.guess("/run/scope", "the line does not tell: the machine, as CodeCarbon has it by default")
	}
	line := map[string]any{}
	for i, name := range r.columns {
		if name != "" && r.fields[i] != "" {
			line[name] = r.fields[i]
		}
	}
	rec.Extensions[codeCarbonExtension] = line
	im.guess("/run/ended_at", "the line tells local time without its zone: taken for UTC")
	im.unknown("/phases", "zone of the times: CodeCarbon writes local time")
	if r.Repaired != nil {
		im.guess("", "the line leaves out %s, and what follows had moved: each value is back in its column", strings.Join(r.Repaired, ", "))
	}
}

// platform is operating system and architecture, as Go names them, of what
// Python's platform.platform tells.
func platform(text string) (os, arch string) {
	os, arch = "unknown", "unknown"
	for _, o := range [][2]string{{"linux", "linux"}, {"macos", "darwin"}, {"darwin", "darwin"}, {"windows", "windows"}, {"freebsd", "freebsd"}} {
		if strings.HasPrefix(strings.ToLower(text), o[0]) {
			os = o[1]
		}
	}
	for _, a := range [][2]string{{"x86_64", "amd64"}, {"amd64", "amd64"}, {"aarch64", "arm64"}, {"arm64", "arm64"}} {
		if strings.Contains(strings.ToLower(text), a[0]) {
			arch = a[1]
		}
	}
	return os, arch
}

// codeCarbonPlace tells where it ran, and the figures of the place as CodeCarbon
// used them.
func (im *importing) codeCarbonPlace(r *CodeCarbonRow) {
	e := lifecycle.Environment{Provider: r.text("cloud_provider"), Region: r.text("cloud_region")}
	if name := cmp.Or(r.text("country_iso_code"), r.text("country_name")); name != "" {
		code, err := factors.Country(name)
		if err != nil {
			im.guess("/environments/0/country", "%v: not known", err)
		}
		e.Country = code
	}
	if r.text("on_cloud") == "Y" {
		e.Infrastructure = "public-cloud"
	}
	source := strings.TrimSpace("CodeCarbon "+r.text("codecarbon_version")) + ", as it used it"
	if r.FacilityEnergyJ > 0 {
		g := r.GCO2e / (r.FacilityEnergyJ / joulesPerKWh)
		grid := factors.Factor{
			ID: "grid.codecarbon", Kind: factors.Grid, Value: g, Low: g / (1 + codeCarbonGridError), High: g * (1 + codeCarbonGridError), Unit: "gCO2e/kWh",
			Geography: e.Country, Source: source + ": emissions over energy_consumed; taken for the life-cycle intensity of the production mix",
		}
		if world, err := factors.Lookup(factors.Query{Kind: factors.Grid}); err == nil && e.Country == "" && g > 0 { // it took a mean of the world
			grid.Low, grid.High = min(grid.Low, world.Low), max(grid.High, world.High)
		}
		e.Factors.Grid = im.factor(grid)
	}
	pue := factors.Factor{ID: "pue.codecarbon", Kind: factors.PUE, Value: r.PUE, Low: r.PUE, High: r.PUE, Unit: "1", Source: source}
	if r.PUE == 1 {
		widest, err := factors.Lookup(factors.Query{Kind: factors.PUE, Class: e.Infrastructure})
		if err == nil {
			pue.High = widest.High
		}
		im.guess("/environments/0/factors/pue", "1, as CodeCarbon has it where nobody told one: the interval has room for that of a site")
	}
	e.Factors.PUE = im.factor(pue)
	if wue, err := figure(r.text("wue")); err == nil && wue > 0 {
		e.Factors.WUE = im.factor(factors.Factor{ID: "wue.codecarbon", Kind: factors.WUE, Value: wue, Low: wue, High: wue, Unit: "L/kWh", Source: source})
	}
	im.place(e)
}

// codeCarbonEnergy adds the devices, and tells what each of them used. What the
// total has beyond its parts is that of the rest.
func (im *importing) codeCarbonEnergy(r *CodeCarbonRow) (readings []reading) {
	method := func(part string, m lifecycle.Method, sensor string, e float64) string {
		return im.meter(lifecycle.MethodEntry{
			ID: "codecarbon-" + part, Method: m, Sensor: sensor, Mode: r.text("tracking_mode"),
			Tool: "codecarbon", Version: r.text("codecarbon_version"), RelError: e,
		})
	}
	cpu := lifecycle.Hardware{Kind: lifecycle.KindCPU, Model: r.text("cpu_model")}
	if n, ok := wholeNumber(r.text("cpu_count")); ok && n > 0 {
		threads := int64(n)
		cpu.Threads = &threads
		im.guess("/hardware/0/count", "the line tells %d logical processors, and not in how many packages: one", n)
	}
	gpu := lifecycle.Hardware{Kind: lifecycle.KindGPU}
	gpu.Count, gpu.Model = codeCarbonGPU(r.text("gpu_count"), r.text("gpu_model"))
	memory := lifecycle.Hardware{Kind: lifecycle.KindMemory}
	if size, err := figure(r.text("ram_total_size")); err == nil && size > 0 && size < 1<<23 {
		bytes := int64(math.Round(size * bytesPerGB))
		memory.MemoryBytes = &bytes
	}
	rest := r.FacilityEnergyJ
	for i, part := range []struct {
		name   string
		device lifecycle.Hardware
		method lifecycle.Method
		sensor string
		err    float64
	}{
		{"cpu", cpu, lifecycle.Modelled, "model", codeCarbonModelError},
		{"gpu", gpu, lifecycle.Counter, "nvml", codeCarbonGPUError},
		{"ram", memory, lifecycle.Modelled, "model", codeCarbonModelError},
	} {
		told := !math.IsNaN(r.parts[i])
		d := &part.device
		if !(told && (i == 0 || r.parts[i] > 0)) && d.Model == "" && d.Threads == nil && d.Count == 0 && d.MemoryBytes == nil {
			continue // there is none
		}
		id := im.device(*d)
		if !told {
			continue
		}
		rest -= r.parts[i]
		readings = append(readings, reading{device: id, meter: method(part.name, part.method, part.sensor, part.err), joules: r.parts[i] / r.PUE})
	}
	if rest > r.FacilityEnergyJ*sumsAgree || readings == nil {
		id := im.device(lifecycle.Hardware{ID: "rest", Kind: lifecycle.KindOther})
		meter := method("rest", lifecycle.Modelled, "model", codeCarbonModelError)
		readings = append(readings, reading{device: id, meter: meter, joules: max(rest, 0) / r.PUE})
		im.guess("/hardware/"+fmt.Sprint(len(im.rec.Hardware)-1), "energy_consumed has more than its parts: what is left")
	}
	return readings
}

// codeCarbonGPU reads "2 x NVIDIA A100", which says how many there are once
// more.
func codeCarbonGPU(count, model string) (n int, name string) {
	n, _ = wholeNumber(count)
	if times, name, ok := strings.Cut(model, " x "); ok {
		if k, whole := wholeNumber(times); whole && !strings.Contains(name, " x ") {
			return max(n, k), name
		}
	}
	return n, model
}
