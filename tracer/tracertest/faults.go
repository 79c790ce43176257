package tracertest

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// fault is what is wrong with a file, or with all that is below a folder.
type fault struct {
	err     error   // opening and reading fail with it
	content *string // the file says this
	until   time.Time
}

// move is one file or folder that was taken away.
type move struct{ from, to string }

// faultOf is the fault of a file or of the nearest folder above it. The
// caller holds h.mu.
func (h *Host) faultOf(truth string) fault {
	for name := truth; ; {
		if f, ok := h.faults[name]; ok && (f.until.IsZero() || time.Now().Before(f.until)) {
			return f
		}
		slash := strings.LastIndexByte(name, '/')
		if slash < 0 {
			return fault{}
		}
		name = name[:slash]
	}
}

// Fail makes opening and reading of a file, or of all that is below a folder,
// fail from now on: with syscall.EACCES where permission was taken away, with
// syscall.EIO or syscall.EAGAIN where a driver is at fault. Files that are
// already open fail too. It panics if there is no such file or no error.
func (h *Host) Fail(name string, err error) { h.inject(name, fault{err: err}) }

// FailFor is Fail for so long: a gap in the readings.
func (h *Host) FailFor(name string, err error, d time.Duration) {
	h.inject(name, fault{err: err, until: time.Now().Add(d)})
}

// Say makes a file say something else than the truth, garbage or nothing at
// all. It panics if there is no such file.
func (h *Host) Say(name, content string) { h.inject(name, fault{content: &content}) }

// Stick makes a file say for ever what it says now: a counter that no longer
// moves. It panics if there is no such file.
func (h *Host) Stick(name string) {
	h.mu.Lock()
	s, ok := h.live[h.truth(name)]
	if !ok {
		h.mu.Unlock()
		panic(fmt.Sprintf("tracertest: Stick: %s does not change on this host", name))
	}
	text := string(s.append(nil, h.elapsed()))
	h.mu.Unlock()
	h.Say(name, text)
}

// Reset makes the counter of an energy_uj file begin anew at 0, as some do
// when a driver is loaded again or the host wakes up.
func (h *Host) Reset(energyFile string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.counter(energyFile).set(h.elapsed(), 0)
}

// Jump moves the counter of an energy_uj file by so many joules that were
// never used, wrapping as the counter does: a negative number makes it run
// backwards once.
func (h *Host) Jump(energyFile string, joules float64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.counter(energyFile)
	t := h.elapsed()
	size := int64(c.size)
	to := (int64(c.microjoules(t)) + int64(joules*1e6)%size + size) % size
	c.set(t, uint64(to))
}

// Vanish takes a file or folder away, such as sys/class/powercap/intel-rapl:0
// with all that is below it. Files of it that are still open fail with
// syscall.ENODEV, also after Heal has brought it back: it must be opened
// again. It panics if there is no such file.
func (h *Host) Vanish(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	name = path.Clean(name)
	truth := h.truth(name)
	full := filepath.Join(h.dir, filepath.FromSlash(truth))
	if _, err := os.Stat(full); err != nil {
		panic(fmt.Sprintf("tracertest: Vanish: no %s on this host", name))
	}
	moves := []move{h.take(full)}
	for f := range h.open {
		if f.truth == truth || strings.HasPrefix(f.truth, truth+"/") {
			f.gone = true
		}
	}
	// The class loses its links to what is gone, as in the kernel.
	class := filepath.Join(h.dir, filepath.FromSlash(powercapClass))
	entries, _ := os.ReadDir(class) // none if the class itself is gone
	for _, e := range entries {
		link := filepath.Join(class, e.Name())
		if _, err := os.Stat(link); err != nil {
			moves = append(moves, h.take(link))
		}
	}
	h.vanished[name] = moves
}

// take moves a file or folder out of the host.
func (h *Host) take(full string) move {
	to, err := os.MkdirTemp(h.gone, "")
	if err == nil {
		to = filepath.Join(to, "it")
		err = os.Rename(full, to)
	}
	if err != nil {
		panic(fmt.Errorf("tracertest: take %s away: %w", full, err))
	}
	return move{from: full, to: to}
}

// Heal undoes Fail, FailFor, Say, Stick and Vanish of the same name. A counter
// that was reset or moved stays so.
func (h *Host) Heal(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	name = path.Clean(name)
	for _, m := range h.vanished[name] {
		if err := os.Rename(m.to, m.from); err != nil {
			panic(fmt.Errorf("tracertest: bring %s back: %w", m.from, err))
		}
	}
	delete(h.vanished, name)
	delete(h.faults, h.truth(name))
}

func (h *Host) inject(name string, f fault) {
	h.mu.Lock()
	defer h.mu.Unlock()
	truth := h.truth(name)
	if _, err := os.Lstat(filepath.Join(h.dir, filepath.FromSlash(truth))); err != nil {
		panic(fmt.Sprintf("tracertest: no %s on this host", name))
	}
	if f.err == nil && f.content == nil {
		panic(fmt.Sprintf("tracertest: %s is to fail without an error; Heal undoes a fault", name))
	}
	h.faults[truth] = f
}
