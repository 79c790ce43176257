package factors

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// processor is a line of the tables, or what several lines come to.
type processor struct {
	name, key      string
	class          string
	tdp            float64 // W
	low, high      float64 // of tdp, 95 %
	cores, threads int
	quality        string
	source         *cpuSource
}

type cpuSource struct {
	text, licence string
	year          int
}

// cpuList is the table of models, by key and in the order of keys.
type cpuList struct {
	models []processor
	byKey  map[string]int
	ranges []cpuRange
}

// cpuRange is a line of the class table: models of a class with from to to
// cores (to 0 is without end; from 0 is for an unknown number).
type cpuRange struct {
	processor
	from, to int
}

var cpus = sync.OnceValues(readCPUs)

func readCPUs() (*cpuList, error) {
	sources := map[string]*cpuSource{}
	err := eachRow("cpu_source.csv", func(row []string) error {
		year, err := strconv.Atoi(row[2])
		sources[row[0]] = &cpuSource{text: row[1], licence: row[3], year: year}
		return err
	})
	if err != nil {
		return nil, err
	}
	l := &cpuList{byKey: map[string]int{}}
	err = eachRow("cpu.csv", func(row []string) error {
		var f fields
		p := processor{
			name: row[0], key: cpuKey(row[0]), class: row[6], quality: row[8], source: sources[row[9]],
			tdp: f.float(row[1]), low: f.float(row[2]), high: f.float(row[3]),
			cores: f.int(row[4]), threads: f.int(row[5]),
		}
		p.low, p.high = cmp.Or(p.low, p.tdp), cmp.Or(p.high, p.tdp)
		if p.quality == "D" && p.low == p.tdp && p.high == p.tdp {
			p.low, p.high = p.tdp/1.25, p.tdp*1.25 // the vendor does not publish it
		}
		l.models = append(l.models, p)
		if p.source == nil {
			return fmt.Errorf("%s: source %q is not listed", p.name, row[9])
		}
		return f.err
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(l.models, func(a, b processor) int { return strings.Compare(a.key, b.key) })
	for i, p := range l.models {
		if _, doubled := l.byKey[p.key]; doubled {
			return nil, fmt.Errorf("embedded cpu.csv: %q is there twice", p.key)
		}
		l.byKey[p.key] = i
	}
	err = eachRow("cpu_class.csv", func(row []string) error {
		var f fields
		l.ranges = append(l.ranges, cpuRange{
			from: f.int(row[1]), to: f.int(row[2]),
			processor: processor{
				class: row[0], tdp: f.float(row[4]), low: f.float(row[5]), high: f.float(row[6]),
				cores: f.int(row[7]), threads: f.int(row[8]), quality: "D",
				source: &cpuSource{text: row[9], licence: "vendor facts", year: f.int(row[10])},
			},
		})
		return f.err
	})
	return l, err
}

// eachRow calls f for each row of an embedded table but the header.
func eachRow(name string, f func(row []string) error) error {
	file, err := data.Open("data/" + name)
	if err != nil {
		return err
	}
	table := csv.NewReader(file)
	table.ReuseRecord = true
	if _, err = table.Read(); err != nil {
		return fmt.Errorf("embedded %s: %w", name, err)
	}
	for {
		row, err := table.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = f(row)
		}
		if err != nil {
			return fmt.Errorf("embedded %s: %w", name, err)
		}
	}
}

// fields reads cells and keeps the first error. An empty cell is 0.
type fields struct{ err error }

func (f *fields) float(cell string) float64 {
	if cell == "" {
		return 0
	}
	x, err := number(cell)
	f.err = cmp.Or(f.err, err)
	return x
}

func (f *fields) int(cell string) int {
	return int(f.float(cell))
}

// family is what the listed models come to that begin like key: the longest
// beginning that at least three share. It leaves out three letters at most,
// and never all but the first word.
func (l *cpuList) family(key string, cores int) (processor, bool) {
	first := strings.IndexByte(key, ' ')
	if first < 0 {
		return processor{}, false
	}
	shortest := max(len(key)-3, first+2)
	for n := len(key) - 1; n >= shortest; n-- {
		i, _ := slices.BinarySearchFunc(l.models, key[:n], func(p processor, key string) int {
			return strings.Compare(p.key, key)
		})
		j := i
		for j < len(l.models) && strings.HasPrefix(l.models[j].key, key[:n]) {
			j++
		}
		if j-i < 3 {
			continue
		}
		members := l.models[i:j]
		same := slices.DeleteFunc(slices.Clone(members), func(p processor) bool { return p.cores != cores })
		if len(same) >= 3 {
			members = same
		}
		return summary(members, key[:n]), true
	}
	return processor{}, false
}

// familySpread widens the range of a family's models to 95 %: so much holds
// 95 % of the listed models when each is left out of the list in turn.
const familySpread = 1.5

// summary is what several models come to: the median TDP and their range,
// widened; the most frequent class; median cores and threads.
func summary(members []processor, beginning string) processor {
	classes := map[string]int{}
	var cores, threads []int
	source := &cpuSource{licence: members[0].source.licence}
	for _, m := range members {
		classes[m.class]++
		cores, threads = append(cores, m.cores), append(threads, m.threads)
		source.year = max(source.year, m.source.year)
	}
	slices.Sort(cores)
	slices.Sort(threads)
	byTDP := slices.Clone(members)
	slices.SortFunc(byTDP, func(a, b processor) int { return cmp.Compare(a.tdp, b.tdp) })
	p := processor{
		tdp: byTDP[len(byTDP)/2].tdp, low: byTDP[0].low, high: byTDP[0].high,
		cores: cores[len(cores)/2], threads: threads[len(threads)/2], quality: "D",
	}
	for _, m := range members {
		p.low, p.high = min(p.low, m.low), max(p.high, m.high)
		if classes[m.class] > classes[p.class] {
			p.class = m.class
		}
	}
	p.low, p.high = p.low/familySpread, p.high*familySpread
	source.text = fmt.Sprintf("median and range, widened by %v, of %d listed models that begin with %q", familySpread, len(members), beginning)
	p.source = source
	return p
}

// class is what the class table says of a class and a number of cores; more
// cores than it knows are as its largest.
func (l *cpuList) class(class string, cores int) (processor, error) {
	for _, r := range l.ranges {
		if r.class == class && (cores <= 0 && r.from == 0 || cores > 0 && r.from > 0 && r.from <= cores && (cores <= r.to || r.to == 0)) {
			return r.processor, nil
		}
	}
	return processor{}, fmt.Errorf("%w: cpu of class %s with %d cores", ErrNoFactor, class, cores)
}
