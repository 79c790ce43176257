package redfish_test

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/meter/redfish"
)

// tlsBMC serves a controller with a certificate that nobody signed.
func tlsBMC(t *testing.T, b *bmc) (c redfish.Config, cert *x509.Certificate) {
	server := httptest.NewUnstartedServer(b)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return redfish.Config{URL: server.URL, Username: user, Password: redfish.Hidden(password)}, server.Certificate()
}

func fingerprint(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

func TestTheCertificateIsVerified(t *testing.T) {
	b := newBMC(t, "ilo6")
	base, cert := tlsBMC(t, b)
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	pin := fingerprint(cert)
	var colons []string
	for i := 0; i < len(pin); i += 2 {
		colons = append(colons, pin[i:i+2])
	}
	for name, c := range map[string]struct {
		change func(*redfish.Config)
		want   string
	}{
		"by default":          {func(*redfish.Config) {}, "the certificate of the management controller is not trusted"},
		"by an authority":     {func(c *redfish.Config) { c.RootCAs = pool }, ""},
		"by another one":      {func(c *redfish.Config) { c.RootCAs = x509.NewCertPool() }, "is not trusted"},
		"for another name":    {func(c *redfish.Config) { c.RootCAs = pool; c.URL = strings.Replace(c.URL, "127.0.0.1", "localhost", 1) }, "is not trusted"},
		"by its fingerprint":  {func(c *redfish.Config) { c.Fingerprint = pin }, ""},
		"with colons":         {func(c *redfish.Config) { c.Fingerprint = strings.Join(colons, ":") }, ""},
		"by another's":        {func(c *redfish.Config) { c.Fingerprint = strings.Repeat("00", 32) }, "the certificate is not the one of the fingerprint"},
		"unless told not to":  {func(c *redfish.Config) { c.Insecure = true }, ""},
		"but not a bit of it": {func(c *redfish.Config) { c.Insecure, c.Fingerprint = true, pin }, "Insecure would take any certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			before := b.made
			config := base
			c.change(&config)
			m, err := redfish.Open(t.Context(), config)
			if c.want != "" {
				assert.ErrorContains(t, err, c.want)
				assertPrivate(t, err.Error(), "the error")
				assert.NotContains(t, err.Error(), "127.0.0.1")
				assert.Equal(t, before, b.made, "the password is not sent to a stranger")
				return
			}
			require.NoError(t, err)
			defer m.Close()
			assert.Equal(t, meter.OK, read(t, m).Condition)
		})
	}
}

func env(vars map[string]string) func(string) string {
	return func(name string) string { return vars[strings.TrimPrefix(name, "ECOTRACER_REDFISH_")] }
}

func TestTheEnvironmentNamesAController(t *testing.T) {
	b := newBMC(t, "blades")
	c, cert := tlsBMC(t, b)
	file := filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(file, []byte(password), 0o600))
	vars := map[string]string{"URL": c.URL, "USER": user, "PASSWORD_FILE": file, "FINGERPRINT": fingerprint(cert), "CHASSIS": "Blade2"}
	m, err := redfish.OpenEnv(env(vars))
	require.NoError(t, err)
	assert.Equal(t, meter.OK, read(t, m).Condition)
	require.NoError(t, m.Close())

	delete(vars, "FINGERPRINT")
	_, err = redfish.OpenEnv(env(vars))
	assert.EqualError(t, err, "redfish: the certificate of the management controller is not trusted; give the authority that signed it, or pin it by its fingerprint, by the ECOTRACER_REDFISH_ variables")

	vars["INSECURE"] = "yes"
	delete(vars, "CHASSIS")
	_, err = redfish.OpenEnv(env(vars))
	var missing *meter.Missing
	require.ErrorAs(t, err, &missing)
	assert.Equal(t, "redfish", missing.What)
	assert.NotContains(t, missing.Error(), "Blade", "a record shows no Ids: some are serial numbers")
	assert.ErrorContains(t, missing.Err, "Blade1, Blade2", "who looks for them finds them")

	vars["PASSWORD_FILE"] = ""
	_, err = redfish.OpenEnv(env(vars))
	assert.EqualError(t, err, "redfish: Username goes with Password or PasswordFile: one of them is missing; see the ECOTRACER_REDFISH_ variables")
}

// TestASourceIsRegisteredOnlyWhenAsked runs this test binary again, as the
// environment counts when a program starts.
func TestASourceIsRegisteredOnlyWhenAsked(t *testing.T) {
	if os.Getenv("REDFISH_TEST_LIST") != "" {
		for name := range meter.Sources() {
			fmt.Println("source", name)
		}
		return
	}
	for url, want := range map[string]bool{"": false, "https://10.11.12.13": true} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestASourceIsRegisteredOnlyWhenAsked$")
		cmd.Env = append(os.Environ(), "REDFISH_TEST_LIST=1", "ECOTRACER_REDFISH_URL="+url)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		assert.Equal(t, want, strings.Contains(string(out), "source redfish"), "%s", out)
	}
}

// pipes is a network in memory, so that a true server and a true client can be
// had in virtual time.
type pipes struct {
	conns  chan net.Conn
	dialed atomic.Int32
	done   chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { close(p.done); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		p.dialed.Add(1)
		return client, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func inBubble(t *testing.T, file string, f func(t *testing.T, b *bmc, c redfish.Config, net *pipes)) {
	synctest.Test(t, func(t *testing.T) {
		b := newBMC(t, file)
		p := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
		server := &http.Server{Handler: b, ErrorLog: log.New(io.Discard, "", 0)}
		go server.Serve(p)
		transport := &http.Transport{DialContext: p.dial, MaxConnsPerHost: 1}
		c := config(b)
		c.URL, c.Insecure, c.Client = "http://bmc.example", true, &http.Client{Transport: transport}
		f(t, b, c, p)
		transport.CloseIdleConnections()
		require.NoError(t, server.Close())
		synctest.Wait()
	})
}

// Connections are descriptors, and not opened for every reading (trap 17).
func TestOneConnectionDoesForAll(t *testing.T) {
	inBubble(t, "openbmc", func(t *testing.T, b *bmc, c redfish.Config, net *pipes) {
		m, err := redfish.Open(t.Context(), c)
		require.NoError(t, err)
		for range 100 {
			read(t, m)
			time.Sleep(5 * time.Second)
		}
		require.NoError(t, m.Close())
		assert.EqualValues(t, 1, net.dialed.Load())
		assert.Zero(t, b.openSessions())
	})
}

func TestAControllerThatHangsNeverHoldsARead(t *testing.T) {
	for name, hang := range map[string]http.HandlerFunc{
		"before the answer": hangs,
		"within the answer": func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, `{"PowerControl":[`)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
		"byte by byte": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := fmt.Fprint(w, " "); err != nil || http.NewResponseController(w).Flush() != nil {
					return
				}
				select {
				case <-time.After(time.Second):
				case <-r.Context().Done():
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, "idrac9", func(t *testing.T, b *bmc, c redfish.Config, _ *pipes) {
				c.Timeout = 4 * time.Second
				m, err := redfish.Open(t.Context(), c)
				require.NoError(t, err)
				b.fail(dellPower, hang)
				start := time.Now()
				assert.Equal(t, meter.Unreadable, read(t, m).Condition)
				assert.LessOrEqual(t, time.Since(start), m.(meter.Pacer).Timeout(), "so that the reading is taken")

				b.fail(dellPower, nil)
				time.Sleep(time.Minute)
				assert.Equal(t, meter.OK, read(t, m).Condition)

				b.fail("", hang)
				done := make(chan error)
				go func() { _, err := m.Read(nil); done <- err }()
				synctest.Wait()
				start = time.Now()
				go func() { done <- m.Close() }()
				first, second := <-done, <-done
				assert.True(t, errors.Is(first, os.ErrClosed) && second == nil, "%v, %v", first, second)
				assert.LessOrEqual(t, time.Since(start), 2*time.Second)
			})
		})
	}
}
