package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
	"github.com/ecotracer/ecotracer/lifecycle/dataset/parquet"
)

// datasetOf is the variable by which this program is told to answer a question
// as a process of its own, so that its memory is its own: what, and of which file.
const datasetOf = "ECOTRACER_BENCH_DATASET"

// datasets answers one question by this library and by DuckDB, on one machine
// with as many threads each: energy, emissions, device-hours and the median of a
// run, by stage and hardware. Of records this library also checks every rule;
// DuckDB takes them as they are.
func datasets(r *report) error {
	duck := os.Getenv("ECOTRACER_DUCKDB")
	if duck == "" {
		r.row("skipped: set ECOTRACER_DUCKDB to the folder whose node_modules has @duckdb/node-api")
		return nil
	}
	records, rows := 100_000, 10_000_000
	if r.short {
		records, rows = 5_000, 500_000
	}
	dir, err := os.MkdirTemp("", "ecotracer-dataset-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ndjson, table := filepath.Join(dir, "records.ndjson"), filepath.Join(dir, "table.parquet")
	size, err := writeRecords(ndjson, records)
	if err != nil {
		return err
	}
	if err := writeTable(table, rows); err != nil {
		return err
	}
	r.row("", "seconds", "peak memory, MiB", "of DuckDB's time")
	for _, q := range []struct{ what, file, from string }{
		{fmt.Sprintf("%d records, %.2f GB of NDJSON", records, float64(size)/1e9), ndjson, fromRecords},
		{fmt.Sprintf("Parquet of %d rows", rows), table, "SELECT * FROM read_parquet('table.parquet')"},
	} {
		var theirs, ours cost
		for range 3 { // in turn, and the best of each: others may be at work here
			d, err := askDuckDB(duck, dir, "CREATE VIEW flat AS "+q.from, question)
			if err != nil {
				return err
			}
			o, err := askOurselves(q.file)
			if err != nil {
				return err
			}
			theirs.better(d)
			ours.better(o)
		}
		r.row(q.what+": DuckDB", fmt.Sprintf("%.2f", theirs.seconds), fmt.Sprintf("%.0f", theirs.peak/(1<<20)))
		r.row(q.what+": ecotracer", fmt.Sprintf("%.2f", ours.seconds), fmt.Sprintf("%.0f", ours.peak/(1<<20)), fmt.Sprintf("%.2f", ours.seconds/theirs.seconds))
	}
	return nil
}

// question is what DuckDB is asked of a view with the columns of the flat table.
const question = `WITH run AS (
  SELECT stage, hardware_model, run_id, SUM(energy_j) AS energy_j,
    SUM(COALESCE(operational_gco2e, 0) + COALESCE(embodied_gco2e, 0)) AS gco2e, SUM(device_s) AS device_s
  FROM flat GROUP BY stage, hardware_model, run_id
)
SELECT stage, hardware_model, COUNT(*) AS runs, SUM(energy_j) AS energy_j, SUM(gco2e) AS gco2e,
  SUM(device_s) / 3600 AS device_hours, QUANTILE_DISC(energy_j, 0.5) AS median_energy_j
FROM run GROUP BY stage, hardware_model ORDER BY stage, hardware_model`

// fromRecords are these columns of the records: each row of a stage has its own
// joules, and its grams by the factors of its hardware's place.
const fromRecords = `
WITH record AS (
  SELECT run.id AS run_id, phases, hardware, environments, factors
  FROM read_json('records.ndjson', format = 'newline_delimited', columns = {
    run: 'STRUCT(id VARCHAR)',
    hardware: 'STRUCT(id VARCHAR, environment VARCHAR, model VARCHAR)[]',
    environments: 'STRUCT(id VARCHAR, factors STRUCT(grid VARCHAR, pue VARCHAR))[]',
    factors: 'STRUCT(id VARCHAR, "value" DOUBLE)[]',
    phases: 'STRUCT(stage VARCHAR, "usage" STRUCT(hardware VARCHAR, count BIGINT, share DOUBLE, use_s DOUBLE, energy_j STRUCT("value" DOUBLE), embodied_gco2e STRUCT("value" DOUBLE))[])[]'
  })
), stage AS (SELECT run_id, hardware, environments, factors, UNNEST(phases) AS p FROM record),
used AS (SELECT run_id, hardware, environments, factors, p.stage AS stage, UNNEST(p."usage") AS u FROM stage),
placed AS (
  SELECT *, list_filter(hardware, lambda h: h.id = u.hardware)[1] AS device FROM used
), sited AS (
  SELECT *, list_filter(environments, lambda e: e.id = device.environment)[1].factors AS f FROM placed
)
SELECT run_id, stage, device.model AS hardware_model, u.energy_j."value" AS energy_j,
  u.energy_j."value" * list_filter(factors, lambda x: x.id = f.pue)[1]."value" * list_filter(factors, lambda x: x.id = f.grid)[1]."value" / 3.6e6 AS operational_gco2e,
  u.embodied_gco2e."value" AS embodied_gco2e, u.count * u.share * u.use_s AS device_s
FROM sited`

// cost is what an answer took.
type cost struct{ seconds, peak float64 }

func (c *cost) better(than cost) {
	if c.seconds == 0 || than.seconds < c.seconds {
		c.seconds = than.seconds
	}
	c.peak = max(c.peak, than.peak)
}

// askDuckDB runs statements and tells what the last took; the memory is that of
// the process.
func askDuckDB(home, dir string, sql ...string) (c cost, err error) {
	script, err := filepath.Abs(filepath.Join("lifecycle", "dataset", "parquet", "testdata", "duckdb.cjs"))
	if err != nil {
		return c, err
	}
	request, err := json.Marshal(map[string]any{"run": sql, "threads": runtime.GOMAXPROCS(0)})
	if err != nil {
		return c, err
	}
	cmd := exec.Command("node", script)
	cmd.Dir, cmd.Stdin, cmd.Stderr = dir, bytes.NewReader(request), os.Stderr
	cmd.Env = append(os.Environ(), "ECOTRACER_DUCKDB="+home)
	out, err := cmd.Output()
	if err != nil {
		return c, fmt.Errorf("DuckDB: %w", err)
	}
	var answer struct {
		Results []struct {
			Seconds float64
			Rows    []json.RawMessage
		}
		Peak float64
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		return c, err
	}
	last := answer.Results[len(answer.Results)-1]
	if len(last.Rows) == 0 {
		return c, errors.New("DuckDB found no group")
	}
	return cost{last.Seconds, answer.Peak}, nil
}

// askOurselves answers the question in another process of this program.
func askOurselves(file string) (c cost, err error) {
	self, err := os.Executable()
	if err != nil {
		return c, err
	}
	cmd := exec.Command(self)
	cmd.Env, cmd.Stderr = append(os.Environ(), datasetOf+"="+file), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return c, err
	}
	if c.seconds, err = strconv.ParseFloat(strings.TrimSpace(string(out)), 64); err != nil {
		return c, err
	}
	c.peak = float64(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss) * 1024
	return c, nil
}

// answerDataset is the other process: it prints the seconds that it took.
func answerDataset(file string) error {
	begin := time.Now()
	var s *dataset.Summary
	var err error
	if strings.HasSuffix(file, ".parquet") {
		s, err = parquet.Summarise(context.Background(), dataset.Reader{}, []string{file}, "stage", "hardware")
	} else {
		s, _, err = dataset.Summarise(context.Background(), dataset.Reader{}, []string{file}, "stage", "hardware")
	}
	if err != nil {
		return err
	}
	if len(s.Groups()) == 0 {
		return errors.New("no group was found")
	}
	fmt.Println(time.Since(begin).Seconds())
	return nil
}

// samples are two records of a usual size, 14 kB in a line, that differ in their
// hardware. They name no machine: of one and the same, no reader would count them
// all.
func samples() (list []*lifecycle.Record, err error) {
	text, err := os.ReadFile(filepath.Join("lifecycle", "testdata", "small.json"))
	if err != nil {
		return nil, fmt.Errorf("%w: run it from the folder of the repository", err)
	}
	for _, model := range []string{"one", "another"} {
		record, err := lifecycle.Decode(bytes.NewReader(text))
		if err != nil {
			return nil, err
		}
		record.Integrity = nil
		for i := range record.Hardware {
			record.Hardware[i].Model += ", " + model
			record.Hardware[i].Instance = nil
		}
		list = append(list, record)
	}
	return list, nil
}

// writeRecords writes so many records, two of a kind that differ in their ids.
func writeRecords(path string, n int) (size int64, err error) {
	f, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	const id = "01a22c2b-5843-708d-aa8a-05d3d2629ca5"
	var texts [][]byte
	list, err := samples()
	if err != nil {
		return 0, err
	}
	for _, sample := range list {
		sample.Run.ID = id
		var b bytes.Buffer
		if err := lifecycle.EncodeLine(&b, sample); err != nil {
			return 0, err
		}
		texts = append(texts, b.Bytes())
	}
	for i := range n {
		own := fmt.Sprintf("01a22c2b-%04x-7000-8000-%012x", i&0xffff, i)
		text := bytes.Replace(texts[i%len(texts)], []byte(id), []byte(own), 1)
		if _, err := w.Write(text); err != nil {
			return 0, err
		}
		size += int64(len(text))
	}
	return size, w.Flush()
}

// writeTable writes a table of so many rows, of runs that differ in size,
// hardware and month.
func writeTable(path string, n int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := parquet.NewWriter(f)
	rng := rand.New(rand.NewPCG(1, 2))
	var kinds [][]dataset.Row
	list, err := samples()
	if err != nil {
		return err
	}
	for _, sample := range list {
		kinds = append(kinds, dataset.Rows(sample))
	}
	var rows []dataset.Row
	var numbers []float64
	for run := 0; n > 0; run++ {
		rows = append(rows[:0], kinds[run%len(kinds)]...)
		rows = rows[:min(n, len(rows))]
		id, scale := fmt.Sprintf("01a22c2b-%04x-7000-8000-%012x", run&0xffff, run), math.Exp(rng.NormFloat64())
		month := fmt.Sprintf("2026-%02d", 1+run%12)
		model := rng.IntN(20)
		numbers = numbers[:0]
		if cap(numbers) < 15*len(rows) {
			numbers = make([]float64, 0, 15*len(rows))
		}
		scaled := func(x *float64) *float64 {
			numbers = append(numbers, *x*scale)
			return &numbers[len(numbers)-1]
		}
		for i := range rows {
			r := &rows[i]
			r.RunID, r.Month, r.HardwareModel = id, month, fmt.Sprintf("%s %d", r.HardwareModel, model)
			for _, q := range []*dataset.Figure{&r.Energy, &r.Facility, &r.Operational, &r.Embodied, &r.Water} {
				if q.Value != nil {
					*q = dataset.Figure{Value: scaled(q.Value), Low: scaled(q.Low), High: scaled(q.High)}
				}
			}
		}
		if err := w.Write(rows); err != nil {
			return err
		}
		n -= len(rows)
	}
	return w.Close()
}
