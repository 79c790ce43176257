// Package factors holds the facts that turn joules and device-seconds into
// impacts: grid intensity, PUE, water, the power of processors and memory, and
// what the production and end of life of devices costs. Each figure is a
// [Factor]: value, 95 % interval, unit, the place and time that it describes,
// how it was found, source, licence and quality.
//
//	f, err := factors.Lookup(factors.Query{Kind: factors.Grid, Country: "FR"})
//	// 44 gCO2e/kWh, 29 to 84, exact, of 2024
//
// [Lookup] finds a factor by place or class, [LookupCPU] the power of a
// processor by the name that the kernel tells, [IsCountry] knows the assigned
// country codes, [Read] takes tables of your own. Nothing here reads a file,
// a clock or the network; the tables (220 kB) are part of the program and are
// parsed at the first call, in some milliseconds. [Version] names them, and
// a record carries it.
//
// # What is in
//
//	kind                          class (Query.Class)
//	grid                          by Country: gCO2e/kWh, lifecycle, average,
//	                              location-based, production mix
//	ewif                          by Country: L/kWh consumed by generation
//	pue, wue                      on-premise, private-cloud, public-cloud,
//	                              edge, desk, other, unknown
//	production, end-of-life,      server, cloud-server, ai-server (without its
//	lifetime, utilisation         GPUs), workstation, desktop, laptop, tablet,
//	                              smartphone, iot, single-board,
//	                              gpu-datacentre, gpu-inference,
//	                              gpu-consumer, unknown
//	transport                     server, desktop, laptop
//	idle-power, full-power        memory (W/GB of 1e9 B);
//	                              rest-server and rest-vm (W/thread),
//	                              rest-desktop, rest-laptop,
//	                              rest-single-board, rest-unknown (W): what a
//	                              node draws beyond processors and memory;
//	                              cpu-server, cpu-desktop, cpu-laptop,
//	                              cpu-embedded, cpu-unknown (W/W of TDP)
//
// Class "" is unknown. The other kinds have no figures yet: declare them.
//
// # What the intervals mean
//
// Low and High hold the figure with 95 % probability; what reads them takes
// the error as lognormal. A source's least and greatest value is taken as it
// is, P10–P90 is raised to the power of 1.53 and P5–P95 of 1.19 around the
// value, which makes normal logarithms reach 95 %.
//
// Grid: the least and greatest of the Ember figure and of an older edition of
// it, divided and multiplied by 1.5; by 3.6 where production and consumption
// differ widely, as in small hydropower systems with imports. So much is
// needed for a figure of a production mix and a past year to stand for what a
// run drew: 93 % of 196 figures of an independent data set, by consumption
// and a year later, lie inside. A region without a figure of its own has its
// country's, widened by 2.5 (US and Australian states). Hours of a day
// differ more than that; only a live figure knows them.
//
// Processors: idle power is 0.12 of the TDP, the Teads curve; full power of
// servers is 0.79 of it, the mean of that curve (1.02) and of three machines
// under RAPL (0.51, 0.69, 0.93), of desktops and laptops 1.02. Vendors' TDP of client parts
// is base power, which turbo exceeds up to 2.5 times. A model that is not
// listed takes the median of its family (three or more listed names that
// begin alike) or of its class and number of cores; both intervals are
// checked against the list.
//
// What is unknown altogether (Found is world) has the range over all that is
// known: 20 to 1000 gCO2e/kWh, not a comfortable mean.
//
// # Quality
//
// A: primary or official, current. B: one good source, or an older one. C:
// modelled, dated, or sources disagree by more than 60 %. D: an analyst's
// estimate, or unpublished by the vendor. A widened factor is one lower.
//
// # Factors of your own
//
// An operator knows better. Give tracer.At(tracer.Site{Factors: own}) a slice
// of factors, written in Go or read by [Read]; they replace those of the data
// set and the record says "declared". [Factor.Check] tells what is wrong with
// one.
//
// # Sources and licences
//
//   - Grid: Ember, yearly electricity data, CC BY 4.0, as carried by co2.js
//     0.19 (Apache-2.0); Our World in Data (Ember; Energy Institute), CC BY
//     4.0, as carried by codecarbon (MIT). No row is taken from Electricity
//     Maps (ODbL 1.0); the widths of 1.5 and 3.6, and which systems get the
//     larger one, come from a comparison with its yearly data of 2025. Seven
//     places have no open figure and take that of a neighbour or of
//     hydropower (IPCC AR5 WG3, Annex III), quality D.
//   - Water: WRI, Guidance for Calculating Water Use Embedded in Purchased
//     Electricity (2020), as carried by BoaviztAPI; operators' own pages;
//     LBNL, 2024 United States Data Center Energy Usage Report.
//   - PUE: Uptime Institute Global Data Center Survey 2025; the pages of AWS,
//     Google and Microsoft.
//   - Processors: product specifications of AMD and Intel as carried by
//     codecarbon (MIT); facts of BoaviztAPI; Ampere product briefs.
//   - Power: Teads' curve, BoaviztAPI, codecarbon, Green Algorithms, and
//     statistics of SPECpower_ssj2008 results.
//   - Devices: statistics of Boavizta environmental-footprint-data (ODbL 1.0,
//     contents DbCL 1.0); NVIDIA product carbon footprint summaries; ADEME;
//     Falk et al. 2025; EcoLogits; Cloud Carbon Footprint.
//
// Each row of data/*.csv names its source; only facts are taken.
package factors
