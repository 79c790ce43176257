package parquet

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// The bounds of what is read. Tables have far less; what has more was made to
// be too much, or is none.
const (
	maxGroupRows = 16 << 20  // of a row group
	maxPage      = 64 << 20  // bytes of a page once it is decompressed
	maxValues    = 4 << 20   // of a page
	maxMemory    = 512 << 20 // bytes of what is held of a row group at once
)

// guard makes sure, before anything of a row group is decompressed, that what
// is read of it at once can be held in memory: by the headers of the pages, and
// within them by those of compressed frames, which may say otherwise.
func guard(file io.ReaderAt, group *format.RowGroup, leaves []int) error {
	if group.NumRows < 0 || group.NumRows > maxGroupRows {
		return fmt.Errorf("a row group has %d rows, more than %d", group.NumRows, maxGroupRows)
	}
	var all int64
	for _, k := range leaves {
		if k >= len(group.Columns) {
			return errors.New("a row group lacks columns")
		}
		most, err := guardChunk(file, &group.Columns[k].MetaData)
		if err != nil {
			return err
		}
		all += most
	}
	if all > maxMemory {
		return fmt.Errorf("the pages of a row group take %d MiB at once, more than %d: write it with smaller pages", all>>20, maxMemory>>20)
	}
	return nil
}

// guardChunk is the most memory that the pages of a column chunk take at once.
func guardChunk(file io.ReaderAt, m *format.ColumnMetaData) (most int64, err error) {
	switch m.Codec {
	case format.Uncompressed, format.Snappy, format.Zstd:
	default:
		return 0, fmt.Errorf("a column is compressed by %s: write it uncompressed, by snappy or by zstd", m.Codec)
	}
	begin := m.DataPageOffset
	if m.DictionaryPageOffset != 0 {
		begin = m.DictionaryPageOffset
	}
	if begin < 0 || m.TotalCompressedSize < 0 || begin+m.TotalCompressedSize < begin {
		return 0, errors.New("a column chunk is nowhere in the file")
	}
	in := bufio.NewReaderSize(io.NewSectionReader(file, begin, m.TotalCompressedSize), 16<<10)
	protocol := thrift.CompactProtocol{}
	headers := thrift.NewDecoder(protocol.NewReader(in))
	var dictionary, page int64
	for {
		if _, err := in.Peek(1); err == io.EOF {
			return dictionary + page, nil
		}
		var h format.PageHeader
		if err := headers.Decode(&h); err != nil {
			return 0, fmt.Errorf("a page header: %w", err)
		}
		values, plain := int64(0), int64(0)
		switch h.Type {
		case format.DictionaryPage:
			values = int64(h.DictionaryPageHeader.V.NumValues)
		case format.DataPage:
			values = int64(h.DataPageHeader.V.NumValues)
		case format.DataPageV2:
			v := &h.DataPageHeaderV2.V
			values = int64(v.NumValues)
			plain = int64(v.RepetitionLevelsByteLength) + int64(v.DefinitionLevelsByteLength)
		}
		size, packed := int64(h.UncompressedPageSize), int64(h.CompressedPageSize)
		if size < 0 || size > maxPage || packed < 0 || packed > maxPage || values < 0 || values > maxValues || plain < 0 || plain > packed {
			return 0, fmt.Errorf("a page has %d values in %d bytes, more than %d in %d", values, size, maxValues, maxPage)
		}
		body := io.LimitReader(in, packed)
		if _, err := io.CopyN(io.Discard, body, plain); err != nil {
			return 0, err
		}
		if packed > plain {
			real := size
			switch m.Codec {
			case format.Zstd:
				real, err = zstdSize(bufio.NewReaderSize(body, 64))
			case format.Snappy:
				b := bufio.NewReaderSize(body, 16)
				var n uint64
				n, err = binary.ReadUvarint(b)
				real = int64(min(n, maxPage+1))
			}
			if err != nil {
				return 0, fmt.Errorf("a compressed page: %w", err)
			}
			if real > maxPage {
				return 0, fmt.Errorf("a page comes to %d bytes and more, though it says %d", real, size)
			}
			size = max(size, real)
		}
		if _, err := io.Copy(io.Discard, body); err != nil {
			return 0, err
		}
		size += 12 * values // indexes, levels
		if h.Type == format.DictionaryPage {
			dictionary = max(dictionary, 3*size)
		} else {
			page = max(page, size)
		}
	}
}

// zstdSize is the most that zstd frames can come to, by the headers of their
// blocks (RFC 8878, 3.1.1): at most 128 KiB each.
func zstdSize(r *bufio.Reader) (size int64, err error) {
	for {
		magic, err := r.Peek(4)
		if err == io.EOF && len(magic) == 0 {
			return size, nil
		}
		if err != nil {
			return 0, err
		}
		switch m := binary.LittleEndian.Uint32(magic); {
		case m == 0xfd2fb528:
			n, err := zstdFrame(r)
			if err != nil {
				return 0, err
			}
			size += n
		case m>>4 == 0x184d2a5: // to be skipped
			head := make([]byte, 8)
			if _, err := io.ReadFull(r, head); err != nil {
				return 0, err
			}
			if _, err := io.CopyN(io.Discard, r, int64(binary.LittleEndian.Uint32(head[4:]))); err != nil {
				return 0, err
			}
		default:
			return 0, errors.New("it is no zstd frame")
		}
		if size > maxPage {
			return size, nil
		}
	}
}

// zstdFrame is the most that a frame comes to: what it says, or what its
// blocks can hold.
func zstdFrame(r *bufio.Reader) (size int64, err error) {
	head := make([]byte, 5)
	if _, err := io.ReadFull(r, head); err != nil {
		return 0, err
	}
	descriptor := head[4]
	single := descriptor>>5&1 == 1
	skip := []int64{0, 1, 2, 4}[descriptor&3] // id of the dictionary
	if !single {
		skip++ // size of the window
	}
	if _, err := io.CopyN(io.Discard, r, skip); err != nil {
		return 0, err
	}
	width := []int{0, 2, 4, 8}[descriptor>>6]
	if single && width == 0 {
		width = 1
	}
	said, says := uint64(0), width > 0
	for i := range width {
		b, err := r.ReadByte()
		if err != nil {
			return 0, err
		}
		said |= uint64(b) << (8 * i)
	}
	if width == 2 {
		said += 256
	}
	block := make([]byte, 3)
	for last := false; !last; {
		if _, err := io.ReadFull(r, block); err != nil {
			return 0, err
		}
		h := uint32(block[0]) | uint32(block[1])<<8 | uint32(block[2])<<16
		last = h&1 == 1
		in, out := int64(h>>3), int64(h>>3)
		switch h >> 1 & 3 {
		case 1: // one byte, repeated
			in = 1
		case 2:
			out = 128 << 10
		case 3:
			return 0, errors.New("a zstd block of no known kind")
		}
		size += out
		if _, err := io.CopyN(io.Discard, r, in); err != nil {
			return 0, err
		}
	}
	if descriptor>>2&1 == 1 { // a checksum
		if _, err := io.CopyN(io.Discard, r, 4); err != nil {
			return 0, err
		}
	}
	if says && said < uint64(size) { // which the decoder holds it to
		size = int64(said)
	}
	return size, nil
}

// leavesOf are the leaves of a file that these columns are in.
func leavesOf(list []leaf, s *parquet.Schema) (indexes []int) {
	units := len(s.Columns())
	for _, l := range list {
		indexes = append(indexes, l.index)
		if columns[l.column].Name == "units" && l.index+1 < units {
			indexes = append(indexes, l.index+1)
		}
	}
	return indexes
}
