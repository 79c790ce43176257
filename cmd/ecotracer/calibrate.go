package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/ecotracer/ecotracer/internal/calibration"
	"github.com/ecotracer/ecotracer/internal/host"
	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/meter/detect"
)

const (
	calibrationWindow = 10 * time.Second
	// quiet is the part of the CPUs' time that an idle host may be busy.
	quiet = 0.05
)

func declareCalibrate(c *cli, flags *flag.FlagSet) func([]string) int {
	length := flags.Duration("for", time.Minute, "")
	out := flags.String("out", "/"+calibration.Path, "")
	asJSON := flags.Bool("json", false, "")
	return func(args []string) int {
		switch {
		case len(args) > 0:
			return c.usage("calibrate", "takes no argument, not %q", args[0])
		case *length < calibrationWindow:
			return c.usage("calibrate", "--for is %v or more: idle power is the mean of as long a time", calibrationWindow)
		}
		return c.calibrate(os.DirFS("/"), *length, *out, *asJSON)
	}
}

// calibrate measures what the host draws while it idles, and keeps it.
func (c *cli) calibrate(root fs.FS, length time.Duration, out string, asJSON bool) int {
	if !asJSON {
		tell(c.err, fmt.Sprintf("ecotracer: reading the meters for %v; let the host rest", length))
	}
	unwritten := func(err error) error {
		return fmt.Errorf("%s cannot be written: %s; run as root, or give another file by --out and name it in ECOTRACER_CALIBRATION", out, reason(err))
	}
	idle, err := measureIdle(root, length, func() error {
		if err := tryFolder(filepath.Dir(out)); err != nil { // which nobody is to learn after a minute
			return unwritten(err)
		}
		return nil
	})
	if err != nil {
		c.complain("calibrate", "%v", err)
		return exitFound
	}
	taken := calibration.New(host.Read(root), time.Now(), idle)
	if err := writeCalibration(out, taken); err != nil {
		c.complain("calibrate", "%v", unwritten(err))
		return exitFound
	}
	if asJSON {
		return c.json(taken)
	}
	for _, id := range slices.Sorted(maps.Keys(idle)) {
		fmt.Fprintf(c.out, "%s: %s idle\n", inwords.Visible(id), inwords.Amount(idle[id], inwords.Watts))
	}
	fmt.Fprintf(c.out, "kept in %s\n", inwords.Visible(out))
	return exitOK
}

// tryFolder makes a folder, if need be, and a file in it for a trial.
func tryFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".calibration")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// writeCalibration replaces the file at once, so that no reader finds half.
func writeCalibration(name string, taken calibration.Calibration) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".calibration")
	if err != nil {
		return err
	}
	err = errors.Join(taken.Encode(f), f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// moment is one reading of all meters.
type moment struct {
	at     time.Time
	busy   time.Duration
	joules map[string]float64 // of what could be read
}

// measureIdle is the least power of each domain that a counter or a meter
// tells, as the mean of ten seconds in which the CPUs were as good as idle. Once
// there are meters to read, ready may say that it is all for nothing.
func measureIdle(root fs.FS, length time.Duration, ready func() error) (map[string]float64, error) {
	meters, _ := detect.Detect(root)
	defer func() {
		for _, m := range meters {
			_ = m.Close() // it was only read
		}
	}()
	meters = slices.DeleteFunc(meters, func(m meter.Meter) bool {
		modelled := slices.ContainsFunc(m.Domains(), func(d meter.Domain) bool { return d.LeftOut == "" && d.Method == lifecycle.Modelled })
		if modelled {
			_ = m.Close() // it was not read
		}
		return modelled
	})
	if len(meters) == 0 {
		return nil, errors.New("no counter can be read here, so there is nothing to calibrate; `ecotracer doctor` tells what would mend that")
	}
	if err := ready(); err != nil {
		return nil, err
	}
	stat, err := host.OpenStat(root)
	if err != nil {
		return nil, fmt.Errorf("whether the host is idle cannot be told: %w", err)
	}
	defer stat.Close()

	idle := map[string]float64{}
	least := 1.0 // busy
	var window []moment
	begin := time.Now()
	for {
		now, cpus, err := readMoment(meters, stat)
		if err != nil {
			return nil, err
		}
		window = append(window, now)
		for len(window) > 1 && now.at.Sub(window[1].at) >= calibrationWindow {
			window = window[1:]
		}
		first := window[0]
		if took := now.at.Sub(first.at); took >= calibrationWindow {
			busy := (now.busy - first.busy).Seconds() / took.Seconds() / float64(cpus)
			least = min(least, busy)
			for id, j := range now.joules {
				before, read := first.joules[id]
				w := (j - before) / took.Seconds()
				if old, known := idle[id]; read && busy <= quiet && w > 0 && (!known || w < old) {
					idle[id] = w
				}
			}
		}
		if time.Since(begin) >= length {
			break
		}
		time.Sleep(time.Second)
	}
	switch {
	case least > quiet:
		return nil, fmt.Errorf("the host was never idle: its CPUs were busy for %.0f %% of the time at least, and may be for %.0f %%; stop what runs, or wait longer (--for)", 100*least, 100*quiet)
	case len(idle) == 0:
		return nil, errors.New("the counters do not move: nothing can be told from them")
	}
	return idle, nil
}

func readMoment(meters []meter.Meter, stat *host.Stat) (moment, int, error) {
	m := moment{at: time.Now(), joules: map[string]float64{}}
	busy, cpus, err := stat.Read()
	if err != nil {
		return m, 0, fmt.Errorf("whether the host is idle cannot be told: %w", err)
	}
	m.busy = busy
	for _, one := range meters {
		samples, err := one.Read(nil)
		if err != nil {
			continue // what it covers is left out of this moment
		}
		for _, s := range samples {
			if s.Condition == meter.OK {
				m.joules[one.Domains()[s.Domain].ID] = s.Joules
			}
		}
	}
	return m, cpus, nil
}
