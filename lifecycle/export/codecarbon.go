package export

import (
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// CodeCarbon writes a record as a line of CodeCarbon's emissions.csv, under the
// 38 columns of 3.3.0: kWh with PUE, kg, litres that the site consumes, GB of
// 2^30 bytes. The time is that of the end, in UTC. What CodeCarbon alone knows,
// such as coordinates, is empty.
//
// A record that [ReadCodeCarbon] made, and that says the same still, is the line
// again that it was made of.
func CodeCarbon(w io.Writer, r *lifecycle.Record, _ Options) ([]Loss, error) {
	if err := valid(r); err != nil {
		return nil, err
	}
	c := csv.NewWriter(w)
	c.Write(codeCarbonColumns) // Flush keeps the error
	c.Write(codeCarbonLine(r))
	c.Flush()
	if err := c.Error(); err != nil {
		return nil, err
	}
	return codeCarbonHeld(r).lost(r), nil
}

// codeCarbonLine is the line that a record was made of, if it still tells the
// same, and else that of its own figures.
func codeCarbonLine(r *lifecycle.Record) []string {
	own := codeCarbonFigures(r)
	texts, ok := r.Extensions[codeCarbonExtension].(map[string]any)
	if !ok {
		return own
	}
	first := make([]string, len(codeCarbonColumns))
	var names, fields []string
	for name, text := range texts {
		text, ok := text.(string)
		if !ok {
			return own
		}
		names, fields = append(names, name), append(fields, text)
		if i := slices.Index(codeCarbonColumns, name); i >= 0 {
			first[i] = text
		}
	}
	header, err := newCodeCarbonHeader(names)
	if err != nil {
		return own
	}
	row, err := header.row(0, fields)
	if err != nil {
		return own
	}
	imp, err := row.Record()
	if err != nil {
		return own
	}
	imp.Record.Run.ID = r.Run.ID // it depends on the order of columns
	if !slices.Equal(codeCarbonFigures(imp.Record), own) {
		return own
	}
	return first
}

// codeCarbonFigures is what a record tells, column by column.
func codeCarbonFigures(r *lifecycle.Record) []string {
	values := map[string]string{
		"timestamp": ended(r).Format(codeCarbonTime), "run_id": r.Run.ID, "project_name": r.Publisher.Project,
		"duration": decimal(r.Run.DurationS), "os": r.Generator.OS, "tracking_mode": "process",
	}
	if values["project_name"] == "" {
		values["project_name"] = r.Run.Name
	}
	if r.Run.Scope == lifecycle.ScopeMachine {
		values["tracking_mode"] = "machine"
	}
	codeCarbonTotals(r, values)
	codeCarbonSite(r, values)
	codeCarbonDevices(r, values)
	line := make([]string, len(codeCarbonColumns))
	for i, name := range codeCarbonColumns {
		line[i] = oneLine.Replace(values[name])
	}
	return line
}

// oneLine keeps a name from breaking the line, which CodeCarbon's own never do.
var oneLine = strings.NewReplacer("\r", " ", "\n", " ")

// ended is when a run ended, or when its estimate was made.
func ended(r *lifecycle.Record) time.Time {
	if r.Run.EndedAt != nil {
		return r.Run.EndedAt.UTC()
	}
	return r.CreatedAt.UTC()
}

// codeCarbonTotals tells energies with PUE, and the mean power without it. Of
// what no meter read it tells nothing.
func codeCarbonTotals(r *lifecycle.Record, values map[string]string) {
	column := map[lifecycle.HardwareKind]string{lifecycle.KindCPU: "cpu", lifecycle.KindGPU: "gpu", lifecycle.KindMemory: "ram"}
	it, facility := map[string]float64{}, map[string]float64{}
	var site float64
	siteKnown := true
	kinds, places, figures := map[string]*lifecycle.Hardware{}, map[string]*lifecycle.Environment{}, map[string]float64{}
	for i := range r.Hardware {
		kinds[r.Hardware[i].ID] = &r.Hardware[i]
	}
	for i := range r.Environments {
		places[r.Environments[i].ID] = &r.Environments[i]
	}
	for _, f := range r.Factors {
		figures[f.ID] = f.Value
	}
	for _, p := range r.Phases {
		for _, u := range p.Usage {
			if u.EnergyJ == nil {
				continue
			}
			h := kinds[u.Hardware]
			at := places[h.Environment].Factors
			if name, ok := column[h.Kind]; ok {
				it[name] += u.EnergyJ.Value
				facility[name] += u.EnergyJ.Value * figures[at.PUE]
			}
			siteKnown = siteKnown && at.WUE != ""
			site += u.EnergyJ.Value * figures[at.WUE]
		}
	}
	seconds := r.Run.DurationS
	for name, joules := range it {
		values[name+"_energy"] = decimal(facility[name] / joulesPerKWh)
		if seconds > 0 {
			values[name+"_power"] = decimal(joules / seconds)
		}
	}
	values["energy_consumed"] = decimal(r.Totals.FacilityEnergyJ.Value / joulesPerKWh)
	values["emissions"] = decimal(r.Totals.OperationalGCO2e.Value / 1e3)
	if seconds > 0 {
		values["emissions_rate"] = decimal(r.Totals.OperationalGCO2e.Value / 1e3 / seconds)
	}
	if siteKnown {
		values["water_consumed"] = decimal(site / joulesPerKWh)
	}
	if len(r.Environments) == 1 {
		values["pue"] = decimal(figures[r.Environments[0].Factors.PUE])
	} else if e := r.Totals.EnergyJ.Value; e > 0 {
		values["pue"] = decimal(max(r.Totals.FacilityEnergyJ.Value/e, 1)) // below 1 by rounding only
	}
	if len(r.Environments) == 1 && r.Environments[0].Factors.WUE != "" {
		values["wue"] = decimal(figures[r.Environments[0].Factors.WUE])
	}
}

// codeCarbonSite tells the place, if there is one.
func codeCarbonSite(r *lifecycle.Record, values map[string]string) {
	if len(r.Environments) != 1 {
		return
	}
	e := &r.Environments[0]
	values["country_name"], values["country_iso_code"] = factors.CountryName(e.Country)
	values["region"], values["cloud_provider"], values["cloud_region"] = e.Subdivision, e.Provider, e.Region
	switch {
	case e.Infrastructure == "public-cloud":
		values["on_cloud"] = "Y"
	case e.Infrastructure != "":
		values["on_cloud"] = "N"
	}
}

// codeCarbonDevices tells models and numbers: logical processors of CPUs, and
// the memory of all.
func codeCarbonDevices(r *lifecycle.Record, values map[string]string) {
	var cpus, gpus []string
	var threads, gpuCount, memory int64
	for _, h := range r.Hardware {
		n := int64(h.Count)
		switch h.Kind {
		case lifecycle.KindCPU:
			if h.Threads != nil {
				threads += *h.Threads * n
			}
			if h.Model != "" && !slices.Contains(cpus, h.Model) {
				cpus = append(cpus, h.Model)
			}
		case lifecycle.KindGPU:
			gpuCount += n
			gpus = append(gpus, strconv.FormatInt(n, 10)+" x "+h.Model)
		case lifecycle.KindMemory:
			if h.MemoryBytes != nil {
				memory += *h.MemoryBytes * n
			}
		}
	}
	values["cpu_model"], values["gpu_model"] = strings.Join(cpus, ", "), strings.Join(gpus, ", ")
	for name, n := range map[string]int64{"cpu_count": threads, "gpu_count": gpuCount} {
		if n > 0 {
			values[name] = strconv.FormatInt(n, 10)
		}
	}
	if memory > 0 {
		values["ram_total_size"] = decimal(float64(memory) / bytesPerGB)
	}
}

// codeCarbonHeld is what a reader of the line gets back: sums over all stages,
// by kind of device, without intervals.
func codeCarbonHeld(r *lifecycle.Record) *holding {
	h := &holding{}
	h.hold("/run/id", "/run/ended_at", "/run/started_at", "/run/duration_s", "/publisher/project", "/generator/os",
		"/totals/energy_j/value", "/totals/facility_energy_j/value", "/totals/operational_gco2e/value")
	if r.Run.Scope != lifecycle.ScopeCgroup {
		h.hold("/run/scope")
	}
	if r.Publisher.Project == "" {
		h.hold("/run/name")
	}
	if len(r.Environments) == 1 {
		for _, member := range []string{"country", "subdivision", "provider", "region"} {
			h.hold("/environments/0/" + member)
		}
	}
	seen := map[lifecycle.HardwareKind]int{}
	for _, d := range r.Hardware {
		seen[d.Kind]++
	}
	for i, d := range r.Hardware {
		at := "/hardware/" + strconv.Itoa(i)
		switch {
		case seen[d.Kind] > 1:
		case d.Kind == lifecycle.KindCPU:
			h.hold(at+"/kind", at+"/model")
			if d.Count == 1 {
				h.hold(at + "/threads") // the line has the sum of all
			}
		case d.Kind == lifecycle.KindGPU:
			h.hold(at+"/kind", at+"/model", at+"/count")
		case d.Kind == lifecycle.KindMemory && d.Count == 1:
			h.hold(at+"/kind", at+"/memory_bytes")
		}
	}
	return h
}

// decimal is the shortest text that reads back as x.
func decimal(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
