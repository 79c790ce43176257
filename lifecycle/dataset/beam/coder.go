package beam

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"reflect"

	sdk "github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// All that a worker is told by name.
func init() {
	register.DoFn5x1[context.Context, part, func(part), func(Report), func(dataset.Refusal), error](&listFn{})
	register.DoFn6x1[context.Context, part, func([]byte, part), func([]byte, mention), func(Report), func(dataset.Refusal), error](&scanFn{})
	register.DoFn3x0[[]byte, func(*mention) bool, func([]byte, pair)](&relateFn{})
	register.DoFn3x0[[]byte, func(*pair) bool, func([]byte, member)](&groupFn{})
	register.DoFn8x1[context.Context, []byte, func(*part) bool, func(*member) bool, func([]byte, document), func(Summary), func(Report), func(dataset.Refusal), error](&countFn{})
	register.DoFn6x1[context.Context, []byte, func(*document) bool, func(Summary), func(Report), func(dataset.Refusal), error](&decideFn{})
	register.DoFn2x1[context.Context, Summary, error](&writeSummaryFn{})
	register.DoFn2x1[context.Context, Report, error](&writeReportFn{})
	register.Function1x2(refusalLine)
	register.Combiner1[Summary](&sumFn{})
	register.Combiner1[Report](&addFn{})

	register.Emitter1[part]()
	register.Emitter1[Summary]()
	register.Emitter1[Report]()
	register.Emitter1[dataset.Refusal]()
	register.Emitter2[[]byte, part]()
	register.Emitter2[[]byte, mention]()
	register.Emitter2[[]byte, pair]()
	register.Emitter2[[]byte, member]()
	register.Emitter2[[]byte, document]()
	register.Iter1[part]()
	register.Iter1[mention]()
	register.Iter1[pair]()
	register.Iter1[member]()
	register.Iter1[document]()

	sdk.RegisterCoder(reflect.TypeFor[part](), encodePart, decodePart)
	sdk.RegisterCoder(reflect.TypeFor[mention](), encodeMention, decodeMention)
	sdk.RegisterCoder(reflect.TypeFor[pair](), encodePair, decodePair)
	sdk.RegisterCoder(reflect.TypeFor[member](), encodeMember, decodeMember)
	sdk.RegisterCoder(reflect.TypeFor[document](), encodeDocument, decodeDocument)
	sdk.RegisterCoder(reflect.TypeFor[Summary](), encodeSummary, decodeSummary)
	sdk.RegisterCoder(reflect.TypeFor[Report](), encodeReport, decodeReport)
	sdk.RegisterCoder(reflect.TypeFor[dataset.Refusal](), encodeRefusal, decodeRefusal)
}

func encodeSummary(s Summary) ([]byte, error) { return s.MarshalJSON() }

func decodeSummary(b []byte) (Summary, error) {
	s := new(dataset.Summary)
	return Summary{s}, s.UnmarshalJSON(b)
}

func encodeReport(r Report) ([]byte, error) { return json.Marshal(r.Report) }

func decodeReport(b []byte) (r Report, err error) {
	r = newReport()
	return r, json.Unmarshal(b, &r.Report)
}

func encodeRefusal(r dataset.Refusal) ([]byte, error) { return json.Marshal(r) }

func decodeRefusal(b []byte) (r dataset.Refusal, err error) { return r, json.Unmarshal(b, &r) }

func encodePart(p part) ([]byte, error) { return json.Marshal(p) }

func decodePart(b []byte) (p part, err error) { return p, json.Unmarshal(b, &p) }

const refSize = 20

var errShort = errors.New("dataset: beam: what came from another worker is cut off")

func appendRef(b []byte, r ref) []byte {
	return binary.BigEndian.AppendUint32(append(b, r.part[:]...), r.n)
}

func refAt(b []byte) (r ref) {
	copy(r.part[:], b)
	r.n = binary.BigEndian.Uint32(b[16:])
	return r
}

func encodeMention(m mention) []byte {
	r := &m.relation
	b := append(appendRef(make([]byte, 0, 64), m.of), r.Key[:]...)
	b = append(b, byte(r.Kind))
	b = binary.BigEndian.AppendUint32(b, r.Index)
	b = binary.BigEndian.AppendUint64(b, uint64(r.Start))
	return binary.BigEndian.AppendUint64(b, uint64(r.End))
}

func decodeMention(b []byte) (m mention, err error) {
	if len(b) != refSize+37 {
		return m, errShort
	}
	m.of, b = refAt(b), b[refSize:]
	copy(m.relation.Key[:], b)
	m.relation.Kind = dataset.RelationKind(b[16])
	m.relation.Index = binary.BigEndian.Uint32(b[17:])
	m.relation.Start = int64(binary.BigEndian.Uint64(b[21:]))
	m.relation.End = int64(binary.BigEndian.Uint64(b[29:]))
	return m, nil
}

func encodePair(p pair) []byte { return appendRef(appendRef(nil, p.a), p.b) }

func decodePair(b []byte) (p pair, err error) {
	if len(b) != 2*refSize {
		return p, errShort
	}
	return pair{refAt(b), refAt(b[refSize:])}, nil
}

func encodeMember(m member) []byte {
	return appendRef(binary.BigEndian.AppendUint32(nil, m.n), m.group)
}

func decodeMember(b []byte) (m member, err error) {
	if len(b) != 4+refSize {
		return m, errShort
	}
	return member{binary.BigEndian.Uint32(b), refAt(b[4:])}, nil
}

func encodeDocument(d document) ([]byte, error) {
	place, err := json.Marshal(d.place)
	b := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(place)+len(d.text)), uint32(len(place)))
	return append(append(b, place...), d.text...), err
}

func decodeDocument(b []byte) (d document, err error) {
	if len(b) < 4 || uint64(len(b)-4) < uint64(binary.BigEndian.Uint32(b)) {
		return d, errShort
	}
	n := 4 + int(binary.BigEndian.Uint32(b))
	d.text = append([]byte(nil), b[n:]...)
	return d, json.Unmarshal(b[4:n], &d.place)
}
