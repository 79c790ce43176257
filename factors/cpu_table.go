package factors

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"sort"
	"strings"
	"sync"
)

// processor is a line of the tables, or what several lines come to.
type processor struct {
	name, class    string
	tdp            quantity // W
	cores, threads int
	die            quantity // mm², of all its chips; unknown if not listed
	dieQuality     string
	quality        string
	source         *sourceOf
}

// cpuList is the table of models, in the order of their keys. A line is read
// when it is needed: a lookup needs a dozen of some thousand.
type cpuList struct {
	lines   []string
	sources map[string]*sourceOf
	ranges  []cpuRange
	models  func() []processor // all of them
}

// cpuRange is a line of the class table: models of a class with from to to
// cores (to 0 is without end; from 0 is for an unknown number).
type cpuRange struct {
	processor
	from, to int
}

var cpus = sync.OnceValues(readCPUs)

// dieSpread is by how much lists differ on the area of a processor's chips:
// Sapphire Rapids has 1577 or 1908 mm².
const dieSpread = 1.25

func readCPUs() (*cpuList, error) {
	text, err := data.ReadFile("data/cpu.csv")
	if err != nil {
		return nil, err
	}
	l := &cpuList{lines: strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")[1:]}
	l.models = sync.OnceValue(l.readModels)
	if l.sources, err = sourcesOf("cpu_source.csv"); err != nil {
		return nil, err
	}
	err = eachRow("cpu_class.csv", func(row []string) error {
		var f fields
		l.ranges = append(l.ranges, cpuRange{
			from: f.int(row[1]), to: f.int(row[2]),
			processor: processor{
				class: row[0], tdp: f.quantity(row[4], row[5], row[6]),
				cores: f.int(row[7]), threads: f.int(row[8]), quality: "D",
				source: &sourceOf{text: row[9], licence: "vendor facts", year: f.int(row[10])},
			},
		})
		return f.err
	})
	return l, err
}

func (l *cpuList) readModels() []processor {
	all := make([]processor, len(l.lines))
	for i := range all {
		all[i] = l.model(i)
	}
	return all
}

// key is that of the model on a line.
func (l *cpuList) key(i int) string {
	name, _, _ := strings.Cut(l.lines[i], ",")
	return cpuKey(name)
}

// model reads a line. That it can be read is known: a test reads them all.
func (l *cpuList) model(i int) processor {
	p, _ := l.read(l.lines[i])
	return p
}

func (l *cpuList) read(line string) (processor, error) {
	var f fields
	row := strings.Split(line, ",")
	p := processor{
		name: row[0], class: row[6], dieQuality: row[9], quality: row[10], source: f.source(l.sources, row[11]),
		tdp: f.quantity(row[1], row[2], row[3]), cores: f.int(row[4]), threads: f.int(row[5]),
	}
	if die := f.float(row[8]); die > 0 {
		p.die = about(die, dieSpread)
	}
	if p.quality == "D" && p.tdp.low == p.tdp.high {
		p.tdp = about(p.tdp.value, 1.25) // the vendor does not publish it
	}
	return p, f.err
}

// at is where a key is in the list, or would be.
func (l *cpuList) at(key string) (int, bool) {
	return sort.Find(len(l.lines), func(i int) int { return strings.Compare(key, l.key(i)) })
}

// beginning are the lines whose key begins with prefix, from i to before j.
func (l *cpuList) beginning(prefix string) (i, j int) {
	i, _ = l.at(prefix)
	j, _ = l.at(prefix + "\xff")
	return i, j
}

// find is what the list says of a processor, and of what it is. The name of a
// listed model is in the result, else it is empty.
func (l *cpuList) find(model, class string, cores int) (p processor, found Found, err error) {
	key := cpuKey(model)
	if i, ok := l.at(key); ok {
		p = l.model(i)
		if p.name == strings.TrimSpace(model) {
			return p, Exact, nil
		}
		return p, Normalised, nil
	}
	if class == "" {
		class = classOf(key)
	}
	p, ok := l.generation(model, key)
	if !ok {
		p, ok = l.family(key, cores)
	}
	found = Family
	if !ok {
		found = Class
		if class == unknown {
			found = FromWorld
		}
		if p, err = l.class(class, cores); err != nil {
			return processor{}, "", err
		}
	}
	if cores > 0 && cores != p.cores {
		p.cores, p.threads = cores, 0 // the caller knows better
	}
	return p, found, nil
}

// generation is what the models come to that a name may stand for.
func (l *cpuList) generation(name, key string) (processor, bool) {
	word, models := generation(name, key)
	if models == nil {
		return processor{}, false
	}
	var members []processor
	for _, m := range models {
		// What comes before the first wildcard narrows the search.
		i, j := l.beginning(m[:strings.IndexAny(m+"*", "*?[")])
		for ; i < j; i++ {
			if ok, err := path.Match(m, l.key(i)); ok && err == nil {
				members = append(members, l.model(i))
			}
		}
	}
	if len(members) == 0 {
		return processor{}, false
	}
	return summary(members, fmt.Sprintf("of the generation that %q names", word)), true
}

// family is what the listed models come to that begin like key and go on with
// a digit where it does: the longest beginning that at least three share. It
// leaves out three letters at most, and never all but the first word.
func (l *cpuList) family(key string, cores int) (processor, bool) {
	first := strings.IndexByte(key, ' ')
	if first < 0 || isPlaceholder(key) {
		return processor{}, false
	}
	key = strings.TrimSuffix(key, "-c") // of a cloud: Xeon 6985P-C
	shortest := max(len(key)-3, first+2)
	for n := len(key) - 1; n >= shortest; n-- {
		var members []processor
		for i, j := l.beginning(key[:n]); i < j; i++ {
			if k := l.key(i); len(k) > n && isDigit(k[n]) == isDigit(key[n]) {
				members = append(members, l.model(i))
			}
		}
		if len(members) < 3 {
			continue
		}
		same := slices.DeleteFunc(slices.Clone(members), func(p processor) bool { return p.cores != cores })
		if len(same) >= 3 {
			members = same
		}
		return summary(members, fmt.Sprintf("that begin with %q", key[:n])), true
	}
	return processor{}, false
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// familySpread widens the range of a family's models to 95 %: so much holds
// 95 % of the listed models when each is left out of the list in turn.
const familySpread = 1.5

// summary is what several models come to: the median TDP and their range,
// widened; the most frequent class; median cores and threads; the median die
// and the range of those that are known; the quality of the worst, and no
// better than C.
func summary(members []processor, which string) processor {
	classes := map[string]int{}
	var cores, threads []int
	var tdp, die []quantity
	source := &sourceOf{licence: members[0].source.licence}
	for _, m := range members {
		classes[m.class]++
		cores, threads = append(cores, m.cores), append(threads, m.threads)
		tdp = append(tdp, m.tdp)
		if m.die.known() {
			die = append(die, m.die)
		}
		source.year = max(source.year, m.source.year)
	}
	slices.Sort(cores)
	slices.Sort(threads)
	p := processor{
		tdp: rangeOf(tdp),
		die: rangeOf(die), dieQuality: "C", quality: "C",
		cores: cores[len(cores)/2], threads: threads[len(threads)/2],
	}
	p.tdp.low, p.tdp.high = p.tdp.low/familySpread, p.tdp.high*familySpread
	for _, m := range members {
		if classes[m.class] > classes[p.class] {
			p.class = m.class
		}
		p.quality, p.dieQuality = max(p.quality, m.quality), max(p.dieQuality, m.dieQuality)
	}
	source.text = fmt.Sprintf("median and range, widened by %v, of %d listed models %s", familySpread, len(members), which)
	p.source = source
	return p
}

// rangeOf is the median of several figures, from the least that one may be to
// the greatest; unknown if there is none.
func rangeOf(of []quantity) quantity {
	if len(of) == 0 {
		return quantity{}
	}
	of = slices.Clone(of)
	slices.SortFunc(of, func(a, b quantity) int { return cmp.Compare(a.value, b.value) })
	q := of[len(of)/2]
	for _, o := range of {
		q.low, q.high = min(q.low, o.low), max(q.high, o.high)
	}
	return q
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

// likeDies is the area of the chips of the listed models of a class with half
// to twice as many cores (0 is any): the median, and what 95 % have.
func (l *cpuList) likeDies(class string, cores int) quantity {
	var die []quantity
	for _, p := range l.models() {
		if p.die.known() && (class == unknown || p.class == class) && (cores <= 0 || 2*p.cores >= cores && p.cores <= 2*cores) {
			die = append(die, p.die)
		}
	}
	if len(die) < 5 {
		return quantity{}
	}
	q := most(die)
	return quantity{q.value, q.low / dieSpread, q.high * dieSpread}
}
