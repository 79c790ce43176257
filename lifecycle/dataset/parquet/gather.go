package parquet

import (
	"context"
	"encoding/binary"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/ecotracer/ecotracer/internal/spill"
	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// gather adds the rows of files in which those of a run are scattered: sorted by
// run and stage, in a temporary file where they do not fit into memory.
func gather(ctx context.Context, from dataset.Reader, files []tableFile, into *dataset.Summary) (err error) {
	if from.Workers <= 0 {
		from.Workers = runtime.GOMAXPROCS(0)
	}
	needed := needs(into.By())
	var list []dataset.Column
	for _, c := range columns {
		if needed(c.Name) {
			list = append(list, c)
		}
	}
	rows := spill.New(from.TempDir)
	defer rows.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	packers := make([]*packer, from.Workers)
	var next atomic.Int64
	var wait sync.WaitGroup
	for w := range packers {
		packers[w] = newPacker(list)
		wait.Go(func() {
			for k := int(next.Add(1)) - 1; k < len(files) && ctx.Err() == nil; k = int(next.Add(1)) - 1 {
				if err := scatter(ctx, files[k], k, w, packers[w], rows, needed); err != nil {
					cancel(err)
				}
			}
		})
	}
	wait.Wait()
	if err := context.Cause(ctx); err != nil {
		return err
	}

	one := make([]dataset.Row, 1)
	n := 0
	err = rows.Each(func(_, b []byte) error {
		if n++; n%readRows == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		w, size := binary.Uvarint(b)
		if err := packers[w].unpack(&one[0], b[size:]); err != nil {
			return err
		}
		settle(one)
		into.AddRow(&one[0])
		return nil
	})
	if err != nil {
		err = fmt.Errorf("parquet: %w", err)
	}
	return err
}

// scatter sorts the rows of a file: by run, by stage, and by their order.
func scatter(ctx context.Context, f tableFile, number, worker int, p *packer, to *spill.Sorter, needed func(string) bool) error {
	t, err := openTable(f)
	if err != nil {
		return err
	}
	defer t.close()
	b := newRowBatch(t, needed)
	defer b.close()
	var key, value []byte
	at := uint64(0)
	for g := range t.file.RowGroups() {
		err := b.read(ctx, g, func(rows []dataset.Row) error {
			for i := range rows {
				key = appendPart(appendPart(key[:0], rows[i].RunID), rows[i].Stage)
				key = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(key, uint32(number)), at)
				at++
				value = p.append(binary.AppendUvarint(value[:0], uint64(worker)), &rows[i])
				if err := to.Add(key, value); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("parquet: %s: %w", f.path, err)
		}
	}
	return nil
}

// appendPart appends a text such that no text begins with another one.
func appendPart(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}
