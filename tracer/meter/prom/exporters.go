package prom

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// rule says what the series of one family tell.
type rule struct {
	family string
	tool   string        // which exporter has it
	mode   string        // of the domain
	scale  float64       // J per unit of a counter, W of a gauge
	power  bool          // it is a gauge of power
	update time.Duration // how often the exporter brings it up to date; 0: when it is read
	wraps  bool          // it falls where a register below it wraps, and nothing tells where
	rank   int           // of the families that tell one domain the highest counts
	parts  int           // how many series make up a domain; 0: as many as there are
	place  func(labels) place

	// Of a Family of the user; the zero value is what the package knows.
	method   lifecycle.Method
	relError float64
	maxW     float64
	strict   bool     // two series of one device are a mistake
	own      []string // labels that say which device it is, and so not which node
}

// place is the device that a series is of.
type place struct {
	id      string // of the domain; "" if the series is none of ours
	kind    lifecycle.HardwareKind
	device  int
	count   int    // how many devices it covers together
	name    string // the exporter's own
	part    string // which part of the domain's energy it is; the parts add up
	uuid    string
	model   string
	split   bool // it is told by its instances
	within  string
	leftOut string
	why     string
	fix     string
}

// The exporters that are known, with how often they bring their figures up to
// date, unless they are told otherwise.
const (
	kepler     = "Kepler"
	dcgm       = "DCGM exporter"
	scaphandre = "Scaphandre"

	// keplerUpdate is its monitor.interval (docs/user/configuration.md of
	// Kepler). It also reads anew for a scrape when what it has is older than
	// monitor.staleness, 0.5 or 1 s.
	keplerUpdate = 5 * time.Second

	// oldKeplerUpdate is the sampling period of Kepler up to 0.9.
	oldKeplerUpdate = 3 * time.Second

	// dcgmUpdate is its -c, --collect-interval (README.md of dcgm-exporter).
	dcgmUpdate = 30 * time.Second
)

// known are the families of the exporters, with what they tell. Families that
// are not here are not read: not those of containers, pods, processes and
// virtual machines, which are shares of the same joules.
//
// Kepler from 0.10 on (docs/user/metrics.md, internal/monitor/node.go and
// internal/device/energy_zone.go in github.com/sustainable-computing-io/kepler)
// tells RAPL zones by name; zones of one name, as those of two sockets, it
// adds up into one series, with the path aggregated-NAME. Its total is the raw
// register, which wraps where nothing says; its active and idle joules are the
// same joules unwrapped, and their sum is what is read.
//
// Kepler up to 0.9 (pkg/metrics/consts and pkg/metrics/utils/utils.go at 0.7)
// tells joules by component and socket, in the modes dynamic and idle, which
// add up; idle is not told if it was so configured, and then the sum is not
// known. What it cannot read it tells as 0.
//
// The DCGM exporter (etc/default-counters.csv and
// internal/pkg/rendermetrics/render_metrics.go in github.com/NVIDIA/dcgm-exporter)
// tells the driver's counter, mJ since the driver was loaded, by GPU. Where a
// GPU is split (MIG), each instance has a series with the joules of the whole
// GPU (its issue 317).
//
// Scaphandre (docs_src/references/metrics.md, what docs_src/explanations says of the host,
// and src/exporters/mod.rs in github.com/hubblo-org/scaphandre) tells raw
// registers, µJ, read when it is scraped: sockets, what is in them and the
// memory beside them as domains, and a host that is their sum or psys.
var known = []rule{
	{family: "kepler_node_cpu_active_joules_total", tool: kepler, mode: "kepler", scale: 1, update: keplerUpdate, rank: 2, parts: 2, place: keplerPart("active")},
	{family: "kepler_node_cpu_idle_joules_total", tool: kepler, mode: "kepler", scale: 1, update: keplerUpdate, rank: 2, parts: 2, place: keplerPart("idle")},
	{family: "kepler_node_cpu_joules_total", tool: kepler, mode: "kepler", scale: 1, update: keplerUpdate, rank: 1, wraps: true, place: keplerZone},
	{family: "kepler_node_gpu_watts", tool: kepler, mode: "kepler", scale: 1, power: true, update: keplerUpdate, place: keplerGPU},
	{family: "kepler_platform_watts", tool: kepler, mode: "kepler", scale: 1, power: true, place: keplerPlatform},

	{family: "kepler_node_package_joules_total", tool: kepler, mode: "kepler", scale: 1, update: oldKeplerUpdate, parts: 2, place: oldKepler("package")},
	{family: "kepler_node_dram_joules_total", tool: kepler, mode: "kepler", scale: 1, update: oldKeplerUpdate, parts: 2, place: oldKepler("dram")},
	{family: "kepler_node_core_joules_total", tool: kepler, mode: "kepler", scale: 1, update: oldKeplerUpdate, parts: 2, place: oldKepler("core")},
	{family: "kepler_node_uncore_joules_total", tool: kepler, mode: "kepler", scale: 1, update: oldKeplerUpdate, parts: 2, place: oldKepler("uncore")},
	{family: "kepler_node_platform_joules_total", tool: kepler, mode: "kepler", scale: 1, update: oldKeplerUpdate, parts: 2, place: oldKepler("platform")},

	{family: "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", tool: dcgm, mode: "dcgm", scale: 1e-3, update: dcgmUpdate, rank: 1, parts: 1, place: dcgmGPU},
	{family: "DCGM_FI_DEV_POWER_USAGE", tool: dcgm, mode: "dcgm", scale: 1, power: true, update: dcgmUpdate, parts: 1, place: dcgmGPU},

	{family: "scaph_socket_energy_microjoules", tool: scaphandre, mode: "scaphandre", scale: 1e-6, wraps: true, parts: 1, place: scaphandreSocket},
	{family: "scaph_domain_energy_microjoules", tool: scaphandre, mode: "scaphandre", scale: 1e-6, wraps: true, parts: 1, place: scaphandreDomain},
	{family: "scaph_host_energy_microjoules", tool: scaphandre, mode: "scaphandre", scale: 1e-6, wraps: true, parts: 1, place: scaphandreHost},
	{family: "scaph_host_rapl_psys_microjoules", tool: scaphandre, mode: "scaphandre", scale: 1e-6, wraps: true, parts: 1, place: scaphandrePsys},
}

// maxDevice is the greatest number of a device that is believed.
const maxDevice = 4095

// number is that of a device.
func number(s string) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= 0 && n <= maxDevice && s[0] != '+'
}

const psysWhy = "it covers the whole board, packages and memory included, where the maker has wired it up"

// zone is the place of a RAPL zone of a socket.
func zone(name string, socket int) place {
	at := strconv.Itoa(socket)
	cpu := "cpu" + at
	switch name {
	case "package":
		return place{id: cpu, kind: lifecycle.KindCPU, device: socket, name: name}
	case "dram":
		return place{id: "dram" + at, kind: lifecycle.KindMemory, device: socket, name: name}
	case "core", "uncore", "pp0", "pp1":
		return place{id: cpu + "/" + name, kind: lifecycle.KindCPU, device: socket, name: name, within: cpu, leftOut: "contained", why: "part of the package"}
	case "psys":
		return place{id: "psys", kind: lifecycle.KindNode, name: name, leftOut: "refused", why: psysWhy}
	}
	if pkg, die, ok := parseDie(name); ok {
		return place{id: "cpu" + strconv.Itoa(pkg) + "/die" + strconv.Itoa(die), kind: lifecycle.KindCPU, device: pkg, name: name}
	}
	return place{id: "zone/" + name[:min(len(name), 64)], kind: lifecycle.KindOther, name: name[:min(len(name), 64)], leftOut: "refused", why: "what a zone of this name covers is not known", fix: mapIt}
}

const mapIt = "say in Config.Families what it is"

// parseDie reads package-P-die-D.
func parseDie(name string) (pkg, die int, ok bool) {
	rest, ok := strings.CutPrefix(name, "package-")
	if !ok {
		return 0, 0, false
	}
	p, d, ok := strings.Cut(rest, "-die-")
	if !ok {
		return 0, 0, false
	}
	pkg, okP := number(p)
	die, okD := number(d)
	return pkg, die, okP && okD
}

func keplerZone(ls labels) place {
	name := strings.ToLower(ls.get("zone"))
	if name == "" {
		return place{}
	}
	p := zone(name, 0)
	if strings.HasPrefix(ls.get("path"), "aggregated-") {
		p.count = 2 // at least: how many Kepler may tell elsewhere
	}
	return p
}

func keplerPart(part string) func(labels) place {
	return func(ls labels) place {
		p := keplerZone(ls)
		p.part = part
		return p
	}
}

func keplerGPU(ls labels) place {
	return gpu(ls.get("gpu"), ls.get("gpu_uuid"), ls.get("gpu_name"))
}

func keplerPlatform(labels) place {
	return place{
		id: "platform", kind: lifecycle.KindNode, name: "platform", leftOut: "refused",
		why: "what part of the machine a power control of its BMC covers is not known",
		fix: "read the BMC itself (tracer/meter/redfish), or " + mapIt,
	}
}

// oldKepler is the place of a component. The label package is the number of a
// socket, or a name of Kepler's own, of which there may be several.
func oldKepler(component string) func(labels) place {
	return func(ls labels) place {
		name := ls.get("package")
		socket, numbered := number(name)
		p := zone(component, socket)
		if component == "platform" {
			p = place{id: "node0", kind: lifecycle.KindNode, name: component}
		}
		p.part = ls.get("mode")
		if !numbered {
			p.part += "/" + name
			if p.kind == lifecycle.KindCPU {
				p.count = 2 // at least: it is the sum of all
			}
		}
		return p
	}
}

func gpu(n, uuid, model string) place {
	device, ok := number(n)
	if !ok {
		return place{}
	}
	return place{id: "gpu" + n, kind: lifecycle.KindGPU, device: device, name: "gpu " + n, uuid: uuid, model: model}
}

func dcgmGPU(ls labels) place {
	p := gpu(ls.get("gpu"), ls.first("UUID", "uuid"), ls.get("modelName"))
	p.split = ls.get("GPU_I_ID") != ""
	return p
}

func scaphandreSocket(ls labels) place {
	socket, ok := number(ls.get("socket_id"))
	if !ok {
		return place{}
	}
	return zone("package", socket)
}

func scaphandreDomain(ls labels) place {
	socket, ok := number(ls.get("socket_id"))
	name := strings.ToLower(ls.get("domain_name"))
	if !ok || name == "" {
		return place{}
	}
	p := zone(name, socket)
	if name == "psys" {
		p.id += strconv.Itoa(socket)
	}
	return p
}

func scaphandreHost(labels) place {
	return place{id: "host", kind: lifecycle.KindNode, name: "host", leftOut: "refused", why: "it is the sum of the sockets and their memory, or psys, and does not tell which"}
}

func scaphandrePsys(labels) place { return zone("psys", 0) }

// asRule is what a family of the user tells.
func (f Family) asRule() rule {
	u := units[f.Unit]
	r := rule{
		family: f.Name, mode: "prometheus", scale: u.scale, power: u.power, update: f.Update, rank: 10,
		method: f.Method, relError: f.RelError, maxW: f.MaxW, strict: true,
	}
	if r.method == "" {
		r.method = lifecycle.Counter
	}
	if r.relError == 0 {
		r.relError = otherError
	}
	match := maps.Clone(f.Match)
	r.own = append(slices.Collect(maps.Keys(match)), f.Label)
	prefix := map[lifecycle.HardwareKind]string{
		lifecycle.KindNode: "node", lifecycle.KindCPU: "cpu", lifecycle.KindMemory: "dram", lifecycle.KindGPU: "gpu",
	}[f.Kind]
	r.place = func(ls labels) place {
		for name, value := range match {
			if ls.get(name) != value {
				return place{}
			}
		}
		device := 0
		if f.Label != "" {
			var ok bool
			if device, ok = number(ls.get(f.Label)); !ok {
				return place{}
			}
		}
		p := place{id: prefix + strconv.Itoa(device), kind: f.Kind, device: device, name: f.Name}
		if f.Kind == lifecycle.KindGPU {
			p.uuid = ls.first("UUID", "uuid", "gpu_uuid")
		}
		return p
	}
	return r
}
