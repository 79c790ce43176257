package redfish

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"syscall"

	"github.com/ecotracer/ecotracer/tracer/meter"
)

// failure is what went wrong with a request, in words that name no host, user,
// path or secret. What packages net and tls say does, so it is never wrapped:
// cause is an error of fixed text.
type failure struct {
	condition meter.Condition
	why       string
	fix       string
	detail    string // for who called Open only: what the controller has
	cause     error
	answered  bool // there was an answer, of whatever kind
	calm      bool // no reason to ask less often
}

func (f *failure) Error() string {
	s := "redfish: " + f.why
	if f.detail != "" {
		s += " (" + f.detail + ")"
	}
	if f.fix != "" {
		s += "; " + f.fix
	}
	return s
}

func (f *failure) Unwrap() error { return f.cause }

var (
	errElsewhere = errors.New("redirect to another host")
	errPin       = errors.New("the certificate is not the pinned one")
	errGarbled   = errors.New("no Redfish resource")
)

// failed tells why a request came back without an answer.
func failed(err error) *failure {
	var (
		f         *failure
		dns       *net.DNSError
		untrusted *tls.CertificateVerificationError
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		errno     syscall.Errno
		timeout   net.Error
	)
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, context.Canceled):
		return &failure{condition: meter.Unreadable, why: "the request was given up", cause: context.Canceled}
	case errors.Is(err, errElsewhere):
		return &failure{condition: meter.Unreadable, why: "the answer is a redirect to another host, where no password is sent",
			fix: "set the URL to the management controller itself"}
	case errors.Is(err, errPin):
		return &failure{condition: meter.Unreadable, why: "the certificate is not the one of the fingerprint",
			fix: "find out whether the certificate was renewed, and set the fingerprint of the new one", cause: errPin}
	case errors.As(err, &untrusted), errors.As(err, &authority), errors.As(err, &name):
		return &failure{condition: meter.Unreadable, why: "the certificate of the management controller is not trusted",
			fix: "give the authority that signed it, or pin it by its fingerprint"}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return &failure{condition: meter.Unreadable, why: "the management controller did not answer in time", cause: os.ErrDeadlineExceeded}
	case errors.As(err, &dns):
		return &failure{condition: meter.Unplugged, why: "the name of the management controller is not known"}
	case errors.As(err, &errno):
		switch errno {
		case syscall.ECONNREFUSED, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EHOSTDOWN:
			return &failure{condition: meter.Unplugged, why: "the management controller cannot be reached: " + errno.Error(), cause: errno}
		}
		return &failure{condition: meter.Unreadable, why: "the connection to the management controller failed: " + errno.Error(), cause: errno}
	}
	return &failure{condition: meter.Unreadable, why: "the connection to the management controller failed"}
}

// refused tells what a status means that is no success.
func refused(status int) *failure {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return &failure{condition: meter.Denied, why: fmt.Sprintf("the management controller does not let us in (status %d)", status),
			fix: "check user and password, and that the user may log in", cause: fs.ErrPermission, answered: true}
	case http.StatusNotFound, http.StatusGone:
		return &failure{condition: meter.Unplugged, why: fmt.Sprintf("the resource is not there (status %d)", status), cause: fs.ErrNotExist, answered: true}
	}
	return &failure{condition: meter.Unreadable, why: fmt.Sprintf("the management controller failed (status %d)", status), answered: true}
}

// garbled is an answer that is not what Redfish says it is.
func garbled(why string) *failure {
	return &failure{condition: meter.Unreadable, why: "the answer of the management controller " + why, cause: errGarbled, answered: true}
}

// untold is an answer without a sensible figure in it.
func untold(what string) *failure {
	return &failure{condition: meter.Unreadable, why: what + " is not told, or makes no sense", answered: true, calm: true}
}
