// Package live asks public interfaces how much the electricity of a grid emits
// now, emitted hour by hour, and is expected to emit. Each source is a
// [factors.GridSource]:
//
//	source := &live.ElectricityMaps{Key: live.Secret(key)}
//	f, err := source.Forecast(ctx, factors.Query{Kind: factors.Grid, Country: "DE"}, now, now.Add(24*time.Hour))
//	// f.Series: one value an hour; f.Value: their mean
//
// Nothing of this library asks the network unless a program does so with this
// package.
//
// # Sources
//
//	                  signal    basis              tells                   needs
//	ElectricityMaps   average   lifecycle, direct  world; past, forecast   key; one zone is free
//	WattTime          marginal  direct             world; past, forecast   account; one region is free
//	GreatBritain      average   direct             Britain; past, forecast nothing
//	ENTSOE            average   lifecycle, direct  Europe; past            token, free
//	EIA               average   lifecycle, direct  US; past                key, free
//	CarbonAware       as told   as told            as its data source      a server of one's own
//	File              as told   as told            what is in it           a file
//
// Average and marginal, life cycle and direct differ by up to a factor of
// thirty, and are never mixed: a source refuses a query of what it does not
// tell. An empty Query.Basis is lifecycle. ENTSOE and EIA publish what plants
// generate; the intensity is computed from that, see their comments.
//
// # Places
//
// A query's place is brought to a source's zone where that is certain: a
// country that is one zone, a cloud region in a known city. Else the error
// says what to give. Query.Zone is a zone by the source's own name; the Zone of
// a source is one for queries of its country, and for places that tell none for
// certain.
//
// # What comes back
//
// Series has equal steps in UTC, so that a day of 23 or 25 hours is no matter.
// A hole of up to two hours is bridged by the mean of its neighbours, or at an
// end by the one that there is; a longer one is an error that wraps
// factors.ErrNoFactor and names it. Source tells the interface, endpoint, zone,
// time of retrieval, and how many values were estimated or bridged, each of
// which lowers Quality. A forecast may end before it was asked to, and then
// Source says so. No source publishes how wrong it may be: the interval is a
// judgement, of computed mixes the range of the fuels' emissions, and of
// forecasts what forecasts were found to be off by.
//
// Errors wrap factors.ErrNoFactor where there is no such figure, and
// [ErrNoAccess] where there is no key or the zone is outside the plan. They
// tell the address that was asked, without the key.
//
// # How they are asked
//
// A try has 10 s. After 429, 5xx and failures of the network there are up to
// three more, after 1, 2 and 4 s, of which up to half is left out by chance; a
// server's Retry-After is kept to if it is at most 30 s. Each source keeps to a
// rate. Answers of more than 4 MiB, redirects to another host, and values that
// no grid has are errors. [Cache] keeps answers in a folder, [Fallback] asks
// one source after another and then takes the figure of the data set. All
// types may be used from several goroutines at once, and are not to be copied
// or changed once they were used.
//
// # Environment
//
// [FromEnv] reads:
//
//	ECOTRACER_ELECTRICITYMAPS_KEY      key of Electricity Maps
//	ECOTRACER_WATTTIME_USER            account of WattTime
//	ECOTRACER_WATTTIME_PASSWORD
//	ECOTRACER_ENTSOE_TOKEN             token of ENTSO-E
//	ECOTRACER_EIA_KEY                  key of EIA
//	ECOTRACER_CARBON_AWARE_URL         address of a Carbon Aware SDK server
//	ECOTRACER_CARBON_AWARE_SIGNAL      what it tells: average or marginal
//	ECOTRACER_CARBON_AWARE_BASIS       lifecycle or direct
//	ECOTRACER_<SOURCE>_ZONE            Zone of a source: ELECTRICITYMAPS, WATTTIME,
//	                                   ENTSOE, EIA, CARBON_AWARE or GB
//	ECOTRACER_GRID_CACHE               folder for a cache
//
// Keys are in no error, factor, record or cache file.
package live
