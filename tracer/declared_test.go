package tracer_test

import (
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

func ptr[T any](v T) *T { return &v }

func ml(m lifecycle.ML) tracer.Option {
	return tracer.Technology(lifecycle.Technology{Kind: "ml", ML: &m})
}

// ownGrid is what an operator may know of its electricity.
func ownGrid() factors.Factor {
	return factors.Factor{
		ID: "own-grid", Kind: factors.Grid, Value: 20, Low: 18, High: 22, Unit: "gCO2e/kWh", Signal: "average", Accounting: "location",
		Basis: "lifecycle", Mix: "consumption", GWP: "AR6", ValidFrom: "2020-01-01", ValidTo: "2099-12-31",
		Source: "the operator", SourceYear: 2026, Quality: "A",
	}
}

func TestWhatIsDeclaredAndBreaksARuleIsLeftOutAndTold(t *testing.T) {
	for name, c := range map[string]struct {
		opt    tracer.Option
		err    string
		detail string // pointer in the warning
		check  func(t *testing.T, rec *lifecycle.Record)
	}{
		"a metric that is NaN, as after a training that diverged": {
			ml(lifecycle.ML{Evaluation: []lifecycle.Evaluation{{Metric: "loss", Value: math.NaN()}}}),
			"/technology/ml/evaluation/0/value", "/technology",
			func(t *testing.T, rec *lifecycle.Record) { assert.Nil(t, rec.Technology.ML) },
		},
		"a count below 0": {
			ml(lifecycle.ML{Layers: ptr(int64(-3))}), "/technology/ml/layers", "/technology",
			func(t *testing.T, rec *lifecycle.Record) { assert.Nil(t, rec.Technology.ML) },
		},
		"a word that the schema does not know": {
			tracer.Technology(lifecycle.Technology{Kind: "magic"}), "one of ml, iot", "/technology",
			func(t *testing.T, rec *lifecycle.Record) { assert.Empty(t, rec.Technology.Kind) },
		},
		"a confidentiality that is none": {
			tracer.Publisher(lifecycle.Publisher{Confidentiality: "pubic", Name: "Example"}), "/publisher/confidentiality", "/publisher",
			func(t *testing.T, rec *lifecycle.Record) { assert.Equal(t, "internal", rec.Publisher.Confidentiality) },
		},
		"a contact in a public record": {
			tracer.Publisher(lifecycle.Publisher{Confidentiality: "public", Contact: "me@example.org"}), "/publisher/contact", "/publisher",
			func(t *testing.T, rec *lifecycle.Record) {
				assert.Equal(t, "internal", rec.Publisher.Confidentiality)
				assert.Empty(t, rec.Publisher.Contact)
			},
		},
		"a text that is too long": {
			tracer.UseCase(lifecycle.UseCase{Purpose: strings.Repeat("x", 5000)}), "/use_case/purpose", "/use_case",
			func(t *testing.T, rec *lifecycle.Record) { assert.Empty(t, rec.UseCase.Purpose) },
		},
		"an infrastructure that is none": {
			tracer.At(tracer.Site{Country: "FR", Infrastructure: "moon"}), "/environments/0/infrastructure", "/environments/0/infrastructure",
			func(t *testing.T, rec *lifecycle.Record) {
				assert.Equal(t, "FR", rec.Environments[0].Country, "the rest stands")
				assert.Empty(t, rec.Environments[0].Infrastructure)
			},
		},
		"a factor without a source": {
			tracer.At(tracer.Site{Country: "FR", Factors: []factors.Factor{{Kind: factors.Grid, Value: 20}, ownGrid()}}), "/factors/0", "/factors",
			func(t *testing.T, rec *lifecycle.Record) {
				assert.Equal(t, "own-grid", rec.Environments[0].Factors.Grid, "the other counts")
			},
		},
		"two factors, each in its own way": {
			tracer.At(tracer.Site{Factors: []factors.Factor{ownGrid(), {Kind: factors.PUE, Value: 1.1}, {Kind: factors.WUE, Value: -1}}}), "/factors/2", "/factors",
			func(t *testing.T, rec *lifecycle.Record) {
				assert.Equal(t, "own-grid", rec.Environments[0].Factors.Grid, "the other counts")
			},
		},
		"a factor that is NaN": {
			tracer.At(tracer.Site{Factors: []factors.Factor{{Kind: factors.Grid, Value: math.NaN()}}}), "/factors/0", "/factors",
			func(t *testing.T, rec *lifecycle.Record) {
				assert.NotEmpty(t, rec.Environments[0].Factors.Grid, "that of the data set counts")
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for when, declare := range map[string]func() (*tracer.Run, error){
				"at the begin": func() (*tracer.Run, error) {
					_, run, err := inFolder("", tracer.Sinks(new(tracertest.Recorder)), c.opt)
					return run, err
				},
				"later": func() (*tracer.Run, error) {
					_, run, err := inFolder("", tracer.Sinks(new(tracertest.Recorder)))
					require.NoError(t, err)
					return run, run.Describe(c.opt)
				},
			} {
				t.Run(when, func(t *testing.T) {
					run, err := declare()
					require.ErrorContains(t, err, c.err)
					assert.ErrorContains(t, err, "left out")
					rec := finish(t, run)
					c.check(t, rec)
					var details []string
					for _, w := range rec.Warnings {
						if w.Code == "metadata-refused" {
							details = append(details, w.Detail)
						}
					}
					require.Len(t, details, 1)
					assert.Contains(t, details[0], "for "+c.detail[1:]+" broke")
				})
			}
		})
	}
}

func TestWhatIsDeclaredRightlyStandsInTheRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good := lifecycle.ML{Optimizer: "SGD", Evaluation: []lifecycle.Evaluation{{Metric: "loss", Value: -0.5}}}
		ctx, run, err := inFolder("", tracer.Sinks(new(tracertest.Recorder)),
			tracer.Named("digits"), ml(good),
			tracer.Publisher(lifecycle.Publisher{Confidentiality: "public", Name: "Example"}),
			tracer.UseCase(lifecycle.UseCase{Purpose: "test", FunctionalUnit: &lifecycle.FunctionalUnit{Unit: "requests", Path: "serve"}}),
			tracer.At(tracer.Site{
				Country: "us", Subdivision: "us-ca", GridZone: "CISO", Infrastructure: "public-cloud", Provider: "example", Region: "west-1", InstanceType: "big",
				Factors: []factors.Factor{ownGrid()},
			}))
		require.NoError(t, err)
		_, s := tracer.Start(ctx, "serve")
		s.Count("requests", 7)
		time.Sleep(time.Second)
		s.End()

		bad := good
		bad.Evaluation = []lifecycle.Evaluation{{Metric: "loss", Value: math.Inf(1)}}
		require.Error(t, run.Describe(ml(bad)))

		rec := finish(t, run)
		assert.Equal(t, "digits", rec.Run.Name)
		assert.Equal(t, &good, rec.Technology.ML, "what was said before stands")
		assert.Equal(t, "public", rec.Publisher.Confidentiality)
		e := rec.Environments[0]
		assert.Equal(t, [...]string{"US", "US-CA", "CISO", "public-cloud", "example", "west-1", "big", "declared"},
			[...]string{e.Country, e.Subdivision, e.GridZone, e.Infrastructure, e.Provider, e.Region, e.InstanceType, e.PlaceFound})
		assert.Equal(t, "own-grid", e.Factors.Grid)
		require.NotNil(t, rec.Totals.PerUnit)
		assert.EqualValues(t, 7, rec.Totals.PerUnit.Count)
	})
}

func TestARecordThatBecomesPublicLosesWhatMayNotBe(t *testing.T) {
	_, run, err := inFolder("", tracer.Sinks(new(tracertest.Recorder)), ml(lifecycle.ML{Datasets: []lifecycle.Dataset{{Role: "train", URI: "/home/me/digits.csv"}}}))
	require.NoError(t, err)
	require.ErrorContains(t, run.Describe(tracer.Publisher(lifecycle.Publisher{Confidentiality: "public"})), "/technology/ml/datasets")
	rec := finish(t, run)
	assert.Equal(t, "public", rec.Publisher.Confidentiality)
	assert.Nil(t, rec.Technology.ML)
}
