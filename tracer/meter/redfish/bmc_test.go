package redfish_test

import (
	stdjson "encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/tracer/meter/redfish"
)

const (
	user     = "powermeter-user"
	password = "correct horse battery"
	root     = "/redfish/v1/"
	sessions = "/redfish/v1/SessionService/Sessions"
)

// bmc is a simulated management controller: the resources of a file of
// testdata, which are shapes of real ones, and ways to fail.
type bmc struct {
	mu         sync.Mutex
	resources  map[string]map[string]any
	sessions   string            // path of the collection of sessions
	open       map[string]string // path of a session by its token
	made       int               // sessions in all
	noSessions bool
	password   string
	faults     map[string]http.HandlerFunc // by path, "" for all
	asked      []string                    // method and path
}

func newBMC(t testing.TB, file string) *bmc {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", file+".json"))
	require.NoError(t, err)
	b := &bmc{open: map[string]string{}, password: password, faults: map[string]http.HandlerFunc{}, sessions: sessions}
	require.NoError(t, stdjson.Unmarshal(text, &b.resources))
	links := b.resources[root]["Links"].(map[string]any)
	b.sessions = links["Sessions"].(map[string]any)["@odata.id"].(string)
	return b
}

func (b *bmc) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	b.asked = append(b.asked, r.Method+" "+r.URL.Path)
	fault := b.faults[r.URL.Path]
	if all := b.faults[""]; all != nil {
		fault = all
	}
	b.mu.Unlock()
	if fault != nil {
		fault(w, r)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case r.Method == http.MethodPost && r.URL.Path == b.sessions:
		b.login(w, r)
		return
	case r.URL.Path != root && !b.known(r):
		w.WriteHeader(http.StatusUnauthorized)
		return
	case r.Method == http.MethodDelete:
		for token, path := range b.open {
			if path == r.URL.Path {
				delete(b.open, token)
			}
		}
		return
	}
	resource, ok := b.resources[r.URL.Path]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"error":{"code":"Base.1.0.ResourceMissingAtURI"}}`)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = stdjson.NewEncoder(w).Encode(resource)
}

func (b *bmc) login(w http.ResponseWriter, r *http.Request) {
	var who struct{ UserName, Password string }
	switch {
	case b.noSessions:
		w.WriteHeader(http.StatusNotFound)
	case stdjson.NewDecoder(r.Body).Decode(&who) != nil, who.UserName != user, who.Password != b.password:
		w.WriteHeader(http.StatusUnauthorized)
	default:
		b.made++
		token, path := fmt.Sprintf("token-%d-secret", b.made), fmt.Sprintf("%s/%d", strings.TrimSuffix(b.sessions, "/"), b.made)
		b.open[token] = path
		w.Header().Set("X-Auth-Token", token)
		w.Header().Set("Location", "https://bmc.example"+path)
		w.WriteHeader(http.StatusCreated)
	}
}

func (b *bmc) known(r *http.Request) bool {
	if name, word, ok := r.BasicAuth(); ok {
		return name == user && word == b.password
	}
	_, ok := b.open[r.Header.Get("X-Auth-Token")]
	return ok
}

// set changes a property: a path of names, and indices, below a resource.
func (b *bmc) set(resource string, value any, names ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var at any = b.resources[resource]
	for i, name := range names {
		last := i == len(names)-1
		switch name := name.(type) {
		case string:
			if last {
				at.(map[string]any)[name] = value
			} else {
				at = at.(map[string]any)[name]
			}
		case int:
			if last {
				at.([]any)[name] = value
			} else {
				at = at.([]any)[name]
			}
		}
	}
}

// fail answers a path, or all if it is "", otherwise; nil mends it.
func (b *bmc) fail(path string, with http.HandlerFunc) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults[path] = with
}

func (b *bmc) requests() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.asked)
}

func (b *bmc) openSessions() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.open)
}

// expire ends all sessions, as a restart of the controller does.
func (b *bmc) expire() {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.open)
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func says(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }
}

// hangs never answers.
func hangs(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// direct asks a handler without a network, so that time can be virtual. A
// handler that hangs is left when the request is given up.
type direct struct{ http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

// config asks a simulated controller without a network.
func config(b http.Handler) redfish.Config {
	return redfish.Config{
		URL: "https://bmc.example", Username: user, Password: redfish.Hidden(password),
		Client: &http.Client{Transport: direct{b}},
	}
}
