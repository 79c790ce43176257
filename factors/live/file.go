package live

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/factors"
)

// File is intensities that someone wrote into a file: a forecast that was
// fetched elsewhere, or made up to try what it would mean. It asks no network.
// A query finds a zone by the name that it has in the file, which is the
// query's Zone, else its provider:region, its Region or its Country.
type File struct{ zones map[string]factors.Factor }

var _ factors.GridSource = (*File)(nil)

// What ReadFile accepts at most.
const (
	maxFile = 16 << 20
	maxName = 64
)

var fileColumns = []string{"zone", "start", "step_s", "value", "low", "high", "signal", "basis"}

// ReadFile reads a file of intensities.
//
// As CSV it has a header and a row a step: zone, start (RFC 3339), step_s,
// value (gCO2e/kWh) and, as one likes, low and high (95 %), signal (average or
// marginal; average if empty) and basis (lifecycle or direct; lifecycle if
// empty). As JSON it is a list of objects with the same names, in which value,
// low and high are lists, one element a step from start on. The steps of a zone
// are equally long, in any order, and without a hole.
//
// Without bounds the interval is ×÷1.5, and the quality D. The mix is taken for
// that of consumption. Errors name the line, or the zone. A file is at most
// 16 MiB.
func ReadFile(r io.Reader) (*File, error) {
	body, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxFile {
		return nil, fmt.Errorf("a forecast of more than %d MiB", maxFile>>20)
	}
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	var rows []fileRow
	switch text := bytes.TrimSpace(body); {
	case len(text) == 0:
		return nil, errors.New("the forecast is empty")
	case text[0] == '[' || text[0] == '{':
		rows, err = jsonRows(body)
	default:
		rows, err = csvRows(body)
	}
	if err != nil {
		return nil, err
	}
	byZone := map[string][]fileRow{}
	for _, row := range rows {
		byZone[row.zone] = append(byZone[row.zone], row)
	}
	if len(byZone) == 0 {
		return nil, errors.New("the forecast holds no value")
	}
	f := &File{zones: map[string]factors.Factor{}}
	for _, name := range slices.Sorted(maps.Keys(byZone)) {
		if f.zones[name], err = fileFactor(name, byZone[name]); err != nil {
			return nil, fmt.Errorf("zone %s: %w", name, err)
		}
	}
	return f, nil
}

// Zones are the names of the zones that the file tells of, in order.
func (f *File) Zones() []string { return slices.Sorted(maps.Keys(f.zones)) }

// Query is the question for a zone by its name in the file.
func (f *File) Query(zone string) factors.Query {
	z := f.zones[zone]
	return factors.Query{Kind: z.Kind, Basis: z.Basis, Zone: zone}
}

// fileRow is one step.
type fileRow struct {
	where         string // in the file
	zone          string
	start         time.Time
	step          time.Duration
	value         float64
	low, high     float64 // 0: not told
	signal, basis string
}

func csvRows(body []byte) ([]fileRow, error) {
	table := csv.NewReader(bytes.NewReader(body))
	table.ReuseRecord = true
	header, err := table.Read()
	if err != nil {
		return nil, fmt.Errorf("the forecast is no CSV with a header: %w", err)
	}
	at := map[string]int{}
	for i, c := range header {
		c = strings.TrimSpace(c)
		if _, twice := at[c]; twice || !slices.Contains(fileColumns, c) {
			return nil, fmt.Errorf("column %q is unknown or there twice: the columns are %s", cut(c), strings.Join(fileColumns, ", "))
		}
		at[c] = i
	}
	for _, c := range fileColumns[:4] {
		if _, there := at[c]; !there {
			return nil, fmt.Errorf("column %q is missing: the columns are %s", c, strings.Join(fileColumns, ", "))
		}
	}
	var rows []fileRow
	for {
		record, err := table.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		line, _ := table.FieldPos(0)
		cell := func(c string) string {
			if i, there := at[c]; there {
				return strings.TrimSpace(record[i])
			}
			return ""
		}
		row := fileRow{where: fmt.Sprintf("line %d", line), zone: cell("zone"), signal: cell("signal"), basis: cell("basis")}
		if row.start, err = time.Parse(time.RFC3339, cell("start")); err != nil {
			return nil, fmt.Errorf("%s: start %q is no RFC 3339 time, such as 2026-12-01T12:00:00Z", row.where, cut(cell("start")))
		}
		step, errStep := plainNumber(cell("step_s"))
		row.step = seconds(step)
		row.value, err = plainNumber(cell("value"))
		for _, n := range []struct {
			column string
			to     *float64
		}{{"low", &row.low}, {"high", &row.high}} {
			if cell(n.column) != "" && err == nil {
				*n.to, err = plainNumber(cell(n.column))
			}
		}
		if err = cmp.Or(err, errStep, row.check()); err != nil {
			return nil, fmt.Errorf("%s: %w", row.where, err)
		}
		if rows = append(rows, row); len(rows) > maxPoints {
			return nil, fmt.Errorf("more than %d rows", maxPoints)
		}
	}
}

func jsonRows(body []byte) ([]fileRow, error) {
	var list []struct {
		Zone   string     `json:"zone"`
		Start  time.Time  `json:"start"`
		StepS  float64    `json:"step_s"`
		Value  []*float64 `json:"value"` // nil is null
		Low    []*float64 `json:"low"`
		High   []*float64 `json:"high"`
		Signal string     `json:"signal"`
		Basis  string     `json:"basis"`
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&list); err != nil {
		if e := (*json.UnmarshalTypeError)(nil); errors.As(err, &e) { // which would tell the type in Go
			err = fmt.Errorf("it has %s in the place of %s", e.Value, cmp.Or(e.Field, "the list"))
		}
		return nil, fmt.Errorf("the forecast is no JSON list of objects with %s: %w", strings.Join(fileColumns, ", "), err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("the forecast has something behind its list")
	}
	var rows []fileRow
	for i, z := range list {
		where := fmt.Sprintf("element %d", i)
		if len(z.Value) == 0 {
			return nil, fmt.Errorf("%s: it has no value", where)
		}
		if z.Low != nil && len(z.Low) != len(z.Value) || z.High != nil && len(z.High) != len(z.Value) {
			return nil, fmt.Errorf("%s: low and high must have as many values as value", where)
		}
		if len(rows)+len(z.Value) > maxPoints {
			return nil, fmt.Errorf("more than %d values", maxPoints)
		}
		for k := range z.Value {
			null := false
			told := func(list []*float64) float64 {
				if list == nil {
					return 0
				}
				if list[k] == nil {
					null = true
					return 0
				}
				return *list[k]
			}
			row := fileRow{
				where: where, zone: z.Zone, step: seconds(z.StepS),
				value: told(z.Value), low: told(z.Low), high: told(z.High), signal: z.Signal, basis: z.Basis,
			}
			if null {
				return nil, fmt.Errorf("%s: step %d is null: leave out what is not known, at the ends only", where, k)
			}
			row.start = z.Start.Add(time.Duration(k) * row.step)
			if err := row.check(); err != nil {
				return nil, fmt.Errorf("%s: %w", where, err)
			}
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// check tells what is wrong with a row by itself.
func (r *fileRow) check() error {
	r.signal, r.basis = cmp.Or(r.signal, "average"), cmp.Or(r.basis, "lifecycle")
	told := r.low != 0 || r.high != 0
	switch {
	case r.zone == "" || len(r.zone) > maxName || !printable(r.zone):
		return fmt.Errorf("zone %q: write 1 to %d letters, digits or signs, such as DE or aws:eu-west-1", cut(r.zone), maxName)
	case r.start.Year() < 1990 || r.start.Year() > 2200:
		return fmt.Errorf("start is in the year %d", r.start.Year())
	case r.step < time.Minute || r.step > 24*time.Hour:
		return errors.New("step_s must be 60 to 86400 seconds")
	case !(r.value >= 0 && r.value <= absurd):
		return fmt.Errorf("value %g: intensities are 0 to %d gCO2e/kWh", r.value, absurd)
	case told && (r.low == 0) != (r.high == 0):
		return errors.New("give both low and high, or neither")
	case told && !(0 < r.low && r.low <= r.value && r.value <= r.high && r.high <= 10*absurd):
		return fmt.Errorf("0 < low ≤ value ≤ high does not hold: %g, %g, %g", r.low, r.value, r.high)
	case r.signal != "average" && r.signal != "marginal":
		return fmt.Errorf("signal %q: write average or marginal", cut(r.signal))
	case r.basis != "lifecycle" && r.basis != "direct":
		return fmt.Errorf("basis %q: write lifecycle or direct", cut(r.basis))
	}
	return nil
}

// cut shortens what is quoted.
func cut(s string) string {
	if len(s) > maxName {
		return strings.ToValidUTF8(s[:maxName], "") + hidden
	}
	return s
}

func seconds(s float64) time.Duration {
	if !(s >= 0 && s <= 1e6) {
		return -1
	}
	return time.Duration(math.Round(s * float64(time.Second)))
}

// plainNumber reads a decimal number; strconv alone would take hexadecimal,
// underscores, infinities and NaN as well.
func plainNumber(s string) (float64, error) {
	x, err := strconv.ParseFloat(s, 64)
	if err != nil || strings.Trim(s, "0123456789+-.eE") != "" {
		return 0, fmt.Errorf("%q is no decimal number", cut(s))
	}
	return x, nil
}

// fileFactor makes a factor of the rows of a zone.
func fileFactor(name string, rows []fileRow) (factors.Factor, error) {
	first := rows[0]
	points := make([]point, 0, len(rows))
	from, to := first.start, first.start
	var low, high float64
	bounded := true
	for _, r := range rows {
		if r.step != first.step || r.signal != first.signal || r.basis != first.basis {
			return factors.Factor{}, fmt.Errorf("%s: step_s, signal and basis must be the same in all rows", r.where)
		}
		points = append(points, point{at: r.start, value: r.value})
		if r.start.Before(from) {
			from = r.start
		}
		if r.start.After(to) {
			to = r.start
		}
		low, high = low+r.low, high+r.high
		bounded = bounded && (r.high > 0 || r.value == 0)
	}
	if to.Sub(from) > maxHistory {
		return factors.Factor{}, fmt.Errorf("it spans more than %d days", maxHistory/(24*time.Hour))
	}
	l, err := lineUp(points, first.step, from, to.Add(first.step), false)
	if err == nil && (l.bridged > 0 || len(l.value) != len(rows)) {
		err = fmt.Errorf("%d steps from %s to %s, and %d rows: a step is missing or there twice", len(l.value), minute(from), minute(l.end()), len(rows))
	}
	if err != nil {
		return factors.Factor{}, errors.New(plainReason(err))
	}
	f := factors.Factor{
		ID: "grid.file." + name, Kind: factors.Grid, Unit: "gCO2e/kWh", Value: l.mean(),
		Signal: first.signal, Accounting: "location", Basis: first.basis, Mix: "consumption", GWP: "unstated",
		ValidFrom: l.start.Format(time.DateOnly), ValidTo: l.end().Add(-1).Format(time.DateOnly),
		Series: &factors.Series{Start: stamp(l.start), StepS: l.step.Seconds(), Value: l.value},
		Found:  factors.Declared, Source: "file of the user, zone " + name, SourceYear: l.start.Year(), Quality: "C",
	}
	if first.signal == "marginal" {
		f.ID, f.Kind, f.Mix = "marginal.file."+name, factors.Marginal, "production"
	}
	n := float64(len(rows))
	if f.Low, f.High = low/n, high/n; !bounded {
		f.Low, f.High = both(estimatedSpread).around(f.Value)
		f.Quality = "D"
	}
	// Means of rounded bounds must not cross that of the values.
	f.Low, f.High = min(f.Low, f.Value), max(f.High, f.Value)
	return f, f.Check()
}

// find finds the zone of a query.
func (f *File) find(q factors.Query) (factors.Factor, error) {
	names := []string{q.Zone, q.Provider + ":" + q.CloudRegion, q.Region, q.Country}
	for _, name := range names {
		if z, there := f.zones[name]; there {
			switch basis := cmp.Or(q.Basis, "lifecycle"); {
			case z.Kind != q.Kind:
				return z, noFigure(fileSource, "zone %s is %s, not %s", name, z.Kind, q.Kind)
			case z.Basis != basis:
				return z, noFigure(fileSource, "zone %s is %s, not %s", name, z.Basis, basis)
			}
			return z, nil
		}
	}
	return factors.Factor{}, noFigure(fileSource, "it has none of the zones that are asked for: it has %s", cut(strings.Join(f.Zones(), ", ")))
}

const fileSource = "forecast file"

// Forecast is what the file tells of a time.
func (f *File) Forecast(_ context.Context, q factors.Query, from, to time.Time) (factors.Factor, error) {
	z, err := f.find(q)
	if err != nil {
		return z, err
	}
	return part(z, from, to)
}

// History is the same: the file does not tell what is past.
func (f *File) History(ctx context.Context, q factors.Query, from, to time.Time) (factors.Factor, error) {
	return f.Forecast(ctx, q, from, to)
}

// Current is the step of now.
func (f *File) Current(ctx context.Context, q factors.Query) (factors.Factor, error) {
	now := time.Now()
	z, err := f.Forecast(ctx, q, now, now.Add(1))
	z.Series = nil
	return z, err
}

// part is a factor of the steps that overlap with a time.
func part(f factors.Factor, from, to time.Time) (factors.Factor, error) {
	start, err := time.Parse(time.RFC3339, f.Series.Start)
	if err != nil {
		return f, err
	}
	step := seconds(f.Series.StepS)
	n := int64(len(f.Series.Value))
	first := max(0, floorDiv(from.Sub(start), step))
	last := n
	if to.Before(start.Add(time.Duration(n) * step)) { // else the difference may be more than a Duration holds
		last = floorDiv(to.Sub(start)+step-1, step)
	}
	if first >= last {
		return factors.Factor{}, noFigure(fileSource, "it tells of %s to %s, and nothing of %s to %s",
			minute(start), minute(start.Add(time.Duration(n)*step)), minute(from), minute(to))
	}
	l := line{start: start.Add(time.Duration(first) * step).UTC(), step: step, value: f.Series.Value[first:last]}
	if v := l.mean(); f.Value > 0 {
		f.Low, f.High = v*f.Low/f.Value, v*f.High/f.Value
		f.Value = v
	}
	f.ValidFrom, f.ValidTo = l.start.Format(time.DateOnly), l.end().Add(-1).Format(time.DateOnly)
	f.Series = &factors.Series{Start: stamp(l.start), StepS: step.Seconds(), Value: l.value}
	return f, nil
}
