package lifecycle

import (
	"reflect"

	"github.com/ecotracer/ecotracer/factors"
)

// need tells whether a member must be there where its parent is.
type need int

const (
	optional  need = iota
	required       // R
	orMissing      // M: required, or listed in missing with the reason
)

// axis tells in which stages a member may occur.
type axis int

const (
	anyStage     axis = iota
	serviceStage      // of the service's life cycle: operational figures
	deviceStage       // of the devices' life cycle: embodied shares
)

// member is what the record format says about one member of an object.
type member struct {
	need need
	axis axis
	ran  bool  // concerns only runs that took place: absent from an estimate
	form *form // of the value, or of each element of a list; nil: what the Go type says
	keys *form // of the keys of a map
}

func req(f *form) member { return member{need: required, form: f} }
func mis(f *form) member { return member{need: orMissing, form: f} }
func opt(f *form) member { return member{need: optional, form: f} }

func (m member) service() member         { m.axis = serviceStage; return m }
func (m member) device() member          { m.axis = deviceStage; return m }
func (m member) whenRan() member         { m.ran = true; return m }
func (m member) keyed(keys *form) member { m.keys = keys; return m }

// members are those of one object by name.
type members map[string]member

// grammar is the record format, object by object: which members there are,
// which of them must be there (R3), and which values they take (R5). The
// decoder, the validator and the JSON Schema are all driven by it.
func grammar() map[reflect.Type]members {
	return map[reflect.Type]members{
		reflect.TypeFor[Record](): {
			"schema":          req(oneOf(Schema)),
			"schema_revision": req(nil),
			"created_at":      req(nil),
			"supersedes":      opt(sha256Hex),
			"run":             req(nil),
			"generator":       req(nil),
			"publisher":       req(nil),
			"use_case":        req(nil),
			"technology":      req(nil),
			"environments":    req(nil),
			"hardware":        req(nil),
			"phases":          req(nil),
			"spans":           req(nil),
			"ledger":          req(nil),
			"totals":          req(nil),
			"methods":         req(nil),
			"factors":         req(nil),
			"missing":         req(nil),
			"warnings":        req(nil),
			"amortised":       opt(nil),
			"extensions":      req(nil).keyed(reverseDNS),
			"integrity":       opt(nil),
		},
		reflect.TypeFor[RunInfo](): {
			"id":                req(uuidV7),
			"name":              opt(text),
			"status":            req(oneOf(Running, Complete, Failed, Interrupted, Estimated)),
			"started_at":        req(nil).whenRan(),
			"ended_at":          req(nil).whenRan(),
			"duration_s":        req(nil),
			"scope":             req(oneOf(ScopeProcess, ScopeCgroup, ScopeMachine)),
			"other_runs_s":      opt(nil),
			"boundary":          req(oneOf(BoundaryComponent, BoundaryAccelerators, BoundaryNode, BoundaryIT, BoundaryFacility)),
			"trace_id":          opt(traceID),
			"parent":            opt(uuid),
			"rank":              opt(nil),
			"segment":           opt(nil),
			"merged":            opt(nil),
			"coverage":          opt(fraction),
			"time_resolution_s": opt(nil),
		},
		reflect.TypeFor[Rank]():        {"index": req(nil), "count": req(fromOne)},
		reflect.TypeFor[Segment]():     {"series": req(uuid), "index": req(nil)},
		reflect.TypeFor[MergedShard](): {"id": req(uuidV7), "rank": req(nil), "duration_s": req(nil), "digest": req(sha256Hex)},
		reflect.TypeFor[Generator](): {
			"name": req(text), "version": req(text), "factors_version": req(text),
			"go": opt(text), "os": req(text), "arch": req(text),
		},
		reflect.TypeFor[Publisher](): {
			"confidentiality": req(oneOf("public", "internal", "confidential", "secret")),
			"name":            mis(text),
			"division":        opt(text),
			"project":         opt(text),
			"contact":         opt(text),
			"licence":         opt(text),
		},
		reflect.TypeFor[UseCase](): {
			"sector": mis(nil), "purpose": mis(text), "goal": mis(text), "description": mis(text),
			"functional_unit": opt(nil),
		},
		reflect.TypeFor[Sector](): {
			"scheme": req(oneOf("NACE-2.1", "ISIC-4", "NAICS-2022")), "code": req(text), "label": opt(text),
		},
		reflect.TypeFor[FunctionalUnit](): {"unit": req(text), "path": req(spanPath)},
		reflect.TypeFor[Technology](): {
			"kind": mis(oneOf("ml", "iot", "dlt", "data-pipeline", "other")),
			"ml":   opt(nil), "iot": opt(nil), "dlt": opt(nil), "data_pipeline": opt(nil), "other": opt(nil),
		},
		reflect.TypeFor[ML](): {
			"task": mis(text), "algorithm": mis(nil),
			"model": opt(nil), "base_model": opt(nil),
			"parameters": mis(nil), "layers": mis(nil), "neurons": mis(nil),
			"training_type": mis(oneOf("from-scratch", "pre-training", "continued-pre-training", "fine-tuning",
				"parameter-efficient-fine-tuning", "few-shot", "zero-shot", "distillation", "transfer", "retraining",
				"reinforcement", "none", "other")),
			"learning_paradigm": mis(oneOf("supervised", "unsupervised", "semi-supervised", "self-supervised",
				"reinforcement-learning", "other")),
			"optimizer": mis(text),
			"epochs":    opt(nil), "steps": opt(nil), "batch_size": opt(nil), "precision": opt(text), "framework": opt(nil),
			"training_runs": mis(nil), "tuning": mis(nil), "datasets": mis(nil), "evaluation": mis(nil),
			"flops": opt(nil), "requests": opt(nil), "tokens_in": opt(nil), "tokens_out": opt(nil),
		},
		reflect.TypeFor[Algorithm]():    {"name": opt(text), "type": opt(text), "uri": opt(text)},
		reflect.TypeFor[Model]():        {"name": opt(text), "version": opt(text), "digest": opt(nil), "uri": opt(text)},
		reflect.TypeFor[Digest]():       {"sha256": req(sha256Hex)},
		reflect.TypeFor[Parameters]():   {"total": opt(nil), "trainable": opt(nil), "active": opt(nil)},
		reflect.TypeFor[Framework]():    {"name": req(text), "version": opt(text)},
		reflect.TypeFor[TrainingRuns](): {"count": req(nil), "role": opt(oneOf("single", "search", "ensemble", "seed"))},
		reflect.TypeFor[Tuning]():       {"used": req(nil), "method": opt(text), "trials": opt(nil), "space": opt(text)},
		reflect.TypeFor[Dataset](): {
			"role": req(oneOf("train", "validation", "test", "input", "output", "calibration")),
			"data_type": opt(oneOf("tabular", "audio", "boolean", "image", "video", "object", "text", "token", "word",
				"other")), // as in BoAmps 1.1
			"items": opt(nil), "item_unit": opt(text), "bytes": opt(nil), "tokens": opt(nil),
			"name": opt(text), "uri": opt(text), "digest": opt(nil), "licence": opt(text),
		},
		reflect.TypeFor[Evaluation](): {
			"metric": req(text), "value": req(anyNumber), "split": opt(text), "direction": opt(oneOf("higher", "lower")),
		},
		reflect.TypeFor[IoT](): {
			"device_class": mis(text), "protocol": mis(text), "power_source": mis(text), "fleet_size": mis(nil),
			"duty_cycle": opt(fraction), "sample_period_s": opt(nil), "messages": opt(nil), "bytes_sent": opt(nil),
			"battery_j": opt(nil), "sleep_power_w": opt(nil),
		},
		reflect.TypeFor[DLT](): {
			"network": mis(text), "consensus": mis(nil), "node_role": mis(text), "nodes": mis(nil), "transactions": mis(nil),
			"blocks": opt(nil), "period_start": opt(date), "period_end": opt(date),
			"stake_share": opt(fraction), "hash_rate": opt(nil),
		},
		reflect.TypeFor[Consensus](): {"family": opt(text), "mechanism": opt(text)},
		reflect.TypeFor[DataPipeline](): {
			"records_in": mis(nil), "records_out": mis(nil),
			"bytes_in": opt(nil), "bytes_out": opt(nil), "sources": opt(text), "engine": opt(text),
		},
		reflect.TypeFor[Other](): {"description": req(text)},
		reflect.TypeFor[Environment](): {
			"id":             req(text),
			"country":        mis(country),
			"subdivision":    opt(subdivision),
			"grid_zone":      opt(text),
			"place_found":    req(oneOf("declared", "provider", "unknown")),
			"infrastructure": mis(oneOf("on-premise", "private-cloud", "public-cloud", "edge", "desk", "other")),
			"virtualisation": mis(oneOf("none", "vm", "container")),
			"provider":       opt(text), "region": opt(text), "instance_type": opt(text),
			"factors":     req(nil),
			"instruments": opt(nil),
		},
		reflect.TypeFor[EnvironmentFactors](): {
			"grid": req(text), "pue": req(text), "wue": mis(text), "ewif": mis(text),
			"residual": opt(text), "marginal": opt(text), "loss": opt(text),
		},
		reflect.TypeFor[Instrument](): {
			"kind": req(oneOf("PPA", "GoO", "REC", "supplier")), "share": req(fraction), "factor": req(text),
		},
		reflect.TypeFor[Hardware](): {
			"id":          req(text),
			"environment": req(text),
			"part_of":     opt(text),
			"kind": req(oneOf("node", "cpu", "gpu", "npu", "fpga", "memory", "storage", "network", "board", "mcu",
				"device", "service", "other")),
			"vendor": opt(text), "model": mis(text), "product_id": opt(text),
			"count": req(fromOne),
			"cores": opt(nil), "threads": opt(nil), "memory_bytes": opt(nil), "tdp_w": opt(nil), "power_limit_w": opt(nil),
			"instance": opt(instance),
			"embodied": opt(nil), // or covered, or missing: R12
		},
		reflect.TypeFor[Embodied](): {
			"production": req(nil), "end_of_life": req(nil), "transport": opt(nil),
			"lifetime": req(text), "utilisation": req(text), "covers": opt(text),
		},
		reflect.TypeFor[Impacts](): {
			"gco2e": opt(text), "adpe_kgsbeq": opt(text), "primary_energy_j": opt(text), "waste_kg": opt(text),
		},
		reflect.TypeFor[PhaseEntry](): {
			"phase":             req(oneOf(phases...)),
			"stage":             req(oneOf(stages...)),
			"started_at":        req(nil).service().whenRan(),
			"ended_at":          req(nil).service().whenRan(),
			"duration_s":        req(nil).service(),
			"usage":             req(nil),
			"energy_j":          req(nil).service(),
			"facility_energy_j": req(nil).service(),
			"operational_gco2e": req(nil).service(),
			"water_l":           mis(nil).service(),
			"market_gco2e":      opt(nil).service(),
			"marginal_gco2e":    opt(nil).service(),
			"loss_gco2e":        opt(nil).service(),
			"profile":           opt(nil).service(),
		},
		reflect.TypeFor[EmbodiedImpacts](): {
			"embodied_gco2e":            req(nil).device(),
			"embodied_adpe_kgsbeq":      opt(nil).device(),
			"embodied_primary_energy_j": opt(nil).device(),
			"embodied_waste_kg":         opt(nil).device(),
		},
		reflect.TypeFor[Profile](): {
			"environment": req(text), "start": req(nil), "step_s": req(positive), "energy_j": req(nil),
		},
		reflect.TypeFor[Usage](): {
			"hardware": req(text),
			"count":    req(nil).service(),
			"share":    opt(share).service(), // required beside embodied
			"share_by": opt(oneOf("exclusive", "reserved", "cores", "memory", "cpu-time", "declared")).service(),
			"use_s":    req(nil).service(),
			"meter":    req(text).service(),
			"energy_j": opt(nil).service(), // or the grams of a service
			"stored":   opt(nil).service(), "transferred": opt(nil).service(), "calls": opt(nil).service(),
			"factor":            opt(text).service(),
			"operational_gco2e": opt(nil).service(),
			"device_s":          req(nil).device(),
		},
		reflect.TypeFor[Stored]():      {"bytes": req(nil), "seconds": req(nil), "replicas": req(nil)},
		reflect.TypeFor[Transferred](): {"bytes": req(nil)},
		reflect.TypeFor[Calls]():       {"unit": req(text), "count": req(nil)},
		reflect.TypeFor[Quantity]():    {"value": req(nil), "low": req(nil), "high": req(nil), "method": req(oneOf(methodNames...))},
		reflect.TypeFor[Span](): {
			"path": req(spanPath), "stage": req(oneOf(stages...)),
			"count": req(nil), "failed": req(nil), "open": opt(nil),
			"self_s": req(nil), "total_s": req(nil),
			"min_s": opt(nil), "p50_s": opt(nil), "p95_s": opt(nil), "p99_s": opt(nil), "max_s": opt(nil), // required if count
			"self_j": req(nil), "total_j": req(nil),
			"units": opt(nil).keyed(text),
			"flags": opt(kebab),
		},
		reflect.TypeFor[Unit](): {"count": req(nil), "j_per_unit": opt(nil), "gco2e_per_unit": opt(nil)},
		reflect.TypeFor[LedgerLine](): {
			"domain": req(text), "hardware": req(text), "meter": req(text),
			"method":  req(oneOf(methodNames...)),
			"split":   req(oneOf("wall", "cpu-time", "claimed", "declared")),
			"total_j": req(nil), "spans_j": req(nil), "unattributed_j": req(nil), "other_runs_j": opt(nil),
			"other_processes_j": req(nil), "idle_j": req(nil), "of_which": opt(nil),
			"idle_w": req(nil), "idle_found": req(oneOf("calibration", "declared", "factor", "unknown")),
			"booked": opt(nil), "samples": req(nil), "gap_s": opt(nil), "extrapolated_s": opt(nil),
		},
		reflect.TypeFor[OfWhich](): {"other_processes_j": req(nil), "idle_j": req(nil)},
		reflect.TypeFor[Booked](): {
			"alone_j": opt(nil), "window_j": opt(nil), "rate_j": opt(nil), "wall_j": opt(nil), "claimed_j": opt(nil),
		},
		reflect.TypeFor[Totals](): {
			"energy_j": req(nil), "facility_energy_j": req(nil), "operational_gco2e": req(nil),
			"embodied_gco2e": mis(nil), "gco2e": mis(nil), "water_l": mis(nil),
			"embodied_adpe_kgsbeq": opt(nil), "embodied_primary_energy_j": opt(nil), "embodied_waste_kg": opt(nil),
			"market_gco2e": opt(nil), "marginal_gco2e": opt(nil), "loss_gco2e": opt(nil),
			"measured_share": req(fraction), "per_unit": opt(nil),
			"by_phase": req(nil).keyed(oneOf(phases...)),
		},
		reflect.TypeFor[PerUnit](): {"unit": req(text), "count": req(nil), "gco2e": req(nil)},
		reflect.TypeFor[PhaseTotal](): {
			"energy_j": opt(nil), "facility_energy_j": opt(nil), "gco2e": opt(nil), "water_l": opt(nil),
		},
		reflect.TypeFor[MethodEntry](): {
			"id": req(text), "method": req(oneOf(methodNames...)), "sensor": req(text), "mode": opt(text),
			"sampling_s": opt(nil), "tool": opt(text), "version": opt(text), "rel_error": req(nil), "left_out": opt(nil),
		},
		reflect.TypeFor[LeftOut](): {
			"domain": req(text), "reason": req(oneOf("contained", "mirrored", "unreadable", "refused")),
		},
		reflect.TypeFor[factors.Factor](): {
			"id": req(text),
			"kind": req(oneOf(factors.Grid, factors.PUE, factors.WUE, factors.EWIF, factors.Residual, factors.Instrument,
				factors.Marginal, factors.Loss, factors.Production, factors.EndOfLife, factors.Transport, factors.Lifetime,
				factors.Utilisation, factors.Storage, factors.Transfer, factors.Service)),
			"value": req(nil), "low": req(nil), "high": req(nil), "unit": req(text),
			"geography":  opt(text),
			"signal":     opt(oneOf("average", "marginal")), // the four axes are required of grid kinds
			"accounting": opt(oneOf("location", "market")),
			"basis":      opt(oneOf("lifecycle", "direct")),
			"mix":        opt(oneOf("production", "consumption", "residual")),
			"gwp":        opt(oneOf("AR5", "AR6", "unstated")),
			"valid_from": opt(date), "valid_to": opt(date), "series": opt(nil),
			"licence": opt(text),
			"found": req(oneOf(factors.Live, factors.Declared, factors.Exact, factors.Normalised, factors.Family,
				factors.Class, factors.FromRegion, factors.FromCountry, factors.FromWorld)),
			"source": req(text), "source_year": req(nil), "quality": req(oneOf("A", "B", "C", "D")),
		},
		reflect.TypeFor[factors.Series](): {"start": req(instantText), "step_s": req(positive), "value": req(nil)},
		reflect.TypeFor[Missing](): {
			"path": req(pointerText), "what": opt(text),
			"reason": req(oneOf("not-applicable", "not-measured", "unknown", "withheld", "redacted")),
		},
		reflect.TypeFor[Warning](): {"code": req(kebab), "path": opt(pointerText), "detail": opt(text), "count": opt(nil)},
		reflect.TypeFor[Amortised](): {
			"run": req(uuid), "digest": opt(sha256Hex), "what": req(oneOf("training", "production")), "unit": req(text),
			"expected": req(nil), "used": req(nil), "gco2e": req(nil), "share_gco2e": req(nil),
		},
		reflect.TypeFor[Integrity](): {"canonicalisation": req(oneOf(canonicalisation)), "sha256": req(sha256Hex)},
	}
}

var methodNames = []Method{Metered, Counter, Modelled, Declared}
