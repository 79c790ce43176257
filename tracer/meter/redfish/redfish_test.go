package redfish_test

import (
	"context"
	"io/fs"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/meter/redfish"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

func open(t testing.TB, c redfish.Config) meter.Meter {
	t.Helper()
	m, err := redfish.Open(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, m.Close()) })
	return m
}

// read is the one sample of a reading.
func read(t testing.TB, m meter.Meter) meter.Sample {
	t.Helper()
	samples, err := m.Read(nil)
	require.NoError(t, err)
	require.Len(t, samples, 1)
	return samples[0]
}

const (
	dellPower = "/redfish/v1/Chassis/System.Embedded.1/Power"
	joulesAt  = "/redfish/v1/Chassis/Self/EnvironmentMetrics"
)

// The files of testdata have the shapes of what the makers' controllers answer,
// after their public documentation and reports, cut down to what matters. Of
// several members of PowerControl (xcc) one is read: they overlap, and are not
// added up (trap 14).
func TestEveryMakeOfControllerIsUnderstood(t *testing.T) {
	for file, want := range map[string]struct {
		mode, name, model, tool, version string
		watts, maxW, relError            float64
		average, update                  time.Duration
	}{
		"idrac9":     {"power", "Power#/PowerControl/PowerConsumedWatts", "PowerEdge R740", "14G Monolithic", "4.40.00.00", 316, 2 * 988, 0.05, 0, 0},
		"ilo5":       {"power", "Power#/PowerControl/PowerConsumedWatts", "ProLiant DL380 Gen10", "iLO 5", "iLO 5 v2.44", 189, 2 * 1600, 0.05, 0, 0},
		"ilo6":       {"environment-metrics", "EnvironmentMetrics#/PowerWatts", "ProLiant DL380 Gen11", "iLO 6", "iLO 6 v1.53", 241, 2 * 1600, 0.03, 0, time.Second},
		"xcc":        {"power", "Power#/PowerControl/PowerConsumedWatts", "ThinkSystem SR650", "Lenovo XClarity Controller", "CDI3A8N 9.40", 287, 2 * 1100, 0.05, 0, 0},
		"openbmc":    {"power-subsystem", "PowerSupplyMetrics#/InputPowerWatts", "Rainier 2U", "OpenBmc", "2.14.0", 368.5, 2 * 2000, 0.05, 0, 0},
		"supermicro": {"power", "Power#/PowerControl/PowerConsumedWatts", "SYS-120U-TNR", "ASPEED", "01.01.21", 304, 20_000, 0.05, 0, 0},
		"megarac":    {"power", "Power#/PowerControl/PowerMetrics/AverageConsumedWatts", "G482-Z54", "AST2500", "12.60.39", 148, 20_000, 0.05, 5 * time.Second, 0},
	} {
		t.Run(file, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBMC(t, file)
				m := open(t, config(b))
				require.Len(t, m.Domains(), 1)
				d := m.Domains()[0]
				assert.Equal(t, meter.Domain{
					ID: "node0", Kind: lifecycle.KindNode, Name: want.name, Path: want.name, Model: want.model,
					Method: lifecycle.Metered, Sensor: "redfish", Mode: want.mode, Tool: want.tool, Version: want.version,
					RelError: want.relError, Update: want.update, MaxW: want.maxW, Average: d.Average,
					IdleFound: "unknown", Why: "the management controller tells it for the whole node",
				}, d)
				assert.InDelta(t, want.average.Seconds(), d.Average.Seconds(), 1e-6)

				assert.Zero(t, read(t, m).Joules, "joules count from opening")
				time.Sleep(100 * time.Second)
				s := read(t, m)
				assert.Equal(t, meter.OK, s.Condition)
				assert.InDelta(t, 100*want.watts, s.Joules, 1e-6)

				require.NoError(t, m.Close())
				assert.Equal(t, 1, b.made, "one session does for all requests")
				assert.Zero(t, b.openSessions(), "it is given back")
			})
		})
	}
}

func TestAnEnergyCounterGoesBeforePower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBMC(t, "joules")
		m := open(t, config(b))
		d := m.Domains()[0]
		assert.Equal(t, "EnvironmentMetrics#/EnergyJoules", d.Name)
		assert.Equal(t, 123456789.5, d.RawJ)
		assert.InDelta(t, 0.1, d.ResolutionJ, 1e-12, "what its digits can show")
		assert.Equal(t, 2600.0, d.MaxW)
		assert.Zero(t, read(t, m).Joules)
		time.Sleep(10 * time.Second)
		b.set(joulesAt, 123456789.5+4321.5, "EnergyJoules", "Reading")
		assert.InDelta(t, 4321.5, read(t, m).Joules, 1e-6, "and is not made of power (trap 28)")
	})
}

// What a counter of kWh is good for depends on its steps.
func TestACoarseEnergyCounterDoesNotGoBeforePower(t *testing.T) {
	for name, c := range map[string]struct {
		kWh     any
		watts   any
		power   any // of the older resource
		want    string
		resolve float64
	}{
		"whole kWh":                     {34, 420, 421, "EnvironmentMetrics#/PowerWatts", 0},
		"Wh":                            {34.293, 420, 421, "EnvironmentMetrics#/PowerWatts", 0},
		"36 J":                          {34.29312, 420, 421, "EnvironmentMetrics#/EnergykWh", 36},
		"Wh, and power elsewhere":       {34.293, nil, 421, "Power#/PowerControl/PowerConsumedWatts", 0},
		"Wh, and no power anywhere":     {34.293, nil, nil, "EnvironmentMetrics#/EnergykWh", 3600},
		"whole kWh as text, no power":   {"34", nil, 0, "EnvironmentMetrics#/EnergykWh", 3.6e6},
		"no number at all, then power":  {"n/a", 420, 421, "EnvironmentMetrics#/PowerWatts", 0},
		"with an exponent: 1e-5 of kWh": {json("3.429312e1"), 420, 421, "EnvironmentMetrics#/EnergykWh", 36},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBMC(t, "joules")
			b.set(joulesAt, nil, "EnergyJoules")
			b.set(joulesAt, c.kWh, "EnergykWh", "Reading")
			b.set(joulesAt, c.watts, "PowerWatts", "Reading")
			b.set("/redfish/v1/Chassis/Self/Power", c.power, "PowerControl", 0, "PowerConsumedWatts")
			d := open(t, config(b)).Domains()[0]
			assert.Equal(t, c.want, d.Name)
			assert.InDelta(t, c.resolve, d.ResolutionJ, 1e-9)
		})
	}
}

// A kWh is 3.6e6 J (trap 29).
func TestACounterOfKWhTellsJoules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBMC(t, "joules")
		b.set(joulesAt, nil, "EnergyJoules")
		b.set(joulesAt, 34.29312, "EnergykWh", "Reading")
		m := open(t, config(b))
		assert.InDelta(t, 34.29312*3.6e6, m.Domains()[0].RawJ, 1e-6)
		time.Sleep(time.Hour)
		b.set(joulesAt, 34.79312, "EnergykWh", "Reading")
		assert.InDelta(t, 1.8e6, read(t, m).Joules, 1e-3)
	})
}

// AverageConsumedWatts is of the time that is past (trap 21).
func TestAMeanIsTakenForTheTimeThatItIsOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBMC(t, "megarac")
		m := open(t, config(b))
		read(t, m)
		time.Sleep(5 * time.Second)
		b.set("/redfish/v1/Chassis/Self/Power", 500, "PowerControl", 0, "PowerMetrics", "AverageConsumedWatts")
		assert.InDelta(t, 5*500, read(t, m).Joules, 1e-9)
	})
}

func TestMeterKeepsTheRules(t *testing.T) {
	for _, file := range []string{"idrac9", "openbmc", "joules"} {
		t.Run(file, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBMC(t, file)
				start := time.Now()
				if file == "joules" {
					b.fail(joulesAt, func(w http.ResponseWriter, r *http.Request) {
						says(string(json(`{"EnergyJoules":{"Reading":`+number(5e6+300*time.Since(start).Seconds())+`}}`)))(w, r)
					})
				}
				tracertest.TestMeter(t, func() (meter.Meter, error) { return redfish.Open(t.Context(), config(b)) })
				assert.Zero(t, b.openSessions(), "every session is given back")
			})
		})
	}
}

func TestSeveralNodesBehindOneController(t *testing.T) {
	b := newBMC(t, "blades")
	_, err := redfish.Open(t.Context(), config(b))
	require.Error(t, err, "which of them this is cannot be guessed")
	assert.EqualError(t, err, "redfish: the management controller looks after 4 computer systems, and cannot know which of them this is (chassis: Enclosure, Blade1, Blade2, Blade3, Blade4); name the chassis that is this node")
	assert.Zero(t, b.openSessions(), "the session of a failed opening is given back")

	c := config(b)
	c.Chassis = "Blade3"
	synctest.Test(t, func(t *testing.T) {
		m := open(t, c)
		read(t, m)
		time.Sleep(time.Second)
		assert.InDelta(t, 303, read(t, m).Joules, 1e-9)
	})
	c.Chassis = "Blade7"
	_, err = redfish.Open(t.Context(), c)
	assert.ErrorContains(t, err, "no chassis of the given Id (chassis: Enclosure, Blade1,")
}

func TestThePowerOfAnotherNodeInTheChassisIsNotTaken(t *testing.T) {
	b := newBMC(t, "xcc")
	b.set("/redfish/v1/Chassis/1/Power", []any{
		map[string]any{"Name": "Node0", "PowerConsumedWatts": 500, "RelatedItem": []any{link("/redfish/v1/Systems/Node0")}},
		map[string]any{"Name": "Absurd", "PowerConsumedWatts": 1e12},
		map[string]any{"Name": "Node1", "PowerConsumedWatts": 300, "RelatedItem": []any{link("/redfish/v1/Systems/1/")}},
	}, "PowerControl")
	synctest.Test(t, func(t *testing.T) {
		m := open(t, config(b))
		read(t, m)
		time.Sleep(time.Second)
		assert.InDelta(t, 300, read(t, m).Joules, 1e-9)
	})
}

func TestTwoChassisThatTellPowerAreNotGuessedAt(t *testing.T) {
	b := newBMC(t, "blades")
	for _, s := range []string{"2", "3", "4"} {
		b.set("/redfish/v1/Systems/Blade"+s, "DPU", "SystemType")
	}
	b.set("/redfish/v1/Systems/Blade1", []any{link("/redfish/v1/Chassis/Blade1"), link("/redfish/v1/Chassis/Blade2")}, "Links", "Chassis")
	_, err := redfish.Open(t.Context(), config(b))
	assert.ErrorContains(t, err, "several chassis of the computer system tell their power (chassis: Blade1, Blade2)")

	b.set("/redfish/v1/Chassis/Blade2", "Card", "ChassisType")
	m := open(t, config(b))
	assert.Equal(t, "B200", m.Domains()[0].Model, "a card is no node, and a DPU no computer of its own")
}

func TestAResourceThatIsBrokenIsPassedOver(t *testing.T) {
	for name, fault := range map[string]http.HandlerFunc{
		"gone": status(404), "broken": status(500), "denied": status(403), "garbled": says("<html>"), "no use": says("{}"),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBMC(t, "ilo6")
			b.fail("/redfish/v1/Chassis/1/EnvironmentMetrics", fault)
			assert.Equal(t, "power", open(t, config(b)).Domains()[0].Mode)
			b.fail("/redfish/v1/Chassis/1/Power/", status(403))
			_, err := redfish.Open(t.Context(), config(b))
			assert.Error(t, err, "if all are, there is nothing")
		})
	}
}

func TestOtherWaysToTheChassis(t *testing.T) {
	for name, change := range map[string]func(*bmc){
		"the chassis links to the system": func(b *bmc) {
			b.set("/redfish/v1/Systems/System.Embedded.1", nil, "Links")
			b.set("/redfish/v1/Chassis/System.Embedded.1", []any{link("/redfish/v1/Systems/System.Embedded.1/")}, "Links", "ComputerSystems")
		},
		"there is one chassis and no system": func(b *bmc) {
			b.set("/redfish/v1/Systems", []any{}, "Members")
			b.set("/redfish/v1/Chassis", []any{link("/redfish/v1/Chassis/System.Embedded.1")}, "Members")
		},
		"a collection has pages": func(b *bmc) {
			b.set("/redfish/v1/Systems", []any{}, "Members")
			b.set("/redfish/v1/Systems", "/redfish/v1/Systems2", "Members@odata.nextLink")
			b.resources["/redfish/v1/Systems2"] = map[string]any{
				"Members":                []any{link("/redfish/v1/Systems/System.Embedded.1")},
				"Members@odata.nextLink": "/redfish/v1/Systems", // and round again
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBMC(t, "idrac9")
			change(b)
			assert.Equal(t, "PowerEdge R740", open(t, config(b)).Domains()[0].Model)
		})
	}
}

func TestASupplyThatDoesNotTellMakesTheSumWorthless(t *testing.T) {
	b := newBMC(t, "openbmc")
	b.set("/redfish/v1/Chassis/chassis/PowerSubsystem/PowerSupplies/powersupply1/Metrics", nil, "InputPowerWatts", "Reading")
	_, err := redfish.Open(t.Context(), config(b))
	assert.EqualError(t, err, "redfish: the InputPowerWatts of a power supply is not told, or makes no sense")
}

// What the controller cannot tell is never 0 W (trap 6).
func TestFailuresAreFlaggedAndLoseNothing(t *testing.T) {
	control := []any{"PowerControl", 0, "PowerConsumedWatts"}
	watts := func(v any) func(*bmc) { return func(b *bmc) { b.set(dellPower, v, control...) } }
	answer := func(h http.HandlerFunc) func(*bmc) { return func(b *bmc) { b.fail(dellPower, h) } }
	for name, c := range map[string]struct {
		fault func(*bmc)
		want  meter.Condition
	}{
		"null":               {watts(nil), meter.Unreadable},
		"zero":               {watts(0), meter.Unreadable},
		"negative":           {watts(-300), meter.Unreadable},
		"more than it can":   {watts(5000), meter.Unreadable},
		"beyond all numbers": {watts(json("1e400")), meter.Unreadable},
		"text":               {watts("NaN"), meter.Unreadable},
		"another type":       {watts([]any{1}), meter.Unreadable},
		"no PowerControl":    {func(b *bmc) { b.set(dellPower, []any{}, "PowerControl") }, meter.Unreadable},
		"no JSON":            {answer(says("<html>")), meter.Unreadable},
		"cut off":            {answer(says(`{"PowerControl":[`)), meter.Unreadable},
		"null alone":         {answer(says("null")), meter.Unreadable},
		"nothing":            {answer(says("")), meter.Unreadable},
		"server error":       {answer(status(500)), meter.Unreadable},
		"busy":               {answer(status(503)), meter.Unreadable},
		"gone":               {answer(status(404)), meter.Unplugged},
		"forbidden":          {answer(status(403)), meter.Denied},
		"hangs":              {answer(hangs), meter.Unreadable},
		"endless":            {answer(endless), meter.Unreadable},
		"redirect elsewhere": {answer(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://elsewhere.example/redfish/v1/", http.StatusTemporaryRedirect)
		}), meter.Unreadable},
		"password changed": {func(b *bmc) { b.password = "another"; b.expire() }, meter.Denied},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBMC(t, "idrac9")
				m := open(t, config(b))
				begin := time.Now()
				read(t, m)
				time.Sleep(10 * time.Second)
				assert.InDelta(t, 3160, read(t, m).Joules, 1e-9)

				c.fault(b)
				time.Sleep(10 * time.Second)
				asked := time.Now()
				s := read(t, m)
				assert.Equal(t, c.want, s.Condition)
				assert.InDelta(t, 3160, s.Joules, 1e-9, "what was told stays")
				assert.LessOrEqual(t, time.Since(asked), 10*time.Second, "no reading outlasts the timeout")

				b.fail(dellPower, nil)
				b.password = password
				b.set(dellPower, []any{map[string]any{"PowerConsumedWatts": 316.0}}, "PowerControl")
				time.Sleep(10 * time.Minute)
				s = read(t, m)
				assert.Equal(t, meter.OK, s.Condition, "it is found again")
				assert.InDelta(t, 316*time.Since(begin).Seconds(), s.Joules, 1e-6, "the gap is bridged")
			})
		})
	}
}

func TestAControllerThatIsGoneIsUnplugged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBMC(t, "idrac9")
		c := config(b)
		gone := &broken{RoundTripper: direct{b}}
		c.Client.Transport = gone
		m := open(t, c)
		read(t, m)
		for _, f := range []struct {
			err  error
			want meter.Condition
		}{
			{syscall.ECONNREFUSED, meter.Unplugged},
			{syscall.EHOSTUNREACH, meter.Unplugged},
			{syscall.ECONNRESET, meter.Unreadable},
			{context.DeadlineExceeded, meter.Unreadable},
		} {
			gone.err = f.err
			time.Sleep(10 * time.Minute)
			assert.Equal(t, f.want, read(t, m).Condition, "%v", f.err)
		}
		gone.err = nil
		time.Sleep(10 * time.Minute)
		assert.Equal(t, meter.OK, read(t, m).Condition)
	})
}

func TestAFailingControllerIsAskedLessAndLess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBMC(t, "idrac9")
		m := open(t, config(b))
		asked := func(during time.Duration) int {
			before := b.requests()
			for end := time.Now().Add(during); time.Now().Before(end); time.Sleep(5 * time.Second) {
				read(t, m)
			}
			return b.requests() - before
		}
		assert.Equal(t, 720, asked(time.Hour), "every five seconds")
		b.fail(dellPower, status(503))
		assert.InDelta(t, 18, asked(time.Hour), 3, "5, 10, 20 ... and every five minutes then")
		b.fail(dellPower, nil)
		assert.Greater(t, asked(time.Hour), 600, "and as before when it is well again")

		b.password = "another"
		b.expire()
		logins := func() int { return strings.Count(strings.Join(b.asked, " "), "POST") }
		before := logins()
		asked(55 * time.Second)
		assert.Equal(t, 1, logins()-before, "a user that is refused is not locked out: one login a minute at most")
		asked(time.Hour)
		assert.Less(t, logins()-before, 20)
	})
}

func TestACounterThatBeganAnewNeverFalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBMC(t, "joules")
		m := open(t, config(b))
		step := func(joules float64) meter.Sample {
			time.Sleep(10 * time.Second)
			b.set(joulesAt, joules, "EnergyJoules", "Reading")
			return read(t, m)
		}
		assert.InDelta(t, 4210.5, step(123461000).Joules, 1e-6)
		s := step(2000) // the controller was restarted
		assert.Equal(t, meter.NoRange, s.Condition)
		assert.InDelta(t, 6210.5, s.Joules, 1e-6, "what it shows was used since")
		s = step(6000)
		assert.Equal(t, meter.OK, s.Condition)
		assert.InDelta(t, 10210.5, s.Joules, 1e-6)
		s = step(9e9)
		assert.Equal(t, meter.Unreadable, s.Condition, "more than the supplies can give")
		assert.InDelta(t, 10210.5, s.Joules, 1e-6)
	})
}

func TestWhatASensorSaysOfItselfIsTaken(t *testing.T) {
	for name, c := range map[string]struct {
		sensor   string
		relError float64
		update   time.Duration
	}{
		"percent":         {`{"Accuracy":3}`, 0.03, 0},
		"watts":           {`{"Accuracy":3,"ReadingAccuracy":2.41}`, 0.01, 0},
		"nonsense":        {`{"Accuracy":-3,"ReadingAccuracy":1e9,"SensingInterval":"soon"}`, 0.05, 0},
		"no sensor":       {`[]`, 0.05, 0},
		"every half":      {`{"SensingInterval":"PT0.5S"}`, 0.05, 500 * time.Millisecond},
		"every 1:02:03.5": {`{"SensingInterval":"PT1H2M3.5S"}`, 0.05, time.Hour + 2*time.Minute + 3500*time.Millisecond},
		"days":            {`{"SensingInterval":"P1DT1S"}`, 0.05, 24*time.Hour + time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBMC(t, "ilo6")
			b.fail("/redfish/v1/Chassis/1/Sensors/Power", says(c.sensor))
			d := open(t, config(b)).Domains()[0]
			assert.InDelta(t, c.relError, d.RelError, 1e-12)
			assert.Equal(t, c.update, d.Update)
		})
	}

	b := newBMC(t, "joules")
	at := "/redfish/v1/Chassis/Self/Sensors/Energy"
	b.set(joulesAt, at, "EnergyJoules", "DataSourceUri")
	b.fail(at, says(`{"ReadingAccuracy":1000,"Accuracy":1}`))
	assert.Equal(t, 0.01, open(t, config(b)).Domains()[0].RelError, "joules since the counter began say nothing of those of a run")
	b.fail(at, says(`{"ReadingAccuracy":1000,"SensingInterval":"PT1M"}`))
	d := open(t, config(b)).Domains()[0]
	assert.Equal(t, "EnvironmentMetrics#/PowerWatts", d.Name, "a counter that moves once a minute is coarse")
}

func TestACounterThatRestsForTooLongIsStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := open(t, config(newBMC(t, "joules")))
		time.Sleep(time.Minute)
		assert.Equal(t, meter.OK, read(t, m).Condition)
		time.Sleep(time.Minute)
		assert.Equal(t, meter.Stuck, read(t, m).Condition)
	})
}

func TestCloseEndsAReadThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBMC(t, "idrac9")
		m, err := redfish.Open(t.Context(), config(b))
		require.NoError(t, err)
		b.fail("", hangs)
		done := make(chan error)
		start := time.Now()
		go func() { _, err := m.Read(nil); done <- err }()
		synctest.Wait()
		go func() { assert.NoError(t, m.Close()); done <- nil }()
		assert.ErrorIs(t, <-done, fs.ErrClosed)
		<-done
		assert.LessOrEqual(t, time.Since(start), 2*time.Second, "it does not wait for a controller that hangs")
		assert.NoError(t, m.Close())
	})
}

func TestOpeningEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBMC(t, "idrac9")
		b.fail("", hangs)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		_, err := redfish.Open(ctx, config(b))
		assert.ErrorContains(t, err, "did not answer in time")
		assert.Equal(t, 3*time.Second, time.Since(start))

		_, err = redfish.Open(t.Context(), config(b))
		assert.Error(t, err, "and after a minute at the latest")
		assert.Equal(t, 63*time.Second, time.Since(start))
	})
}
