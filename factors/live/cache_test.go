package live

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/factors"
)

// counted is a source that counts how often it is asked, and can be down.
type counted struct {
	ElectricityMaps
	asked int
	down  error
}

func (c *counted) do(f func() (factors.Factor, error)) (factors.Factor, error) {
	c.asked++
	if c.down != nil {
		return factors.Factor{}, c.down
	}
	return f()
}

func (c *counted) Current(ctx context.Context, q factors.Query) (factors.Factor, error) {
	return c.do(func() (factors.Factor, error) { return c.ElectricityMaps.Current(ctx, q) })
}

func (c *counted) History(ctx context.Context, q factors.Query, from, to time.Time) (factors.Factor, error) {
	return c.do(func() (factors.Factor, error) { return c.ElectricityMaps.History(ctx, q, from, to) })
}

func (c *counted) Forecast(ctx context.Context, q factors.Query, from, to time.Time) (factors.Factor, error) {
	return c.do(func() (factors.Factor, error) { return c.ElectricityMaps.Forecast(ctx, q, from, to) })
}

var down = &failure{source: "Electricity Maps API v3", url: "https://api.electricitymaps.com/v3/x?zone=DE", why: "it answers 503 Service Unavailable (4 tries)"}

func cached(t *testing.T) (*Cache, *counted) {
	source := &counted{ElectricityMaps: ElectricityMaps{Key: key, Client: electricityMaps(t, nil)}}
	return &Cache{Source: source, Dir: filepath.Join(t.TempDir(), "grid")}, source
}

func TestWhatWasAskedIsNotAskedAgainForAWhile(t *testing.T) {
	for name, test := range map[string]struct {
		ask  func(c *Cache, now time.Time) (factors.Factor, error)
		good time.Duration
	}{
		"current": {func(c *Cache, _ time.Time) (factors.Factor, error) {
			return c.Current(context.Background(), grid)
		}, 10 * time.Minute},
		"forecast": {func(c *Cache, now time.Time) (factors.Factor, error) {
			return c.Forecast(context.Background(), grid, now, now.Add(20*time.Hour))
		}, 30 * time.Minute},
		"recent history": {func(c *Cache, now time.Time) (factors.Factor, error) {
			return c.History(context.Background(), grid, now.Add(-5*time.Hour), now)
		}, 10 * time.Minute},
		"settled history": {func(c *Cache, _ time.Time) (factors.Factor, error) {
			return c.History(context.Background(), grid, ten.Add(-90*time.Hour), ten.Add(-60*time.Hour))
		}, 90 * 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			clock(t, "2026-12-01T10:20:00Z", func(t *testing.T) {
				c, source := cached(t)
				now := time.Now()
				first, err := test.ask(c, now)
				good(t, first, err)
				time.Sleep(test.good - time.Second)
				again, err := test.ask(c, now)
				good(t, again, err)
				assert.Equal(t, 1, source.asked)
				assert.Equal(t, first.Source+"; from the cache", again.Source, "and is told to be from there")
				again.Source = first.Source
				assert.Equal(t, first, again)
				time.Sleep(2 * time.Second)
				_, err = test.ask(c, now)
				require.NoError(t, err)
				assert.Equal(t, 2, source.asked, "it is too old")
			})
		})
	}
}

func TestQuestionsOfTheSameHoursShareAnAnswer(t *testing.T) {
	clock(t, "2026-12-01T10:20:00Z", func(t *testing.T) {
		c, source := cached(t)
		from, to := ten.Add(-90*time.Hour), ten.Add(-60*time.Hour)
		f, err := c.History(t.Context(), grid, from.Add(20*time.Minute), to.Add(-20*time.Minute))
		covers(t, good(t, f, err), from, to)
		_, err = c.History(t.Context(), grid, from.Add(40*time.Minute), to.Add(-time.Minute))
		require.NoError(t, err)
		assert.Equal(t, 1, source.asked)
		direct := grid
		direct.Basis = "direct"
		for _, other := range []func() (factors.Factor, error){
			func() (factors.Factor, error) { return c.History(t.Context(), direct, from, to) },
			func() (factors.Factor, error) { return c.History(t.Context(), grid, from, to.Add(time.Hour)) },
			func() (factors.Factor, error) { return c.History(t.Context(), grid, from.Add(time.Hour), to) },
		} {
			f, err := other()
			good(t, f, err)
		}
		assert.Equal(t, 4, source.asked, "another basis and other hours are other questions")
		_, err = c.History(t.Context(), factors.Query{Kind: factors.Grid, Country: "PL"}, from, to)
		require.ErrorIs(t, err, ErrNoAccess, "another zone is asked for")
		files, err := os.ReadDir(c.Dir)
		require.NoError(t, err)
		assert.Len(t, files, 4, "and what failed is not kept")
	})
}

func TestWhatIsOldIsUsedWhenTheSourceFails(t *testing.T) {
	clock(t, "2026-12-01T10:20:00Z", func(t *testing.T) {
		c, source := cached(t)
		now := time.Now()
		_, err := c.Current(t.Context(), grid)
		require.NoError(t, err)
		_, err = c.Forecast(t.Context(), grid, now, now.Add(20*time.Hour))
		require.NoError(t, err)
		source.down = down
		time.Sleep(5 * time.Hour)
		f, err := c.Current(t.Context(), grid)
		good(t, f, err)
		assert.Contains(t, f.Source, "retrieved 2026-12-01T10:20:00Z")
		assert.Contains(t, f.Source, "; from the cache, because Electricity Maps API v3: it answers 503 Service Unavailable (4 tries)")
		assert.NotContains(t, f.Source, "https://", "no address in what goes into a record")
		time.Sleep(2 * time.Hour)
		_, err = c.Current(t.Context(), grid)
		require.Error(t, err, "seven hours is too old for now")
		_, err = c.Forecast(t.Context(), grid, now, now.Add(20*time.Hour))
		require.NoError(t, err)
		time.Sleep(6 * time.Hour)
		_, err = c.Forecast(t.Context(), grid, now, now.Add(20*time.Hour))
		require.Error(t, err, "thirteen hours is too old for a forecast")
	})
}

func TestACacheFileThatCannotBeReadIsReplaced(t *testing.T) {
	clock(t, "2026-12-01T10:20:00Z", func(t *testing.T) {
		c, source := cached(t)
		f, err := c.Current(t.Context(), grid)
		good(t, f, err)
		files, err := filepath.Glob(filepath.Join(c.Dir, "*"))
		require.NoError(t, err)
		require.Len(t, files, 1)
		whole, err := os.ReadFile(files[0])
		require.NoError(t, err)
		replace := func(old, new string) string { return strings.Replace(string(whole), old, new, 1) }
		for name, body := range map[string]string{
			"empty":              "",
			"cut off":            string(whole[:len(whole)/2]),
			"noise":              "\x00\x01\x02",
			"another key":        replace("electricitymaps|DE", "electricitymaps|PL"),
			"another kind":       replace(`"kind":"grid"`, `"kind":"marginal"`),
			"another basis":      replace(`"basis":"lifecycle"`, `"basis":"direct"`),
			"no factor":          replace(`"quality":"C"`, `"quality":"Z"`),
			"a negative value":   replace(`"value":110`, `"value":-110`),
			"a field too much":   replace(`{"key"`, `{"x":1,"key"`),
			"of the future":      replace("2026-12-01T10:20:00Z\",\"factor", "2027-12-01T10:20:00Z\",\"factor"),
			"a series too dirty": replace(`"found"`, `"series":{"start":"2026-12-01T10:00:00Z","step_s":3600,"value":[1e9]},"found"`),
			"a series of zeros":  replace(`"found"`, `"series":{"start":"2026-12-01T10:00:00Z","step_s":0,"value":[1]},"found"`),
			"too large":          string(whole) + strings.Repeat(" ", maxCacheFile),
		} {
			require.NotEqual(t, string(whole), body, name)
			require.NoError(t, os.WriteFile(files[0], []byte(body), 0o600))
			source.asked = 0
			again, err := c.Current(t.Context(), grid)
			good(t, again, err)
			assert.Equal(t, 1, source.asked, name)
			assert.NotContains(t, again.Source, "cache", name)
			_, err = c.Current(t.Context(), grid)
			require.NoError(t, err)
			assert.Equal(t, 1, source.asked, "%s: the file is good again", name)
		}
	})
}

func TestAFolderThatCannotBeWrittenIsNoMatter(t *testing.T) {
	clock(t, "2026-12-01T10:20:00Z", func(t *testing.T) {
		c, source := cached(t)
		require.NoError(t, os.WriteFile(c.Dir, []byte("a file where the folder should be"), 0o600))
		for range 2 {
			f, err := c.Current(t.Context(), grid)
			good(t, f, err)
		}
		assert.Equal(t, 2, source.asked)
		c.Dir = ""
		f, err := c.Current(t.Context(), grid)
		good(t, f, err)
	})
}

func TestACacheIsBounded(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	write := func(name string, size int, age time.Duration) {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, nil, 0o600))
		require.NoError(t, os.Truncate(path, int64(size)))
		require.NoError(t, os.Chtimes(path, now.Add(-age), now.Add(-age)))
	}
	for k := range maxFiles + 50 {
		write(fmt.Sprintf("%032x%s", k, suffix), 10, time.Duration(k)*time.Minute)
	}
	write("old"+suffix, 10, 91*24*time.Hour)
	write("thesis.docx", 10, 1000*24*time.Hour)
	write("1"+suffix+".tmp", 10, 2*time.Hour)
	write("2"+suffix+".tmp", 10, time.Minute)
	require.NoError(t, makeRoom(dir, now))
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, files, maxFiles+2)
	assert.FileExists(t, filepath.Join(dir, "thesis.docx"), "what is not ours is left alone")
	assert.FileExists(t, filepath.Join(dir, "2"+suffix+".tmp"), "another process is writing it")
	assert.NoFileExists(t, filepath.Join(dir, "1"+suffix+".tmp"))
	assert.NoFileExists(t, filepath.Join(dir, "old"+suffix))
	assert.FileExists(t, filepath.Join(dir, fmt.Sprintf("%032x%s", 0, suffix)), "the youngest stay")

	dir = t.TempDir()
	for k := range 12 {
		write(fmt.Sprintf("%032x%s", k, suffix), 8<<20, time.Duration(k)*time.Minute)
	}
	require.NoError(t, makeRoom(dir, now))
	files, err = os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, files, maxCache/(8<<20))
}

func TestProcessesMayShareAFolder(t *testing.T) {
	dir := t.TempDir()
	factor, _ := factors.Lookup(grid)
	factor.Basis = "lifecycle"
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			c := &Cache{Source: constant{factor}, Dir: dir, Name: "mine"}
			for range 25 {
				f, err := c.Current(t.Context(), grid)
				assert.NoError(t, err)
				assert.Equal(t, factor.Value, f.Value)
			}
		})
	}
	all.Wait()
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, files, 1)
}

// constant is a source of somebody else.
type constant struct{ f factors.Factor }

func (c constant) Current(context.Context, factors.Query) (factors.Factor, error) { return c.f, nil }
func (c constant) History(context.Context, factors.Query, time.Time, time.Time) (factors.Factor, error) {
	return c.f, nil
}
func (c constant) Forecast(context.Context, factors.Query, time.Time, time.Time) (factors.Factor, error) {
	return c.f, nil
}

// Trap 54: a figure of the data set says why it is not a live one.
func TestWhereNoSourceAnswersTheDataSetDoes(t *testing.T) {
	clock(t, "2026-12-01T10:20:00Z", func(t *testing.T) {
		table, err := factors.Lookup(grid)
		require.NoError(t, err)
		c, source := cached(t)
		f := Fallback{Sources: []factors.GridSource{&GreatBritain{}, c}}
		got, err := f.Current(t.Context(), grid)
		good(t, got, err)
		assert.NotContains(t, got.Source, "because", "that Britain is not Germany is no reason to tell")

		source.down = down
		time.Sleep(time.Hour)
		got, err = f.Current(t.Context(), grid)
		good(t, got, err)
		assert.Contains(t, got.Source, "from the cache, because", "source → cache")

		time.Sleep(24 * time.Hour)
		now := time.Now()
		for _, ask := range []func() (factors.Factor, error){
			func() (factors.Factor, error) { return f.Current(t.Context(), grid) },
			func() (factors.Factor, error) { return f.History(t.Context(), grid, now.Add(-time.Hour), now) },
			func() (factors.Factor, error) { return f.Forecast(t.Context(), grid, now, now.Add(time.Hour)) },
		} {
			got, err = ask()
			require.NoError(t, err)
			assert.Equal(t, table.Value, got.Value, "cache → table")
			assert.Equal(t, factors.Exact, got.Found)
			assert.Nil(t, got.Series)
			assert.Contains(t, got.Source, table.Source+"; not live, because Electricity Maps API v3: it answers 503")
			assert.NotContains(t, got.Source, "https://")
		}

		somewhere := grid
		somewhere.Zone = "10YDE-VE-------2"
		got, err = f.Current(t.Context(), somewhere)
		require.NoError(t, err, "a zone that only a source knows is no hindrance")
		assert.Equal(t, table.Value, got.Value)

		second := Fallback{Sources: []factors.GridSource{c, entsoe(document(timeSeries("B05", in, "A03", "PT60M", now.Truncate(time.Hour).Add(-4*time.Hour), 3, time.Hour, "1:5")))}}
		got, err = second.Current(t.Context(), grid)
		good(t, got, err)
		assert.Contains(t, got.Source, "; asked because Electricity Maps API v3: it answers 503", "that a better source failed is told")
		got, err = Fallback{Sources: []factors.GridSource{&GreatBritain{}}}.Current(t.Context(), grid)
		require.NoError(t, err)
		assert.Contains(t, got.Source, "; not live, because GB Carbon Intensity API: it tells direct")

		f.NoTable = true
		_, err = f.Current(t.Context(), grid)
		require.ErrorIs(t, err, factors.ErrNoFactor)
		require.ErrorContains(t, err, "it answers 503")
		f.NoTable = false
		_, err = f.Current(t.Context(), factors.Query{Kind: factors.Grid, Country: "QQ"})
		require.ErrorIs(t, err, factors.ErrUnknownCountry)
		_, err = Fallback{NoTable: true}.Current(t.Context(), grid)
		require.ErrorIs(t, err, factors.ErrNoFactor)
		_, err = Fallback{}.Current(t.Context(), grid)
		require.NoError(t, err)
	})
}

func TestSourcesFromTheEnvironment(t *testing.T) {
	for _, name := range os.Environ() {
		if name, _, _ := strings.Cut(name, "="); strings.HasPrefix(name, "ECOTRACER_") {
			t.Setenv(name, "")
		}
	}
	_, err := FromEnv()
	require.ErrorIs(t, err, ErrNoAccess)
	for _, says := range []string{"ECOTRACER_ELECTRICITYMAPS_KEY for electricitymaps", "ECOTRACER_ENTSOE_TOKEN", "ECOTRACER_EIA_KEY", "ECOTRACER_WATTTIME_USER and ECOTRACER_WATTTIME_PASSWORD", "ECOTRACER_CARBON_AWARE_URL", "gb, which needs none"} {
		assert.ErrorContains(t, err, says)
	}
	for name, says := range map[string]string{
		"watttime": "watttime: set ECOTRACER_WATTTIME_USER and ECOTRACER_WATTTIME_PASSWORD",
		"entsoe":   "entsoe: set ECOTRACER_ENTSOE_TOKEN",
		"eia":      "eia: set ECOTRACER_EIA_KEY",
		"moon":     `source "moon" is unknown: write one of electricitymaps, entsoe`,
	} {
		_, err := FromEnv(name)
		require.ErrorContains(t, err, says)
	}
	f, err := FromEnv("gb")
	require.NoError(t, err)
	require.Len(t, f.Sources, 1)
	assert.IsType(t, &GreatBritain{}, f.Sources[0])

	dir := t.TempDir()
	t.Setenv("ECOTRACER_ELECTRICITYMAPS_KEY", " "+key+"\n")
	t.Setenv("ECOTRACER_ELECTRICITYMAPS_ZONE", "SE-SE3")
	t.Setenv("ECOTRACER_WATTTIME_USER", "somebody")
	f, err = FromEnv()
	require.NoError(t, err)
	require.Len(t, f.Sources, 1, "half an account is none")
	assert.Equal(t, &ElectricityMaps{Key: key, Zone: "SE-SE3"}, f.Sources[0])

	t.Setenv("ECOTRACER_WATTTIME_PASSWORD", password)
	t.Setenv("ECOTRACER_ENTSOE_TOKEN", key)
	t.Setenv("ECOTRACER_EIA_KEY", key)
	t.Setenv("ECOTRACER_CARBON_AWARE_URL", "http://localhost:8080")
	t.Setenv("ECOTRACER_GRID_CACHE", dir)
	f, err = FromEnv()
	require.NoError(t, err)
	var kinds []string
	for _, s := range f.Sources {
		require.IsType(t, &Cache{}, s)
		assert.Equal(t, dir, s.(*Cache).Dir)
		kinds = append(kinds, fmt.Sprintf("%T", s.(*Cache).Source))
	}
	assert.Equal(t, []string{"*live.ElectricityMaps", "*live.ENTSOE", "*live.EIA", "*live.CarbonAware", "*live.WattTime"}, kinds)
	f, err = FromEnv("gb", "eia")
	require.NoError(t, err)
	assert.Len(t, f.Sources, 2)
	assert.NotContains(t, fmt.Sprintf("%+v", f), key)
}

// Keys and passwords are nowhere: in no error, dump, factor, cache file or its
// name, whatever a server answers.
func TestNoKeyIsEverSeen(t *testing.T) {
	echo := fmt.Sprintf(`{"zone":"DE","region":%q,"key":%q,"token":%q,"message":"%s"}`, key, key, password, key)
	dir := t.TempDir()
	var seen strings.Builder
	see := func(v any) {
		fmt.Fprintf(&seen, "%v\n%+v\n%#v\n%s\n%q\n%x\n", v, v, v, v, v, v)
		seen.WriteString(jsonOf(v))
	}
	n := 0
	for status, body := range map[int]string{200: echo, 400: echo, 401: key, 403: password, 404: key, 302: "", 418: key} {
		clock(t, "2026-12-01T10:20:00Z", func(t *testing.T) {
			h := over(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "https://evil.example.org/?"+key)
				w.WriteHeader(status)
				_, _ = fmt.Fprint(w, body)
			})
			for _, s := range everySource(h, "") {
				see(s.GridSource)
				for _, c := range []factors.GridSource{s, &Cache{Source: s.GridSource, Dir: dir}, Fallback{Sources: []factors.GridSource{s}}} {
					for _, result := range allThree(t.Context(), c, s.Query) {
						n++
						see(result.Factor)
						if result.error != nil {
							see(result.error.Error())
							see(reason(result.error))
						}
					}
				}
				see(s.GridSource)
			}
		})
	}
	// And where all goes well.
	clock(t, "2026-12-01T10:20:00Z", func(t *testing.T) {
		w := watt(&wattTime{t: t})
		for source, q := range map[factors.GridSource]factors.Query{
			w: oneMore, &ElectricityMaps{Key: key, Client: electricityMaps(t, nil)}: grid, eia(t, nil, nil): california,
		} {
			for _, result := range allThree(t.Context(), &Cache{Source: source, Dir: dir}, q) {
				n++
				see(result.Factor)
				see(result.error)
			}
			see(source)
		}
		require.NotNil(t, w.token, "it holds a token")
	})
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 7, "the cache was used")
	for _, f := range files {
		body, err := os.ReadFile(filepath.Join(dir, f.Name()))
		require.NoError(t, err)
		seen.WriteString(f.Name())
		seen.Write(body)
	}
	require.Greater(t, n, 400)
	text := seen.String()
	require.Greater(t, len(text), 100_000)
	for _, secret := range []string{
		key, password, "t0ken.",
		fmt.Sprintf("%x", key), fmt.Sprintf("%x", password), b64("somebody:" + password), b64(key), b64(password), url.QueryEscape(password),
	} {
		assert.False(t, strings.Contains(text, secret), "%q is seen: …%s…", secret, around(text, secret))
	}
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func around(text, what string) string {
	i := strings.Index(text, what)
	if i < 0 {
		return ""
	}
	return text[max(0, i-200):min(len(text), i+200)]
}

func TestASecretIsHiddenHoweverItIsShown(t *testing.T) {
	s := Secret(key)
	for _, shown := range []string{
		fmt.Sprint(s), fmt.Sprintf("%s %v %+v %#v %q %x %d", s, s, s, s, s, s, s), jsonOf(s), jsonOf([]Secret{s}),
		fmt.Sprintf("%+v", ElectricityMaps{Key: s}), fmt.Sprintf("%#v", &WattTime{Password: s}), errors.Join(fmt.Errorf("%v", s)).Error(),
	} {
		assert.NotContains(t, shown, key)
		assert.NotContains(t, shown, fmt.Sprintf("%x", key))
	}
	var back struct{ Key string }
	require.NoError(t, json.Unmarshal([]byte(jsonOf(struct{ Key Secret }{s})), &back))
	assert.Equal(t, hidden, back.Key)
}
