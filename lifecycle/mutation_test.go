package lifecycle

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/race"
)

// change is one way to spoil a record, and what Check must say of it.
type change struct {
	name    string
	rule    string
	pointer string
	of      func(t *testing.T, root map[string]any)
	raw     func(doc string) string // instead, on the text
	warning bool
}

func setting(pointer string, value any) func(*testing.T, map[string]any) {
	return func(t *testing.T, root map[string]any) { put(t, root, pointer, value) }
}

func dropping(pointer string) func(*testing.T, map[string]any) {
	return func(t *testing.T, root map[string]any) { drop(t, root, pointer) }
}

func appending(pointer string, value any) func(*testing.T, map[string]any) {
	return func(t *testing.T, root map[string]any) {
		put(t, root, pointer, append(at(t, root, pointer).([]any), value))
	}
}

// set is a change whose finding is where the value was set.
func set(name, rule, pointer string, value any) change {
	return change{name: name, rule: rule, pointer: pointer, of: setting(pointer, value)}
}

func without(name, rule, pointer string) change {
	return change{name: name, rule: rule, pointer: pointer, of: dropping(pointer)}
}

func replacing(old, new string) func(string) string {
	return func(doc string) string { return strings.Replace(doc, old, new, 1) }
}

func nested(depth int) any {
	var v any = "bottom"
	for range depth {
		v = []any{v}
	}
	return v
}

func changes() []change {
	return []change{
		set("an unknown member", "R1", "/colour", "green"),
		set("an unknown member deep down", "R1", "/phases/2/usage/0/watts", 5),
		{name: "a member in other case", rule: "R1", pointer: "/run/Name", of: func(t *testing.T, root map[string]any) {
			put(t, root, "/run/Name", at(t, root, "/run/name"))
			drop(t, root, "/run/name")
		}},
		{name: "a doubled member", rule: "R1", pointer: "/run/scope", raw: replacing(`"scope"`, `"scope":"process","scope"`)},
		{name: "a doubled key of a map", rule: "R1", pointer: "/totals/by_phase/training", raw: replacing(`"by_phase":{`, `"by_phase":{"training":{},`)},
		{name: "a doubled extension", rule: "R1", pointer: "/extensions/org.example.a", raw: replacing(`"extensions":{`, `"extensions":{"org.example.a":1,"org.example.a":2`+comma)},
		set("null", "R1", "/run/name", nil),
		set("null in a list", "R1", "/technology/ml/datasets/0", nil),
		{name: "null in an extension", rule: "R1", pointer: "/extensions/org.example.a/b", of: setting("/extensions/org.example.a", map[string]any{"b": nil})},
		{name: "NaN", rule: "R1", pointer: "/run/duration_s", of: setting("/run/duration_s", "@@"), raw: replacing(`"@@"`, `NaN`)},
		{name: "text after the record", rule: "R1", pointer: "", raw: func(doc string) string { return doc + " {}" }},
		{name: "a truncated record", rule: "R1", pointer: "/extensions", raw: func(doc string) string {
			i := strings.Index(doc, `"extensions":{`)
			return doc[:i+len(`"extensions":{`)]
		}},
		{name: "no record", rule: "R1", pointer: "", raw: func(string) string { return `[]` }},
		{name: "an empty file", rule: "R1", pointer: "", raw: func(string) string { return "" }},
		{name: "text that is not UTF-8", rule: "R1", pointer: "", raw: replacing(`"name":"`, "\"name\":\"\xff")},
		{name: "half of a surrogate pair", rule: "R1", pointer: "/run/name", of: setting("/run/name", "@@"), raw: replacing(`"@@"`, `"\ud800"`)},
		set("a negative number", "R1", "/spans/0/self_s", -1),
		set("a number beyond floats", "R1", "/spans/0/self_s", json.Number("1e999")),
		set("a fraction of a device", "R1", "/hardware/3/count", json.Number("1.5")),
		set("a count beyond 2^53", "R1", "/spans/3/count", json.Number("9007199254740992")),
		set("a text for a number", "R1", "/run/duration_s", "1000"),
		set("a number for a text", "R1", "/run/name", 7),
		set("a list for an object", "R1", "/totals", []any{}),
		set("an object for a list", "R1", "/spans", map[string]any{}),
		set("a number for a yes", "R1", "/technology/ml/tuning/used", 1),
		set("a text too long", "R1", "/run/name", strings.Repeat("x", maxText+1)),
		{name: "nesting too deep", rule: "R1", pointer: "/extensions/org.example.a" + strings.Repeat("/0", 14), of: setting("/extensions/org.example.a", nested(20))},

		set("another schema", "R2", "/schema", "urn:example:record:v1"),
		set("a later schema", "R2", "/schema", "urn:ecotracer:record:v2"),
		set("a later revision", "R2", "/schema_revision", SchemaRevision+1),
		{name: "a later revision with new members", rule: "R2", pointer: "/schema_revision", of: func(t *testing.T, root map[string]any) {
			put(t, root, "/schema_revision", 7)
			put(t, root, "/novelty", 1)
		}},

		without("no id", "R3", "/run/id"),
		without("no times of a run", "R3", "/run/started_at"),
		without("no total", "R3", "/totals/energy_j"),
		without("no bound", "R3", "/totals/energy_j/low"),
		without("no country, and no word about it", "R3", "/environments/0/country"),
		without("no sector, and no word about it", "R3", "/use_case/sector"),
		without("no model of a device, and no word about it", "R3", "/hardware/1/model"),
		without("no water of a stage, and no word about it", "R3", "/phases/2/water_l"),
		without("no total of grams, and no word about it", "R3", "/totals/gco2e"),
		without("no main block", "R3", "/technology/ml"),
		without("no energy of a stage", "R3", "/phases/2/energy_j"),
		without("no meter of a row", "R3", "/phases/2/usage/0/meter"),
		without("no energy of a row", "R3", "/phases/2/usage/0/energy_j"),
		without("no share of a device with embodied factors", "R3", "/phases/2/usage/2/share"),
		without("no device-seconds", "R3", "/phases/4/usage/0/device_s"),
		without("no durations of spans", "R3", "/spans/0/p95_s"),
		without("no signal of a grid factor", "R3", "/factors/0/signal"),
		without("no gwp of grams", "R3", "/factors/4/gwp"),
		{name: "grams of use in a stage of devices", rule: "R3", pointer: "/phases/4/energy_j", of: func(t *testing.T, root map[string]any) {
			put(t, root, "/phases/4/energy_j", at(t, root, "/phases/1/energy_j"))
		}},
		{name: "something missing that is there", rule: "R3", pointer: "/missing/0/path", of: setting("/missing/0/path", "/run/name")},
		{name: "something missing that the schema has not", rule: "R3", pointer: "/missing/1/path", of: setting("/missing/1/path", "/technology/ml/nerves")},
		{name: "something missing whose parent is", rule: "R3", pointer: "/missing/1/path", of: setting("/missing/1/path", "/technology/iot/protocol")},
		without("a list that lacks nothing", "R3", "/missing/2/what"),
		{name: "times of an estimate", rule: "R3", pointer: "/run/started_at", of: setting("/run/status", "estimated")},

		set("a doubled device", "R4", "/hardware/2/id", "cpu"),
		set("a doubled factor", "R4", "/factors/3/id", "pue.site"),
		set("a doubled domain", "R4", "/ledger/1/domain", "cpu0"),
		{name: "a doubled stage", rule: "R4", pointer: "/phases/3/stage", of: func(t *testing.T, root map[string]any) {
			put(t, root, "/phases/3/stage", at(t, root, "/phases/2/stage"))
		}},
		{name: "a doubled span", rule: "R4", pointer: "/spans/4/path", of: func(t *testing.T, root map[string]any) {
			put(t, root, "/spans", append(at(t, root, "/spans").([]any), at(t, root, "/spans/0")))
		}},
		set("a row of no device", "R4", "/phases/2/usage/0/hardware", "tpu"),
		set("a row of no meter", "R4", "/phases/2/usage/0/meter", "guess"),
		set("a device nowhere", "R4", "/hardware/0/environment", "elsewhere"),
		set("a device in no device", "R4", "/hardware/1/part_of", "rack"),
		set("a device in itself", "R4", "/hardware/0/part_of", "gpu"),
		set("no such factor", "R4", "/environments/0/factors/grid", "grid.XX"),
		{name: "a factor of another kind", rule: "R4", pointer: "/environments/0/factors/wue", of: func(t *testing.T, root map[string]any) {
			put(t, root, "/environments/0/factors/wue", at(t, root, "/environments/0/factors/ewif"))
		}},
		set("a factor that calls itself another kind", "R4", "/factors/0/kind", "pue"),
		set("a factor in another unit", "R4", "/factors/0/unit", "kgCO2e/kWh"),
		set("an impact in another unit", "R4", "/factors/4/unit", "kgCO2e"),
		{name: "a marginal grid factor", rule: "R4", pointer: "/environments/0/factors/grid", of: setting("/factors/0/signal", "marginal")},
		set("a warning of nothing", "R4", "/warnings/1/path", "/spans/9"),
		set("a ledger line by another method", "R4", "/ledger/0/method", "modelled"),
		{name: "a factor that nothing uses", rule: "R4", pointer: "/factors/10/id", warning: true, of: func(t *testing.T, root map[string]any) {
			spare := maps.Clone(at(t, root, "/factors/2").(map[string]any))
			spare["id"] = "spare"
			put(t, root, "/factors", append(at(t, root, "/factors").([]any), spare))
		}},

		set("an unknown status", "R5", "/run/status", "done"),
		set("a status in capitals", "R5", "/run/status", "Complete"),
		set("an unknown stage", "R5", "/phases/2/stage", "training/finetuning"),
		set("a phase that is not the stage's", "R5", "/phases/2/phase", "inference"),
		set("a span in a stage of devices", "R5", "/spans/0/stage", "production"),
		set("an unknown phase of the totals", "R5", "/totals/by_phase/learning", map[string]any{}),
		set("a country that is none", "R5", "/environments/0/country", "ZZ"),
		set("a country in small letters", "R5", "/environments/0/country", "fr"),
		set("a subdivision elsewhere", "R5", "/environments/0/subdivision", "US-CA"),
		set("a UUID of another version", "R5", "/run/id", "5c2f2f6e-6f4a-4d3b-9d0a-3f1f0b7b1b11"),
		set("an empty id", "R5", "/run/id", ""),
		set("a trace of zeros", "R5", "/run/trace_id", strings.Repeat("0", 32)),
		set("a digest that is too short", "R5", "/technology/ml/model/digest/sha256", "9372c470"),
		set("a time with a zone", "R5", "/created_at", "2026-12-02T11:11:41+01:00"),
		set("a date for a time", "R5", "/created_at", "2026-12-02"),
		set("a date that is none", "R5", "/factors/0/valid_from", "2024-02-30"),
		set("a sector by words", "R5", "/use_case/sector/code", "repair"),
		set("a sector with its letter", "R5", "/use_case/sector/code", "S95.10"),
		set("a share above 1", "R5", "/phases/2/usage/2/share", json.Number("1.5")),
		set("no device", "R5", "/hardware/3/count", 0),
		set("a path with an empty name", "R5", "/spans/2/path", "fit//epoch"),
		set("an extension without a domain", "R5", "/extensions/mine", 1),
		set("an unknown reason", "R5", "/missing/0/reason", "forgotten"),

		{name: "a bound above the value", rule: "R6", pointer: "/factors/0", of: setting("/factors/0/low", 1000)},
		{name: "a value above the bound", rule: "R6", pointer: "/totals/energy_j", of: setting("/totals/energy_j/high", 1)},
		{name: "a lower bound of 0", rule: "R6", pointer: "/totals/gco2e", of: setting("/totals/gco2e/low", 0)},

		set("an end before the begin", "R7", "/run/ended_at", "2026-01-01T00:00:00Z"),
		set("a document older than the run", "R7", "/created_at", "2026-01-01T00:00:00Z"),
		set("a duration of another clock", "R7", "/run/duration_s", 700),
		set("a stage before the run", "R8", "/phases/1/started_at", "2026-01-01T00:00:00Z"),
		set("a stage after the run", "R8", "/phases/3/ended_at", "2026-08-02T10:11:59Z"),
		set("a stage longer than its times", "R8", "/phases/3/duration_s", 300),

		{name: "a device of unknown making", rule: "R12", pointer: "/hardware/1/embodied", of: setting("/hardware/0/embodied/covers", []any{"dram"})},
		without("no factors of a device with a share", "R12", "/hardware/3/embodied"),
		{name: "a device told twice", rule: "R12", pointer: "/hardware/3/embodied", of: appending("/hardware/0/embodied/covers", "gpu")},
		{name: "a device told and missing", rule: "R12", pointer: "/hardware/2/embodied", of: appending("/missing", map[string]any{"path": "/hardware/2/embodied", "reason": "unknown"})},
		{name: "a cover of what is no part", rule: "R12", pointer: "/hardware/0/embodied/covers/0", of: dropping("/hardware/1/part_of")},
		{name: "no share of a device", rule: "R12", pointer: "/phases/4/usage", of: func(t *testing.T, root map[string]any) {
			put(t, root, "/phases/4/usage", at(t, root, "/phases/4/usage").([]any)[:1])
		}},

		{name: "an implausible PUE", rule: "R33", pointer: "/factors/2/value", warning: true, of: func(t *testing.T, root map[string]any) {
			put(t, root, "/factors/2/value", 5)
			put(t, root, "/factors/2/high", 6)
		}},
		{name: "an implausible grid", rule: "R33", pointer: "/factors/0/value", warning: true, of: func(t *testing.T, root map[string]any) {
			require.Equal(t, "grid", at(t, root, "/factors/0/kind"))
			put(t, root, "/factors/0/value", 78050)
			put(t, root, "/factors/0/high", 80000)
		}},
		{name: "a source of the future", rule: "R33", pointer: "/factors/0/source_year", warning: true, of: setting("/factors/0/source_year", 2046)},
		set("a utilisation above 1", "R33", "/factors/9/value", json.Number("1.1")),
		{name: "no warning of an old factor", rule: "R34", pointer: "/factors/0", of: setting("/warnings/0/code", "place-unknown")},
		{name: "a warning without a reason", rule: "R34", pointer: "/warnings/0", of: setting("/factors/0/valid_to", "2026-12-31")},
		{name: "PUE beyond the facility", rule: "R35", pointer: "/environments/0/factors/pue", of: setting("/run/boundary", "facility")},
		{name: "PUE on components, and no warning", rule: "R35", pointer: "/run/boundary", of: setting("/run/boundary", "component")},
		{name: "a node without a line", rule: "R35", pointer: "/hardware/0", of: setting("/ledger/4/hardware", "cpu")},
		{name: "a rank beyond the job", rule: "R38", pointer: "/run/rank/index", of: setting("/run/rank/index", 1)},
		set("coverage of nothing merged", "R38", "/run/coverage", 1),

		set("a contact in public", "R40", "/publisher/contact", "the team"),
		set("devices in public", "R40", "/hardware/3/instance", []any{"0123456789abcdef"}),
		set("a folder in public", "R40", "/use_case/description", "reads /srv/models/x"),
		set("a home in public", "R40", "/run/name", "~anna/run"),
		set("a drive in public", "R40", "/technology/ml/task", `from C:\models`),
		set("a folder in a span's name", "R40", "/spans/1/path", "~1home~1anna"),
		set("a password in public", "R40", "/technology/ml/model/uri", "https://me:secret@example.org/m"),
		set("an e-mail address in public", "R40", "/generator/name", "me@example.org"),
		set("an IP address in public", "R40", "/environments/0/region", "rack 10.1.2.3"),
		set("an IPv6 address in public", "R40", "/environments/0/region", "at [2001:db8::1]:80"),
		{name: "a folder in an extension in public", rule: "R40", pointer: "/extensions/org.example.a/b/0", of: setting("/extensions/org.example.a", map[string]any{"b": []any{"/home/anna"}})},
		{name: "a broken seal", rule: "R40", pointer: "/integrity/sha256", of: setting("/integrity", map[string]any{"canonicalisation": "RFC8785", "sha256": strings.Repeat("a", 64)})},
	}
}

// comma goes between two members, and is dropped before the end of an object.
const comma = ","

// Trap 58: a grid of 78050 gCO2e/kWh is one of them.
func TestEachSingleMistakeIsFoundWhereItIs(t *testing.T) {
	t.Parallel()
	for docName, doc := range documents(t) {
		t.Run(docName, func(t *testing.T) {
			for _, c := range changes() {
				t.Run(c.name, func(t *testing.T) {
					root := tree(t, doc)
					if c.name == "a doubled factor" { // whose id differs between the documents
						c.of = setting(c.pointer, at(t, root, "/factors/2/id"))
					}
					if c.of != nil {
						c.of(t, root)
					}
					text := string(untree(t, root))
					if c.raw != nil {
						changed := strings.ReplaceAll(c.raw(text), ",}", "}")
						require.NotEqual(t, text, changed)
						text = changed
					}
					_, findings, err := Check(strings.NewReader(text))
					require.NoError(t, err)
					i := slices.IndexFunc(findings, func(f Finding) bool { return f.Rule == c.rule && f.Pointer == c.pointer })
					require.GreaterOrEqual(t, i, 0, "%s at %q is not among\n%s", c.rule, c.pointer, lines(findings))
					assert.Equal(t, c.warning, findings[i].Warning)
					assert.NotEmpty(t, findings[i].Message)
				})
			}
		})
	}
}

func lines(findings []Finding) string {
	var b strings.Builder
	for _, f := range findings {
		fmt.Fprintln(&b, f)
	}
	return b.String()
}

// TestEveryMemberIsHeldToItsName takes each member of the records away, makes
// it null and misspells it.
func TestEveryMemberIsHeldToItsName(t *testing.T) {
	t.Parallel()
	root := tree(t, encoded(t, small(t)))
	for kind, p := range oneOfEachKind(t, root) {
		if !sampled(kind) {
			continue
		}
		was := at(t, root, p)
		key := strings.HasPrefix(kind, "/totals/by_phase/") && strings.Count(kind, "/") == 3 || strings.HasPrefix(kind, "/spans/*/units/") && strings.Count(kind, "/") == 4
		misspelt := !key && p != "/schema" // without which nothing is misspelt
		put(t, root, p, nil)
		if misspelt {
			put(t, root, p+"_x", was)
		}
		found := assertFound(t, untree(t, root), "R1", p)
		if misspelt {
			assertHas(t, found, "R1", p+"_x")
			drop(t, root, p+"_x")
		}
		drop(t, root, p)
		if !key && mustBeThere(p) {
			assertFound(t, untree(t, root), "R3", p)
		}
		put(t, root, p, was)
	}
}

// oneOfEachKind gives a place for each member there is, wherever it is in its
// list.
func oneOfEachKind(t *testing.T, root any) map[string]string {
	one := map[string]string{}
	visit(root, "", func(p string, _ any) {
		if _, ok := at(t, root, p[:strings.LastIndexByte(p, '/')]).(map[string]any); ok && !strings.HasPrefix(p, "/extensions/") {
			one[index.ReplaceAllString(p, "/*")] = p
		}
	})
	require.Greater(t, len(one), 200)
	return one
}

var index = regexp.MustCompile(`/[0-9]+`)

// mustBeThere looks a member up in the grammar.
func mustBeThere(pointer string) (must bool) {
	typ := reflect.TypeFor[Record]()
	for _, part := range splitPointer(pointer) {
		for typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		must = false
		if typ.Kind() == reflect.Struct {
			l := layouts()[typ]
			f := l.fields[l.byName[part]]
			must = f.need == required
			typ = typ.FieldByIndex(f.index).Type
		} else {
			typ = typ.Elem()
		}
	}
	return must
}

// sampled is whether to try one member of many: each, but where the race
// detector looks on every eighth or so, always the same.
func sampled(pointer string) bool {
	h := fnv.New32a()
	h.Write([]byte(pointer))
	return !race.On || h.Sum32()%8 == 0
}

// sampledOf is how many of n are tried at the least.
func sampledOf(n int) int {
	if race.On {
		return n / 16
	}
	return n
}

func assertFound(t *testing.T, doc []byte, rule, pointer string) []Finding {
	t.Helper()
	_, findings, err := Check(bytes.NewReader(doc))
	require.NoError(t, err)
	assert.True(t, slices.ContainsFunc(findings, func(f Finding) bool { return f.Rule == rule && f.Pointer == pointer }),
		"%s at %s is not among\n%s", rule, pointer, lines(findings))
	return findings
}

// TestEveryDerivedNumberIsRedone changes each number of the records by 1 % in
// their text, from which the decoder has to read it first.
// Trap 55: a reader need not believe a figure, or how sure it is: each number that
// follows from others is worked out again.
func TestEveryDerivedNumberIsRedone(t *testing.T) {
	t.Parallel()
	docs := documents(t)
	if _, ok := docs["example"]; ok {
		delete(docs, "small") // which stands in for it
	}
	for docName, doc := range docs {
		t.Run(docName, func(t *testing.T) {
			derived := 0
			root := tree(t, doc)
			visit(tree(t, doc), "", func(p string, v any) {
				n, ok := v.(json.Number)
				if !ok || plainNumber.MatchString(p) || strings.HasPrefix(p, "/extensions/") {
					return
				}
				x, err := n.Float64()
				require.NoError(t, err)
				if x == 0 || !sampled(p) {
					return
				}
				put(t, root, p, x*1.01)
				defer put(t, root, p, v)
				_, findings, err := Check(bytes.NewReader(untree(t, root)))
				require.NoError(t, err)
				errors := slices.DeleteFunc(findings, func(f Finding) bool { return f.Warning })
				if !assert.NotEmpty(t, errors, "%s: %v in place of %v", p, x*1.01, x) {
					return
				}
				if derivedNumber.MatchString(p) {
					derived++
					assert.True(t, slices.ContainsFunc(errors, func(f Finding) bool { return strings.HasPrefix(p, f.Pointer) }),
						"%s: %v in place of %v, told as\n%s", p, x*1.01, x, lines(errors))
				}
			})
			assert.Greater(t, derived, sampledOf(150))
		})
	}
}

// FuzzCheck spoils a valid record in two places at a time, in ways that leave
// it readable more often than changes of bytes do.
func FuzzCheck(f *testing.F) {
	doc := encoded(f, small(f))
	var places []string
	visit(tree(f, doc), "", func(p string, _ any) { places = append(places, p) })
	slices.Sort(places)
	f.Add(uint16(3), uint16(80), uint8(0), 1.5, "x")
	f.Add(uint16(100), uint16(7), uint8(3), 0.0, "")
	f.Add(uint16(200), uint16(300), uint8(0x24), 1e300, "/run")
	f.Add(uint16(250), uint16(120), uint8(0x41), math.Copysign(0, -1), "node")
	f.Fuzz(func(t *testing.T, first, second uint16, how uint8, x float64, s string) {
		root := tree(t, doc)
		for _, place := range []uint16{first, second} {
			p := places[int(place)%len(places)]
			if !reaches(root, p) {
				continue
			}
			switch how % 8 {
			case 0:
				if math.IsNaN(x) || math.IsInf(x, 0) {
					return
				}
				put(t, root, p, x)
			case 1:
				put(t, root, p, s)
			case 2:
				put(t, root, p, map[string]any{})
			case 3:
				put(t, root, p, []any{})
			case 4:
				if list, ok := at(t, root, p).([]any); ok && len(list) > 0 {
					put(t, root, p, append(slices.Clone(list), list...))
				}
			case 5:
				if list, ok := at(t, root, p).([]any); ok && len(list) > 0 {
					put(t, root, p, list[1:])
				}
			default:
				if _, ok := at(t, root, p[:strings.LastIndexByte(p, '/')]).(map[string]any); ok {
					drop(t, root, p)
				}
			}
			how >>= 4
		}
		text := untree(t, root)
		record, findings, err := Check(bytes.NewReader(text))
		require.NoError(t, err)
		_, again, _ := Check(bytes.NewReader(text))
		require.Equal(t, findings, again, "the same findings each time")
		if record != nil {
			encoded(t, record)
		}
	})
}

// reaches tells whether a JSON Pointer still leads somewhere.
func reaches(root any, pointer string) bool {
	for _, part := range splitPointer(pointer) {
		switch v := root.(type) {
		case map[string]any:
			root = v[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i >= len(v) {
				return false
			}
			root = v[i]
		default:
			return false
		}
	}
	return root != nil
}
