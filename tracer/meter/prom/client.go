package prom

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/ecotracer/ecotracer/tracer/meter"
)

const (
	// maxBody bounds an exposition, unpacked. Kepler tells some hundred bytes
	// for each process and zone, so that of a busy node has megabytes.
	maxBody = 64 << 20

	maxSecret = 64 << 10 // bytes of a file with a secret or certificate
	redirects = 3
)

// accept asks for OpenMetrics first: it tells where it ends.
const accept = "application/openmetrics-text;version=1.0.0;q=0.9,text/plain;version=0.0.4;q=0.8"

// failure is why an endpoint could not be read. It quotes neither the address
// nor what came back: it may end up in a record.
type failure struct {
	why, fix  string
	condition meter.Condition
	cause     error // a plain one: errno, context.DeadlineExceeded, fs.ErrPermission
}

func (f *failure) Error() string {
	if f.fix != "" {
		return f.why + "; " + f.fix
	}
	return f.why
}

func (f *failure) Unwrap() error { return f.cause }

// client reads one endpoint over one connection that is kept.
type client struct {
	http   *http.Client
	url    *url.URL
	bearer string // paths of files
	basic  string
	limit  int64 // bytes of an answer
}

// dialer opens connections; tests have their own.
type dialer func(ctx context.Context, network, address string) (net.Conn, error)

func newClient(c Config, u *url.URL, dial dialer) (*client, error) {
	t := &http.Transport{
		DialContext:            dial,
		MaxConnsPerHost:        1,
		MaxIdleConnsPerHost:    1,
		IdleConnTimeout:        2*c.Period + c.Timeout,
		MaxResponseHeaderBytes: 64 << 10,
		// No Proxy: the endpoint is on this very node.
	}
	if u.Scheme == "https" {
		var err error
		if t.TLSClientConfig, err = c.tls(); err != nil {
			return nil, err
		}
	}
	return &client{
		http: &http.Client{Transport: t, CheckRedirect: sameOrigin},
		url:  u, bearer: c.BearerFile, basic: c.BasicFile, limit: maxBody,
	}, nil
}

// sameOrigin follows a redirect only to where the secrets were meant for.
func sameOrigin(req *http.Request, via []*http.Request) error {
	first := via[0].URL
	if req.URL.Scheme != first.Scheme || req.URL.Host != first.Host || len(via) > redirects {
		return http.ErrUseLastResponse
	}
	return nil
}

func (c *Config) tls() (*tls.Config, error) {
	t := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.ServerName}
	if c.CAFile != "" {
		pem, err := readSecret(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("CAFile: %w", err)
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("CAFile: it holds no certificate in PEM")
		}
	}
	if c.CertFile != "" {
		load := func() (*tls.Certificate, error) {
			cert, err := readSecret(c.CertFile)
			if err != nil {
				return nil, fmt.Errorf("CertFile: %w", err)
			}
			key, err := readSecret(c.KeyFile)
			if err != nil {
				return nil, fmt.Errorf("KeyFile: %w", err)
			}
			pair, err := tls.X509KeyPair(cert, key)
			if err != nil {
				return nil, errors.New("CertFile and KeyFile: they hold no certificate and its key in PEM")
			}
			return &pair, nil
		}
		if _, err := load(); err != nil {
			return nil, err
		}
		t.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return load() }
	}
	return t, nil
}

// readSecret reads a small file. Its error does not tell the path.
func readSecret(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, plain(err)
	}
	defer func() { _ = f.Close() }() // it was only read
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	switch {
	case err != nil:
		return nil, plain(err)
	case len(b) > maxSecret:
		return nil, fmt.Errorf("it is larger than %d bytes", maxSecret)
	}
	return b, nil
}

func plain(err error) error {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
}

// authorise puts the secrets into a request.
func (c *client) authorise(req *http.Request) error {
	file := c.bearer + c.basic // one of them is empty
	if file == "" {
		return nil
	}
	b, err := readSecret(file)
	if err != nil {
		return fmt.Errorf("the file with the secret cannot be read: %w", err)
	}
	secret := string(bytes.TrimSpace(b))
	if secret == "" || strings.ContainsAny(secret, "\r\n\x00") {
		return errors.New("the file with the secret does not hold one line")
	}
	if c.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+secret)
		return nil
	}
	user, password, ok := strings.Cut(secret, ":")
	if !ok {
		return errors.New("the file with the secret is not user:password")
	}
	req.SetBasicAuth(user, password)
	return nil
}

// scrape reads the endpoint once. It tells when the exporter was asked: the
// middle between asking and the begin of its answer.
func (c *client) scrape(ctx context.Context, wanted map[string]bool, take func(string, point) error) (at time.Time, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url.String(), nil)
	if err != nil {
		return at, &failure{why: "the address is no good", condition: meter.Unreadable}
	}
	req.Header.Set("Accept", accept)
	req.Header.Set("User-Agent", "ecotracer")
	if err := c.authorise(req); err != nil {
		f := &failure{why: err.Error(), condition: meter.Unreadable, cause: errors.Unwrap(err)}
		if errors.Is(err, fs.ErrPermission) {
			f.condition = meter.Denied
		}
		return at, f
	}
	before := time.Now()
	res, err := c.http.Do(req)
	if err != nil {
		return at, failed(err)
	}
	defer func() { _ = res.Body.Close() }() // it was only read
	at = before.Add(time.Since(before) / 2)
	openMetrics, err := check(res)
	if err != nil {
		return at, err
	}
	body := &bounded{r: res.Body, left: c.limit}
	if err := scan(body, openMetrics, wanted, take); err != nil {
		if body.over {
			err = &failure{why: fmt.Sprintf("the answer is larger than %d MiB", c.limit>>20), fix: "let the exporter tell its node metrics only", condition: meter.Unreadable}
		}
		return at, failed(err)
	}
	_, _ = io.CopyN(io.Discard, res.Body, 4096) // so that the connection can be kept
	return at, nil
}

// check judges an answer by its head.
func check(res *http.Response) (openMetrics bool, err error) {
	f := &failure{why: "the endpoint answers " + http.StatusText(res.StatusCode), condition: meter.Unreadable}
	if http.StatusText(res.StatusCode) == "" {
		f.why = fmt.Sprintf("the endpoint answers with status %d", res.StatusCode)
	}
	switch code := res.StatusCode; {
	case code == http.StatusOK:
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		f.condition, f.cause = meter.Denied, fs.ErrPermission
		f.fix = "give it a token (BearerFile), a user (BasicFile) or a certificate (CertFile), and the right to get /metrics"
		return false, f
	case code == http.StatusNotFound:
		f.condition = meter.Unplugged
		f.fix = "the path is usually /metrics"
		return false, f
	case code >= 300 && code < 400:
		f.why += ": it leads elsewhere, as to a login page"
		f.fix = "give the address of the exporter itself"
		return false, f
	default:
		return false, f
	}
	// Some exporters say nothing of the type.
	media, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	switch {
	case media == "application/openmetrics-text":
		return true, nil
	case media == "text/plain", res.Header.Get("Content-Type") == "":
		return false, nil
	}
	f.why = "the answer is no text of metrics"
	if err == nil {
		f.why += " but " + media
	}
	f.fix = "give the address of the metrics of an exporter, usually /metrics; a page of a proxy or a Prometheus server is none"
	return false, f
}

// failed turns an error of a connection, which tells addresses and names, into
// one that does not.
func failed(err error) error {
	var (
		f       *failure
		errno   syscall.Errno
		timeout interface{ Timeout() bool }
		dns     *net.DNSError
		record  tls.RecordHeaderError
		cert    *tls.CertificateVerificationError
		syntax  *syntaxError
	)
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &syntax):
		return &failure{why: "the answer is not in the format of Prometheus: " + syntax.Error(), condition: meter.Unreadable}
	case errors.Is(err, context.Canceled):
		return &failure{why: "it was closed meanwhile", condition: meter.Unreadable, cause: context.Canceled}
	case errors.As(err, &timeout) && timeout.Timeout():
		return &failure{why: "the endpoint did not answer in time", fix: "a longer Timeout may help", condition: meter.Unreadable, cause: context.DeadlineExceeded}
	case errors.As(err, &dns):
		return &failure{why: "the name of the endpoint is not known", condition: meter.Unplugged}
	case errors.As(err, &errno):
		return &failure{why: "the endpoint cannot be reached: " + errno.Error(), condition: meter.Unplugged, cause: errno}
	case errors.As(err, &cert):
		return &failure{why: "the endpoint's certificate is not trusted, or that of another name", fix: "name its signer in CAFile, and its name in ServerName", condition: meter.Denied}
	case errors.As(err, &record):
		return &failure{why: "the endpoint does not speak TLS", fix: "use http://", condition: meter.Unreadable}
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, errTruncated), errors.Is(err, io.EOF):
		return &failure{why: "the answer ends in the middle", condition: meter.Unreadable, cause: io.ErrUnexpectedEOF}
	}
	return &failure{why: "the endpoint cannot be read", condition: meter.Unreadable}
}

// bounded reads no more than is left.
type bounded struct {
	r    io.Reader
	left int64
	over bool
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		b.over = true
		return 0, errors.New("too large")
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}
