package hwmon

import (
	"bytes"
	"errors"
	"io/fs"
	"math"
	"math/bits"
	"path"
	"syscall"
	"time"

	"github.com/ecotracer/ecotracer/internal/host"
	"github.com/ecotracer/ecotracer/tracer/meter"
)

// source is a channel that is read.
type source struct {
	domain   int // index into the domains of the meter
	root     fs.FS
	names    [2]string     // its file; of a rail, those of its voltage and its current
	files    [2]*host.File // nil until they are first read: to open one is to read it
	sleeps   string        // the file that tells whether the device does; "" if it never does
	status   *host.File    // it, once it was read
	scale    uint64        // what its figures are multiplied by
	slept    bool          // it did at the last reading
	positive bool          // a power of 0 is a failure

	counter meter.Counter
	hidden  time.Duration // after which a register may have wrapped that the driver extends at each reading; 0: there is none
	last    time.Time     // when the counter was last read
}

// newSource makes a source of what was planned, with the files that are open.
func newSource(root fs.FS, domain int, p *planned, files [2]*host.File) source {
	c := p.channel
	s := source{domain: domain, root: root, files: files, sleeps: p.chip.status, scale: c.scale, positive: p.positive}
	for i, name := range c.names {
		if name != "" {
			s.names[i] = path.Join(p.chip.dir, name)
		}
	}
	if c.quantity == energy {
		// A counter of 63 bits does not wrap: what falls began anew.
		s.counter = meter.Counter{RangeUJ: math.MaxInt64, MaxW: p.MaxW, Rest: p.rest}
		s.hidden = p.hidden
		if c.told {
			s.last = c.at
		}
	}
	return s
}

// read reads the file, µJ or µW. While the device sleeps it is left alone, and
// slept is true.
func (s *source) read() (uint64, meter.Condition) {
	if s.slept = s.asleep(); s.slept {
		return 0, meter.OK
	}
	value, err := s.value()
	if err == nil {
		return value, meter.OK
	}
	if s.asleep() { // meanwhile
		s.slept = true
		return 0, meter.OK
	}
	condition := conditionOf(err)
	if condition == meter.Unplugged {
		s.close() // what comes back has new files
	}
	return 0, condition
}

// value is what the file says, or the product of two.
func (s *source) value() (uint64, error) {
	product := s.scale
	for i, name := range s.names {
		if name == "" {
			break
		}
		n, err := readNumber(s.root, name, &s.files[i])
		if err != nil {
			return 0, err
		}
		over, low := bits.Mul64(product, n)
		if over != 0 {
			return 0, errNoNumber
		}
		product = low
	}
	return product, nil
}

// add counts a reading. The graphics drivers of Intel keep 63 bits in memory
// but read the register only when somebody asks: if nobody did for as long as
// it takes to wrap, wraps are missing.
func (s *source) add(raw uint64, t time.Time) meter.Condition {
	condition := s.counter.Add(raw, t)
	if !s.last.IsZero() && s.hidden > 0 && condition == meter.OK && max(t.Sub(s.last), t.Round(0).Sub(s.last.Round(0))) >= s.hidden {
		condition = meter.Gap
	}
	s.last = t
	return condition
}

// close closes the files; another reading would open them again.
func (s *source) close() {
	for _, f := range []**host.File{&s.files[0], &s.files[1], &s.status} {
		if *f != nil {
			_ = (*f).Close() // it was only read
			*f = nil
		}
	}
}

// readNumber reads a number from a file that is kept open.
func readNumber(root fs.FS, name string, file **host.File) (uint64, error) {
	if *file == nil {
		f, err := host.OpenFile(root, name, 64)
		if err != nil {
			return 0, err
		}
		*file = f
	}
	b, err := (*file).Read()
	if err != nil {
		return 0, err
	}
	n, ok := host.ParseUint(b)
	if !ok {
		return 0, errNoNumber
	}
	return n, nil
}

var errNoNumber = errors.New("it says no number")

// asleep tells whether the kernel has put the device to sleep.
func (s *source) asleep() bool {
	if s.sleeps == "" {
		return false
	}
	if s.status == nil {
		f, err := host.OpenFile(s.root, s.sleeps, 32)
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) && s.files[0] == nil {
				s.sleeps = "" // no power management
			}
			return false
		}
		s.status = f
	}
	b, err := s.status.Read()
	return err == nil && sleeping(b)
}

// sleeping understands power/runtime_status
// (Documentation/ABI/testing/sysfs-devices-power).
func sleeping(status []byte) bool {
	return bytes.HasPrefix(status, []byte("suspend")) // suspended, suspending
}

// conditionOf is that of a failure. Drivers answer EPERM while a card is reset
// or asleep, and who may open a file may read it.
func conditionOf(err error) meter.Condition {
	if errors.Is(err, syscall.EPERM) {
		return meter.Unreadable
	}
	return meter.ConditionOf(err)
}
