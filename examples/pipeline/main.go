// Command pipeline is a data pipeline without a model: it takes in a day of
// readings of air sensors, cleans them, stores them and asks them something, and
// tells what each of these took.
//
// Its stages are named, where the name of a span alone would not tell them: "clean"
// is what is done to the data of a model, too. What is kept and moved outside of
// this machine the meters do not see; the spans declare it (Span.Store,
// Span.Transfer).
package main

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
)

func main() {
	sensors := flag.Int("sensors", 400, "that send a reading every five minutes")
	flag.Parse()
	if _, err := run(context.Background(), *sensors, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// reading is one value of a sensor: µg/m³ of fine dust.
type reading struct {
	sensor uint16
	minute uint16 // of the day
	value  float32
}

// run traces the pipeline and tells what it took.
func run(ctx context.Context, sensors int, out io.Writer, opts ...tracer.Option) (*lifecycle.Record, error) {
	if sensors < 1 || sensors > 1000 {
		return nil, errors.New("-sensors is from 1 to 1000")
	}
	ctx, run, err := tracer.Begin(ctx, append(opts, tracer.Named("pipeline"), tracer.UseCase(lifecycle.UseCase{
		Purpose: "know where the air is bad", FunctionalUnit: &lifecycle.FunctionalUnit{Unit: "readings", Path: "ingest"},
	}))...)
	if err != nil {
		log.Print(err) // the run measures all the same
	}
	workErr := pipeline(ctx, run, sensors, out)
	run.Fail(workErr)
	record, err := run.End()
	tell(out, record)
	return record, errors.Join(workErr, err)
}

// pipeline is all that is done with a day's readings.
func pipeline(ctx context.Context, run *tracer.Run, sensors int, out io.Writer) error {
	file, err := day(ctx, sensors)
	if err != nil {
		return err
	}
	rows, err := ingest(ctx, file)
	if err != nil {
		return err
	}
	clean := clean(ctx, rows)
	stored, err := store(ctx, clean)
	if err != nil {
		return err
	}
	worst, err := query(ctx, stored)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d readings taken in, %d kept; the worst air was at sensor %d: %.0f µg/m³ in 95 %% of the day or less\n",
		len(rows), len(clean), worst.sensor, worst.p95)
	return run.Describe(tracer.Technology(lifecycle.Technology{Kind: "data-pipeline", DataPipeline: &lifecycle.DataPipeline{
		RecordsIn: of(len(rows)), RecordsOut: of(len(clean)), BytesIn: of(len(file)), BytesOut: of(len(stored)),
		Sources: []string{"air sensors"}, Engine: "Go",
	}}))
}

func of(n int) *int64 { v := int64(n); return &v }

// day makes up what the sensors send in a day, as gzipped lines of text. It stands
// for the world outside, which has a span so that it is no part of the pipeline.
func day(ctx context.Context, sensors int) ([]byte, error) {
	_, span := tracer.Start(ctx, "world")
	defer span.End()
	rng := rand.New(rand.NewPCG(1, 1))
	var file bytes.Buffer
	z := gzip.NewWriter(&file)
	for minute := 0; minute < 24*60; minute += 5 {
		rush := math.Exp(-math.Pow(float64(minute-8*60)/90, 2)) + math.Exp(-math.Pow(float64(minute-18*60)/120, 2))
		for sensor := range sensors {
			value := (8 + float64(sensor%17)) * (1 + 1.5*rush) * math.Exp(0.3*rng.NormFloat64())
			text := strconv.FormatFloat(value, 'f', 1, 64)
			switch rng.IntN(100) {
			case 0:
				text = "NaN"
			case 1:
				text = "-999" // how many of them say that they are broken
			}
			line := fmt.Sprintf("%d;%d;%s\n", sensor, minute, text)
			if rng.IntN(50) == 0 {
				line += line // sent again
			}
			if _, err := io.WriteString(z, line); err != nil {
				return nil, err
			}
		}
	}
	err := z.Close()
	return file.Bytes(), err
}

// ingest reads the lines: use/collection. They came over a network.
func ingest(ctx context.Context, file []byte) ([]reading, error) {
	_, span := tracer.Start(ctx, "ingest")
	defer span.End()
	span.Transfer("mobile", int64(len(file)))
	z, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		span.Fail(err)
		return nil, err
	}
	var rows []reading
	lines := bufio.NewScanner(z)
	for n := 1; lines.Scan(); n++ {
		r, err := parse(lines.Text())
		if err != nil {
			span.Fail(err)
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		rows = append(rows, r)
	}
	span.Count("readings", len(rows))
	return rows, lines.Err()
}

// parse reads a line of sensor, minute and value.
func parse(line string) (r reading, err error) {
	fields := strings.Split(line, ";")
	if len(fields) != 3 {
		return r, fmt.Errorf("%d fields, want sensor, minute and value", len(fields))
	}
	sensor, err := strconv.ParseUint(fields[0], 10, 16)
	if err != nil {
		return r, err
	}
	minute, err := strconv.ParseUint(fields[1], 10, 16)
	if err != nil {
		return r, err
	}
	value, err := strconv.ParseFloat(fields[2], 32)
	return reading{uint16(sensor), uint16(minute), float32(value)}, err
}

// clean sorts the readings and drops what is broken or came twice: it says that it
// is use/processing, as the name would be of a model's data.
func clean(ctx context.Context, rows []reading) []reading {
	_, span := tracer.Start(ctx, "clean", tracer.In(lifecycle.Processing))
	defer span.End()
	span.Count("readings", len(rows))
	good := slices.DeleteFunc(slices.Clone(rows), func(r reading) bool { return !(r.value >= 0 && r.value < 10_000) })
	slices.SortFunc(good, func(a, b reading) int {
		return cmp.Or(cmp.Compare(a.sensor, b.sensor), cmp.Compare(a.minute, b.minute))
	})
	return slices.CompactFunc(good, func(a, b reading) bool { return a.sensor == b.sensor && a.minute == b.minute })
}

// store writes them by column, to be kept for ten years in three copies:
// use/storage.
func store(ctx context.Context, rows []reading) ([]byte, error) {
	_, span := tracer.Start(ctx, "store records")
	defer span.End()
	var file bytes.Buffer
	z := gzip.NewWriter(&file)
	before := reading{}
	for column := range 3 {
		text := make([]byte, 0, 4*len(rows))
		for _, r := range rows {
			switch column {
			case 0: // what changes compresses
				text = binary.LittleEndian.AppendUint16(text, r.sensor-before.sensor)
			case 1:
				text = binary.LittleEndian.AppendUint16(text, r.minute-before.minute)
			case 2:
				text = binary.LittleEndian.AppendUint32(text, math.Float32bits(r.value))
			}
			before = r
		}
		if _, err := z.Write(text); err != nil {
			return nil, err
		}
		before = reading{}
	}
	err := z.Close()
	span.Store("hdd", int64(file.Len()), 10*365*24*time.Hour, 3)
	span.Transfer("cloud", 3*int64(file.Len()))
	span.Count("readings", len(rows))
	return file.Bytes(), err
}

// load reads what store has written.
func load(file []byte) ([]reading, error) {
	z, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(z)
	if err != nil {
		return nil, err
	}
	n := len(text) / 8
	rows := make([]reading, n)
	before := reading{}
	for i := range rows {
		r := &rows[i]
		r.sensor = before.sensor + binary.LittleEndian.Uint16(text[2*i:])
		r.minute = before.minute + binary.LittleEndian.Uint16(text[2*(n+i):])
		r.value = math.Float32frombits(binary.LittleEndian.Uint32(text[4*(n+i):]))
		before = *r
	}
	return rows, nil
}

// place is a sensor and what it read no more than in 95 % of the day.
type place struct {
	sensor uint16
	p95    float32
}

// query tells where the air was worst.
func query(ctx context.Context, file []byte) (worst place, err error) {
	_, span := tracer.Start(ctx, "query", tracer.In(lifecycle.Processing))
	defer span.End()
	rows, err := load(file)
	if err != nil {
		span.Fail(err)
		return worst, err
	}
	for from := 0; from < len(rows); {
		to := from
		var values []float32
		for ; to < len(rows) && rows[to].sensor == rows[from].sensor; to++ {
			values = append(values, rows[to].value)
		}
		slices.Sort(values)
		if p := values[(len(values)-1)*95/100]; p > worst.p95 {
			worst = place{rows[from].sensor, p}
		}
		from = to
	}
	span.Count("queries", 1)
	return worst, nil
}

// tell says in words what the pipeline took.
func tell(out io.Writer, r *lifecycle.Record) {
	for _, s := range r.Spans {
		fmt.Fprintf(out, "%-14s %8.3f J  %s\n", s.Path, s.TotalJ, s.Stage)
	}
	e := r.Totals.EnergyJ
	fmt.Fprintf(out, "all of it %.2f J (95 %%: %.2f to %.2f), %s\n", e.Value, e.Low, e.High, e.Method)
	if u := r.Totals.PerUnit; u != nil {
		fmt.Fprintf(out, "%.2g µgCO2e a reading (95 %%: %.2g to %.2g)\n", 1e6*u.GCO2e.Value, 1e6*u.GCO2e.Low, 1e6*u.GCO2e.High)
	}
}
