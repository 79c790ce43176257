package export

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// tracking is a server that answers as MLflow's does, and as strictly
// (mlflow/server/handlers.py, mlflow/utils/validation.py).
type tracking struct {
	mu        sync.Mutex
	location  string // of artifacts, with %s for the run
	runs      map[string]map[string]any
	metrics   map[string]float64
	tags      map[string]string
	artifacts map[string][]byte
	calls     []string
	auth      []string
	refuse    map[string][]int // statuses that calls get first
	after     string           // header Retry-After with them
}

func newTracking() *tracking {
	return &tracking{location: "mlflow-artifacts:/0/%s/artifacts", runs: map[string]map[string]any{}, metrics: map[string]float64{},
		tags: map[string]string{}, artifacts: map[string][]byte{}, refuse: map[string][]int{}, after: "0"}
}

var mlflowKey = regexp.MustCompile(`^[/\w.\- ]{1,250}$`)

func (s *tracking) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	call := strings.TrimPrefix(r.URL.Path, "/api/2.0/")
	s.calls = append(s.calls, r.Method+" "+call)
	s.auth = append(s.auth, r.Header.Get("Authorization"))
	fail := func(status int, code, format string, args ...any) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"error_code": code, "message": fmt.Sprintf(format, args...)})
	}
	for of, list := range s.refuse {
		if strings.HasSuffix(call, of) && len(list) > 0 {
			s.refuse[of] = list[1:]
			w.Header().Set("Retry-After", s.after)
			w.WriteHeader(list[0])
			_, _ = io.WriteString(w, "<html>later</html>")
			return
		}
	}
	text, _ := io.ReadAll(r.Body)
	if len(text) > 1<<20 && !strings.Contains(call, "artifacts") {
		fail(400, "BAD_REQUEST", "too long")
		return
	}
	info := func(id string) {
		_ = json.NewEncoder(w).Encode(map[string]any{"run": map[string]any{"info": map[string]any{"run_id": id, "artifact_uri": fmt.Sprintf(s.location, id)}}})
	}
	if path, ok := strings.CutPrefix(call, "mlflow-artifacts/artifacts/"); ok && r.Method == http.MethodPut {
		s.artifacts[path] = text
		_, _ = io.WriteString(w, "{}")
		return
	}
	var body struct {
		RunID      string `json:"run_id"`
		Experiment string `json:"experiment_id"`
		Metrics    []struct {
			Key       string
			Value     *float64
			Timestamp int64
			Step      int64
		}
		Tags []struct{ Key, Value string }
	}
	if r.Method == http.MethodPost {
		if err := json.Unmarshal(text, &body); err != nil {
			fail(400, "INVALID_PARAMETER_VALUE", "%v", err)
			return
		}
	}
	switch call {
	case "mlflow/runs/create":
		if body.Experiment != "0" && body.Experiment != "7" {
			fail(404, "RESOURCE_DOES_NOT_EXIST", "No Experiment with id=%s exists", body.Experiment)
			return
		}
		id := fmt.Sprintf("run%d", len(s.runs))
		s.runs[id] = map[string]any{}
		_ = json.Unmarshal(text, new(map[string]any))
		var all map[string]any
		_ = json.Unmarshal(text, &all)
		s.runs[id] = all
		info(id)
	case "mlflow/runs/get":
		if id := r.URL.Query().Get("run_id"); s.runs[id] != nil {
			info(id)
			return
		}
		fail(404, "RESOURCE_DOES_NOT_EXIST", "Run with id=%s not found", r.URL.Query().Get("run_id"))
	case "mlflow/runs/update":
		var all map[string]any
		_ = json.Unmarshal(text, &all)
		for k, v := range all {
			s.runs[body.RunID][k] = v
		}
		_, _ = io.WriteString(w, "{}")
	case "mlflow/runs/log-batch":
		if len(body.Metrics) > 1000 || len(body.Tags) > 100 || len(body.Metrics)+len(body.Tags) > 1000 {
			fail(400, "INVALID_PARAMETER_VALUE", "A batch logging request can contain at most 1000 items")
			return
		}
		for _, m := range body.Metrics {
			if !mlflowKey.MatchString(m.Key) || strings.HasPrefix(m.Key, "system/") || m.Value == nil || m.Timestamp < 1e12 {
				fail(400, "INVALID_PARAMETER_VALUE", "Invalid metric %q", m.Key)
				return
			}
			s.metrics[m.Key] = *m.Value
		}
		for _, t := range body.Tags {
			if !mlflowKey.MatchString(t.Key) || strings.HasPrefix(t.Key, "mlflow.") || len(t.Value) > 5000 {
				fail(400, "INVALID_PARAMETER_VALUE", "Invalid tag %q", t.Key)
				return
			}
			s.tags[t.Key] = t.Value
		}
		_, _ = io.WriteString(w, "{}")
	default:
		fail(404, "ENDPOINT_NOT_FOUND", "%s", call)
	}
}

// served is a server and its URL.
func served(t *testing.T) (*tracking, *MLflow) {
	t.Helper()
	s := newTracking()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, &MLflow{URL: server.URL + "/", Client: server.Client()}
}

func TestMLflowGetsARunWithMetricsTagsAndTheRecord(t *testing.T) {
	s, m := served(t)
	r := exampleRecord(t)
	m.Experiment, m.Authorization = "7", "Bearer secret"
	id, lost, err := m.Log(t.Context(), r, Options{})
	require.NoError(t, err)
	assert.Equal(t, "run0", id)
	assert.Empty(t, lost, "the record is there, whole")
	assert.Equal(t, []string{"POST mlflow/runs/create", "POST mlflow/runs/log-batch", "PUT mlflow-artifacts/artifacts/0/run0/artifacts/ecotracer/record.json", "POST mlflow/runs/update"}, s.calls)
	for _, auth := range s.auth {
		assert.Equal(t, "Bearer secret", auth)
	}
	run := s.runs["run0"]
	assert.Equal(t, "7", run["experiment_id"])
	assert.Equal(t, "small", run["run_name"])
	assert.Equal(t, "FINISHED", run["status"])
	assert.EqualValues(t, r.Run.StartedAt.UnixMilli(), run["start_time"])
	assert.EqualValues(t, r.Run.EndedAt.UnixMilli(), run["end_time"])
	assert.Equal(t, r.Totals.EnergyJ.Value, s.metrics["ecotracer/energy_j"])
	assert.Equal(t, r.Totals.GCO2e.High, s.metrics["ecotracer/gco2e_high"])
	assert.Equal(t, 3.9375, s.metrics["ecotracer/training/training/operational_gco2e"])
	assert.Equal(t, "modelled", s.tags["ecotracer.method.energy_j"])
	assert.Equal(t, "node", s.tags["ecotracer.boundary"])

	got, err := lifecycle.Decode(strings.NewReader(string(s.artifacts["0/run0/artifacts/ecotracer/record.json"])))
	require.NoError(t, err)
	sum, err := got.SHA256()
	require.NoError(t, err)
	assert.Equal(t, sum, s.tags["ecotracer.record_sha256"], "the artifact is the record")
}

func TestMLflowAddsToARunThatIsThere(t *testing.T) {
	s, m := served(t)
	s.runs["mine"] = map[string]any{"status": "RUNNING"}
	m.RunID = "mine"
	id, _, err := m.Log(t.Context(), exampleRecord(t), Options{})
	require.NoError(t, err)
	assert.Equal(t, "mine", id)
	assert.Equal(t, "RUNNING", s.runs["mine"]["status"], "it is not ended")
	assert.Contains(t, s.artifacts, "0/mine/artifacts/ecotracer/record.json")
	assert.Len(t, s.runs, 1)
}

func TestMLflowEndsARunAsTheRecordsWas(t *testing.T) {
	for status, want := range map[lifecycle.Status]any{lifecycle.Complete: "FINISHED", lifecycle.Failed: "FAILED", lifecycle.Interrupted: "KILLED", lifecycle.Estimated: "FINISHED", lifecycle.Running: nil} {
		s, m := served(t)
		r := exampleRecord(t)
		r.Run.Status = status
		_, _, err := m.Log(t.Context(), r, Options{})
		require.NoError(t, err)
		assert.Equal(t, want, s.runs["run0"]["status"], "%s", status)
	}
}

func TestMLflowSendsWhatFitsInABatch(t *testing.T) {
	s, m := served(t)
	r := exampleRecord(t)
	var phases []lifecycle.PhaseEntry
	for i := range 200 {
		e := r.Phases[1]
		e.Stage = lifecycle.Stage(fmt.Sprintf("training/stage-%d", i))
		phases = append(phases, e)
	}
	r.Phases = phases
	_, _, err := m.Log(t.Context(), r, Options{})
	require.NoError(t, err)
	assert.Len(t, s.metrics, len(trackerMetrics(r)))
	assert.Greater(t, len(s.metrics), 2000)
	assert.Greater(t, len(s.tags), 500)
}

func TestMLflowWithoutAProxyOfArtifactsLosesTheRecordAndSaysSo(t *testing.T) {
	for _, location := range []string{"s3://bucket/%s", "file:///mlruns/%s", "/mlruns/%s", "mlflow-artifacts://elsewhere.example/0/%s", "https://elsewhere.example/api/2.0/mlflow-artifacts/artifacts/%s", "mlflow-artifacts:/../%s", ""} {
		s, m := served(t)
		s.location = location
		if location == "" {
			s.location = "%.0s"
		}
		_, lost, err := m.Log(t.Context(), exampleRecord(t), Options{})
		require.NoError(t, err, location)
		assert.Empty(t, s.artifacts, location)
		require.NotEmpty(t, lost)
		assert.Contains(t, lost[len(lost)-1].Why, "no proxy", location)
		assert.Contains(t, lost, Loss{Path: "/spans"})
	}
	s, m := served(t)
	s.location = m.URL + "api/2.0/mlflow-artifacts/artifacts/5/%s/a b"
	_, lost, err := m.Log(t.Context(), exampleRecord(t), Options{})
	require.NoError(t, err)
	assert.Empty(t, lost)
	assert.Contains(t, s.artifacts, "5/run0/a b/ecotracer/record.json")

	s, m = served(t)
	_, lost, err = m.Log(t.Context(), exampleRecord(t), Options{Bare: true})
	require.NoError(t, err)
	assert.Empty(t, s.artifacts)
	assert.Contains(t, lost, Loss{Path: "/spans"})
}

func TestMLflowTriesAgainForATime(t *testing.T) {
	s, m := served(t)
	s.refuse["log-batch"] = []int{429, 500, 502, 503}
	s.refuse["record.json"] = []int{503}
	s.refuse["runs/create"] = []int{429, 503}
	_, _, err := m.Log(t.Context(), exampleRecord(t), Options{})
	require.NoError(t, err)
	assert.Len(t, s.runs, 1)
	assert.Len(t, s.calls, 4+4+1+2)

	s, m = served(t)
	s.refuse["log-batch"] = []int{500, 500, 500, 500, 500, 500}
	id, _, err := m.Log(t.Context(), exampleRecord(t), Options{})
	assert.EqualError(t, err, "export: MLflow: runs/log-batch: the server refuses: 500 Internal Server Error")
	assert.Equal(t, "run0", id, "the run is there")
	assert.Len(t, s.refuse["log-batch"], 1, "five times")
	assert.Equal(t, "FINISHED", s.runs["run0"]["status"])

	s, m = served(t)
	s.refuse["runs/create"] = []int{500}
	_, _, err = m.Log(t.Context(), exampleRecord(t), Options{})
	assert.ErrorContains(t, err, "runs/create: the server refuses: 500")
	assert.Len(t, s.calls, 1, "it may have been made: not twice")
}

// directly serves requests without a network, so that time can be made up.
type directly struct{ http.Handler }

func (d directly) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w.Result(), nil
}

func TestMLflowWaitsLongerEachTimeOrAsTheServerSays(t *testing.T) {
	for after, want := range map[string]time.Duration{
		"": 500*time.Millisecond + time.Second + 2*time.Second, "2": 6 * time.Second, "100000": 90 * time.Second, "soon": 3500 * time.Millisecond, "-1": 3500 * time.Millisecond,
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newTracking()
			s.refuse["log-batch"], s.after = []int{503, 503, 503}, after
			m := &MLflow{URL: "http://mlflow.test", Client: &http.Client{Transport: directly{s}}}
			begin := time.Now()
			_, _, err := m.Log(t.Context(), exampleRecord(t), Options{})
			require.NoError(t, err)
			assert.Equal(t, want, time.Since(begin), "Retry-After: %s", after)
		})
	}
	synctest.Test(t, func(t *testing.T) {
		s := newTracking()
		s.refuse["log-batch"], s.after = []int{503, 503, 503}, "30"
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		m := &MLflow{URL: "http://mlflow.test", Client: &http.Client{Transport: directly{s}}}
		begin := time.Now()
		_, _, err := m.Log(ctx, exampleRecord(t), Options{})
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 10*time.Second, time.Since(begin))
	})
}

func TestMLflowTellsWhatTheServerSays(t *testing.T) {
	_, m := served(t)
	m.Experiment = "99"
	_, _, err := m.Log(t.Context(), exampleRecord(t), Options{})
	assert.EqualError(t, err, "export: MLflow: runs/create: the server refuses: 404 Not Found, RESOURCE_DOES_NOT_EXIST: No Experiment with id=99 exists")
	m.RunID = "a/b?c"
	_, _, err = m.Log(t.Context(), exampleRecord(t), Options{})
	assert.ErrorContains(t, err, "Run with id=a/b?c not found")

	for _, url := range []string{"", "localhost:5000", "ftp://a", "http://", "://"} {
		_, _, err = (&MLflow{URL: url}).Log(t.Context(), exampleRecord(t), Options{})
		assert.ErrorContains(t, err, "write http://HOST:PORT", url)
	}
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "\x1b[31mhello"+strings.Repeat("a", 2<<20))
	}))
	defer other.Close()
	_, _, err = (&MLflow{URL: other.URL}).Log(t.Context(), exampleRecord(t), Options{})
	assert.EqualError(t, err, "export: MLflow: runs/create: the server's answer is no JSON: is it MLflow?")
	other.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") })
	_, _, err = (&MLflow{URL: other.URL}).Log(t.Context(), exampleRecord(t), Options{})
	assert.ErrorContains(t, err, "tells no run_id")
	other.Close()
	_, _, err = (&MLflow{URL: strings.Replace(other.URL, "http://", "http://user:password@", 1)}).Log(t.Context(), exampleRecord(t), Options{})
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "password")
}
