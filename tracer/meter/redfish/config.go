package redfish

import (
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Config says where the management controller is and how to ask it.
type Config struct {
	// URL is the address of the controller: https://10.0.0.7. Plain http shows
	// the password to the network, so it needs Insecure.
	URL string

	// Username with Password or PasswordFile opens a session, or is sent with
	// every request to a controller that has no sessions. The file is read
	// anew at every login; a line break at its end is no part of the password.
	// A user who may only log in (role ReadOnly) is enough.
	Username     string
	Password     Secret
	PasswordFile string

	// Token is that of a session that somebody else opened and will close.
	Token Secret

	// RootCAs are the authorities that may have signed the controller's
	// certificate; nil are those of the system.
	RootCAs *x509.CertPool

	// Fingerprint pins the controller's certificate, signed by whomever: the
	// SHA-256 digest of it in hexadecimal digits, as openssl x509 -fingerprint
	// -sha256 prints it.
	Fingerprint string

	// Insecure takes any certificate, and none: whoever is in between reads
	// the password.
	Insecure bool

	// Chassis is the Id of the chassis that is this node. It is needed where
	// the controller looks after several.
	Chassis string

	Period  time.Duration // how often power is asked for; by default every 5 s
	Timeout time.Duration // how long a reading may take; by default 10 s

	// Client is asked in place of one made for this meter. TLS is then its
	// affair: RootCAs, Fingerprint and Insecure (but for plain http) must not
	// be set. Redirects to other hosts are not followed in any case.
	Client *http.Client
}

// Secret is a password or token. However it is printed, logged or marshalled,
// also as part of something else, it does not show. The zero Secret is none.
type Secret struct {
	reveal func() string // not a string: a %v of a struct that holds it would show that
}

// Hidden makes a Secret.
func Hidden(secret string) Secret {
	if secret == "" {
		return Secret{}
	}
	return Secret{func() string { return secret }}
}

// String tells whether there is a secret, and no more.
func (s Secret) String() string {
	if s.reveal == nil {
		return ""
	}
	return "(hidden)"
}

func (s Secret) value() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

const (
	defaultPeriod  = 5 * time.Second
	defaultTimeout = 10 * time.Second
)

// check completes the configuration and takes the address and the certificate's
// digest out of it. No error repeats what the fields say: they are private.
func (c *Config) check() (base *url.URL, pin []byte, err error) {
	base, err = url.Parse(c.URL)
	switch {
	case c.URL == "":
		return nil, nil, errors.New("redfish: no URL: set it to the address of the management controller, such as https://10.0.0.7")
	case err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http":
		return nil, nil, errors.New("redfish: the URL is none: it should look like https://10.0.0.7")
	case base.User != nil:
		return nil, nil, errors.New("redfish: the URL holds a user name or a password, where logs show them: set Username and Password")
	case strings.Trim(base.Path, "/") != "" && strings.Trim(base.Path, "/") != strings.Trim(rootPath, "/"), base.RawQuery != "", base.Fragment != "":
		return nil, nil, fmt.Errorf("redfish: the URL has more than a host: the service is at %s of it", rootPath)
	case base.Scheme == "http" && !c.Insecure:
		return nil, nil, errors.New("redfish: the URL is plain http, which shows the password to the network: use https, or say Insecure")
	}
	base = &url.URL{Scheme: base.Scheme, Host: base.Host}

	user, password, file, token := c.Username != "", c.Password.reveal != nil, c.PasswordFile != "", c.Token.reveal != nil
	switch {
	case password && file:
		return nil, nil, errors.New("redfish: both Password and PasswordFile are set: set one")
	case token && (user || password || file):
		return nil, nil, errors.New("redfish: both a Token and a user are set: set one")
	case user != (password || file):
		return nil, nil, errors.New("redfish: Username goes with Password or PasswordFile: one of them is missing")
	}

	if c.Fingerprint != "" {
		pin, err = hex.DecodeString(strings.ReplaceAll(c.Fingerprint, ":", ""))
		if err != nil || len(pin) != 32 {
			return nil, nil, errors.New("redfish: the Fingerprint is no SHA-256 digest: it has 64 hexadecimal digits")
		}
	}
	switch {
	case c.Client != nil && (c.RootCAs != nil || pin != nil || c.Insecure && base.Scheme == "https"):
		return nil, nil, errors.New("redfish: a Client sees to TLS itself: leave out RootCAs, Fingerprint and Insecure")
	case c.Insecure && (c.RootCAs != nil || pin != nil):
		return nil, nil, errors.New("redfish: Insecure would take any certificate, in spite of RootCAs or Fingerprint: leave one out")
	case c.Period < 0 || c.Timeout < 0:
		return nil, nil, errors.New("redfish: Period and Timeout are not negative")
	}
	if c.Period == 0 {
		c.Period = defaultPeriod
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	return base, pin, nil
}
