// Package factors holds the facts that turn joules and device-seconds into
// impacts: grid intensity, PUE, water, the power of processors and memory, and
// what the production and end of life of devices costs. Each figure is a
// [Factor]: value, 95 % interval, unit, the place and time that it describes,
// how it was found, source, licence and quality.
//
//	f, err := factors.Lookup(factors.Query{Kind: factors.Grid, Country: "FR"})
//	// 44 gCO2e/kWh, 29 to 84, exact, of 2024
//
// [Lookup] finds a factor by place or class and [Explain] tells why it is that
// one; [LookupCPU] finds the power of a processor by the name that the kernel
// tells, [LookupAccelerator] that of a GPU by the driver's, [LookupInstance]
// what a cloud's machine type has, [LookupDevice] what a device cost to make
// and costs to discard; [Country] reads the names that people write and
// [CountryName] tells them, [IsCountry] knows the assigned codes, [CloudPlace]
// where a cloud region is; [All] is every row and [Load] takes tables of your
// own. Nothing here reads a file, a clock or the network; the tables are part
// of the program, and each is read at the first call that needs it, in a
// millisecond or two. [Version] names them, and a record carries it.
//
// # What is in
//
//	kind                          what it is looked up by
//	grid                          Country; Region of the US, Canada and
//	                              Australia; Zone of eGRID (CAMX); Provider and
//	                              CloudRegion. gCO2e/kWh, average,
//	                              location-based; Basis lifecycle of every
//	                              country, direct of 32 and of all regions
//	residual                      Country, 25 of Europe, of both bases
//	loss                          US, and Zone of eGRID: share lost per unit
//	                              delivered
//	ewif                          Country: L/kWh consumed by generation, not
//	                              withdrawn for it
//	pue, wue                      Provider and CloudRegion; Provider (also
//	                              alibaba, equinix, meta, oracle); Class:
//	                              on-premise, private-cloud, public-cloud, hpc,
//	                              server-room, edge, desk, other, unknown
//	carbon-free                   Provider and CloudRegion: the share that the
//	                              provider claims, purchases in it
//
//	kind                          class (Query.Class)
//	instrument                    coal, lignite, peat, oil-shale, coal-gas, gas,
//	                              oil, waste, biomass, nuclear, hydro,
//	                              hydro-temperate (not of the tropics), wind,
//	                              solar, geothermal, ocean, other-renewable,
//	                              other: gCO2e/kWh, of both bases; gb-coal,
//	                              gb-gas-ccgt, ... direct
//	storage                       ssd, hdd, unknown: Wh/TBh of one copy
//	transfer                      cloud (within one), fixed, mobile, unknown:
//	                              kWh/GB
//	service                       Wh or gCO2e a call: email-mailing,
//	                              email-short, email-stored-year,
//	                              gemini-prompt, chatgpt-query, web-search,
//	                              video-hour, image-generation, ... (an error
//	                              lists all)
//	production, end-of-life,      server, cloud-server, ai-server (without its
//	lifetime, utilisation         GPUs), workstation, desktop, laptop, tablet,
//	                              smartphone, iot, single-board,
//	                              gpu-datacentre, gpu-inference,
//	                              gpu-consumer, gpu-unknown, unknown
//	transport                     the same, but where production has it
//	                              (desktop, laptop, tablet, smartphone) and
//	                              unknown
//	idle-power, full-power        memory (W/GB of 1e9 B);
//	                              rest-server and rest-vm (W/thread),
//	                              rest-desktop, rest-laptop,
//	                              rest-single-board, rest-unknown (W): what a
//	                              node draws beyond processors and memory;
//	                              cpu-server, cpu-desktop, cpu-laptop,
//	                              cpu-embedded, cpu-unknown, gpu-datacentre,
//	                              gpu-inference, gpu-consumer, gpu-unknown
//	                              (W/W of TDP)
//
// Class "" is unknown. Marginal has no figures: declare or load them. Ids are
// kind.place or kind.class, with the suffix .direct for that basis, .gco2e for
// a service in grams, .adpe, .primary-energy and .waste for other impacts.
// Production, end-of-life and transport are in gCO2e; of servers, workstations
// and GPUs production is in kgSbeq (abiotic depletion of elements) and J
// (primary energy) too, of desktops, laptops, tablets and smartphones in kgSbeq;
// end-of-life is in kg of waste too, and of GPUs in all four. A desktop and a
// workstation are without a graphics card.
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
// and a year later, lie inside. Hours of a day differ more than that; only a
// live figure knows them.
//
// What stands for a place in it has another error, which adds in quadrature of
// logarithms: 1.2 times for a cloud region in its state or in a country with
// one grid; 2.5 for a region or zone in its country, where these differ more
// (within 4 in Australia, 4.5 in the US, 6 in Canada).
//
// Regions and zones: direct figures as published; life cycle from direct g as
//
//	1.16 g + 24 max(0, 1 - g/565)
//
// from IPCC AR5 WG3 Annex III: 1.16 is what coal (820/760) and gas (490/370)
// cost over their life per gram at the stack, geometric mean; 565 a fossil kWh
// (mean of 760 and 370), 24 one that is not (hydropower; the mean over the US
// mix comes to the same). Both are divided and multiplied by 2.2, by 3.6 where
// most is hydropower or imported: 94 % of 82 independent figures lie inside.
// Residual mixes go the same way. The direct figure of the world is the formula
// solved for g. Of a fuel that IPCC AR5 does not list, what is burnt is IPCC
// 2006's kgCO2/GJ over an efficiency; upstream is 1.16 times that of oil, and
// coal's 60 g of its kin.
//
// PUE of a cloud region: a quarter of what is above 1; WUE: half and twice; of
// a provider: its least and greatest site.
//
// Processors: idle power is 0.12 of the TDP, the Teads curve; full power of
// servers is 0.79 of it, the mean of that curve (1.02) and of three machines
// under RAPL (0.51, 0.69, 0.93), of desktops and laptops 1.02. Vendors' TDP of client parts
// is base power, which turbo exceeds up to 2.5 times. A model that is not
// listed takes the median of its family (three or more listed names that
// begin alike) or of its class and number of cores; both intervals are
// checked against the list.
//
// Devices: a sum of components has the interval of independent lognormal
// addends, each the product of an amount (mm² of chip, GB by density, kg of
// power supply) and a figure per unit with its own bounds: the method's, and
// where others disagree theirs. Sums of GPUs' components lie within 20 % of nine
// published figures; that of a PowerEdge R740 without its drives within 5 % of
// its life-cycle assessment; a test holds intervals of sums to what is published
// of machines, drives and memory. On abiotic depletion databases differ by
// four to five times, and so much is in its intervals. A chassis weighs what is
// left without processors, memory and drives, which have their own. Servers and
// accelerators by class follow from the components and the list, which tests
// hold them to; a server of which nothing is known is between the sum of its
// components and what Dell publishes.
//
// What is unknown altogether (Found is world) has the range over all that is
// known: 20 to 1000 gCO2e/kWh, not a comfortable mean.
//
// # Quality
//
// A: primary or official, current. B: one good source, or an older one. C:
// modelled, dated, or sources disagree by more than 60 %. D: an analyst's
// estimate, recalled and not read again, or unpublished by the vendor. A widened
// factor is one lower. A sum, and the range over a family, is as good as the
// worst that is in it and no better than C. What is assumed in a sum (how much
// memory a server has, what a chassis weighs) is C if its interval is held to
// what is published, else D.
//
// # Factors of your own
//
// An operator knows better. Give tracer.At(tracer.Site{Factors: own}) a slice
// of factors, written in Go or read by [Load]; they replace those of the data
// set and the record says "declared". [Factor.Check] tells what is wrong with
// one.
//
// # Sources and licences
//
// Each row of data/*.csv names its source and licence; only figures are taken.
// data/SOURCES.md tells what came from where, what was left out and why, and
// how to load it. No row is of a share-alike or non-commercial data set: what
// Electricity Maps publishes (ODbL 1.0) served to check intervals, no more.
package factors
