package export

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// crateOf reads a crate as its readers do: by @id.
func crateOf(t *testing.T, r *lifecycle.Record, o Options) map[string]map[string]any {
	t.Helper()
	var doc struct {
		Context []string         `json:"@context"`
		Graph   []map[string]any `json:"@graph"`
	}
	text := filled(t, ROCrate, r, o)
	require.NoError(t, json.Unmarshal([]byte(text), &doc))
	assert.Equal(t, []string{"https://w3id.org/ro/crate/1.1/context", "https://w3id.org/ro/terms/workflow-run/context"}, doc.Context)
	out := map[string]map[string]any{}
	for _, e := range doc.Graph {
		id := e["@id"].(string)
		assert.NotContains(t, out, id, "an @id is there once")
		assert.NotEmpty(t, e["@type"], id)
		out[id] = e
	}
	return out
}

// refsOf are the entities that a property refers to.
func refsOf(v any) (out []string) {
	switch v := v.(type) {
	case map[string]any:
		if id, ok := v["@id"].(string); ok && len(v) == 1 {
			out = append(out, id)
		}
	case []any:
		for _, e := range v {
			out = append(out, refsOf(e)...)
		}
	}
	return out
}

// The demands of RO-Crate 1.1 and Process Run Crate 0.5.
func TestACrateConforms(t *testing.T) {
	golden(t, "ro-crate-metadata.json", filled(t, ROCrate, exampleRecord(t), Options{Record: "my records/run 1.json"}))
	for _, o := range []Options{{}, {Bare: true}, {Record: "https://a.example/r.json"}, {Record: "my records/run 1.json"}} {
		r := exampleRecord(t)
		r.Publisher.Name = "A lab"
		crate := crateOf(t, r, o)
		for id, e := range crate {
			for _, v := range e {
				for _, to := range refsOf(v) {
					if to != "https://w3id.org/ro/crate/1.1" {
						assert.Contains(t, crate, to, "%s refers to it", id)
					}
				}
			}
		}
		about := crate["ro-crate-metadata.json"]
		assert.Equal(t, []string{"./"}, refsOf(about["about"]))
		assert.Equal(t, []string{"https://w3id.org/ro/crate/1.1"}, refsOf(about["conformsTo"]))
		root := crate["./"]
		for _, must := range []string{"name", "description", "datePublished", "license"} {
			assert.NotEmpty(t, root[must], must)
		}
		assert.Equal(t, []string{"https://w3id.org/ro/wfrun/process/0.5"}, refsOf(root["conformsTo"]))
		action := crate[refsOf(root["mentions"])[0]]
		assert.Equal(t, "CreateAction", action["@type"])
		assert.Equal(t, "SoftwareApplication", crate[refsOf(action["instrument"])[0]]["@type"])
		assert.Equal(t, "Organization", crate[refsOf(action["agent"])[0]]["@type"])
		assert.Equal(t, "2026-05-04T06:16:40Z", action["endTime"])
		assert.Equal(t, "http://schema.org/CompletedActionStatus", action["actionStatus"])
		used := refsOf(action["resourceUsage"])
		assert.Greater(t, len(used), 10)
		for _, id := range used {
			u := crate[id]
			assert.Equal(t, "PropertyValue", u["@type"])
			assert.NotEmpty(t, u["propertyID"], "a resource usage MUST have one")
			if id != "#measured_share" {
				assert.Contains(t, u["unitCode"], "https://qudt.org/vocab/unit/")
			}
			v, err := strconv.ParseFloat(u["value"].(string), 64)
			require.NoError(t, err)
			if low, ok := u["minValue"].(float64); ok {
				assert.LessOrEqual(t, low, v)
				assert.GreaterOrEqual(t, u["maxValue"].(float64), v)
			}
		}
		assert.Equal(t, "434780", crate["#energy_j"]["value"])
		assert.Equal(t, "405000", crate["#training.training.energy_j"]["value"])
		assert.NotEqual(t, crate["#energy_j"]["propertyID"], crate["#training.training.energy_j"]["propertyID"], "nobody adds both up")
		assert.Equal(t, o.Bare, root["hasPart"] == nil)
	}
}

func TestACrateHasTheRecordAsAFile(t *testing.T) {
	r := exampleRecord(t)
	var text bytes.Buffer
	require.NoError(t, lifecycle.Encode(&text, r))
	sum := sha256.Sum256(text.Bytes())
	for name, id := range map[string]string{"": r.Run.ID + ".json", "my records/run 1.json": "my%20records/run%201.json", "https://a.example/r.json": "https://a.example/r.json", "50%.json": "50%25.json"} {
		file := crateOf(t, r, Options{Record: name})[id]
		require.NotNil(t, file, name)
		assert.Equal(t, "File", file["@type"])
		assert.Equal(t, hex.EncodeToString(sum[:]), file["sha256"])
		assert.Equal(t, strconv.Itoa(text.Len()), file["contentSize"])
	}
}

func TestATrackerGetsFiguresWithTheirBounds(t *testing.T) {
	r := exampleRecord(t)
	text := filled(t, WandB, r, Options{Record: "record.json"})
	golden(t, "wandb.json", text)
	var doc wandbDoc
	require.NoError(t, json.Unmarshal([]byte(text), &doc))
	for key := range doc.Summary {
		assert.True(t, strings.HasPrefix(key, "ecotracer/"), key)
	}
	assert.Equal(t, r.Totals.WaterL.Low, doc.Summary["ecotracer/water_l_low"])
	assert.NotContains(t, doc.Summary, "ecotracer/market_gco2e", "what is unknown is not there")
	var record bytes.Buffer
	require.NoError(t, lifecycle.Encode(&record, r))
	sum := sha256.Sum256(record.Bytes())
	assert.Equal(t, []wandbFile{{"record.json", record.Len(), hex.EncodeToString(sum[:])}}, doc.Artifact.Files)
	assert.NotContains(t, filled(t, WandB, r, Options{Bare: true}), "artifact")
}

func TestARecordOutsideTheCrateIsNoFileOfIt(t *testing.T) {
	for _, name := range []string{"/home/me/record.json", "../record.json", "a/../../record.json", ".."} {
		_, err := ROCrate(&bytes.Buffer{}, exampleRecord(t), Options{Record: name})
		assert.ErrorContains(t, err, "is not below it", name)
	}
	_, err := ROCrate(&bytes.Buffer{}, exampleRecord(t), Options{Record: "./record.json"})
	assert.NoError(t, err)
}
