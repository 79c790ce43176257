package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// training is the line of the table for that phase, with time and joules.
var training = regexp.MustCompile(`(?m)^training +[\d.]+ +[\d.]+ \([\d.]+–[\d.]+\)`)

// onlyRecord reads the one record in a folder.
func onlyRecord(t *testing.T, dir string) (*lifecycle.Record, []byte) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	require.NoError(t, err)
	require.Len(t, files, 1, "one run leaves one record")
	document, err := os.ReadFile(files[0])
	require.NoError(t, err)
	r, err := lifecycle.Decode(bytes.NewReader(document))
	require.NoError(t, err)
	assert.Equal(t, r.Run.ID+".json", filepath.Base(files[0]))
	return r, document
}

// requireValid fails on each finding that makes a record invalid.
func requireValid(t *testing.T, r *lifecycle.Record) {
	t.Helper()
	for _, f := range lifecycle.Validate(r) {
		assert.True(t, f.Warning, "%s %s: %s (found %s, expected %s)", f.Rule, f.Pointer, f.Message, f.Found, f.Expected)
	}
}

func TestARunLeavesACompleteRecord(t *testing.T) {
	t.Setenv("ECOTRACER_COUNTRY", "")
	c := quick(t)
	var out strings.Builder
	require.NoError(t, run(t.Context(), c, &out))
	t.Log("\n" + out.String())
	r, document := onlyRecord(t, c.dir)
	requireValid(t, r)

	t.Run("all four phases have a figure", func(t *testing.T) {
		for _, phase := range []lifecycle.Phase{
			lifecycle.PhaseProduction, lifecycle.PhaseTraining, lifecycle.PhaseInference, lifecycle.PhaseEndOfLife,
		} {
			total, ok := r.Totals.ByPhase[phase]
			if assert.True(t, ok, "%s is missing", phase) && assert.NotNil(t, total.GCO2e, "%s has no grams", phase) {
				assert.Positive(t, total.GCO2e.Value, "%s", phase)
				assert.Less(t, total.GCO2e.Low, total.GCO2e.High, "%s has no interval", phase)
			}
			assert.Regexp(t, "(?m)^"+string(phase)+" ", out.String(), "the table has no line for it")
		}
	})

	t.Run("each part of the work is in its stage", func(t *testing.T) {
		stages, units := map[string]lifecycle.Stage{}, map[string]map[string]int64{}
		for _, s := range r.Spans {
			stages[s.Path] = s.Stage
			units[s.Path] = map[string]int64{}
			for name, u := range s.Units {
				units[s.Path][name] = u.Count
			}
			assert.Zero(t, s.Failed, "%s", s.Path)
		}
		assert.Equal(t, map[string]lifecycle.Stage{
			"prepare":              lifecycle.DataPreparation,
			"train":                lifecycle.Training,
			"train/epoch":          lifecycle.Training,
			"train/epoch/batch":    lifecycle.Training,
			"train/epoch/validate": lifecycle.ModelEvaluation,
			"evaluate":             lifecycle.ModelEvaluation,
			"serve":                lifecycle.Serving,
			"serve/request":        lifecycle.Serving,
			"clients":              lifecycle.Unassigned,
		}, stages)

		batches := 1078 * c.copies / c.batch * c.epochs
		assert.Equal(t, int64(batches*c.batch), units["train/epoch/batch"]["samples"])
		assert.Equal(t, int64(c.epochs*359), units["train/epoch/validate"]["images"])
		assert.Equal(t, int64(360), units["evaluate"]["images"])
		assert.Equal(t, int64(c.requests), units["serve/request"]["requests"], "each request is a span")
		assert.Equal(t, int64(c.requests), units["serve"]["requests"], "the functional unit is counted once a request")
		require.NotNil(t, r.Totals.PerUnit)
		assert.Equal(t, int64(c.requests), r.Totals.PerUnit.Count)
	})

	t.Run("each joule is booked once", func(t *testing.T) {
		require.NotEmpty(t, r.Ledger)
		spans := 0.0
		for _, line := range r.Ledger {
			booked := line.SpansJ + line.UnattributedJ + line.OtherProcessesJ + line.IdleJ
			if line.OtherRunsJ != nil {
				booked += *line.OtherRunsJ
			}
			assert.InEpsilon(t, line.TotalJ, booked, 1e-9, "%s", line.Domain)
			spans += line.SpansJ
		}
		self := 0.0
		for _, s := range r.Spans {
			self += s.SelfJ
		}
		assert.InEpsilon(t, spans, self, 1e-9, "what the spans used is what the ledger gave to spans")
		assert.Positive(t, self)
	})

	t.Run("the model is described", func(t *testing.T) {
		ml := r.Technology.ML
		require.NotNil(t, ml)
		for _, missing := range r.Missing {
			assert.NotContains(t, missing.Path, "/technology", "%s", missing.Reason)
			assert.NotContains(t, missing.Path, "/use_case", "%s", missing.Reason)
		}
		assert.Equal(t, int64(9610), *ml.Parameters.Total)
		require.Len(t, ml.Evaluation, 2)
		assert.Equal(t, "test", ml.Evaluation[1].Split)
		assert.Greater(t, ml.Evaluation[1].Value, 0.95)
		assert.Contains(t, out.String(), number(100*ml.Evaluation[1].Value, 3)+" %", "the printed accuracy is the recorded one")
	})

	t.Run("nothing in it tells who ran it and where", func(t *testing.T) {
		assertPrivate(t, document, c.dir)
	})

	t.Run("the output tells where the record is and what would mend it", func(t *testing.T) {
		assert.Contains(t, out.String(), "Record: "+filepath.Join(c.dir, r.Run.ID+".json"))
		assert.Contains(t, out.String(), "ECOTRACER_COUNTRY=FR")
		assert.Regexp(t, `J a training sample \(\d+ samples in train/epoch/batch\)`, out.String())
		assert.Regexp(t, `J a request \(200 requests in serve\)`, out.String())
	})
}

// assertPrivate looks for what identifies a person or a machine.
func assertPrivate(t *testing.T, document []byte, dir string) {
	t.Helper()
	text := string(document)
	private := map[string]string{"the folder of the record": dir}
	if host, err := os.Hostname(); err == nil {
		private["the host name"] = host
	}
	if wd, err := os.Getwd(); err == nil {
		private["the working directory"] = wd
	}
	if home, err := os.UserHomeDir(); err == nil {
		private["the home directory"] = home
	}
	if u, err := user.Current(); err == nil {
		private["the user"] = u.Username
	}
	if id, err := os.ReadFile("/etc/machine-id"); err == nil {
		private["the machine id"] = strings.TrimSpace(string(id))
	}
	private["the program's path"] = os.Args[0]
	for what, value := range private {
		switch value {
		case "", "/", "node", "site", "test": // nothing, or a word that any record holds
			continue
		}
		word := regexp.MustCompile(`(^|[^\pL\pN])` + regexp.QuoteMeta(value) + `($|[^\pL\pN])`)
		assert.False(t, word.MatchString(text), "%s (%s) is in the record", what, value)
	}
}

func TestADeclaredCountryIsNotCalledUnknown(t *testing.T) {
	t.Setenv("ECOTRACER_COUNTRY", "FR")
	c := quick(t)
	c.epochs, c.copies = 1, 2
	var out strings.Builder
	require.NoError(t, run(t.Context(), c, &out))
	r, _ := onlyRecord(t, c.dir)
	requireValid(t, r)
	assert.Equal(t, "FR", r.Environments[0].Country)
	assert.NotContains(t, out.String(), "place is unknown")
}

func TestAStoppedRunStillTellsWhatItMeasured(t *testing.T) {
	stopped := errors.New("stopped by the user")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stopped)
	c := quick(t)
	var out strings.Builder
	err := run(ctx, c, &out)
	assert.ErrorIs(t, err, stopped)
	assert.ErrorContains(t, err, "after epoch 1 of 4")

	r, _ := onlyRecord(t, c.dir)
	requireValid(t, r)
	assert.Equal(t, lifecycle.Failed, r.Run.Status)
	assert.Regexp(t, training, out.String())
	for _, s := range r.Spans {
		if s.Path == "train" || s.Path == "train/epoch" {
			assert.Equal(t, int64(1), s.Failed, "%s", s.Path)
		}
	}
}

func TestAFolderThatCannotBeWrittenIsAnErrorThatNamesIt(t *testing.T) {
	c := quick(t)
	c.epochs, c.copies = 1, 2
	c.dir = filepath.Join(c.dir, "records")
	require.NoError(t, os.WriteFile(c.dir, nil, 0o600)) // a file stands in the way
	var out strings.Builder
	err := run(t.Context(), c, &out)
	require.ErrorContains(t, err, c.dir)
	before, _, _ := strings.Cut(out.String(), "images to train on")
	assert.Contains(t, before, "mkdir "+c.dir, "it is told before the work begins, too")
	assert.Regexp(t, training, out.String(), "what was measured is shown all the same")
	assert.NotContains(t, out.String(), "Record: ")
}

func TestAnUnknownCountryIsAnErrorAndTheRunGoesOn(t *testing.T) {
	t.Setenv("ECOTRACER_COUNTRY", "ATLANTIS")
	c := quick(t)
	c.epochs, c.copies = 1, 2
	var out strings.Builder
	require.ErrorContains(t, run(t.Context(), c, &out), "ATLANTIS")
	r, _ := onlyRecord(t, c.dir)
	requireValid(t, r)
	assert.Equal(t, "unknown", r.Environments[0].PlaceFound)
	assert.Contains(t, out.String(), "Record: ")
}

func TestADisabledTracerLeavesTheWorkAlone(t *testing.T) {
	c := quick(t)
	t.Setenv("ECOTRACER_DISABLED", "1")
	c.epochs, c.copies = 1, 2
	var out strings.Builder
	require.NoError(t, run(t.Context(), c, &out))
	assert.Contains(t, out.String(), "200 requests answered")
	assert.Contains(t, out.String(), "Nothing was measured")
	files, err := os.ReadDir(c.dir)
	require.NoError(t, err)
	assert.Empty(t, files, "no file is written")
}

func TestAFolderThatVanishesLosesNoFigure(t *testing.T) {
	c := quick(t)
	c.epochs, c.copies = 1, 2
	c.dir = filepath.Join(c.dir, "records")
	var out strings.Builder
	blocked := writerFunc(func(p []byte) (int, error) {
		if bytes.HasPrefix(p, []byte("test accuracy")) { // in the middle of the run
			if err := os.RemoveAll(c.dir); err != nil {
				return 0, err
			}
			if err := os.WriteFile(c.dir, nil, 0o600); err != nil {
				return 0, err
			}
		}
		return out.Write(p)
	})
	err := run(t.Context(), c, blocked)
	require.ErrorContains(t, err, c.dir)
	assert.Regexp(t, training, out.String(), "the table is printed all the same")
	assert.NotContains(t, out.String(), "Record: ")
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestSettingsThatMakeNoSenseAreRefusedBeforeAnyWork(t *testing.T) {
	for _, set := range []func(*config){
		func(c *config) { c.epochs = 0 },
		func(c *config) { c.requests = -1 },
	} {
		c := quick(t)
		set(&c)
		var out strings.Builder
		assert.ErrorContains(t, run(t.Context(), c, &out), "must be at least 1")
		assert.Empty(t, out.String())
	}
}
