package prom

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// Defaults of a Config.
const (
	defaultPeriod  = 5 * time.Second
	defaultTimeout = 5 * time.Second
	leastPeriod    = 100 * time.Millisecond
)

// Config says which endpoint is read, and how. URL is all that most need.
//
// Secrets are files, so that none can be in a log of the Config. They are read
// anew when they are needed, as Kubernetes rotates them.
type Config struct {
	// URL is the address of the metrics of one exporter, http or https, such
	// as http://10.0.0.7:28282/metrics. It must be that of this very node:
	// nothing in most expositions tells. It may hold no user and no password.
	URL string

	BearerFile string // file with a token; "" sends none
	BasicFile  string // file with user:password; "" sends none
	CAFile     string // PEM file of who signs the server's certificate; "" is the system's
	CertFile   string // PEM file of a client certificate; "" sends none
	KeyFile    string // PEM file of its key
	ServerName string // name in the server's certificate, where URL has an address only

	// Period is how often the endpoint is read; 0 is 5 s, the least 100 ms.
	Period time.Duration
	// Timeout is how long one reading may take, from dialling to the last
	// byte; 0 is 5 s.
	Timeout time.Duration

	// Node is the name of this node, where series of several are at the
	// endpoint: the value of a label node_name, Hostname, hostname, node or
	// instance. "" refuses such an endpoint.
	Node string

	// Devices are the GPUs that are this process's to count, by UUID or by
	// the exporter's number. nil is what NVIDIA_VISIBLE_DEVICES and
	// CUDA_VISIBLE_DEVICES say, and all where they say nothing.
	Devices []string

	// Families are metrics of exporters that the package does not know, or
	// does not take for what they are here. They come before those it knows.
	Families []Family
}

// Family says what a metric tells.
type Family struct {
	Name string // of the metric, such as pdu_outlet_energy_joules_total

	// Kind of the devices: lifecycle.KindNode, KindCPU, KindMemory or KindGPU.
	Kind lifecycle.HardwareKind

	// Unit is that of an energy counter (J, mJ, uJ, Wh, kWh) or of power (W,
	// mW, uW, kW), which is integrated.
	Unit string

	// Label numbers the devices, from 0: socket, gpu. "" is one device, 0.
	Label string

	// Match are the labels that a series must have, such as outlet="7"; nil
	// takes all.
	Match map[string]string

	// Method is how the figures come about; "" is lifecycle.Counter. A meter
	// in the mains is lifecycle.Metered, an estimate lifecycle.Modelled.
	Method lifecycle.Method

	// Update is how often the exporter brings it up to date; 0 is unknown.
	Update time.Duration

	// RelError is how wrong it is, at 95 %: [v/(1+e), v·(1+e)]; 0 is 0.1.
	RelError float64

	// MaxW is the greatest plausible power of one device, W. It tells a new
	// start of a counter from nonsense; 0 is one fit for the Kind.
	MaxW float64
}

// units are J or W per unit.
var units = map[string]struct {
	scale float64
	power bool
}{
	"J": {1, false}, "mJ": {1e-3, false}, "uJ": {1e-6, false}, "Wh": {3600, false}, "kWh": {3.6e6, false},
	"W": {1, true}, "mW": {1e-3, true}, "uW": {1e-6, true}, "kW": {1e3, true},
}

// check fills in the defaults and says what is wrong, without the address.
func (c *Config) check() (*url.URL, error) {
	u, err := url.Parse(c.URL)
	switch {
	case err != nil:
		return nil, errors.New("URL is no address") // the cause quotes it
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return nil, errors.New("URL must be that of an exporter, such as http://10.0.0.7:28282/metrics")
	case u.User != nil:
		return nil, errors.New("URL holds a user; put user:password into a file and name it in BasicFile, which is ECOTRACER_PROM_BASIC_FILE")
	case c.BearerFile != "" && c.BasicFile != "":
		return nil, errors.New("BearerFile and BasicFile are both given")
	case (c.CertFile == "") != (c.KeyFile == ""):
		return nil, errors.New("CertFile and KeyFile belong together")
	case u.Scheme == "http" && (c.CertFile != "" || c.CAFile != "" || c.ServerName != ""):
		return nil, errors.New("certificates are given, but URL is not https")
	case c.Period < 0 || c.Timeout < 0:
		return nil, errors.New("Period and Timeout must not be negative")
	}
	if c.Period == 0 {
		c.Period = defaultPeriod
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	c.Period = max(c.Period, leastPeriod)
	for i, f := range c.Families {
		if err := f.check(); err != nil {
			return nil, fmt.Errorf("family %d of Families: %w", i, err)
		}
	}
	return u, nil
}

func (f Family) check() error {
	if name, _, err := splitName([]byte(f.Name + " ")); err != nil || string(name) != f.Name || f.Name == "" {
		return fmt.Errorf("the name %q is not that of a metric", f.Name)
	}
	if _, ok := units[f.Unit]; !ok {
		return fmt.Errorf("the unit %q is none of J, mJ, uJ, Wh, kWh, W, mW, uW, kW", f.Unit)
	}
	switch f.Kind {
	case lifecycle.KindNode, lifecycle.KindCPU, lifecycle.KindMemory, lifecycle.KindGPU:
	default:
		return fmt.Errorf("the kind %q is none of node, cpu, memory, gpu", f.Kind)
	}
	switch f.Method {
	case "", lifecycle.Metered, lifecycle.Counter, lifecycle.Modelled, lifecycle.Declared:
	default:
		return fmt.Errorf("the method %q is none of metered, counter, modelled, declared", f.Method)
	}
	if !(f.RelError >= 0 && f.RelError < 1e3) || !(f.MaxW >= 0 && f.MaxW < 1e9) || f.Update < 0 {
		return errors.New("RelError, MaxW and Update must be numbers, not negative")
	}
	return nil
}
