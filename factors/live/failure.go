package live

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/ecotracer/ecotracer/factors"
)

// ErrNoAccess is wrapped by errors of a source that did not let us in: there is
// no key, it is wrong, or the zone or the time is outside the plan. That is not
// to say that there is no figure.
var ErrNoAccess = errors.New("no access")

// failure is why a source gave no figure. It quotes nothing of what came back,
// and no key: only url, which is shown without secrets, tells an address.
type failure struct {
	source string // its name
	url    string // that was asked; "" if it did not come to that
	why    string // fit for a record
	err    error  // ErrNoFactor, ErrNoAccess, an error of context, or nil
	retry  bool   // another try may help
}

func (f *failure) Error() string {
	text := f.source + ": "
	if f.url != "" {
		text += f.url + ": "
	}
	return text + f.why
}

func (f *failure) Unwrap() error { return f.err }

// noFigure says that a source has no such figure.
func noFigure(source, format string, args ...any) *failure {
	return &failure{source: source, why: fmt.Sprintf(format, args...), err: factors.ErrNoFactor}
}

// garbled says that an answer is not what the interface says it is.
func garbled(format string, args ...any) error {
	return &failure{why: fmt.Sprintf(format, args...)}
}

// reason is why an error happened, in words that may stand in a record: no
// address, no path, nothing that came back.
func reason(err error) string {
	var reasons []string
	for _, err := range split(err) {
		var f *failure
		text := "a source failed"
		if errors.As(err, &f) {
			text = f.source + ": " + f.why
		}
		reasons = append(reasons, text)
	}
	const most = 600 // bytes: a record's text is bounded
	text := strings.Join(reasons, "; ")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + hidden
	}
	return text
}

// split undoes errors.Join.
func split(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, err := range joined.Unwrap() {
			all = append(all, split(err)...)
		}
		return all
	}
	return []error{err}
}

var errElsewhere = errors.New("it leads to another host")

// failed turns an error of a connection, which quotes the address with its
// keys, into one that does not.
func failed(err error) *failure {
	var (
		errno   syscall.Errno
		timeout interface{ Timeout() bool }
		dns     *net.DNSError
		record  tls.RecordHeaderError
		cert    *tls.CertificateVerificationError
	)
	switch {
	case errors.Is(err, context.Canceled):
		return &failure{why: "it was called off", err: context.Canceled}
	case errors.Is(err, errElsewhere):
		return &failure{why: "it sends us to another host, which our key is not for, or in circles; set Base if it has moved"}
	case errors.As(err, &cert):
		return &failure{why: "its certificate is not trusted"}
	case errors.As(err, &record):
		return &failure{why: "it does not speak TLS"}
	case errors.As(err, &timeout) && timeout.Timeout():
		return &failure{why: "no answer within " + tryTimeout.String(), err: context.DeadlineExceeded, retry: true}
	case errors.As(err, &dns):
		return &failure{why: "the name of the host is not known", retry: dns.IsTemporary}
	case errors.As(err, &errno):
		return &failure{why: "it cannot be reached: " + errno.Error(), retry: true}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &failure{why: "the answer ends in the middle", retry: true}
	}
	return &failure{why: "it cannot be reached", retry: true}
}

// plainReason is why something cannot be asked for, without a source's name.
func plainReason(err error) string {
	if f, ok := err.(*failure); ok {
		return f.why
	}
	return err.Error()
}

// looksLike is what a body looks like, in a word.
func looksLike(body []byte) string {
	text := strings.ToLower(strings.TrimSpace(string(body[:min(len(body), 512)])))
	switch {
	case text == "":
		return "empty"
	case strings.HasPrefix(text, "<!doctype html"), strings.HasPrefix(text, "<html"):
		return "a web page"
	case strings.HasPrefix(text, "<"):
		return "XML"
	case strings.HasPrefix(text, "{"), strings.HasPrefix(text, "["):
		return "JSON of another shape, or broken"
	}
	return "text"
}
