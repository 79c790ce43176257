package lifecycle

import (
	"cmp"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// maxFindings is how many errors, and how many warnings, are told of a record.
const maxFindings = 1000

// Validate checks a record: its structure and every sum, product and share in
// it. A record is valid if no finding but warnings is left. First come the
// findings of its form, sorted by rule and place, then those of its figures as
// one leads to the next: the first of them is where the mistake most likely is,
// the others may only follow from it. Of very many the first are told. R1 and
// R2 as far as they concern the JSON text are the matter of [Decode].
//
// Validate does not change the record, and finds fault with any record rather
// than fail on it.
func Validate(r *Record) []Finding { return validate(r, insight{}) }

// insight is what is known of a record that was just read: the scanner has seen
// each member of it.
type insight struct {
	formed  bool // there is nothing to tell of its form, but perhaps of members that missing should name
	telling bool // a text of it may be one that is not for the public
}

// validate is Validate of a record of which something is known. Nearly all
// records are valid. So each check is first asked, in a hush, whether it has
// anything to tell, and only then what and where.
func validate(r *Record, known insight) []Finding {
	c := checkers.Get().(*checker)
	defer c.release()
	c.record, c.insight = r, known
	c.checkForm()
	c.formed = len(c.told) == 0
	if c.unsound {
		return sortFindings(c.told) // NaN and the like: nothing can be computed from it
	}
	for _, check := range formChecks {
		c.hush, c.noticed = true, false
		check(c)
		c.hush = false
		if c.noticed { // again, to tell what and where
			check(c)
		}
	}
	sortFindings(c.told)
	checkArithmetic(r, c.add)
	return c.told
}

// formChecks are what follows on the form of single values.
var formChecks = []func(*checker){
	(*checker).checkReferences, (*checker).checkMissing, (*checker).checkConditions, (*checker).checkTimes,
	(*checker).checkDevices, (*checker).checkFactors, (*checker).checkShards, (*checker).checkPrivacy,
}

// Check reads one record and validates it. Unlike [Decode] it tells everything
// that is wrong with a document in one list; the record is nil if the document
// is none (rules R1 to R3). The error is the reader's.
func Check(r io.Reader) (*Record, []Finding, error) { return checked(decode(r)) }

// Checker is [Check] of one record after another, in memory that is used again:
// a record, but for its texts, is valid until the next call. It keeps what 16 MiB of
// documents, and the last one, take. The zero value is ready. It is not for
// concurrent use.
type Checker struct{ scanner *scanner }

// Check is [Check] of the next record.
func (c *Checker) Check(r io.Reader) (*Record, []Finding, error) {
	if c.scanner == nil {
		c.scanner = &scanner{memory: new(memory)}
	}
	defer c.scanner.forget()
	return checked(c.scanner.decode(r))
}

// checked is all that is wrong with a document.
func checked(record *Record, known insight, problems []DecodeError, err error) (*Record, []Finding, error) {
	if err != nil {
		return nil, nil, err
	}
	if len(problems) > 0 {
		var findings []Finding
		for _, p := range problems {
			f := p.Finding
			if f.Pointer == "" { // only the byte tells where it is
				f.Message += p.place()
			}
			findings = append(findings, f)
		}
		return nil, sortFindings(findings), nil
	}
	return record, validate(record, known), nil
}

// checkers are those of other records, with the memory that they leave.
var checkers = sync.Pool{New: func() any { return new(checker) }}

// release lets go of the record.
func (c *checker) release() {
	for _, t := range []*byID{&c.environments, &c.hardware, &c.methods, &c.factors} {
		t.reset()
	}
	c.domains.reset()
	c.stages.reset()
	c.rows.reset()
	c.accounts.reset()
	*c = checker{
		environments: c.environments, hardware: c.hardware, methods: c.methods, factors: c.factors,
		domains: c.domains, stages: c.stages, rows: c.rows, accounts: c.accounts,
	}
	checkers.Put(c)
}

// checker checks one record.
type checker struct {
	hush
	insight
	record  *Record
	noticed bool // in a hush: something is wrong

	environments, hardware, methods, factors byID

	domains  table[string, struct{}]
	stages   table[Stage, struct{}]
	rows     table[[3]string, struct{}] // of a stage: hardware, meter, factor
	accounts table[[2]string, struct{}] // path, stage
	used     []bool                     // by index in /factors
	missing  gaps
	unlisted []string // pointers to what missing should list

	told             []Finding
	errors, warnings int             // how many of them are
	seen             map[string]bool // rule and pointer: one finding each
	unsound          bool            // a number is none
}

func (c *checker) add(f Finding) {
	if c.hush {
		c.noticed = true
		return
	}
	key := f.Rule + f.Pointer
	if c.seen[key] {
		return
	}
	n := &c.errors
	if f.Warning {
		n = &c.warnings
	}
	if *n == maxFindings {
		return
	}
	*n++
	if c.seen == nil {
		c.seen = map[string]bool{}
	}
	c.seen[key] = true
	c.told = append(c.told, f)
}

func (c *checker) wrong(rule, pointer, found, expected, message string) {
	c.add(Finding{Rule: rule, Pointer: pointer, Found: found, Expected: expected, Message: message})
}

func (c *checker) warn(rule, pointer, found, expected, message string) {
	c.add(Finding{Rule: rule, Pointer: pointer, Found: found, Expected: expected, Message: message, Warning: true})
}

// sortFindings sorts by rule, then by place.
func sortFindings(fs []Finding) []Finding {
	slices.SortStableFunc(fs, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(len(a.Rule), len(b.Rule)), cmp.Compare(a.Rule, b.Rule),
			comparePointers(a.Pointer, b.Pointer), cmp.Compare(a.Message, b.Message))
	})
	return fs
}

// comparePointers orders indices as numbers.
func comparePointers(a, b string) int {
	return slices.CompareFunc(strings.Split(a, "/"), strings.Split(b, "/"), func(a, b string) int {
		m, errM := strconv.Atoi(a)
		n, errN := strconv.Atoi(b)
		if errM == nil && errN == nil {
			return cmp.Compare(m, n)
		}
		return cmp.Compare(a, b)
	})
}

// checkForm walks the whole record by the grammar (R1, R3, R5, R6, and the
// texts of R40).
func (c *checker) checkForm() {
	c.missing = gapsOf(c.record)
	w := walker{checker: c, gaps: c.formed, skim: c.formed}
	w.all()
	switch r := c.record; {
	case r.Schema != Schema:
		c.wrong("R2", "/schema", quote(r.Schema), Schema, ErrUnknownSchema.Error())
	case r.SchemaRevision > SchemaRevision:
		c.wrong("R2", "/schema_revision", strconv.Itoa(r.SchemaRevision), "at most "+strconv.Itoa(SchemaRevision),
			ErrLaterRevision.Error()+": upgrade to read it")
	}
}
