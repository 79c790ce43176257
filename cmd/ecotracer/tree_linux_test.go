package main

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/internal/race"
)

// fakeKernel is a kernel whose processes do what a test says, and that knows
// how much CPU time they have really used.
type fakeKernel struct {
	procs map[int]*fakeProcess
	last  int           // PID
	pids  int           // how many there are before they are used again
	born  uint64        // processes so far
	truth time.Duration // CPU time used below self
	lost  time.Duration // of it, thrown away by the kernel
	race  func()        // what happens between two questions
}

type fakeProcess struct {
	parent        int
	own, children time.Duration
	start         uint64
	zombie        bool
	careless      bool // ignores SIGCHLD
	ours          bool
}

const fakeSelf = 2

func newFakeKernel() *fakeKernel {
	k := &fakeKernel{procs: map[int]*fakeProcess{}, last: 9, pids: 1 << 20, race: func() {}}
	k.procs[1] = &fakeProcess{}
	k.procs[fakeSelf] = &fakeProcess{parent: 1}
	return k
}

func (k *fakeKernel) list() []int {
	k.race()
	return slices.Sorted(maps.Keys(k.procs))
}

func (k *fakeKernel) status(pid int) (int, member, bool) {
	k.race()
	p, ok := k.procs[pid]
	if !ok {
		return 0, member{}, false
	}
	user := p.children * 6 / 10
	return p.parent, member{start: p.start, children: user.Truncate(tick) + (p.children - user).Truncate(tick)}, true
}

func (k *fakeKernel) clock(pid int) (time.Duration, bool) {
	k.race()
	p, ok := k.procs[pid]
	if !ok {
		return 0, false
	}
	return p.own, true
}

func (k *fakeKernel) fork(parent int) int {
	for k.procs[k.last] != nil {
		k.last = 10 + (k.last-9)%k.pids
	}
	k.born++
	k.procs[k.last] = &fakeProcess{parent: parent, start: k.born, ours: parent == fakeSelf || k.procs[parent].ours}
	return k.last
}

func (k *fakeKernel) use(pid int, d time.Duration) {
	p := k.procs[pid]
	p.own += d
	if p.ours {
		k.truth += d
	}
}

func (k *fakeKernel) exit(pid int) {
	p := k.procs[pid]
	p.zombie = true
	for _, child := range k.procs {
		if child.parent == pid {
			child.parent = 1
			if child.ours {
				child.parent = fakeSelf
			}
		}
	}
	if k.procs[p.parent].careless {
		k.lost += p.own + p.children
		delete(k.procs, pid)
	}
}

// wait has a process's parent wait for it.
func (k *fakeKernel) wait(pid int) time.Duration {
	p := k.procs[pid]
	delete(k.procs, pid)
	k.procs[p.parent].children += p.own + p.children
	return p.own + p.children
}

// some is one of the processes that match, if there are any.
func (k *fakeKernel) some(rng *rand.Rand, match func(*fakeProcess) bool) (int, bool) {
	var pids []int
	for _, pid := range slices.Sorted(maps.Keys(k.procs)) {
		if pid > 9 && match(k.procs[pid]) {
			pids = append(pids, pid)
		}
	}
	if len(pids) == 0 {
		return 0, false
	}
	return pids[rng.IntN(len(pids))], true
}

// step does something at random; more often it is work.
func (k *fakeKernel) step(rng *rand.Rand, carelessly bool) {
	alive := func(p *fakeProcess) bool { return !p.zombie }
	switch n := rng.IntN(20); {
	case n < 8:
		if pid, ok := k.some(rng, alive); ok {
			k.use(pid, time.Duration(rng.IntN(int(60*time.Millisecond))))
		}
	case n < 12:
		if pid, ok := k.some(rng, alive); ok && len(k.procs) < 30 {
			child := k.fork(pid)
			k.procs[child].careless = carelessly && rng.IntN(4) == 0
		}
	case n < 15:
		if pid, ok := k.some(rng, func(p *fakeProcess) bool { return !p.zombie && p.parent != fakeSelf }); ok {
			k.exit(pid)
		}
	case n < 19:
		ended := func(p *fakeProcess) bool { return p.zombie && p.parent != fakeSelf }
		if pid, ok := k.some(rng, ended); ok {
			k.wait(pid)
		}
	default:
		if pid, ok := k.some(rng, alive); ok && k.procs[pid].ours {
			k.exit(pid) // also children of self: what the program leaves behind
		}
	}
}

// reapAll has self wait for all its children that have ended.
func (k *fakeKernel) reapAll(t *tree) {
	t.reap(func() (int, time.Duration, bool) {
		for _, pid := range slices.Sorted(maps.Keys(k.procs)) {
			if p := k.procs[pid]; p.zombie && p.parent == fakeSelf {
				return pid, k.wait(pid), true
			}
		}
		return 0, 0, false
	})
}

func TestTreeCountsEachSecondOnceWhateverProcessesDo(t *testing.T) {
	for name, test := range map[string]struct {
		pids       int
		racing     bool
		carelessly bool
	}{
		"between looks": {pids: 1 << 20},
		"during looks":  {pids: 1 << 20, racing: true},
		// Between looks: a kernel goes through all PIDs, at least 32768, before
		// it uses one again, and so not during a look of a millisecond.
		"with PIDs used again":        {pids: 35},
		"when nobody waits for them":  {pids: 1 << 20, carelessly: true},
		"during looks, with no waits": {pids: 1 << 20, racing: true, carelessly: true},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range race.Few(uint64(150)) {
				rng := rand.New(rand.NewPCG(seed, 1))
				k := newFakeKernel()
				k.pids = test.pids
				stranger := k.fork(1)
				before := k.fork(fakeSelf)
				k.procs[before].ours = false
				tree := newTree(k, fakeSelf)
				root := k.fork(fakeSelf)
				k.fork(stranger)

				if test.racing {
					k.race = func() {
						if rng.IntN(6) == 0 {
							k.step(rng, test.carelessly)
						}
					}
				}
				var told time.Duration
				for range 60 {
					for range 20 {
						k.step(rng, test.carelessly)
					}
					if rng.IntN(2) == 0 {
						k.reapAll(tree)
					}
					now := tree.cpuTime()
					require.GreaterOrEqual(t, now, told, "seed %d: the sum must never fall", seed)
					told = now
					// What is carried on for a process that nobody waited for may be
					// too much by what its neighbours' accounts lag.
					slack := coarse * time.Duration(len(k.procs))
					if tree.lost == 0 {
						slack = 0
					}
					require.LessOrEqual(t, now, k.truth+slack, "seed %d: no second may be counted twice", seed)
					if !test.carelessly {
						require.Zero(t, tree.lost, "seed %d: every process was waited for", seed)
					}
				}
				k.race = func() {}
				for pid := range maps.Clone(k.procs) {
					if p := k.procs[pid]; p != nil && p.ours && !p.zombie && pid != root {
						k.exit(pid)
					}
				}
				for again := true; again; {
					again = false
					for pid, p := range k.procs {
						if p.ours && p.zombie && p.parent != fakeSelf {
							k.wait(pid)
							again = true
							break
						}
					}
				}
				if p := k.procs[root]; p != nil && !p.zombie {
					k.exit(root)
				}
				k.reapAll(tree)
				now := tree.cpuTime()
				require.Zero(t, tree.alive(), "seed %d: nobody is left", seed)
				if !test.carelessly {
					require.Equal(t, k.truth, now, "seed %d: all that was used must be counted in the end", seed)
				}
				require.GreaterOrEqual(t, now, k.truth-k.lost, "seed %d: at least what was waited for", seed)
			}
		})
	}
}

func TestTreeCarriesOnTheTimeOfProcessesThatNobodyWaitsFor(t *testing.T) {
	k := newFakeKernel()
	tree := newTree(k, fakeSelf)
	root := k.fork(fakeSelf)
	k.procs[root].careless = true
	for range 5 {
		child := k.fork(root)
		k.use(child, time.Second)
		tree.cpuTime()
		k.exit(child)
		require.Equal(t, k.truth, tree.cpuTime(), "its second must not be lost with it")
		require.Equal(t, k.truth, tree.cpuTime(), "nor counted again")
	}
	k.use(root, 10*time.Millisecond)
	assert.Equal(t, k.truth, tree.cpuTime(), "later work must be seen at once")
	assert.Equal(t, 5*time.Second+10*time.Millisecond, k.truth)
}

func TestTreeFollowsOrphans(t *testing.T) {
	k := newFakeKernel()
	tree := newTree(k, fakeSelf)
	root := k.fork(fakeSelf)
	daemon := k.fork(k.fork(root))
	k.exit(k.procs[daemon].parent) // the double fork of a daemon
	k.use(daemon, time.Second)
	require.Equal(t, time.Second, tree.cpuTime())
	k.exit(root)
	k.reapAll(tree)
	assert.Equal(t, time.Second, tree.cpuTime())
	assert.Equal(t, 1, tree.alive(), "the daemon goes on")
	k.exit(daemon)
	k.reapAll(tree)
	assert.Equal(t, time.Second, tree.cpuTime(), "what we waited for is counted once")
	assert.Zero(t, tree.alive())
}

func TestTreeLeavesOthersOut(t *testing.T) {
	k := newFakeKernel()
	stranger := k.fork(1)
	earlier := k.fork(fakeSelf) // a child from before an exec
	k.procs[earlier].ours = false
	tree := newTree(k, fakeSelf)
	root := k.fork(fakeSelf)
	k.use(k.fork(stranger), time.Second)
	k.use(k.fork(earlier), time.Second)
	k.use(earlier, time.Second)
	k.use(stranger, time.Second)
	k.use(root, time.Millisecond)
	require.Equal(t, time.Millisecond, tree.cpuTime())
	k.exit(earlier)
	k.reapAll(tree)
	assert.Equal(t, time.Millisecond, tree.cpuTime(), "an earlier child is not the program's")
}

func TestParseStat(t *testing.T) {
	const tail = " S 7 42 42 0 -1 4194560 100 0 0 0 12 34 56 78 20 0 1 0 9876 1000 10 18446744073709551615 0 0"
	want := member{start: 9876, own: 460 * time.Millisecond, children: 1340 * time.Millisecond}
	for name, test := range map[string]struct {
		line string
		ok   bool
	}{
		"plain":                      {"42 (python3)" + tail, true},
		"a name with blanks":         {"42 (tmux: server)" + tail, true},
		"a name that looks like one": {"42 (a) R 1 1 (b)" + tail, true},
		"a name with a line break":   {"42 (a\nb)" + tail, true},
		"cut short":                  {"42 (python3) S 7 42", false},
		"no name":                    {"42" + tail, false},
		"no number":                  {"42 (x) S x 42 42 0 -1 4194560 100 0 0 0 12 34 56 78 20 0 1 0 9876 1000", false},
		"empty":                      {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			parent, m, ok := parseStat([]byte(test.line))
			require.Equal(t, test.ok, ok)
			if ok {
				assert.Equal(t, 7, parent)
				assert.Equal(t, want, m)
			}
		})
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("42 (x) S 7 42 42 0 -1 4194560 100 0 0 0 12 34 56 78 20 0 1 0 9876 1000"))
	f.Add([]byte("1 () Z 0"))
	f.Add([]byte(")"))
	f.Fuzz(func(t *testing.T, line []byte) {
		_, m, ok := parseStat(line)
		if ok {
			assert.GreaterOrEqual(t, m.own, time.Duration(0))
			assert.GreaterOrEqual(t, m.children, time.Duration(0))
		}
	})
}

// BenchmarkTree is one look at this host's processes; it happens at every
// reading of the meters.
func BenchmarkTree(b *testing.B) {
	tree := newTree(kernel{}, 1) // all processes but the kernel's and those of PID 1 itself
	clear(tree.before)
	for b.Loop() {
		tree.cpuTime()
	}
	b.ReportMetric(float64(tree.alive()), "processes")
	b.ReportMetric(float64(len(kernel{}.list())), "of")
}
