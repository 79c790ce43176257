package redfish

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/tracer/meter"
)

const (
	rootPath     = "/redfish/v1/"
	sessionsPath = "/redfish/v1/SessionService/Sessions" // where the service root does not say

	maxBody      = 1 << 20 // bytes of an answer
	maxHeader    = 64 << 10
	maxPassword  = 4 << 10
	maxRedirects = 3
	maxOpening   = 200 // requests while opening: no enclosure has more to be asked for
)

// client asks one management controller. It is not safe for concurrent use.
type client struct {
	base  *url.URL
	http  *http.Client
	close func() // of idle connections

	user     string
	password func() (string, error)
	sessions string // the collection of them

	// authorise puts what we log in with into a request: a closure, so that
	// no dump of a meter shows a secret.
	authorise func(*http.Request)
	session   string // path of our session; "" if we have none
	left      int    // requests that may still be made; < 0: any number
}

func newClient(c Config, base *url.URL, pin []byte) *client {
	a := &client{base: base, user: c.Username, sessions: sessionsPath, left: maxOpening, close: func() {}}
	var h http.Client
	if c.Client != nil {
		h = *c.Client
	} else {
		t := transport(c, pin)
		h.Transport, a.close = t, t.CloseIdleConnections
	}
	h.Jar = nil
	h.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects || r.URL.Scheme != base.Scheme || hostPort(r.URL) != hostPort(base) {
			return errElsewhere
		}
		return nil
	}
	a.http = &h

	switch {
	case c.Token.reveal != nil:
		a.authorise = func(r *http.Request) { r.Header.Set("X-Auth-Token", c.Token.value()) }
	case c.PasswordFile != "":
		a.password = func() (string, error) { return readPassword(c.PasswordFile) }
	case c.Username != "":
		a.password = func() (string, error) { return c.Password.value(), nil }
	}
	return a
}

func transport(c Config, pin []byte) *http.Transport {
	t := &http.Transport{
		// No proxy: a management network has none, and it would see the password.
		DialContext:            (&net.Dialer{Timeout: c.Timeout}).DialContext,
		TLSHandshakeTimeout:    c.Timeout,
		ResponseHeaderTimeout:  c.Timeout,
		MaxResponseHeaderBytes: maxHeader,
		MaxConnsPerHost:        1, // a controller has few to give
		IdleConnTimeout:        90 * time.Second,
		TLSClientConfig: &tls.Config{
			MinVersion:         tls.VersionTLS12,
			RootCAs:            c.RootCAs,
			InsecureSkipVerify: c.Insecure || pin != nil, // a pinned certificate is verified below
		},
	}
	if pin != nil {
		t.TLSClientConfig.VerifyConnection = func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) > 0 {
				if is := sha256.Sum256(s.PeerCertificates[0].Raw); subtle.ConstantTimeCompare(is[:], pin) == 1 {
					return nil
				}
			}
			return errPin
		}
	}
	return t
}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return strings.ToLower(u.Hostname()) + ":" + port
}

// readPassword reads a file as secrets are mounted: one line.
func readPassword(name string) (string, error) {
	file, err := os.Open(name)
	var text []byte
	if err == nil {
		defer file.Close()
		text, err = io.ReadAll(io.LimitReader(file, maxPassword))
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err // not the path
	}
	if err != nil {
		return "", &failure{condition: meter.Denied, why: "the password file cannot be read: " + err.Error(), cause: err}
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}

// get reads a resource into a value. A property that is not of the type that
// the schema says is left out, and takes no other with it.
func (a *client) get(ctx context.Context, path string, into any) error {
	status, _, body, err := a.do(ctx, http.MethodGet, path, nil)
	if err == nil && status == http.StatusUnauthorized && a.password != nil {
		// The session has ended, as it was idle or the controller restarted, or
		// the password was changed. How often this is tried is the reader's affair.
		a.session = ""
		if err = a.login(ctx); err == nil {
			status, _, body, err = a.do(ctx, http.MethodGet, path, nil)
		}
	}
	switch {
	case err != nil:
		return err
	case status != http.StatusOK:
		return refused(status)
	}
	var wrongType *json.UnmarshalTypeError
	if err := json.Unmarshal(body, into); err != nil && !errors.As(err, &wrongType) {
		return garbled("is no JSON")
	}
	return nil
}

// login opens a session (DSP0266, Redfish login sessions). A controller that
// has none, or none left, is sent the password with every request.
func (a *client) login(ctx context.Context) error {
	if a.password == nil {
		return nil
	}
	password, err := a.password()
	if err != nil {
		return err
	}
	a.authorise = nil
	body, _ := json.Marshal(map[string]string{"UserName": a.user, "Password": password}) // strings never fail
	status, header, _, err := a.do(ctx, http.MethodPost, a.sessions, body)
	if err != nil {
		return err
	}
	token := header.Get("X-Auth-Token")
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return refused(status)
	case status >= 200 && status < 300 && token != "":
		a.authorise = func(r *http.Request) { r.Header.Set("X-Auth-Token", token) }
		// It may be a whole address: only its path is ours to follow.
		if at, err := url.Parse(header.Get("Location")); err == nil && strings.HasPrefix(at.Path, "/redfish/") {
			a.session = at.Path
		}
	default:
		a.authorise = func(r *http.Request) { r.SetBasicAuth(a.user, password) }
	}
	return nil
}

// logout gives the session back: a controller has few.
func (a *client) logout(ctx context.Context) {
	if a.session != "" {
		_, _, _, _ = a.do(ctx, http.MethodDelete, a.session, nil) // else it ends by itself
		a.session = ""
	}
	a.close()
}

// do makes a request and reads the whole answer.
func (a *client) do(ctx context.Context, method, path string, body []byte) (status int, header http.Header, answer []byte, err error) {
	if a.left == 0 {
		return 0, nil, nil, garbled("leads from resource to resource without end")
	}
	a.left--
	target, err := a.resolve(path)
	if err != nil {
		return 0, nil, nil, err
	}
	r, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return 0, nil, nil, garbled("holds a link that is none")
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("OData-Version", "4.0")
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if a.authorise != nil {
		a.authorise(r)
	}
	response, err := a.http.Do(r)
	if err != nil {
		return 0, nil, nil, failed(err)
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	if err != nil {
		return 0, nil, nil, failed(err)
	}
	if len(answer) > maxBody {
		return 0, nil, nil, garbled("is longer than 1 MiB")
	}
	return response.StatusCode, response.Header, answer, nil
}

// resolve makes an address of a link. Links name no host: with one, our
// password would go wherever an answer says.
func (a *client) resolve(path string) (string, error) {
	path, _, _ = strings.Cut(path, "#")
	u, err := url.Parse(path)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(u.Path, "/redfish/") {
		return "", garbled("holds a link that leads elsewhere")
	}
	u.Scheme, u.Host = a.base.Scheme, a.base.Host
	return u.String(), nil
}
