package lifecycle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// What a document may be at most, so that one from outside cannot exhaust its
// reader: its size in bytes, the nesting of its objects and lists, and the
// problems that are told of it.
const (
	maxSize     = 64 << 20
	maxDepth    = 16
	maxProblems = 100
)

// What is told apart by [errors.Is] in an error of [Decode]; a document that is
// truncated or empty is an [io.ErrUnexpectedEOF].
var (
	ErrTooLarge      = errors.New("record larger than 64 MiB")
	ErrUnknownSchema = errors.New("not a record of a known schema")
	ErrLaterRevision = errors.New("record made by a later version of ecotracer")
)

// DecodeError tells why a document is no record.
type DecodeError struct {
	Finding
	Offset int64 // of the byte in the document; -1 if the problem is of the whole
	More   int   // further problems of the same document; Check lists them
	Err    error // one of the sentinels, or nil
}

// Error is the first problem of the document and how many there are besides.
func (e *DecodeError) Error() string {
	s := "lifecycle: decode record: " + e.Finding.String() + e.place()
	if e.More > 0 {
		s += fmt.Sprintf(", and %d more", e.More)
	}
	return s
}

// place is the offset in words, if there is one.
func (e *DecodeError) place() string {
	if e.Offset < 0 {
		return ""
	}
	return fmt.Sprintf(", at byte %d", e.Offset)
}

// Unwrap is the sentinel that the problem stands for, if any.
func (e *DecodeError) Unwrap() error { return e.Err }

// Decode reads one record. It is strict: members that are unknown, doubled,
// null, spelt in other case or absent though a record must have them,
// fractions where a count belongs, text after the record, and whatever is no
// UTF-8 or no JSON are errors. The error is a [*DecodeError] and names the
// member, or is the reader's own. Decode does not check that the figures agree
// with one another: [Validate] does.
//
// It reads at most 64 MiB and nests at most 16 deep; the memory that it takes
// is in proportion to what it reads. Figures lie beside others: a pointer to one
// keeps up to 3 KB in memory, so who keeps one of each of very many records copies
// its value.
func Decode(r io.Reader) (*Record, error) {
	record, _, problems, err := decode(r)
	if err != nil {
		return nil, err
	}
	if len(problems) > 0 {
		first := problems[0]
		first.More = len(problems) - 1
		return nil, &first
	}
	return record, nil
}

// decode reads one record, or tells what is wrong with it; err is the reader's.
func decode(r io.Reader) (*Record, insight, []DecodeError, error) {
	s := scanners.Get().(*scanner)
	defer s.release()
	return s.decode(r)
}

func (s *scanner) decode(r io.Reader) (*Record, insight, []DecodeError, error) {
	if err := s.read(r); err != nil {
		return nil, insight{}, nil, fmt.Errorf("lifecycle: decode record: %w", err)
	}
	if record, ok := s.record(); ok {
		return record, s.insight, nil, nil
	}
	record, problems := decodeStrictly(s.data)
	return record, insight{}, problems, nil
}

// decodeStrictly reads one record, or tells all that is wrong with it.
func decodeStrictly(data []byte) (*Record, []DecodeError) {
	d := &decoder{data: data, dec: json.NewDecoder(bytes.NewReader(data))}
	d.dec.UseNumber()
	record := new(Record)
	d.document(record)
	if len(d.problems) > 0 {
		return nil, d.problems
	}
	return record, nil
}

// decoder fills a record from the tokens of a document. encoding/json alone
// would take members in any case, keep the last of two and pass over null,
// invalid UTF-8 and trailing text.
type decoder struct {
	data     []byte
	dec      *json.Decoder
	at       trail
	depth    int
	start    int64 // of the last token
	problems []DecodeError
}

// blanks are what JSON has between its tokens.
const blanks = " \t\r\n"

// noPlace is the offset of what is wrong with a document as a whole.
const noPlace = -1

// errStop ends the reading after a problem that nothing can follow.
var errStop = errors.New("stop")

func (d *decoder) problem(err error, rule, pointer, found, expected, message string) {
	d.problems = append(d.problems, DecodeError{
		Finding: Finding{Rule: rule, Pointer: pointer, Found: found, Expected: expected, Message: message},
		Offset:  d.start,
		Err:     err,
	})
}

// wrong tells of the value that the decoder is at.
func (d *decoder) wrong(rule, found, expected, message string) {
	d.problem(nil, rule, d.at.String(), found, expected, message)
}

func (d *decoder) document(record *Record) {
	if len(d.data) > maxSize {
		d.start = noPlace
		d.problem(ErrTooLarge, "R1", "", "more than 64 MiB", "at most 64 MiB", ErrTooLarge.Error())
		return
	}
	if len(bytes.TrimLeft(d.data, blanks)) == 0 {
		d.start = noPlace
		d.problem(io.ErrUnexpectedEOF, "R1", "", "", "a record", "the document is empty")
		return
	}
	if !utf8.Valid(d.data) {
		for int(d.start) < len(d.data) {
			r, n := utf8.DecodeRune(d.data[d.start:])
			if r == utf8.RuneError && n == 1 {
				break
			}
			d.start += int64(n)
		}
		d.problem(nil, "R1", "", fmt.Sprintf("byte 0x%02x", d.data[d.start]), "UTF-8", "the document is not UTF-8")
		return
	}
	err := d.value(reflect.ValueOf(record).Elem(), member{})
	if err == nil {
		d.start = d.dec.InputOffset()
		if rest := bytes.TrimLeft(d.data[d.start:], blanks); len(rest) > 0 {
			what := "text follows the record"
			if rest[0] == '{' { // JSON lines
				what = "another record follows, and a file has one"
			}
			d.problem(nil, "R1", "", quote(string(rest[:min(len(rest), maxText)])), "the end of the document", what)
		}
	}
	d.version(record)
	if err != nil && err != errStop {
		d.syntax(err)
	}
}

// version replaces the problems of a document of another schema or version,
// which are not to be told as misspelt members.
func (d *decoder) version(record *Record) {
	const urn = "urn:ecotracer:record:v"
	d.start = noPlace
	if slices.ContainsFunc(d.problems, func(p DecodeError) bool { return p.Rule == "R3" && p.Pointer == "/schema" }) {
		d.problems = nil
		d.problem(ErrUnknownSchema, "R3", "/schema", "nothing", Schema, ErrUnknownSchema.Error()+": it names none")
		return
	}
	if s := record.Schema; s != "" && s != Schema {
		d.problems = nil
		if n, err := strconv.Atoi(strings.TrimPrefix(s, urn)); err == nil && strings.HasPrefix(s, urn) && n > 1 {
			d.problem(ErrLaterRevision, "R2", "/schema", quote(s), Schema, ErrLaterRevision.Error()+": upgrade to read it")
			return
		}
		d.problem(ErrUnknownSchema, "R2", "/schema", quote(s), Schema, ErrUnknownSchema.Error())
		return
	}
	if n := record.SchemaRevision; n > SchemaRevision {
		d.problems = nil
		d.problem(ErrLaterRevision, "R2", "/schema_revision", strconv.Itoa(n), "at most "+strconv.Itoa(SchemaRevision),
			ErrLaterRevision.Error()+": upgrade to read it")
	}
}

// syntax tells of an error of the JSON reader.
func (d *decoder) syntax(err error) {
	d.start = d.dec.InputOffset()
	var se *json.SyntaxError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF):
		d.start = int64(len(d.data))
		d.problem(io.ErrUnexpectedEOF, "R1", d.at.String(), "the end of the document", "the rest of the record",
			"the document is truncated")
	case errors.As(err, &se):
		d.problem(nil, "R1", d.at.String(), se.Error(), "JSON", "the document is not JSON")
	default:
		d.problem(nil, "R1", d.at.String(), err.Error(), "JSON", "the document is not JSON")
	}
}

// token reads the next token. The end of the document is an
// io.ErrUnexpectedEOF.
func (d *decoder) token() (json.Token, error) {
	d.start = d.dec.InputOffset()
	t, err := d.dec.Token()
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err == nil {
		for end := d.dec.InputOffset(); d.start < end && strings.IndexByte(blanks+",:", d.data[d.start]) >= 0; {
			d.start++
		}
	}
	return t, err
}
