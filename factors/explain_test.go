package factors

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// asked are queries of all kinds of steps.
func asked(t *testing.T) []Query {
	qs := []Query{
		{}, {Country: "FR"}, {Country: "AQ"}, {Region: "US-CA"}, {Region: "IN-MH"}, {Region: "CA-QC"}, {Region: "FR-75C"},
		{Zone: "CAMX"}, {Zone: "DE-LU"}, {Region: "US-NV", Zone: "US-CAL-CISO"},
		{Provider: "aws"}, {Provider: "aws", Class: "public-cloud"}, {Class: "desk"}, {Provider: "equinix"},
	}
	all, err := clouds()
	require.NoError(t, err)
	for provider, regions := range all {
		for region := range regions {
			qs = append(qs, Query{Provider: provider, CloudRegion: region})
		}
	}
	for id, f := range mustEmbed(t) { // every place and class that there is
		key, _, _ := strings.Cut(strings.TrimPrefix(id, string(f.Kind)+"."), ".")
		switch {
		case IsCountry(key):
			qs = append(qs, Query{Country: key})
		case isRegion(key):
			qs = append(qs, Query{Region: key})
		case !strings.Contains(key, ":") && byPlace(f.Kind) && key != world:
			qs = append(qs, Query{Zone: key})
		}
	}
	var out []Query
	for _, q := range qs {
		for _, kind := range []Kind{Grid, EWIF, Residual, Loss, PUE, WUE, CarbonFree} {
			for _, basis := range []string{"", "direct"} {
				q.Kind, q.Basis = kind, basis
				out = append(out, q)
			}
		}
	}
	for id, f := range mustEmbed(t) {
		if byPlace(f.Kind) || bySite(f.Kind) {
			continue
		}
		key, _, _ := strings.Cut(strings.TrimPrefix(id, string(f.Kind)+"."), ".")
		out = append(out, Query{Kind: f.Kind, Class: key, Unit: f.Unit, Basis: f.Basis})
	}
	return out
}

func mustEmbed(t *testing.T) set {
	all, err := embedded()
	require.NoError(t, err)
	return all
}

// requireAsAsked holds an answer to the axes of its question.
func requireAsAsked(t *testing.T, q Query, f Factor) {
	t.Helper()
	require.Equal(t, q.Kind, f.Kind)
	if q.Unit != "" {
		require.Equal(t, q.Unit, f.Unit)
	}
	if !isElectric(q.Kind) {
		return
	}
	require.Equal(t, q.basis(), f.Basis, f.ID)
	want := wanted[q.Kind]
	require.Equal(t, cmp.Or(want.signal, f.Signal), f.Signal, f.ID)
	require.Equal(t, cmp.Or(want.accounting, f.Accounting), f.Accounting, f.ID)
	require.Equal(t, q.Kind == Residual, f.Mix == "residual", f.ID)
}

func TestAnAnswerIsNeverOfAnotherBasisSignalAccountingOrMix(t *testing.T) {
	answers := 0
	for _, q := range asked(t) {
		f, err := Lookup(q)
		if err != nil {
			continue
		}
		answers++
		requireAsAsked(t, q, f)
		require.NoError(t, f.Check())
	}
	assert.Greater(t, answers, 3000)
}

func TestTheSameQueryHasTheSameAnswer(t *testing.T) {
	for _, q := range asked(t) {
		f, err := Lookup(q)
		again, errAgain := Lookup(q)
		require.Equal(t, f, again)
		require.Equal(t, err == nil, errAgain == nil)
	}
}

// Each figure of a chain, as it would be told if nothing closer had one.
func TestAWiderStepIsNeverSurerThanACloserOne(t *testing.T) {
	chains := 0
	for _, q := range asked(t) {
		tables, err := q.check()
		require.NoError(t, err)
		steps, err := q.steps(tables)
		if err != nil {
			continue
		}
		last := 0.0
		said := ""
		for _, st := range steps {
			f, ok := tables.find(q, st.key)
			if !ok || st.ownOnly || f.High == 0 { // certain zeros have no width
				continue
			}
			f.Found = Exact
			f = st.apply(f, &q, steps[0].key)
			require.GreaterOrEqual(t, f.High/f.Low, last*(1-1e-9), "%v: %s is surer than %s", q, st.key, said)
			last, said = f.High/f.Low, st.key
			chains++
		}
	}
	assert.Greater(t, chains, 4000)
}

func TestExplainEndsWithWhatLookupReturns(t *testing.T) {
	for _, q := range asked(t) {
		f, err := Lookup(q)
		chain, errExplained := Explain(q)
		if err != nil {
			require.EqualError(t, errExplained, err.Error())
			for _, c := range chain {
				require.NotEmpty(t, c.Why)
			}
			continue
		}
		require.NoError(t, errExplained)
		last := chain[len(chain)-1]
		require.Equal(t, &f, last.Factor)
		require.Equal(t, f.ID, last.ID)
		require.Empty(t, last.Why)
		for _, c := range chain[:len(chain)-1] {
			require.NotEmpty(t, c.Why)
		}
	}
}

func TestExplainSaysWhyEachCandidateWasPassedOver(t *testing.T) {
	own := []Factor{
		mine("grid.stack", "", "direct"), mine("grid.FR", "", "lifecycle"), mine("grid.paris", "FR-75C", "lifecycle"),
		{ID: "pue.hall-2", Kind: PUE, Value: 1.2, Low: 1.1, High: 1.3, Unit: "1", Source: "own meters", SourceYear: 2026, Quality: "A"},
	}
	var b strings.Builder
	for _, q := range []Query{
		{Kind: Grid},
		{Kind: Grid, Country: "DE"},
		{Kind: Grid, Region: "US-CA"},
		{Kind: Grid, Region: "IN-MH", Basis: "direct"},
		{Kind: Grid, Country: "BR", Basis: "direct"},
		{Kind: Grid, Country: "US", Region: "US-CA", Zone: "US-CAL-CISO"},
		{Kind: Grid, Provider: "aws", CloudRegion: "us-east-1"},
		{Kind: Grid, Provider: "gcp", CloudRegion: "us-east4", Basis: "direct"},
		{Kind: Grid, Provider: "aws", CloudRegion: "eu-west-1", Own: own},
		{Kind: Grid, Country: "FR", Own: own},
		{Kind: Grid, Region: "FR-75C", Own: own},
		{Kind: Residual, Country: "US"},
		{Kind: EWIF, Provider: "aws", CloudRegion: "af-south-1"},
		{Kind: PUE, Provider: "aws", CloudRegion: "eu-west-3", Class: "public-cloud"},
		{Kind: PUE, Provider: "aws", CloudRegion: "eu-west-3", Class: "public-cloud", Own: own},
		{Kind: WUE, Provider: "scaleway", CloudRegion: "pl-waw"},
		{Kind: Storage},
		{Kind: Storage, Class: "tape"},
		{Kind: Instrument, Class: "wind"},
	} {
		fmt.Fprintf(&b, "%s", q.Kind)
		for _, field := range []string{q.Country, q.Region, q.Zone, q.Class, q.Provider, q.CloudRegion, q.Basis} {
			if field != "" {
				fmt.Fprintf(&b, " %s", field)
			}
		}
		if q.Own != nil {
			b.WriteString(" with rows of the caller's own")
		}
		b.WriteString("\n")
		chain, err := Explain(q)
		for _, c := range chain {
			if c.Why != "" {
				fmt.Fprintf(&b, "    %s: %s\n", c.ID, c.Why)
				continue
			}
			f := c.Factor
			fmt.Fprintf(&b, "  = %s: %.4g %s (%.4g to %.4g), %s, of %s, quality %s\n", c.ID, f.Value, f.Unit, f.Low, f.High, f.Found, cmp.Or(f.Geography, "the site"), f.Quality)
		}
		if err != nil {
			fmt.Fprintf(&b, "  ! %v\n", err)
		}
	}
	if *update {
		require.NoError(t, os.WriteFile("testdata/explain.golden", []byte(b.String()), 0o644))
	}
	want, err := os.ReadFile("testdata/explain.golden")
	require.NoError(t, err)
	assert.Equal(t, string(want), b.String())
}

func FuzzLookup(f *testing.F) {
	f.Add("grid", "DE", "DE-BY", "DE-LU", "", "", "aws", "eu-central-1", "direct")
	f.Add("pue", "", "", "", "public-cloud", "1", "gcp", "us-east1", "")
	f.Add("service", "", "", "", "web-search", "gCO2e", "", "", "")
	f.Add("grid", "", "", "world", "", "", "", "", "")
	f.Fuzz(func(t *testing.T, kind, country, region, zone, class, unit, provider, cloudRegion, basis string) {
		q := Query{Kind: Kind(kind), Country: country, Region: region, Zone: zone, Class: class, Unit: unit, Provider: provider, CloudRegion: cloudRegion, Basis: basis}
		chain, err := Explain(q)
		if err != nil {
			known := []error{ErrUnknownCountry, ErrUnknownRegion, ErrUnknownClass, ErrNoFactor}
			require.True(t, slices.ContainsFunc(known, func(is error) bool { return errors.Is(err, is) }), "%v", err)
			return
		}
		f := *chain[len(chain)-1].Factor
		requireAsAsked(t, q, f)
		require.NoError(t, f.Check())
		if code, err := Country(country); err == nil {
			require.True(t, IsCountry(code))
		}
	})
}
