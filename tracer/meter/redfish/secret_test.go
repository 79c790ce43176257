package redfish_test

import (
	"bytes"
	stdjson "encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/meter/redfish"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// private is what no record, error or log may show.
var private = []string{password, "correct%20horse", user, "bmc.example", "10.11.12.13", "token-1-secret", "given-token", "TAG0001"}

func assertPrivate(t testing.TB, text string, what string, but ...string) {
	t.Helper()
next:
	for _, p := range private {
		for _, b := range but {
			if p == b {
				continue next
			}
		}
		assert.NotContains(t, text, p, "%s shows it", what)
	}
}

func TestNoPrintOfAConfigShowsASecret(t *testing.T) {
	c := redfish.Config{URL: "https://10.11.12.13", Username: user, Password: redfish.Hidden(password), Token: redfish.Hidden("given-token")}
	type program struct {
		bmc  redfish.Config // unexported: fmt calls no method of it
		pBMC *redfish.Config
		BMC  redfish.Config
	}
	var logged bytes.Buffer
	for _, v := range []any{c, &c, program{c, &c, c}, &program{c, &c, c}, []redfish.Config{c}, map[string]any{"bmc": c}, c.Password, c.Token, &c.Password} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			assertPrivate(t, fmt.Sprintf(verb, v), verb, "10.11.12.13", user)
		}
		text, err := stdjson.Marshal(v)
		require.NoError(t, err)
		assertPrivate(t, string(text), "JSON", "10.11.12.13", user)
		slog.New(slog.NewTextHandler(&logged, nil)).Info("bmc", "config", v)
		slog.New(slog.NewJSONHandler(&logged, nil)).Info("bmc", "config", v)
	}
	assertPrivate(t, logged.String(), "a log", "10.11.12.13", user)
	assert.Equal(t, "(hidden)", c.Password.String())
	assert.Empty(t, redfish.Hidden("").String(), "and whether there is one can be seen")
}

// A meter holds what it logs in with.
func TestNoPrintOfAMeterShowsASecret(t *testing.T) {
	for _, file := range []string{"idrac9", "joules"} {
		m := open(t, config(newBMC(t, file)))
		for _, verb := range []string{"%v", "%+v", "%#v"} {
			assertPrivate(t, fmt.Sprintf(verb, m), verb)
		}
	}
}

// Errors of opening are printed, logged and recorded as they are.
func TestNoErrorShowsWhatIsPrivate(t *testing.T) {
	unreachable := func(err error) func(*redfish.Config, *bmc) {
		return func(c *redfish.Config, b *bmc) { c.Client.Transport = &broken{direct{b}, err} }
	}
	fails := func(path string, h http.HandlerFunc) func(*redfish.Config, *bmc) {
		return func(_ *redfish.Config, b *bmc) { b.fail(path, h) }
	}
	for want, change := range map[string]func(*redfish.Config, *bmc){
		"no URL":                     func(c *redfish.Config, _ *bmc) { c.URL = "" },
		"the URL is none":            func(c *redfish.Config, _ *bmc) { c.URL = "https://bmc.example:port" },
		"the URL is none: it should": func(c *redfish.Config, _ *bmc) { c.URL = "bmc.example" },
		"holds a user name or a password": func(c *redfish.Config, _ *bmc) {
			c.URL = (&url.URL{Scheme: "https", User: url.UserPassword(user, password), Host: "bmc.example"}).String()
		},
		"more than a host":                   func(c *redfish.Config, _ *bmc) { c.URL = "https://bmc.example/ui/login" },
		"plain http":                         func(c *redfish.Config, _ *bmc) { c.URL = "http://bmc.example" },
		"both Password and PasswordFile":     func(c *redfish.Config, _ *bmc) { c.PasswordFile = "/run/secrets/bmc" },
		"both a Token and a user":            func(c *redfish.Config, _ *bmc) { c.Token = redfish.Hidden("given-token") },
		"Username goes with Password":        func(c *redfish.Config, _ *bmc) { c.Password = redfish.Secret{} },
		"no SHA-256 digest":                  func(c *redfish.Config, _ *bmc) { c.Fingerprint = "12:34" },
		"a Client sees to TLS itself":        func(c *redfish.Config, _ *bmc) { c.Insecure = true },
		"not negative":                       func(c *redfish.Config, _ *bmc) { c.Period = -1 },
		"file cannot be read: no such file":  func(c *redfish.Config, _ *bmc) { c.Password, c.PasswordFile = redfish.Secret{}, "/nowhere/"+user },
		"let us in (status 401)":             func(_ *redfish.Config, b *bmc) { b.password = "another" },
		"cannot be reached: connection refu": unreachable(syscall.ECONNREFUSED),
		"connection to the management contr": unreachable(fmt.Errorf("dial bmc.example %s %s", user, password)),
		"failed (status 500)":                fails("/redfish/v1/Chassis", status(500)),
		"holds a link that leads elsewhere":  func(_ *redfish.Config, b *bmc) { b.set(root, link("https://evil.example/redfish/v1"), "Chassis") },
		"does not speak Redfish":             fails(root, says("<html>bmc.example</html>")),
		"address does not speak Redfish":     fails(root, status(404)),
		"is longer than 1 MiB":               fails("/redfish/v1/Systems", endless),
		"tells no power of the chassis": func(_ *redfish.Config, b *bmc) {
			b.set("/redfish/v1/Chassis/System.Embedded.1", nil, "Power")
		},
		"leads from resource to resource without end": func(_ *redfish.Config, b *bmc) {
			systems := make([]any, 64)
			for i := range systems {
				systems[i] = link(fmt.Sprintf("/redfish/v1/Systems/%d", i))
				b.resources[fmt.Sprintf("/redfish/v1/Systems/%d", i)] = map[string]any{"SystemType": "DPU"}
			}
			b.set("/redfish/v1/Systems", systems, "Members")
			var chassis []any
			for i := range 200 {
				at := fmt.Sprintf("/redfish/v1/Chassis/%d", i)
				chassis = append(chassis, link(at))
				b.resources[at] = map[string]any{"Links": map[string]any{}}
			}
			b.set("/redfish/v1/Chassis", chassis, "Members")
			b.set("/redfish/v1/Systems", append(systems[:63], link("/redfish/v1/Systems/System.Embedded.1")), "Members")
			b.set("/redfish/v1/Systems/System.Embedded.1", chassis, "Links", "Chassis")
			for i := range 64 {
				b.set(fmt.Sprintf("/redfish/v1/Chassis/%d", i), link(fmt.Sprintf("/redfish/v1/Chassis/%d", i)), "Power")
				b.set(fmt.Sprintf("/redfish/v1/Chassis/%d", i), link(fmt.Sprintf("/redfish/v1/Chassis/%d", i)), "EnvironmentMetrics")
			}
		},
	} {
		t.Run(want, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBMC(t, "idrac9")
				c := config(b)
				change(&c, b)
				_, err := redfish.Open(t.Context(), c)
				require.ErrorContains(t, err, want)
				assertPrivate(t, err.Error(), "the error")
				assertPrivate(t, fmt.Sprintf("%+v %#v", err, err), "the error")
				assert.Zero(t, b.openSessions(), "no session stays open")
			})
		})
	}
}

func TestNoRecordShowsWhatIsPrivate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBMC(t, "idrac9")
		m, err := redfish.Open(t.Context(), config(b))
		require.NoError(t, err)
		h := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{VM: true})
		var records tracertest.Recorder
		ctx, run, err := tracer.Begin(t.Context(), append(h.Options(), tracer.Meters(m), tracer.Sinks(&records))...)
		require.NoError(t, err)
		_, span := tracer.Start(ctx, "train")
		time.Sleep(time.Hour)
		b.fail("", status(http.StatusForbidden))
		time.Sleep(time.Hour)
		b.fail("", nil)
		time.Sleep(time.Hour)
		span.End()
		rec, err := run.End()
		require.NoError(t, err)
		text, err := stdjson.Marshal(rec)
		require.NoError(t, err)
		assertPrivate(t, string(text), "the record")
		assert.Contains(t, string(text), `"permission-denied"`, "but that readings failed it does")

		require.NotEmpty(t, rec.Ledger)
		line := rec.Ledger[0]
		assert.Equal(t, "node0", line.Domain)
		assert.EqualValues(t, "metered", line.Method)
		assert.InEpsilon(t, 316*3*3600, line.TotalJ, 0.01, "three hours of 316 W, the gap included")
	})
}

func TestAPasswordIsNeverSentElsewhere(t *testing.T) {
	var got []*http.Request
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = append(got, r) }))
	defer elsewhere.Close()
	for name, h := range map[string]http.HandlerFunc{
		"for a login": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+sessions, http.StatusTemporaryRedirect)
		},
		"for a resource": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+root, http.StatusFound)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBMC(t, "xcc")
			b.fail(map[string]string{"for a login": sessions, "for a resource": "/redfish/v1/Chassis"}[name], h)
			server := httptest.NewServer(b)
			defer server.Close()
			c := config(b)
			c.URL, c.Client, c.Insecure = server.URL, nil, true
			_, err := redfish.Open(t.Context(), c)
			assert.ErrorContains(t, err, "a redirect to another host, where no password is sent")
		})
	}
	assert.Empty(t, got)
}

func TestARedirectOnTheSameHostIsFollowed(t *testing.T) {
	b := newBMC(t, "xcc")
	b.fail("/redfish/v1/Chassis", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/redfish/v1/Chassis/", http.StatusPermanentRedirect)
	})
	b.resources["/redfish/v1/Chassis/"] = b.resources["/redfish/v1/Chassis"]
	open(t, config(b))
}

func TestThePasswordFileIsReadAtEveryLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "password")
		require.NoError(t, os.WriteFile(file, []byte(password+"\n"), 0o600))
		b := newBMC(t, "idrac9")
		c := config(b)
		c.Password, c.PasswordFile = redfish.Secret{}, file
		m := open(t, c)
		read(t, m)

		b.password = "a new one"
		b.expire()
		require.NoError(t, os.WriteFile(file, []byte("a new one\r\n"), 0o600))
		assert.Empty(t, read(t, m).Condition)
		assert.Equal(t, 2, b.made)

		require.NoError(t, os.Remove(file))
		b.expire()
		assert.EqualValues(t, "permission-denied", read(t, m).Condition)
	})
}

func TestSessionsAreRenewedAndControllersWithoutThemAreSentThePassword(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBMC(t, "ilo5")
		m := open(t, config(b))
		for range 3 {
			b.expire()
			assert.Empty(t, read(t, m).Condition, "a session that ran out is not a failure")
		}
		assert.Equal(t, 4, b.made)
		assert.Equal(t, 1, b.openSessions())
	})
	synctest.Test(t, func(t *testing.T) {
		b := newBMC(t, "ilo5")
		b.noSessions = true
		assert.Empty(t, read(t, open(t, config(b))).Condition)
		assert.Zero(t, b.made)
	})
	synctest.Test(t, func(t *testing.T) {
		b := newBMC(t, "ilo5")
		b.open["given-token"] = sessions + "/9"
		c := config(b)
		c.Username, c.Password, c.Token = "", redfish.Secret{}, redfish.Hidden("given-token")
		m := open(t, c)
		assert.Empty(t, read(t, m).Condition)
		require.NoError(t, m.Close())
		assert.Equal(t, 1, b.openSessions(), "who opened a session closes it")
		assert.False(t, strings.Contains(strings.Join(b.asked, " "), "POST"))
	})
}
