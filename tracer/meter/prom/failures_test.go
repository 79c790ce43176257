package prom

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
)

const one = "scaph_socket_energy_microjoules{socket_id=\"0\"} 1000000\n"

// answers are what an endpoint may say, and what becomes of it.
var answers = map[string]struct {
	answer    http.HandlerFunc
	condition meter.Condition
	why, fix  string
}{
	"unauthorised": {status(401), meter.Denied, "Unauthorized", "BearerFile"},
	"forbidden":    {status(403), meter.Denied, "Forbidden", "BearerFile"},
	"wrong path":   {status(404), meter.Unplugged, "Not Found", "/metrics"},
	"broken":       {status(500), meter.Unreadable, "Internal Server Error", ""},
	"odd status":   {status(599), meter.Unreadable, "599", ""},
	"a login page": {func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, "<html>password: hunter2</html>")
	}, meter.Unreadable, "no text of metrics but text/html", "usually /metrics"},
	"a page that says it is text": {text("<html>hunter2</html>\n"), meter.Unreadable, "line 1: it does not begin with the name of a metric", ""},
	"elsewhere": {func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://login.invalid/hunter2", http.StatusFound)
	}, meter.Unreadable, "leads elsewhere", "exporter itself"},
	"in circles": {func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Path, http.StatusFound)
	}, meter.Unreadable, "leads elsewhere", "exporter itself"},
	"cut off": {func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, one)
	}, meter.Unreadable, "ends in the middle", ""},
	"cut off between chunks": {func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, one)
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}, meter.Unreadable, "ends in the middle", ""},
	"cut off in a line":      {text(one + "scaph_socket_energy_microjoules{socket_id=\"1\"} 12"), meter.Unreadable, "ends in the middle", ""},
	"OpenMetrics cut off":    {openMetrics(one), meter.Unreadable, "ends in the middle", ""},
	"a line that is garbage": {text("scaph_socket_energy_microjoules{socket_id=\"hunter2} 1\n"), meter.Unreadable, "line 1", ""},
	"a value that is none":   {text(one + "scaph_socket_energy_microjoules{socket_id=\"1\"} hunter2\n"), meter.Unreadable, "line 2: its value is no number", ""},
	"100 MB": {func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		lines := []byte(strings.Repeat("x{y=\""+strings.Repeat("z", 10_000)+"\"} 0\n", 100))
		for range 100 {
			if _, err := w.Write(lines); err != nil {
				return
			}
		}
	}, meter.Unreadable, "larger than 64 MiB", "node metrics only"},
}

// A small answer that unpacks to a large one is bounded as it unpacks.
func TestAnswerThatIsABomb(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, one+strings.Repeat("x{y=\""+strings.Repeat("z", 1000)+"\"} 0\n", 2000))
	require.NoError(t, z.Close())
	e, url := serve(t, "")
	e.set(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write(b.Bytes())
	})
	m, err := open(t.Context(), Config{URL: url}, tcp, noEnv)
	require.NoError(t, err)
	told(t, m)
	m.(*prom).client.limit = 1 << 20
	assert.Less(t, b.Len(), 1<<15)
	assert.Equal(t, meter.Unreadable, samples(t, m)["cpu0"].Condition)
	require.NoError(t, m.Close())
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "hunter2", code) }
}

func openMetrics(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/openmetrics-text; version=1.0.0; charset=utf-8")
		_, _ = io.WriteString(w, body)
	}
}

// trap 6: a failure is no reading of 0. trap 49: what comes back is never evaluated.
func TestWhatIsWrongWithAnEndpointIsSaid(t *testing.T) {
	for name, test := range answers {
		t.Run(name, func(t *testing.T) {
			e, url := serve(t, one)
			m, err := open(t.Context(), Config{URL: url, Timeout: time.Minute}, tcp, noEnv)
			require.NoError(t, err)
			told(t, m)
			e.set(test.answer)
			got := samples(t, m)
			assert.Equal(t, test.condition, got["cpu0"].Condition)
			assert.Zero(t, got["cpu0"].Joules, "a failure is no reading of 0")
			e.say("scaph_socket_energy_microjoules{socket_id=\"0\"} 3000000\n")
			assert.InDelta(t, 2, told(t, m)["cpu0"], 1e-9, "nothing is lost when it answers again")
			require.NoError(t, m.Close())

			e.set(test.answer)
			_, err = open(t.Context(), Config{URL: url, Timeout: time.Minute}, tcp, noEnv)
			missing := (*meter.Missing)(nil)
			require.ErrorAs(t, err, &missing)
			assert.Contains(t, missing.Why, test.why)
			assert.Contains(t, missing.Fix, test.fix)
			for _, verb := range []string{"%v", "%+v", "%#v"} {
				said := fmt.Sprintf(verb+verb, err, missing.Err)
				assert.NotContains(t, said, "hunter2", "what came back is not quoted")
				assert.NotContains(t, said, "127.0.0.1", "nor the address")
			}
		})
	}
}

// trap 15: one bad family does not discard the others.
func TestOneFamilyThatIsGoneTakesNoOtherWithIt(t *testing.T) {
	body := exposition(t, "scaphandre.prom")
	m, e := opened(t, body, Config{})
	told(t, m)
	lines := strings.SplitAfter(strings.Replace(body, "43038699818", "43039699818", 1), "\n")
	gone := func(line string) bool { return strings.HasPrefix(line, "scaph_domain_energy") }
	kept := ""
	for _, l := range lines {
		if !gone(l) {
			kept += l
		}
	}
	e.say("%s", kept)
	got := samples(t, m)
	assert.Equal(t, meter.OK, got["cpu0"].Condition)
	assert.InDelta(t, 1, got["cpu0"].Joules, 1e-9)
	assert.Equal(t, meter.Unplugged, got["dram0"].Condition)
	assert.Equal(t, meter.Unplugged, got["dram1"].Condition)
}

// trap 2: a new start is no wrap of 2^64.
func TestAgentThatStartsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const gpu = "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu=\"0\",UUID=\"GPU-a\"} %d\n"
		e, dial := bubble(t, text(fmt.Sprintf(gpu, 5_000_000_000)))
		m, err := open(t.Context(), Config{URL: "http://node/metrics"}, dial, noEnv)
		require.NoError(t, err)
		defer func() { _ = m.Close() }()
		step := func(mJ int) meter.Sample {
			time.Sleep(30 * time.Second)
			e.say(gpu, mJ)
			return samples(t, m)["gpu0"]
		}
		assert.Equal(t, 0.0, step(5_000_000_000).Joules)
		assert.Equal(t, 9000.0, step(5_009_000_000).Joules)
		s := step(4_000_000)
		assert.Equal(t, meter.Reset, s.Condition, "a new start is no wrap")
		assert.Equal(t, 13000.0, s.Joules, "what it shows was used since")
		s = step(13_000_000)
		assert.Equal(t, meter.OK, s.Condition)
		assert.Equal(t, 22000.0, s.Joules)
		s = step(13_000_000 + 900_000_000_000)
		assert.Equal(t, meter.Unreadable, s.Condition, "more than it can have drawn")
		assert.Equal(t, 22000.0, s.Joules)
	})
}

func TestNumbersThatAreNoReading(t *testing.T) {
	for _, value := range []string{"NaN", "+Inf", "-Inf", "-1", "1e300", "1e999", "Nan"} {
		t.Run(value, func(t *testing.T) {
			m, e := opened(t, one, Config{})
			told(t, m)
			e.say("scaph_socket_energy_microjoules{socket_id=\"0\"} %s\n", value)
			s := samples(t, m)["cpu0"]
			assert.Equal(t, meter.Unreadable, s.Condition)
			assert.Zero(t, s.Joules)

			first, _ := opened(t, strings.Replace(one, "1000000", value, 1), Config{})
			assert.Equal(t, []string{"cpu0 unreadable"}, plans(first))
		})
	}
}

func TestEndpointThatTakesTooLong(t *testing.T) {
	for name, hang := range map[string]http.HandlerFunc{
		"does not answer": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"answers by the byte": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, "#")
				w.(http.Flusher).Flush()
				select {
				case <-time.After(time.Second):
				case <-r.Context().Done():
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, dial := bubble(t, text(one))
				m, err := open(t.Context(), Config{URL: "http://node/metrics", Timeout: 3 * time.Second}, dial, noEnv)
				require.NoError(t, err)
				defer func() { _ = m.Close() }()
				told(t, m)
				e.set(hang)
				before := time.Now()
				assert.Equal(t, meter.Unreadable, samples(t, m)["cpu0"].Condition)
				assert.Equal(t, 3*time.Second, time.Since(before))
				assert.Less(t, time.Since(before), m.(meter.Pacer).Timeout(), "so that what it says is taken")

				_, err = open(t.Context(), Config{URL: "http://node/metrics", Timeout: time.Second}, dial, noEnv)
				assert.ErrorContains(t, err, "did not answer in time")
			})
		})
	}
}

func TestCloseEndsAReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, dial := bubble(t, text(one))
		m, err := open(t.Context(), Config{URL: "http://node/metrics"}, dial, noEnv)
		require.NoError(t, err)
		e.set(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		done := make(chan error)
		go func() {
			_, err := m.Read(nil)
			done <- err
		}()
		synctest.Wait()
		before := time.Now()
		require.NoError(t, m.Close())
		assert.ErrorIs(t, <-done, fs.ErrClosed)
		assert.Zero(t, time.Since(before), "it did not wait for the time-out")
		require.NoError(t, m.Close())
	})
}

func TestContextOfOpeningBoundsTheOpeningOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, dial := bubble(t, text(one))
		ctx, cancel := contextWithCancel(t)
		m, err := open(ctx, Config{URL: "http://node/metrics"}, dial, noEnv)
		require.NoError(t, err)
		cancel()
		assert.Len(t, told(t, m), 1)
		require.NoError(t, m.Close())
		_, err = open(ctx, Config{URL: "http://node/metrics"}, dial, noEnv)
		assert.Error(t, err)
	})
}

func TestEndpointThatIsNotThere(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	_, err := Open(t.Context(), Config{URL: s.URL})
	assert.ErrorContains(t, err, "refused")
	assert.NotContains(t, err.Error(), "127.0.0.1")
}

func TestEndpointsThatTellNothingOfUse(t *testing.T) {
	assert.Contains(t, refused(t, "prometheus_build_info{version=\"3.1\"} 1\nup 1\n", Config{}).Why, "Prometheus server")
	assert.Contains(t, refused(t, "kepler_build_info{version=\"v0.10.0\"} 1\n", Config{}).Fix, "log")
	assert.Contains(t, refused(t, "", Config{}).Why, "no energy")
	assert.Contains(t, refused(t, "node_cpu_seconds_total{cpu=\"0\"} 1\n", Config{}).Fix, "Families")
	assert.Contains(t, refused(t, exposition(t, "kepler.prom")[:0]+"kepler_pod_cpu_joules_total{zone=\"package\"} 5\n", Config{}).Why, "no energy", "a pod is no node")
}

func TestConfigThatIsWrong(t *testing.T) {
	for want, c := range map[string]Config{
		"must be that of an exporter":    {},
		"http://10.0.0.7:28282":          {URL: "ftp://host/x"},
		"is no address":                  {URL: "http://[hunter2"},
		"put user:password into":         {URL: "http://me:hunter2@host/metrics"},
		"BearerFile and BasicFile":       {URL: "http://host", BearerFile: "a", BasicFile: "b"},
		"belong together":                {URL: "https://host", CertFile: "a"},
		"not https":                      {URL: "http://host", CAFile: "a"},
		"must not be negative":           {URL: "http://host", Period: -1},
		"CAFile: no such file":           {URL: "https://host", CAFile: "/nowhere/ca"},
		"CertFile: no such file":         {URL: "https://host", CertFile: "/nowhere/c", KeyFile: "/nowhere/k"},
		"is not that of a metric":        {URL: "http://host", Families: []Family{{Name: "a b"}}},
		`unit "joule" is none of`:        {URL: "http://host", Families: []Family{{Name: "a", Unit: "joule"}}},
		`kind "socket" is none of`:       {URL: "http://host", Families: []Family{{Name: "a", Unit: "J", Kind: "socket"}}},
		`method "guess" is none of`:      {URL: "http://host", Families: []Family{{Name: "a", Unit: "J", Kind: lifecycle.KindCPU, Method: "guess"}}},
		"family 1 of Families: RelError": {URL: "http://host", Families: []Family{{Name: "a", Unit: "J", Kind: lifecycle.KindCPU}, {Name: "a", Unit: "J", Kind: lifecycle.KindCPU, RelError: -1}}},
		"secret cannot be read: no su":   {URL: "http://host", BearerFile: "/nowhere/hunter2"},
	} {
		t.Run(want, func(t *testing.T) {
			_, err := Open(t.Context(), c)
			require.ErrorContains(t, err, want)
			assert.NotContains(t, err.Error(), "hunter2")
			assert.NotContains(t, err.Error(), "nowhere")
		})
	}
}

func TestSecrets(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	var header string
	e, url := serve(t, "")
	e.set(func(w http.ResponseWriter, r *http.Request) {
		if header = r.Header.Get("Authorization"); header == "" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		text(one)(w, r)
	})
	m, err := Open(t.Context(), Config{URL: url, BearerFile: file("token", "hunter2\n")})
	require.NoError(t, err)
	assert.Equal(t, "Bearer hunter2", header)
	file("token", "hunter3")
	told(t, m)
	assert.Equal(t, "Bearer hunter3", header, "Kubernetes gives new tokens to the file")
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		assert.NotContains(t, fmt.Sprintf(verb+verb, m, m.Domains()), "hunter")
	}
	file("token", "two\nlines")
	s := samples(t, m)["cpu0"]
	assert.Equal(t, meter.Unreadable, s.Condition)
	require.NoError(t, os.Remove(filepath.Join(dir, "token")))
	assert.Equal(t, meter.Unreadable, samples(t, m)["cpu0"].Condition)

	_, err = Open(t.Context(), Config{URL: url, BasicFile: file("basic", "me:pass:word\n")})
	require.NoError(t, err)
	assert.Equal(t, "Basic bWU6cGFzczp3b3Jk", header)
	_, err = Open(t.Context(), Config{URL: url, BasicFile: file("basic", "hunter2")})
	assert.ErrorContains(t, err, "is not user:password")
	_, err = Open(t.Context(), Config{URL: url, BearerFile: file("large", strings.Repeat("x", maxSecret+1))})
	assert.ErrorContains(t, err, "larger than")
}

func TestSecretsStayWithTheEndpoint(t *testing.T) {
	stolen := make(chan string, 1)
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { stolen <- r.Header.Get("Authorization") }))
	defer thief.Close()
	e, url := serve(t, "")
	e.set(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, thief.URL, http.StatusTemporaryRedirect)
	})
	token := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(token, []byte("hunter2"), 0o600))
	_, err := Open(t.Context(), Config{URL: url, BearerFile: token})
	require.Error(t, err)
	assert.Empty(t, stolen, "the other host was not even asked")

	e.set(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/metrics" {
			http.Redirect(w, r, "/metrics/", http.StatusMovedPermanently)
			return
		}
		text(one)(w, r)
	})
	m, err := Open(t.Context(), Config{URL: url, BearerFile: token})
	require.NoError(t, err, "within the endpoint it is followed")
	require.NoError(t, m.Close())
}

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	ca, cert, key := filepath.Join(dir, "ca"), filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	s := httptest.NewUnstartedServer(text(one))
	s.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS12}
	s.Config.ErrorLog = quiet()
	s.StartTLS()
	defer s.Close()
	write := func(path, kind string, der []byte) {
		require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
	}
	pair := s.TLS.Certificates[0] // it serves as the client's too
	write(ca, "CERTIFICATE", pair.Certificate[0])
	write(cert, "CERTIFICATE", pair.Certificate[0])
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	require.NoError(t, err)
	write(key, "PRIVATE KEY", der)

	m, err := Open(t.Context(), Config{URL: s.URL, CAFile: ca, CertFile: cert, KeyFile: key})
	require.NoError(t, err)
	assert.Len(t, told(t, m), 1)
	require.NoError(t, m.Close())

	_, err = Open(t.Context(), Config{URL: s.URL, CertFile: cert, KeyFile: key})
	require.ErrorContains(t, err, "not trusted")
	_, err = Open(t.Context(), Config{URL: s.URL, CAFile: ca, CertFile: cert, KeyFile: key, ServerName: "kepler.monitoring.svc"})
	require.ErrorContains(t, err, "another name")
	assert.NotContains(t, err.Error(), "monitoring")
	_, err = Open(t.Context(), Config{URL: s.URL, CAFile: ca})
	require.Error(t, err, "without a certificate it does not talk to us")
	assert.NotContains(t, err.Error(), "127.0.0.1")
	_, err = Open(t.Context(), Config{URL: s.URL, CAFile: key})
	require.ErrorContains(t, err, "no certificate in PEM")
	_, err = Open(t.Context(), Config{URL: s.URL, CAFile: ca, CertFile: key, KeyFile: key})
	require.ErrorContains(t, err, "no certificate and its key")

	plain := httptest.NewServer(text(one))
	defer plain.Close()
	_, err = Open(t.Context(), Config{URL: strings.Replace(plain.URL, "http:", "https:", 1)})
	require.Error(t, err)
	assert.True(t, errors.As(err, new(*meter.Missing)))
}
