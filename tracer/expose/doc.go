// Package expose shows what a run has come to while it runs, for services that
// run for long: to Prometheus, and as a variable of package expvar.
//
//	ctx, run, err := tracer.Begin(ctx, tracer.Named("recommender"))
//	...
//	http.Handle("GET /metrics/energy", expose.Handler(run))
//	expvar.Publish("ecotracer", expose.Var(run))
//
// Neither loads the host: both show the same record for 5 s, or for ten times
// what it took to make if that is longer, however often they are asked. When
// it is of, ecotracer_snapshot_time_seconds tells. After the run's end they show
// its final record.
//
// # Metrics
//
// Counters, of the run since it began:
//
//	ecotracer_energy_joules_total{domain,meter,method}     IT energy of the run
//	ecotracer_host_energy_joules_total{domain,booked}      what the meters told, each joule once:
//	    booked to spans and unattributed, which are the run's, to other_runs,
//	    other_processes and idle
//	ecotracer_facility_energy_joules_total                 IT energy times PUE
//	ecotracer_stage_energy_joules_total{stage}             IT energy by stage of the life cycle
//	ecotracer_emissions_co2e_grams_total{stage,part}       part is operational, location-based, or embodied
//	ecotracer_water_litres_total
//	ecotracer_span_energy_joules_total{path,stage}         self energy: adds up over paths
//	ecotracer_span_duration_seconds_total{path,stage}      open spans included
//	ecotracer_spans_total{path,stage}                      ended
//	ecotracer_spans_failed_total{path,stage}
//	ecotracer_span_units_total{path,stage,unit}            functional units
//
// so that the power of a route is rate(ecotracer_span_energy_joules_total[5m]).
// Gauges, of the run:
//
//	ecotracer_run_info{run,name,scope,boundary,method,version,factors_version} 1
//	ecotracer_run_duration_seconds, ecotracer_run_start_time_seconds, ecotracer_run_ended
//	ecotracer_run_energy_joules, ecotracer_run_energy_low_joules, ecotracer_run_energy_high_joules
//	    and likewise facility_energy, operational_co2e (grams), co2e (grams), water (litres):
//	    best estimate and 95 % interval, as in totals of the record
//	ecotracer_run_measured_ratio                           share of the energy that meters told
//	ecotracer_run_warnings, ecotracer_run_missing
//	ecotracer_spans_open{path,stage}
//	ecotracer_snapshot_time_seconds
//
// What is unknown is absent, and not zero.
//
// A record may settle what an earlier one had booked elsewhere, so that a figure
// falls a little; a counter that falls means a restart to Prometheus, which would
// add the whole of it again. So a counter stays where it was until its figure has
// come up to it, also after the end of the run. The gauges are as in the record.
//
// Each path has its series until there are 500; paths that come later, and those
// longer than 512 bytes, are together in "(more)". Of units there are 1,000 series.
package expose
