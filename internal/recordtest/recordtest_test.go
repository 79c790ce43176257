package recordtest_test

import (
	"bytes"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/race"
	"github.com/ecotracer/ecotracer/internal/recordtest"
	"github.com/ecotracer/ecotracer/internal/timeline"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// tries is enough for all that there is to occur.
const tries = 250

func requireValid(t *testing.T, r *lifecycle.Record, name any) {
	t.Helper()
	for _, f := range lifecycle.Validate(r) {
		if !f.Warning {
			require.Fail(t, "the record is not valid", "%v: %s", name, f)
		}
	}
}

func TestEveryRandomRecordIsValidAndReadsBack(t *testing.T) {
	for seed := range uint64(tries) {
		if race.On && seed%8 > 0 {
			continue
		}
		r := recordtest.Random(seed)
		requireValid(t, r, seed)
		var text bytes.Buffer
		require.NoError(t, lifecycle.Encode(&text, r), "record %d", seed)
		again, err := lifecycle.Decode(bytes.NewReader(text.Bytes()))
		require.NoError(t, err, "record %d", seed)
		var second bytes.Buffer
		require.NoError(t, lifecycle.Encode(&second, again), "record %d", seed)
		require.Equal(t, text.String(), second.String(), "record %d", seed)
		if _, there := r.Extensions[timeline.Key]; there {
			_, err := timeline.Of(r)
			require.NoError(t, err, "record %d", seed)
		}
	}
}

func TestTheSameSeedMakesTheSameRecord(t *testing.T) {
	assert.Equal(t, recordtest.Random(7), recordtest.Random(7))
	assert.NotEqual(t, recordtest.Random(7), recordtest.Random(8))
}

// TestEveryMemberOccurs walks the records by their types: a member that the
// schema gets must be made here, too.
func TestEveryMemberOccurs(t *testing.T) {
	set, all := map[string]bool{}, map[string]bool{}
	var walk func(v reflect.Value)
	walk = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer:
			if !v.IsNil() {
				walk(v.Elem())
			}
		case reflect.Struct:
			if !strings.Contains(v.Type().PkgPath(), "ecotracer") {
				return
			}
			for i := range v.NumField() {
				f := v.Type().Field(i)
				name := v.Type().Name() + "." + f.Name
				all[name] = true
				if !v.Field(i).IsZero() {
					set[name] = true
				}
				walk(v.Field(i))
			}
		case reflect.Slice:
			for i := range v.Len() {
				walk(v.Index(i))
			}
		case reflect.Map:
			for _, k := range v.MapKeys() {
				walk(v.MapIndex(k))
			}
		}
	}
	seen := map[string]bool{}
	for seed := range uint64(tries) {
		r := recordtest.Random(seed)
		walk(reflect.ValueOf(r))
		for _, p := range r.Phases {
			seen[string(p.Stage)] = true
		}
		seen[string(r.Run.Status)] = true
		seen[r.Technology.Kind] = true
		seen[r.Publisher.Confidentiality] = true
		for _, h := range r.Hardware {
			seen[string(h.Kind)] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if name != "Record.SchemaRevision" { // which is 0
			assert.True(t, set[name], "%s is in no record", name)
		}
	}
	for _, want := range strings.Fields(`running complete failed interrupted estimated ml iot dlt data-pipeline other
		public internal confidential secret node cpu gpu npu fpga memory storage network board mcu device service
		production production/raw-materials production/manufacturing production/transport end-of-life end-of-life/transport
		end-of-life/treatment end-of-life/retirement unassigned training/design training/data-production training/data-storage
		training/data-preparation training/pre-training training/training training/fine-tuning training/reinforcement
		training/tuning training/compression training/evaluation inference/deployment inference/serving inference/batch
		inference/retrieval inference/data-storage inference/monitoring use/operation use/collection use/processing use/storage use/transfer`) {
		assert.True(t, seen[want], "%s is in no record", want)
	}
}

func TestManyPathsAreAsManyAsAskedFor(t *testing.T) {
	r := recordtest.Many(10_000)
	requireValid(t, r, "many")
	assert.Len(t, r.Spans, 10_000)
	assert.Equal(t, lifecycle.Complete, r.Run.Status)
}
