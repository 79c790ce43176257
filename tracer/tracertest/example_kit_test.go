package tracertest_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/meter/powercap"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

func ExampleCurve() {
	// 20 W, for one minute rising to 100 W, then 100 W.
	power := tracertest.Constant(20).Then(time.Minute, tracertest.Ramp(20, 100, time.Minute))
	for _, t := range []time.Duration{time.Minute, 2 * time.Minute, 3 * time.Minute} {
		fmt.Printf("%v: %.0f J\n", t, power(t))
	}
	// Output:
	// 1m0s: 1200 J
	// 2m0s: 4800 J
	// 3m0s: 10800 J
}

// What does the record say where the counters are for root only?
func ExampleHost_Fail() {
	dir, err := os.MkdirTemp("", "") // in a test: t.TempDir()
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	host := tracertest.NewHost(dir, tracertest.HostConfig{})
	host.Fail(tracertest.EnergyFile("intel-rapl:0"), syscall.EACCES)

	var records tracertest.Recorder
	_, run, err := tracer.Begin(context.Background(), append(host.Options(), tracer.Sinks(&records))...)
	if err != nil {
		panic(err)
	}
	if _, err := run.End(); err != nil {
		panic(err)
	}
	for _, line := range records.Last().Ledger {
		if line.Hardware == "cpu" {
			fmt.Println(line.Domain, "is", line.Method)
		}
	}
	// Output: cpu0 is modelled
}

// Does the program go on when the disk is full?
func ExampleRecorder_Fail() {
	dir, err := os.MkdirTemp("", "") // in a test: t.TempDir()
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	host := tracertest.NewHost(dir, tracertest.HostConfig{})
	var disk tracertest.Recorder
	disk.Fail(syscall.ENOSPC)

	ctx, run, err := tracer.Begin(context.Background(), append(host.Options(), tracer.Sinks(&disk))...)
	if err != nil {
		panic(err)
	}
	_, span := tracer.Start(ctx, "train")
	span.End()
	record, err := run.End()
	fmt.Println("reported:", err != nil)
	fmt.Println("spans that were not lost:", len(record.Spans))
	// Output:
	// reported: true
	// spans that were not lost: 1
}

// A GPU whose counter is lost: its samples are flagged.
func ExampleMeter() {
	gpu := tracertest.NewMeter(tracertest.Domain{
		Domain: meter.Domain{ID: "gpu0", Model: "H100 PCIe 80GB", TDPW: 350},
		Power:  tracertest.Constant(0),
	})
	defer gpu.Close()
	gpu.Flag("gpu0", meter.Unplugged)
	samples, err := gpu.Read(nil)
	fmt.Println(gpu.Domains()[0].Kind, samples[0].Joules, samples[0].Condition, err)
	// Output: gpu 0 counter-unplugged <nil>
}

// Whoever writes a meter holds it to the rules, here that of RAPL.
func ExampleTestMeter() {
	_ = func(t *testing.T) { // func TestPowercap(t *testing.T)
		host := tracertest.NewHost(t.TempDir(), tracertest.HostConfig{})
		tracertest.TestMeter(t, func() (meter.Meter, error) { return powercap.Open(host) })
	}
}

// Whoever writes a sink holds it to the rules, here that of records in a
// folder.
func ExampleTestSink() {
	_ = func(t *testing.T) { // func TestDirSink(t *testing.T)
		tracertest.TestSink(t, func() (tracertest.SinkTarget, error) {
			dir := t.TempDir()
			sink, err := tracer.NewDirSink(dir)
			return tracertest.SinkTarget{
				Sink:    sink,
				Records: func() ([]*lifecycle.Record, error) { return readRecords(dir) },
				Break:   func() { os.RemoveAll(dir) },
			}, err
		})
	}
}

func readRecords(dir string) ([]*lifecycle.Record, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	var records []*lifecycle.Record
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		r, err := lifecycle.Decode(f)
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(name), err)
		}
		records = append(records, r)
	}
	return records, nil
}
