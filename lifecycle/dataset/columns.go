package dataset

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Column is a column of the flat table. Its name, type, unit and meaning are
// the same in CSV, in Parquet, in the Croissant description and on the data
// card: they are written in one place, this package's list of them.
type Column struct {
	Name     string
	Type     ColumnType
	Unit     string // J, s, gCO2e, …; "1" of a pure number, "" of what is none
	Required bool   // a row always tells it
	About    string // what it means, in one sentence

	field func(*Row) any    // where a row holds it
	input func(*Row) *Input // whose part it is, in place of field
	part  func(*Input) *float64
}

// ColumnType is the type of a column.
type ColumnType string

// The types of columns.
const (
	TextColumn   ColumnType = "text"   // UTF-8; empty is unknown
	NumberColumn ColumnType = "number" // 64-bit floating point
	CountColumn  ColumnType = "count"  // 64-bit integer
	TimeColumn   ColumnType = "time"   // UTC, to the millisecond
	UnitsColumn  ColumnType = "units"  // functional units: from name to count
)

// Cell is what a row tells in a column; that of Type counts.
type Cell struct {
	Known  bool
	Text   string
	Number float64
	Count  int64 // and for a time: ms since 1970
	Units  map[string]int64
}

// Columns are the columns of the flat table, in their order. Columns are only
// added, at the end.
func Columns() []Column { return slices.Clone(columns) }

// CheckColumns tells why a table with some of the columns cannot be read: one
// lacks that every row tells, or a figure or factor lacks one of its own.
func CheckColumns(has func(name string) bool) error {
	for i := range columns {
		c := &columns[i]
		if c.Required && !has(c.Name) {
			return fmt.Errorf("column %q is not there, which every row tells", c.Name)
		}
		base, bound := strings.CutSuffix(c.Name, "_low")
		if !bound {
			continue
		}
		for _, part := range []string{base, base + "_high", base + "_id"} {
			if isColumn(part) && has(part) != has(c.Name) {
				return fmt.Errorf("of the columns %s, %s_low and so on some are there and some are not", base, base)
			}
		}
	}
	return nil
}

func isColumn(name string) bool {
	return slices.ContainsFunc(columns, func(c Column) bool { return c.Name == name })
}

var columns = makeColumns()

func makeColumns() []Column {
	c := []Column{
		column("run_id", TextColumn, "", true, "identity of the run (UUID); the rows of a run follow one another", func(r *Row) any { return &r.RunID }),
		column("status", TextColumn, "", true, "state of the run: running, complete, failed, interrupted, estimated (nothing ran)", func(r *Row) any { return &r.Status }),
		column("scope", TextColumn, "", true, "whose joules are the run's: process, cgroup, machine", func(r *Row) any { return &r.Scope }),
		column("boundary", TextColumn, "", true, "what energy_j covers: component, accelerators, node, it, facility", func(r *Row) any { return &r.Boundary }),
		column("run_s", NumberColumn, "s", true, "duration of the run; the same in all its rows: do not add it up over them", func(r *Row) any { return &r.RunS }),
		column("started_at", TimeColumn, "", false, "begin of the stage, or of the run; coarsened in published data", func(r *Row) any { return &r.StartedAt }),
		column("month", TextColumn, "", false, "year and month of started_at, such as 2026-03", func(r *Row) any { return &r.Month }),
		column("publisher", TextColumn, "", false, "who publishes the record", func(r *Row) any { return &r.Publisher }),
		column("licence", TextColumn, "", false, "licence of the record", func(r *Row) any { return &r.Licence }),
		column("sector", TextColumn, "", false, "industry as scheme:code (NACE-2.1, ISIC-4 or NAICS-2022), such as NACE-2.1:62.10", func(r *Row) any { return &r.SectorCode }),

		column("kind", TextColumn, "", false, "technology: ml, iot, dlt, data-pipeline, other", func(r *Row) any { return &r.Kind }),
		column("task", TextColumn, "", false, "task of the model, such as text-classification", func(r *Row) any { return &r.Task }),
		column("algorithm", TextColumn, "", false, "architecture of the model", func(r *Row) any { return &r.Algorithm }),
		column("model", TextColumn, "", false, "name of the model that came out or was used", func(r *Row) any { return &r.Model }),
		column("training_type", TextColumn, "", false, "regime of training, such as from-scratch or fine-tuning", func(r *Row) any { return &r.TrainingType }),
		column("learning_paradigm", TextColumn, "", false, "supervised, unsupervised, semi-supervised, self-supervised, reinforcement-learning, other", func(r *Row) any { return &r.LearningParadigm }),
		column("framework", TextColumn, "", false, "library that trained or served the model", func(r *Row) any { return &r.Framework }),
		column("precision", TextColumn, "", false, "number format of the computation, such as bf16", func(r *Row) any { return &r.Precision }),
		column("parameters", CountColumn, "1", false, "parameters of the model", func(r *Row) any { return &r.Parameters }),
		column("layers", CountColumn, "1", false, "layers of the model", func(r *Row) any { return &r.Layers }),
		column("epochs", CountColumn, "1", false, "passes over the training data", func(r *Row) any { return &r.Epochs }),
		column("steps", CountColumn, "1", false, "optimiser steps", func(r *Row) any { return &r.Steps }),
		column("batch_size", CountColumn, "1", false, "items a step", func(r *Row) any { return &r.BatchSize }),
		column("training_items", CountColumn, "1", false, "items of the first data set that was trained on", func(r *Row) any { return &r.TrainingItems }),

		column("country", TextColumn, "", false, "country of the hardware, ISO 3166-1 alpha-2", func(r *Row) any { return &r.Country }),
		column("grid_zone", TextColumn, "", false, "zone of the electricity grid", func(r *Row) any { return &r.GridZone }),
		column("infrastructure", TextColumn, "", false, "on-premise, private-cloud, public-cloud, edge, desk, other", func(r *Row) any { return &r.Infrastructure }),
		column("provider", TextColumn, "", false, "cloud provider", func(r *Row) any { return &r.Provider }),
		column("region", TextColumn, "", false, "region of the cloud provider", func(r *Row) any { return &r.Region }),

		column("phase", TextColumn, "", true, "phase of the life cycle: training, inference, use, production, end-of-life, unassigned", func(r *Row) any { return &r.Phase }),
		column("stage", TextColumn, "", true, "stage of the phase, such as training/fine-tuning", func(r *Row) any { return &r.Stage }),
		column("stage_s", NumberColumn, "s", false, "duration of the stage; the same in all its rows: do not add it up over them", func(r *Row) any { return &r.StageS }),
		column("units", UnitsColumn, "1", false, "functional units of the stage, from name to count: those of the outermost spans that tell them; the same in all rows of the stage", func(r *Row) any { return &r.Units }),

		column("hardware_kind", TextColumn, "", true, "node, cpu, gpu, npu, fpga, memory, storage, network, board, mcu, device, service, other", func(r *Row) any { return &r.HardwareKind }),
		column("hardware_vendor", TextColumn, "", false, "maker of the hardware", func(r *Row) any { return &r.HardwareVendor }),
		column("hardware_model", TextColumn, "", false, "model of the hardware", func(r *Row) any { return &r.HardwareModel }),
		column("hardware_class", TextColumn, "", true, "class of the model: cpu-server, gpu-datacentre and so on; else its kind", func(r *Row) any { return &r.HardwareClass }),
		column("hardware_count", CountColumn, "1", false, "devices that the stage held", func(r *Row) any { return &r.HardwareCount }),
		column("share", NumberColumn, "1", false, "share of each device that was held", func(r *Row) any { return &r.Share }),
		column("use_s", NumberColumn, "s", false, "time that the devices were held, busy or idle", func(r *Row) any { return &r.UseS }),
		column("device_s", NumberColumn, "s", false, "hardware_count × use_s × share: device-seconds of operational stages", func(r *Row) any { return &r.DeviceS }),
		column("allocated_device_s", NumberColumn, "s", false, "device-seconds by which production or end of life was allocated to the run", func(r *Row) any { return &r.AllocatedS }),

		column("method", TextColumn, "", false, "how the row's figure was obtained: metered (external meter), counter (of the hardware), modelled, declared", func(r *Row) any { return &r.Method }),
		column("sensor", TextColumn, "", false, "kind of meter, such as rapl, nvml or model", func(r *Row) any { return &r.Sensor }),
		column("meter_id", TextColumn, "", false, "identity of the meter's error: rows with the same one are off by the same ratio", func(r *Row) any { return &r.Meter }),
		column("meter_error", NumberColumn, "1", false, "95 % relative error e of the meter: the truth is in [v/(1+e), v×(1+e)]", func(r *Row) any { return &r.MeterError }),
	}
	c = append(c, figureColumns("energy_j", "J", "energy at the device, without PUE", func(r *Row) *Figure { return &r.Energy })...)
	c = append(c, figureColumns("facility_energy_j", "J", "energy with what the facility adds: energy_j × pue", func(r *Row) *Figure { return &r.Facility })...)
	c = append(c, figureColumns("operational_gco2e", "gCO2e", "location-based emissions of the electricity, average and not marginal: facility_energy_j × grid / 3.6e6, by the hour where the record tells it; or grams by service", func(r *Row) *Figure { return &r.Operational })...)
	c = append(c, figureColumns("embodied_gco2e", "gCO2e", "share of the device's production or end of life: device × allocated_device_s / (lifetime × utilisation)", func(r *Row) *Figure { return &r.Embodied })...)
	c = append(c, figureColumns("water_l", "L", "water consumed on site and by generation: (energy_j × wue + facility_energy_j × ewif) / 3.6e6", func(r *Row) *Figure { return &r.Water })...)
	c = append(c,
		column("embodied_adpe_kgsbeq", NumberColumn, "kgSbeq", false, "share of the device's abiotic depletion of elements", func(r *Row) any { return &r.ADPe }),
		column("embodied_primary_energy_j", NumberColumn, "J", false, "share of the primary energy that the device took", func(r *Row) any { return &r.PrimaryEnergy }),
		column("embodied_waste_kg", NumberColumn, "kg", false, "share of the device's electronic waste", func(r *Row) any { return &r.Waste }),
	)
	c = append(c, inputColumns("grid", "gCO2e/kWh", "intensity of the grid; with hourly values their mean", func(r *Row) *Input { return &r.Grid })...)
	c = append(c, inputColumns("pue", "1", "facility energy over IT energy", func(r *Row) *Input { return &r.PUE })...)
	c = append(c, inputColumns("wue", "L/kWh", "water consumed on site per IT energy", func(r *Row) *Input { return &r.WUE })...)
	c = append(c, inputColumns("ewif", "L/kWh", "water consumed by generation of electricity", func(r *Row) *Input { return &r.EWIF })...)
	c = append(c, inputColumns("device", "gCO2e", "production or end of life of one device", func(r *Row) *Input { return &r.Device })...)
	c = append(c, inputColumns("lifetime", "s", "lifetime of the device", func(r *Row) *Input { return &r.Lifetime })...)
	c = append(c, inputColumns("utilisation", "1", "share of the lifetime in which the device is in use", func(r *Row) *Input { return &r.Utilisation })...)
	c = append(c, inputColumns("service", "", "factor of what was stored (Wh/TBh), transferred (kWh/GB) or called (Wh or gCO2e a call)", func(r *Row) *Input { return &r.Service })...)
	return c
}

func column(name string, t ColumnType, unit string, required bool, about string, field func(*Row) any) Column {
	return Column{Name: name, Type: t, Unit: unit, Required: required, About: about, field: field}
}

func figureColumns(name, unit, about string, of func(*Row) *Figure) []Column {
	return []Column{
		column(name, NumberColumn, unit, false, about, func(r *Row) any { return &of(r).Value }),
		column(name+"_low", NumberColumn, unit, false, "lower end of the 95 % interval of "+name, func(r *Row) any { return &of(r).Low }),
		column(name+"_high", NumberColumn, unit, false, "upper end of the 95 % interval of "+name, func(r *Row) any { return &of(r).High }),
	}
}

func inputColumns(name, unit, about string, of func(*Row) *Input) []Column {
	c := []Column{
		column(name, NumberColumn, unit, false, about, nil),
		column(name+"_low", NumberColumn, unit, false, "lower end of the 95 % interval of "+name, nil),
		column(name+"_high", NumberColumn, unit, false, "upper end of the 95 % interval of "+name, nil),
		column(name+"_id", TextColumn, "", false, "identity of the factor: rows with the same one are off by the same ratio", func(r *Row) any { return &of(r).ID }),
	}
	for i, at := range []func(*Input) *float64{func(f *Input) *float64 { return &f.Value }, func(f *Input) *float64 { return &f.Low }, func(f *Input) *float64 { return &f.High }} {
		c[i].input, c[i].part = of, at
	}
	return c
}

// Cell is what a row tells in the column.
func (c *Column) Cell(r *Row) Cell {
	if c.input != nil {
		i := c.input(r)
		return Cell{Known: i.ID != "", Number: *c.part(i)}
	}
	switch p := c.field(r).(type) {
	case *string:
		return Cell{Known: *p != "", Text: *p}
	case *float64:
		return Cell{Known: true, Number: *p}
	case **float64:
		if *p != nil {
			return Cell{Known: true, Number: **p}
		}
	case **int64:
		if *p != nil {
			return Cell{Known: true, Count: **p}
		}
	case **time.Time:
		if *p != nil {
			return Cell{Known: true, Count: (*p).UnixMilli()}
		}
	case *map[string]int64:
		return Cell{Known: len(*p) > 0, Units: *p}
	}
	return Cell{}
}

// Field is where a row holds what it tells in the column, for readers of other
// formats: a *string, *float64, **float64, **int64, **time.Time or
// *map[string]int64. What is unknown is its zero value, but for a *float64: there
// a reader puts NaN, which [Row.Check] finds or makes 0 of a factor that is not
// there.
func (c *Column) Field(r *Row) any {
	if c.input != nil {
		return c.part(c.input(r))
	}
	return c.field(r)
}

// set has a row tell it in the column.
func (c *Column) set(r *Row, v Cell) {
	switch p := c.Field(r).(type) {
	case *string:
		*p = v.Text
	case *float64:
		if *p = v.Number; !v.Known {
			*p = math.NaN()
		}
	case **float64:
		if *p = nil; v.Known {
			*p = &v.Number
		}
	case **int64:
		if *p = nil; v.Known {
			*p = &v.Count
		}
	case **time.Time:
		if *p = nil; v.Known {
			t := time.UnixMilli(v.Count).UTC()
			*p = &t
		}
	case *map[string]int64:
		*p = v.Units
	}
}
