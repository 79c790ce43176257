package factors

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Instance is a machine type of a cloud.
type Instance struct {
	Provider, Type string
	Threads        int // virtual CPUs
	MemoryBytes    int64
	CPU            string  // processor model, for LookupCPU; "" if unknown
	Accelerator    string  // model, for LookupAccelerator; "" for none
	Accelerators   float64 // how many; below 1 for a part of one
	Found          Found
	Source         string
}

// LookupInstance tells what a machine type of a cloud has. The provider is aws,
// azure, gcp, ovhcloud or scaleway, or another usual name of these; the type is
// as the provider writes it, in small or capital letters, with or without
// Standard_ (Azure), projects/…/machineTypes/ (Google) or db. (AWS). A virtual
// CPU is a thread of the processor on x86 but for some types, a core on Arm.
//
// Found is Exact or Normalised for a listed type. Types of AWS and Google whose
// size is not listed, and Google's custom types, are Family, if all listed sizes
// of their series have the same processor, memory a CPU and no accelerator.
//
// An error wraps ErrNoFactor and lists the providers, or the types that come
// closest. LookupInstance is safe for concurrent use.
func LookupInstance(provider, typ string) (Instance, error) {
	t, err := instances()
	if err != nil {
		return Instance{}, err
	}
	p := strings.ToLower(strings.TrimSpace(provider))
	p = cmp.Or(providerNames[p], p)
	types := t[p]
	if types == nil {
		return Instance{}, fmt.Errorf("%w: instances of provider %q: write one of %s", ErrNoFactor, provider, list(t))
	}
	name := instanceName(p, typ)
	if i, ok := types[name]; ok {
		i.Found = Normalised
		if typ == i.Type {
			i.Found = Exact
		}
		return i, nil
	}
	if i, ok := sized(types, p, name); ok {
		i.Provider, i.Type, i.Found = p, typ, Family
		return i, nil
	}
	return Instance{}, fmt.Errorf("%w: instance type %q of %s: the closest that are listed are %s", ErrNoFactor, typ, p, strings.Join(closest(types, name), ", "))
}

var providerNames = map[string]string{
	"amazon": "aws", "amazon web services": "aws", "ec2": "aws", "microsoft": "azure", "microsoft azure": "azure",
	"google": "gcp", "google cloud": "gcp", "gce": "gcp", "ovh": "ovhcloud",
}

var managed = pattern(`^(?:(?:db|cache|ml|search|dms)\.)?(.*?)(?:\.(?:elasticsearch|search))?$`)

// instanceName is the name of a type as the table has it.
func instanceName(provider, typ string) string {
	name := strings.ToLower(strings.TrimSpace(typ))
	name = name[:min(len(name), maxName)]
	switch provider {
	case "aws":
		name = managed().FindStringSubmatch(strings.ReplaceAll(name, "\n", " "))[1]
	case "azure":
		name = strings.TrimPrefix(name, "standard_")
	case "gcp":
		name = name[strings.LastIndexByte(name, '/')+1:]
	}
	return name
}

var instances = sync.OnceValues(readInstances)

func readInstances() (map[string]map[string]Instance, error) {
	from, err := sourcesOf("instance_source.csv")
	if err != nil {
		return nil, err
	}
	t := map[string]map[string]Instance{}
	err = eachRow("instance.csv", func(row []string) error {
		var f fields
		i := Instance{
			Provider: row[0], Type: row[1], Threads: f.int(row[2]), MemoryBytes: int64(f.float(row[3]) * (1 << 30)),
			CPU: row[4], Accelerator: row[5], Accelerators: f.float(row[6]), Source: f.source(from, row[7]).text,
		}
		if t[i.Provider] == nil {
			t[i.Provider] = make(map[string]Instance, 512)
		}
		if _, doubled := t[i.Provider][i.Type]; doubled {
			return fmt.Errorf("%s %s is there twice", i.Provider, i.Type)
		}
		t[i.Provider][i.Type] = i
		return f.err
	})
	return t, err
}

var (
	awsSize   = pattern(`^([a-z0-9-]+)\.(\d*)x?large$`)
	gcpSize   = pattern(`^([a-z0-9]+-[a-z]+)-(\d{1,4})$`)
	gcpCustom = pattern(`^(?:([a-z0-9]+)-)?custom-(\d{1,4})-(\d{1,9})(?:-ext)?$`)
)

// sized tells what an unlisted size of a series has, if the listed sizes leave
// no doubt and it is between them.
func sized(types map[string]Instance, provider, name string) (Instance, bool) {
	var series string
	var threads, gib float64 // as its name tells; 0 if it does not
	switch {
	case provider == "aws" && awsSize().MatchString(name):
		series, threads = sizeOf(provider, name)
	case provider == "gcp" && gcpCustom().MatchString(name):
		m := gcpCustom().FindStringSubmatch(name)
		series = cmp.Or(m[1], "n1") + "-standard"
		threads, _ = strconv.ParseFloat(m[2], 64)
		gib, _ = strconv.ParseFloat(m[3], 64)
		gib /= 1024
	case provider == "gcp" && gcpSize().MatchString(name):
		series, threads = sizeOf(provider, name)
	}
	if threads == 0 {
		return Instance{}, false
	}
	var like Instance
	var perThread, perSize, least, most float64
	for _, i := range types {
		s, n := sizeOf(provider, i.Type)
		if s != series || n == 0 {
			continue
		}
		memory, size := float64(i.MemoryBytes)/float64(i.Threads), float64(i.Threads)/n
		switch {
		case like.Type == "":
			like, perThread, perSize, least, most = i, memory, size, n, n
		case i.Accelerator != "" || i.CPU != like.CPU || math.Abs(memory/perThread-1) > 0.02 || math.Abs(size/perSize-1) > 0.02:
			return Instance{}, false
		}
		least, most = min(least, n), max(most, n)
	}
	if like.Type == "" || like.Accelerator != "" || gib == 0 && (threads < least || threads > most) {
		return Instance{}, false
	}
	like.Threads = int(math.Round(threads * perSize))
	like.MemoryBytes = int64(float64(like.Threads) * perThread)
	if gib > 0 {
		like.MemoryBytes = int64(gib * (1 << 30))
	}
	like.Source = "as all listed types of the series " + series + ": " + like.Source
	return like, like.Threads > 0
}

// sizeOf cuts a type into its series and its size, in a unit of its provider;
// 0 if it does not tell one.
func sizeOf(provider, name string) (series string, size float64) {
	if provider == "aws" {
		m := awsSize().FindStringSubmatch(name)
		switch {
		case m == nil:
			return "", 0
		case strings.HasSuffix(name, ".large"):
			return m[1], 0.5
		case m[2] == "":
			return m[1], 1
		}
		size, _ = strconv.ParseFloat(m[2], 64)
		return m[1], size
	}
	if m := gcpSize().FindStringSubmatch(name); m != nil {
		size, _ = strconv.ParseFloat(m[2], 64)
		return m[1], size
	}
	return "", 0
}

// closest are the listed types that begin most like a name.
func closest(types map[string]Instance, name string) []string {
	shared := func(s string) int {
		n := 0
		for n < len(s) && n < len(name) && s[n] == name[n] {
			n++
		}
		return n
	}
	list := slices.SortedFunc(maps.Keys(types), func(a, b string) int {
		return cmp.Or(cmp.Compare(shared(b), shared(a)), strings.Compare(a, b))
	})
	return list[:min(len(list), 5)]
}
