package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
)

// checkpoints is how often it is looked what the program's own runs foretell: as
// often as they write it.
const checkpoints = 5 * time.Second

// outlook tells, while the program runs, what its own runs foretell: what they write
// to the folder that the record goes to.
type outlook struct {
	out    io.Writer
	dir    string
	parent string // id of our run
	seen   map[string]time.Time
	told   map[string]int64 // by file: tenths of the work, from 1
}

// follow looks again and again, until the program has ended.
func (c *cli) follow(dir string, run *tracer.Run) (stop func()) {
	o := outlook{out: c.err, dir: dir, parent: run.ID(), seen: map[string]time.Time{}, told: map[string]int64{}}
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(checkpoints)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				o.look()
			}
		}
	}()
	return func() {
		close(done)
		<-stopped
	}
}

// look tells of each run that our program has begun, and that foretells something,
// what it does now: once for each tenth of its work.
func (o *outlook) look() {
	entries, err := os.ReadDir(o.dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		// Ids of runs rise with time: what is older is not of this program.
		name := e.Name()
		if !e.Type().IsRegular() || filepath.Ext(name) != ".json" || len(o.parent) < 13 || name < o.parent[:13] {
			continue
		}
		info, err := e.Info()
		if err != nil || info.ModTime().Equal(o.seen[name]) {
			continue
		}
		o.seen[name] = info.ModTime()
		if f := o.foretold(filepath.Join(o.dir, name)); f != nil {
			if tenth := 1 + 10*f.Done/f.Expected; tenth > o.told[name] {
				o.told[name] = tenth
				tell(o.out, "ecotracer: "+strings.Join(inALine(f), " · "))
			}
		}
	}
}

// foretold is the last forecast of a running record of a run that ours has started.
// It never waits for whoever might write to what has been put in the record's place.
func (o *outlook) foretold(path string) *tracer.Forecast {
	file, err := os.OpenFile(path, os.O_RDONLY|nonblocking, 0)
	if err != nil {
		return nil
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	r, err := lifecycle.Decode(file)
	if err != nil || r.Run.Parent != o.parent || r.Run.Status != lifecycle.Running {
		return nil
	}
	all, err := tracer.Forecasts(r)
	if err != nil || len(all) == 0 {
		return nil
	}
	f := &all[len(all)-1]
	if f.TotalS == nil || f.RemainingS == nil || f.Expected <= 0 || f.RemainingS.High == 0 {
		return nil
	}
	return f
}

// inALine says a forecast in a line.
func inALine(f *tracer.Forecast) []string {
	time, seconds := bounded(f.RemainingS, nil)
	parts := []string{
		fmt.Sprintf("%s: %s %s of %s", inwords.Visible(inwords.Name(f.Path)), inwords.Visible(f.Unit), inwords.Count(f.Done), inwords.Count(f.Expected)),
		strings.TrimSpace(time + " more " + seconds),
	}
	if f.TotalJ != nil {
		value, bounds := bounded(f.TotalJ, inwords.Joules)
		parts = append(parts, strings.TrimSpace(value+" "+bounds)+" in all")
	}
	if f.TotalGCO2e != nil {
		value, bounds := bounded(f.TotalGCO2e, inwords.CO2e)
		parts = append(parts, strings.TrimSpace(value+" "+bounds))
	}
	return parts
}
