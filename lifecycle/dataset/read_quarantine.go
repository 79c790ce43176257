package dataset

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// What is put into a quarantine at most.
const (
	mostQuarantined      = 100_000
	mostQuarantinedBytes = 1 << 30
)

// quarantine is a folder with copies of what was refused. It is not for
// concurrent use.
type quarantine struct {
	dir   string
	list  *os.File
	files int
	lines int
	bytes int64
}

// refusedList is the file that lists, one JSON object a line, what was refused.
// No file of a quarantine is one of records by its name.
const refusedList = "refused.log"

// put copies a document, and lists why. It is false if there is no room.
func (q *quarantine) put(bad *Refusal, doc []byte) (kept bool, err error) {
	if q.list == nil {
		if err := os.MkdirAll(q.dir, 0o777); err != nil {
			return false, err
		}
		if q.list, err = os.OpenFile(filepath.Join(q.dir, refusedList), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o666); err != nil {
			return false, err
		}
	}
	room := q.files < mostQuarantined && q.bytes+int64(len(doc)) <= mostQuarantinedBytes
	if room && len(doc) > 0 {
		if bad.File, err = q.write(doc); err != nil {
			return false, err
		}
		q.bytes += int64(len(doc))
	}
	if q.lines++; q.lines > 10*mostQuarantined {
		return false, nil
	}
	line, err := json.Marshal(bad)
	if err != nil {
		return false, err
	}
	_, err = q.list.Write(append(line, '\n'))
	return room && len(doc) > 0, err
}

// write writes a copy under the next name that is not taken.
func (q *quarantine) write(doc []byte) (name string, err error) {
	for {
		q.files++
		name = fmt.Sprintf("%06d.refused", q.files)
		f, err := os.OpenFile(filepath.Join(q.dir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
		if os.IsExist(err) {
			continue
		}
		if err != nil {
			return "", err
		}
		_, err = f.Write(doc)
		if closed := f.Close(); err == nil {
			err = closed
		}
		return name, err
	}
}

func (q *quarantine) close() error {
	if q.list == nil {
		return nil
	}
	return q.list.Close()
}
