package main

import (
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

func TestTheServerTellsWhatATokenTook(t *testing.T) {
	t.Setenv("ECOTRACER_DISABLED", "")
	var out strings.Builder
	r, err := run(t.Context(), 50, &out, tracer.Sinks(new(tracertest.Recorder)))
	require.NoError(t, err)
	t.Log("\n" + out.String())
	for _, f := range lifecycle.Validate(r) {
		assert.True(t, f.Warning, "%+v", f)
	}
	tokens := map[string]int64{}
	for _, s := range r.Spans {
		tokens[s.Path] = s.Units["tokens"].Count
		if strings.HasPrefix(s.Path, "serve") {
			assert.Equal(t, lifecycle.Serving, s.Stage, s.Path)
		}
	}
	assert.EqualValues(t, 40*40, tokens["serve/POST ~1short"], "tokens of 40 requests")
	assert.EqualValues(t, 10*400, tokens["serve/POST ~1long"])
	assert.EqualValues(t, 5600, tokens["serve"])
	require.NotNil(t, r.Totals.PerUnit)
	assert.EqualValues(t, 5600, r.Totals.PerUnit.Count)
	ml := r.Technology.ML
	assert.EqualValues(t, 50, *ml.Requests)
	assert.EqualValues(t, 5600, *ml.TokensOut)
	assert.EqualValues(t, 50*len("we are met on "), *ml.TokensIn)
	assert.Less(t, ml.Evaluation[0].Value, 10.0, "it has learned: by chance it would be one of forty")
	assert.Contains(t, out.String(), "POST /long")
}

func TestTheModelLearnsByItsGradient(t *testing.T) {
	m := newModel("abc", rand.New(rand.NewPCG(1, 1)))
	s, last := m.newState(), []int{0, 1, 2}
	loss := func() float64 { m.forward(s, last); return -math.Log(s.p[1]) }
	for _, w := range []*float64{&m.embed[1][3], &m.in[5][7], &m.out[1][9], &m.out[0][2]} {
		const step = 1e-6
		before, was := loss(), *w
		*w += step
		slope := (loss() - before) / step
		*w = was
		const rate = 1e-7
		m.learn(s, last, 1, rate)
		assert.InDelta(t, slope, (was-*w)/rate, 1e-3)
	}
}

func TestBadRequestsAreAnsweredWithWhatIsWrong(t *testing.T) {
	h := handler(newModel("abc ", rand.New(rand.NewPCG(1, 1))), nil, new(outcome))
	for body, want := range map[string]string{"": "send {", `{"tokens": 0}`: "tokens is from 1 to 50", `{"tokens": 51}`: "tokens is from 1 to 50"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("POST", "/short", strings.NewReader(body)))
		assert.Equal(t, http.StatusBadRequest, w.Code)
		assert.Contains(t, w.Body.String(), want)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("POST", "/short", strings.NewReader(`{"prompt": "ab", "tokens": 3}`)))
	assert.Equal(t, http.StatusOK, w.Code)
	assert.Len(t, w.Body.String(), 3)
	assert.Equal(t, "2", w.Header().Get("X-Tokens-In"))
}
