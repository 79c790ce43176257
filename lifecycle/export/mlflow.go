package export

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// MLflow is a tracking server, as its REST API 2.0 tells, and the run there that
// records go to. It may be used concurrently if its fields are left alone.
type MLflow struct {
	URL           string       // of the server, such as http://localhost:5000
	Experiment    string       // id of the experiment of a new run; "" is 0, the server's default
	RunID         string       // of a run that is there, which a record is added to; "" makes a run
	Authorization string       // the header of that name, such as "Bearer …"; "" sends none
	Client        *http.Client // nil is one that waits a minute for an answer
}

// Limits of one call of log-batch, and of the texts in it.
const (
	mlflowMetrics  = 1000
	mlflowTags     = 100
	mlflowTagBytes = 5000
	mlflowKeyBytes = 250
)

// mlflowArtifact is the record's name among the artifacts of a run.
const mlflowArtifact = "ecotracer/record.json"

// Log writes a record to the run: metrics ecotracer/… (figures with their bounds,
// of the whole run and by stage, timed by the run's end), tags ecotracer.… (what
// they are of, and their methods), and the record itself as artifact
// ecotracer/record.json through the server's proxy of artifacts, unless
// [Options.Bare] is set or the server has none; then the losses tell so, and
// what of the record is in the metrics. A run that Log makes is ended as the
// record's run was; one that was there keeps its state.
//
// It returns the id of the run at the server, on an error too if there is one.
// Calls that the server refuses for the time being (429, 5xx) are made up to
// five times, some seconds apart; that which makes a run only if the server
// says that it did nothing (429, 503). Log honours ctx. Credentials go to the
// host of URL alone.
func (m *MLflow) Log(ctx context.Context, r *lifecycle.Record, o Options) (runID string, lost []Loss, err error) {
	c, err := m.call(ctx)
	if err != nil {
		return "", nil, fmt.Errorf("export: MLflow: %w", err)
	}
	digest, err := r.SHA256()
	if err != nil {
		return "", nil, fmt.Errorf("export: MLflow: %w", err)
	}
	run, err := c.run(r)
	if err != nil {
		return run.ID, nil, fmt.Errorf("export: MLflow: %w", err)
	}
	err = c.log(run, r, digest)
	if err == nil {
		lost, err = c.artifact(run, r, o)
	}
	if m.RunID == "" { // ended, even if it is not complete
		err = errors.Join(err, c.end(run, r))
	}
	if err != nil {
		return run.ID, nil, fmt.Errorf("export: MLflow: %w", err)
	}
	return run.ID, lost, nil
}

// mlflowCall makes the calls of one Log.
type mlflowCall struct {
	*MLflow
	ctx    context.Context
	base   *url.URL
	client *http.Client
}

func (m *MLflow) call(ctx context.Context) (*mlflowCall, error) {
	base, err := url.Parse(m.URL)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return nil, errors.New("the URL of the server is none: write http://HOST:PORT")
	}
	return &mlflowCall{m, ctx, base, cmp.Or(m.Client, &http.Client{Timeout: time.Minute})}, nil
}

// mlflowRun is a run as the server tells of it.
type mlflowRun struct {
	ID          string `json:"run_id"`
	ArtifactURI string `json:"artifact_uri"`
}

// run makes a run, or finds the one that is asked for.
func (c *mlflowCall) run(r *lifecycle.Record) (mlflowRun, error) {
	var answer struct {
		Run struct {
			Info mlflowRun `json:"info"`
		} `json:"run"`
	}
	if c.RunID != "" {
		err := c.api(http.MethodGet, "runs/get?run_id="+url.QueryEscape(c.RunID), nil, &answer)
		return answer.Run.Info, err
	}
	err := c.api(http.MethodPost, "runs/create", map[string]any{
		"experiment_id": cmp.Or(c.Experiment, "0"),
		"run_name":      truncated(cmp.Or(inwords.Visible(r.Run.Name), r.Run.ID), mlflowKeyBytes),
		"start_time":    cmp.Or(r.Run.StartedAt, &r.CreatedAt).UnixMilli(),
	}, &answer)
	if err == nil && answer.Run.Info.ID == "" {
		err = errors.New("runs/create: the server tells no run_id: is it MLflow?")
	}
	return answer.Run.Info, err
}

// end ends a run as the record's did.
func (c *mlflowCall) end(run mlflowRun, r *lifecycle.Record) error {
	status := "FINISHED"
	switch r.Run.Status {
	case lifecycle.Running:
		return nil
	case lifecycle.Failed:
		status = "FAILED"
	case lifecycle.Interrupted:
		status = "KILLED"
	}
	return c.api(http.MethodPost, "runs/update", map[string]any{
		"run_id": run.ID, "status": status, "end_time": cmp.Or(r.Run.EndedAt, &r.CreatedAt).UnixMilli(),
	}, nil)
}

// log writes metrics and tags, in batches that the server takes.
func (c *mlflowCall) log(run mlflowRun, r *lifecycle.Record, digest string) error {
	at := cmp.Or(r.Run.EndedAt, &r.CreatedAt).UnixMilli()
	var metrics, tags []map[string]any
	for _, m := range trackerMetrics(r) {
		metrics = append(metrics, map[string]any{"key": m.key, "value": m.value, "timestamp": at, "step": 0})
	}
	facts := trackerFacts(r, digest)
	keys := make([]string, 0, len(facts))
	for key := range facts {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		tags = append(tags, map[string]any{"key": "ecotracer." + key, "value": truncated(facts[key], mlflowTagBytes)})
	}
	for len(metrics)+len(tags) > 0 {
		nt := min(len(tags), mlflowTags)
		nm := min(len(metrics), mlflowMetrics-nt) // no more than that in all
		err := c.api(http.MethodPost, "runs/log-batch", map[string]any{"run_id": run.ID, "metrics": metrics[:nm], "tags": tags[:nt]}, nil)
		if err != nil {
			return err
		}
		metrics, tags = metrics[nm:], tags[nt:]
	}
	return nil
}

// artifact uploads the record, and tells what is lost.
func (c *mlflowCall) artifact(run mlflowRun, r *lifecycle.Record, o Options) ([]Loss, error) {
	if o.Bare {
		return trackerLosses(r), nil
	}
	path, ok := c.proxied(run.ArtifactURI)
	if !ok {
		scheme, _, _ := strings.Cut(run.ArtifactURI, ":")
		why := fmt.Sprintf("the server keeps artifacts at %s:, where no proxy of its takes them", inwords.Visible(truncated(scheme, 40)))
		return append(trackerLosses(r), Loss{Path: "", Why: why}), nil
	}
	text, _, err := encodedRecord(r)
	if err != nil {
		return nil, err
	}
	_, err = c.do(http.MethodPut, "/api/2.0/mlflow-artifacts/artifacts/"+path+"/"+mlflowArtifact, text)
	return nil, err
}

// proxied is where in the server's proxy the artifacts of a run are: it
// follows mlflow-artifacts: in the URI, or is in a URL of the server. Anything
// else, such as s3:, is not behind the proxy.
func (c *mlflowCall) proxied(uri string) (path string, ok bool) {
	u, err := url.Parse(uri)
	if err != nil || u.Host != "" && u.Host != c.base.Host {
		return "", false
	}
	path = u.Path
	switch u.Scheme {
	case "mlflow-artifacts":
		path = cmp.Or(path, u.Opaque)
	case "http", "https":
		_, path, ok = strings.Cut(path, "/mlflow-artifacts/artifacts/")
		if !ok {
			return "", false
		}
	default:
		return "", false
	}
	steps := strings.Split(strings.Trim(path, "/"), "/")
	for i, step := range steps {
		if step == "" || step == "." || step == ".." {
			return "", false
		}
		steps[i] = url.PathEscape(step)
	}
	return strings.Join(steps, "/"), true
}

// api makes a call of the tracking API.
func (c *mlflowCall) api(method, call string, body, answer any) error {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
	}
	got, err := c.do(method, "/api/2.0/mlflow/"+call, text)
	if err != nil || answer == nil {
		return err
	}
	if err := json.Unmarshal(got, answer); err != nil {
		return fmt.Errorf("%s: the server's answer is no JSON: is it MLflow?", callName(call))
	}
	return nil
}

// How often a call is made, and how long is waited before it is made again: twice
// as long each time, or as the server says, up to a bound.
const (
	mlflowTries   = 5
	mlflowWait    = 500 * time.Millisecond
	mlflowMaxWait = 30 * time.Second
)

// do sends a request until the server takes it.
func (c *mlflowCall) do(method, path string, body []byte) ([]byte, error) {
	wait := mlflowWait
	for try := 1; ; try++ {
		got, response, err := c.send(method, path, body)
		if err == nil {
			return got, nil
		}
		if try == mlflowTries || response == nil || !again(path, response.StatusCode) {
			return nil, err
		}
		pause := wait
		if s, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil && s >= 0 {
			pause = time.Duration(min(s, int(mlflowMaxWait/time.Second))) * time.Second
		}
		wait *= 2
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-c.ctx.Done():
			timer.Stop()
			return nil, fmt.Errorf("%w (%w)", err, c.ctx.Err())
		}
	}
}

// again tells whether a call may be made again. To make a run twice would leave
// one behind.
func again(path string, status int) bool {
	if strings.HasSuffix(path, "/runs/create") {
		return status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable
	}
	return status == http.StatusTooManyRequests || status >= 500
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 1 << 20

// send sends one request. The response is nil if there was none.
func (c *mlflowCall) send(method, path string, body []byte) ([]byte, *http.Response, error) {
	to := strings.TrimSuffix(c.URL, "/") + path
	req, err := http.NewRequestWithContext(c.ctx, method, to, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.Authorization != "" {
		req.Header.Set("Authorization", c.Authorization)
	}
	response, err := c.client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", callName(path), err)
	}
	if response.StatusCode/100 == 2 {
		return text, response, nil
	}
	var refusal struct {
		Code    string `json:"error_code"`
		Message string `json:"message"`
	}
	message := response.Status
	if json.Unmarshal(text, &refusal) == nil && refusal.Code != "" {
		message += ", " + inwords.Visible(truncated(refusal.Code+": "+refusal.Message, 500))
	}
	return nil, response, fmt.Errorf("%s: the server refuses: %s", callName(path), message)
}

// callName is a call in an error: runs/create.
func callName(call string) string {
	call, _, _ = strings.Cut(strings.TrimPrefix(call, "/api/2.0/"), "?")
	return strings.TrimPrefix(call, "mlflow/")
}
