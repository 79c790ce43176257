package dataset_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/recordtest"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// A Reader hands over records in memory that it uses again.
func TestNothingOfARecordIsKeptButItsTexts(t *testing.T) {
	type kept struct {
		rows   []dataset.Row
		points []dataset.Point
		cohort dataset.Cohort
		fitter dataset.Fitter
		sum    *dataset.Summary
	}
	gather := func(check func(r *bytes.Reader) *lifecycle.Record) kept {
		var k kept
		var err error
		k.sum, err = dataset.NewSummary("stage", "hardware")
		require.NoError(t, err)
		for seed := range uint64(30) {
			var doc bytes.Buffer
			require.NoError(t, lifecycle.EncodeLine(&doc, recordtest.Random(seed)))
			r := check(bytes.NewReader(doc.Bytes()))
			k.rows = dataset.AppendRows(k.rows, r)
			if p, ok := dataset.NewPoint(r, dataset.Where{}); ok {
				k.points = append(k.points, p)
			}
			k.cohort.Add(r, dataset.Where{})
			k.fitter.Add(r)
			k.sum.Add(r)
		}
		return k
	}
	apart := gather(func(doc *bytes.Reader) *lifecycle.Record {
		r, _, err := lifecycle.Check(doc)
		require.NoError(t, err)
		return r
	})
	var c lifecycle.Checker
	one := gather(func(doc *bytes.Reader) *lifecycle.Record {
		r, _, err := c.Check(doc)
		require.NoError(t, err)
		return r
	})
	assert.Equal(t, apart.rows, one.rows)
	assert.Equal(t, apart.points, one.points)
	assert.Equal(t, apart.cohort, one.cohort)
	assert.Equal(t, fmt.Sprintf("%+v", apart.fitter), fmt.Sprintf("%+v", one.fitter), "NaN in it, too")
	want, err := json.Marshal(apart.sum)
	require.NoError(t, err)
	got, err := json.Marshal(one.sum)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got))
}

func TestWhatAReassessmentChangedOutlivesTheRecord(t *testing.T) {
	var c lifecycle.Checker
	check := func(r *lifecycle.Record) *lifecycle.Record {
		var doc bytes.Buffer
		require.NoError(t, lifecycle.EncodeLine(&doc, r))
		got, _, err := c.Check(&doc)
		require.NoError(t, err)
		return got
	}
	how := dataset.Reassessment{Place: &dataset.Location{Country: "PL"}}
	_, changes, err := dataset.Reassess(check(host(40).next(t)), how)
	require.NoError(t, err)
	before, err := json.Marshal(changes)
	require.NoError(t, err)
	check(host(80).next(t))
	after, err := json.Marshal(changes)
	require.NoError(t, err)
	assert.JSONEq(t, string(before), string(after))
}
