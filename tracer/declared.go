package tracer

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// declared is what the options say of a run, as its record repeats it.
type declared struct {
	name       string
	site       Site
	publisher  lifecycle.Publisher
	useCase    lifecycle.UseCase
	technology lifecycle.Technology
	refused    []string // pointers to what broke a rule and was left out
}

// keepValid leaves out what breaks a rule of the record, and tells: a record
// that holds it would be invalid, or could not be written at all. In its place
// stands what was said before.
func (d *declared) keepValid(before declared) error {
	errs := d.site.normalise()
	for range errs {
		d.refuse("/environments/0")
	}
	if reflect.ValueOf(*d).IsZero() {
		return nil
	}
	for range 4 { // what was said before may be at fault too
		broken := d.findings()
		if len(broken) == 0 {
			break
		}
		for _, f := range broken {
			errs = append(errs, fmt.Errorf("tracer: what was declared breaks a rule and is left out: %v", f))
			d.leaveOut(f.Pointer, before)
		}
		before = declared{}
	}
	return errors.Join(errs...)
}

func (d *declared) refuse(pointer string) {
	if !slices.Contains(d.refused, pointer) {
		d.refused = append(d.refused, pointer)
	}
}

// findings are the rules that a record breaks for what is declared alone; one
// for each part.
func (d *declared) findings() []lifecycle.Finding {
	rec := &lifecycle.Record{
		Run:       lifecycle.RunInfo{Name: d.name},
		Publisher: d.publisher, UseCase: d.useCase, Technology: d.technology,
		Environments: []lifecycle.Environment{{
			Country: d.site.Country, Subdivision: d.site.Subdivision, GridZone: d.site.GridZone,
			Infrastructure: d.site.Infrastructure, Provider: d.site.Provider, Region: d.site.Region, InstanceType: d.site.InstanceType,
		}},
	}
	if rec.Publisher.Confidentiality == "" {
		rec.Publisher.Confidentiality = defaultConfidentiality
	}
	for _, f := range d.site.Factors {
		rec.Factors = append(rec.Factors, asDeclared(f))
	}
	for i, in := range d.site.Instruments {
		f := asDeclared(in.Factor)
		f.ID += "/" + strconv.Itoa(i) // two contracts may be of one factor
		rec.Factors = append(rec.Factors, f)
	}
	lifecycle.FillMissing(rec)
	var broken []lifecycle.Finding
	seen := map[string]bool{}
	for _, f := range lifecycle.Validate(rec) {
		part := partOf(f.Pointer)
		if f.Warning || part == "" || seen[part] {
			continue
		}
		seen[part] = true
		broken = append(broken, f)
	}
	// Factors go by their place in the list: the last first.
	slices.SortFunc(broken, func(a, b lifecycle.Finding) int {
		p, q := partOf(a.Pointer), partOf(b.Pointer)
		return cmp.Or(cmp.Compare(len(q), len(p)), cmp.Compare(q, p))
	})
	return broken
}

// partOf is the part of what is declared that a pointer is in: that which is
// left out as a whole. What only the finished record can tell is in none.
func partOf(pointer string) string {
	elems := strings.Split(pointer, "/")
	switch {
	case pointer == "/run/name":
		return pointer
	case len(elems) < 3, strings.HasPrefix(pointer, "/use_case/functional_unit/path"):
		return ""
	case slices.Contains([]string{"publisher", "use_case", "technology"}, elems[1]):
		return "/" + elems[1]
	case elems[1] == "factors" && elems[2] != "":
		return "/factors/" + elems[2]
	case elems[1] == "environments" && len(elems) == 4:
		switch elems[3] {
		case "country", "subdivision", "grid_zone", "infrastructure", "provider", "region", "instance_type":
			return pointer
		}
	}
	return ""
}

func (d *declared) leaveOut(pointer string, before declared) {
	part := partOf(pointer)
	switch part {
	case "/run/name":
		d.name = before.name
	case "/publisher":
		d.publisher = before.publisher
	case "/use_case":
		d.useCase = before.useCase
	case "/technology":
		d.technology = before.technology
	case "/environments/0/country":
		d.site.Country, d.site.Subdivision = "", ""
	case "/environments/0/subdivision":
		d.site.Subdivision = ""
	case "/environments/0/grid_zone":
		d.site.GridZone = ""
	case "/environments/0/infrastructure":
		d.site.Infrastructure = ""
	case "/environments/0/provider":
		d.site.Provider = ""
	case "/environments/0/region":
		d.site.Region = ""
	case "/environments/0/instance_type":
		d.site.InstanceType = ""
	default:
		i, err := strconv.Atoi(strings.TrimPrefix(part, "/factors/"))
		own := len(d.site.Factors)
		switch {
		case err != nil:
		case i < own:
			d.site.Factors = slices.Delete(slices.Clone(d.site.Factors), i, i+1)
		case i < own+len(d.site.Instruments): // whose factors come after
			d.site.Instruments = slices.Delete(slices.Clone(d.site.Instruments), i-own, i-own+1)
			d.refuse("/environments/0/instruments")
			return
		}
		part = "/factors" // those of the record are others
	}
	d.refuse(part)
}

// asDeclared is an operator's own factor as the record has it.
func asDeclared(f factors.Factor) factors.Factor {
	if f.Found == "" {
		f.Found = factors.Declared
	}
	return f
}

// normalise writes a country by its code and a region in capitals, and takes the
// country from the region's code, which begins with it. A place that is none is
// left out and told: it then counts as unknown. So are instruments that are
// none.
func (s *Site) normalise() (errs []error) {
	country, subdivision := s.Country, s.Subdivision
	s.Subdivision = strings.ToUpper(subdivision)
	if country == "" && s.Subdivision != "" {
		country, _, _ = strings.Cut(s.Subdivision, "-")
		if !factors.IsCountry(country) || country == s.Subdivision {
			errs = append(errs, fmt.Errorf("tracer: region %q is no ISO 3166-2 code; write one such as US-CA, or aws:eu-west-1 for a cloud's (the place counts as unknown)", subdivision))
			country, s.Subdivision = "", ""
		}
	}
	if country != "" {
		code, err := factors.Country(country)
		if err != nil {
			errs = append(errs, fmt.Errorf("tracer: %w (the place counts as unknown)", err))
			s.Subdivision = ""
		}
		s.Country = code
	}
	if s.Subdivision != "" && !strings.HasPrefix(s.Subdivision, s.Country+"-") {
		errs = append(errs, fmt.Errorf("tracer: region %q is not in country %q; write an ISO 3166-2 code such as US-CA (the region counts as unknown)", subdivision, s.Country))
		s.Subdivision = ""
	}
	if s.Country == "" && s.Provider != "" && s.Region != "" {
		if _, _, err := factors.CloudPlace(s.Provider, s.Region); err != nil {
			errs = append(errs, fmt.Errorf("tracer: %w (the place counts as unknown)", err))
		}
	}
	kept := make([]Instrument, 0, len(s.Instruments))
	for i, in := range s.Instruments {
		if err := in.check(); err != nil {
			errs = append(errs, fmt.Errorf("tracer: instrument %d: %w (it is left out)", i+1, err))
			continue
		}
		kept = append(kept, in)
	}
	if len(kept) < len(s.Instruments) {
		s.Instruments = kept
	}
	return errs
}
