package recordtest

import (
	"fmt"
	"reflect"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// services is the meter of what is computed from amounts.
const services = "services"

// meters adds what measured, and the calculation that stands for a meter.
func (m *maker) meters() {
	for n := range 1 + m.IntN(4) {
		e := lifecycle.MethodEntry{
			ID: fmt.Sprintf("%s#%d", m.name(), n), Method: pick(m, lifecycle.Metered, lifecycle.Counter, lifecycle.Modelled, lifecycle.Declared),
			RelError: pick(m, 0.02, 0.001, 0.5, 2),
		}
		m.fill(reflect.ValueOf(&e).Elem())
		m.r.Methods = append(m.r.Methods, e)
	}
	m.r.Methods = append(m.r.Methods, lifecycle.MethodEntry{ID: services, Method: lifecycle.Modelled, Sensor: "model", Mode: "factor"})
}

// hardware adds machines with their parts, fleets of small devices, and
// services of others.
func (m *maker) hardware() {
	for range 1 + m.IntN(3) {
		if m.one(3) {
			m.device(pick[lifecycle.HardwareKind](m, "board", "mcu", "device", "other"), "", m.between(1e-6, 10))
			continue
		}
		node := m.device(lifecycle.KindNode, "", m.between(10, 1e4))
		for range m.IntN(4) {
			kind := pick(m, lifecycle.KindCPU, lifecycle.KindGPU, lifecycle.KindMemory, "npu", "fpga", lifecycle.KindStorage, lifecycle.KindNetwork)
			m.device(kind, m.r.Hardware[node].ID, m.between(1, 1e3))
		}
		m.embodied(node)
	}
	for m.one(2) {
		m.device(pick(m, lifecycle.KindStorage, lifecycle.KindNetwork, "service"), "", 0)
	}
	for i := range m.r.Hardware {
		if h := &m.r.Hardware[i]; h.PartOf == "" && h.Kind != lifecycle.KindNode {
			m.embodied(i)
		}
	}
	m.spansJ, m.openJ = make([]float64, len(m.watts)), make([]float64, len(m.watts))
}

// device adds a device entry that draws so much a piece, and returns its index.
// What draws nothing is a service.
func (m *maker) device(kind lifecycle.HardwareKind, partOf string, watts float64) int {
	r := m.r
	h := lifecycle.Hardware{
		ID: fmt.Sprintf("%s#%d", m.name(), len(r.Hardware)), Environment: r.Environments[m.IntN(len(r.Environments))].ID,
		PartOf: partOf, Kind: kind, Count: 1,
	}
	if watts > 0 {
		h.Count = pick(m, 1, 1, 2, 8)
		if kind == "mcu" || kind == "device" {
			h.Count = int(m.between(1, 1e6))
		}
		if m.one(2) {
			h.TDPW = new(4 * watts)
		}
		if m.one(4) {
			h.PowerLimitW = new(3.5 * watts)
		}
		if !m.public {
			for range m.IntN(min(h.Count, 3) + 1) {
				h.Instance = append(h.Instance, m.hex(16))
			}
		}
	}
	m.fill(reflect.ValueOf(&h).Elem())
	r.Hardware = append(r.Hardware, h)
	m.watts = append(m.watts, watts)
	return len(r.Hardware) - 1
}

// embodied tells what a device and its parts took to make, or that it is not
// known.
func (m *maker) embodied(i int) {
	r := m.r
	h := &r.Hardware[i]
	known := m.watts[i] > 0 && !m.one(4)
	var covers []string
	for k := range r.Hardware {
		if r.Hardware[k].PartOf != h.ID || h.ID == "" {
			continue
		}
		switch {
		case known && m.one(2):
			covers = append(covers, r.Hardware[k].ID)
		default:
			m.embodied(k)
		}
	}
	if !known {
		r.Missing = append(r.Missing, lifecycle.Missing{
			Path: fmt.Sprintf("/hardware/%d/embodied", i), Reason: pick(m, "unknown", "not-applicable", "not-applicable", "withheld"),
		})
		return
	}
	made := m.between(1, 3e6)
	h.Embodied = &lifecycle.Embodied{
		Production: m.impacts(factors.Production, made), EndOfLife: m.impacts(factors.EndOfLife, made*m.between(1e-3, 0.1)), Covers: covers,
		Lifetime:    m.factor(factors.Lifetime, m.between(4e7, 5e8), 2, "s"),
		Utilisation: m.factor(factors.Utilisation, m.between(0.1, 1), 1, "1"),
	}
	if m.one(3) {
		moved := m.impacts(factors.Transport, made*m.between(1e-3, 0.1))
		h.Embodied.Transport = &moved
	}
}

func (m *maker) impacts(kind factors.Kind, grams float64) lifecycle.Impacts {
	i := lifecycle.Impacts{GCO2e: m.factor(kind, grams, 3, "gCO2e")}
	if m.one(2) {
		i.ADPeKgSbeq = m.factor(kind, m.between(1e-9, 1), 3, "kgSbeq")
	}
	if m.one(2) {
		i.PrimaryEnergyJ = m.factor(kind, m.between(1e3, 1e11), 3, "J")
	}
	if m.one(2) {
		i.WasteKg = m.factor(kind, m.between(1e-3, 100), 1, "kg")
	}
	return i
}
