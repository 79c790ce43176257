package main

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// tree tells the CPU time that a program and all its descendants have used, so
// that no second is counted twice and the sum never falls.
//
// A second of a descendant is at one of four places: with the process itself
// while it lives; in its parent's account of children once the parent has
// waited for it; with us, once we have waited for it, orphans included (we are
// the child subreaper); or nowhere, when its parent ignores SIGCHLD and the
// kernel throws the figure away. The first three are read, the fourth is
// carried on from the last look.
//
// A process that is waited for during a look moves from one place to another
// and could be seen at both. So a look has two passes: the accounts of children
// first, then the processes' own clocks. Only who still answers in the second
// pass counts; nobody had waited for him when the accounts were read. What is
// missed that way is there at the next look.
//
// Methods may be called from several goroutines at once.
type tree struct {
	kernel processes
	self   int

	mu        sync.Mutex
	reaped    time.Duration // of all that we have waited for
	lost      time.Duration // of those that nobody waited for
	told      time.Duration // the most that was ever told
	members   map[int]member
	strangers map[int]bool // known to be outside; forgotten now and then
	before    map[int]bool // children that we had before
	looks     int
	reapedAt  time.Duration // reaped, at the last look
}

// member is a live process of the tree, as it was at the last look.
type member struct {
	start    uint64        // since boot, in clock ticks: tells a reused PID
	own      time.Duration // all its threads, also those that ended
	children time.Duration // all that it has waited for, to any depth
}

// processes is what the kernel tells of processes.
type processes interface {
	// list tells the IDs of all processes, zombies included.
	list() []int
	// status tells a process's parent, start and account of children.
	status(pid int) (parent int, m member, ok bool)
	// clock tells the CPU time of a process's own threads.
	clock(pid int) (time.Duration, bool)
}

const (
	// coarse is by how much an account of children may lag: the kernel shows
	// its user and its system part in whole ticks of 10 ms each.
	coarse = 20 * time.Millisecond
	// tries is how often a look is repeated when a process ends during it.
	tries = 3
	// forget is after how many looks strangers are looked at again, in case a
	// PID was reused.
	forget = 64
)

// newTree makes the tree of the children that the process self will start;
// those that it has already do not belong to it.
func newTree(k processes, self int) *tree {
	t := &tree{kernel: k, self: self, members: map[int]member{}, strangers: map[int]bool{}, before: map[int]bool{}}
	for _, pid := range k.list() {
		if parent, _, ok := k.status(pid); ok && parent == self {
			t.before[pid] = true
		}
	}
	return t
}

// cpuTime tells the CPU time so far. It never falls.
func (t *tree) cpuTime() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	now, whole := t.look()
	for range tries - 1 {
		if whole {
			break
		}
		now, whole = t.look()
	}
	if whole {
		t.lost += t.vanished(now)
	}
	sum := t.reaped + t.lost
	for _, m := range now {
		sum += m.own + m.children
	}
	t.members, t.reapedAt = now, t.reaped
	t.told = max(t.told, sum)
	return t.told
}

// alive tells how many processes of the tree there were at the last look.
func (t *tree) alive() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.members)
}

// pids are the processes of the tree at the last look.
func (t *tree) pids() []int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Collect(maps.Keys(t.members))
}

// reap waits for what has ended, by the function it is given, which tells one
// process and its CPU time with that of all it had waited for. No look happens
// in between.
func (t *tree) reap(wait func() (pid int, used time.Duration, ok bool)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		pid, used, ok := wait()
		if !ok {
			return
		}
		if t.before[pid] {
			delete(t.before, pid)
			continue
		}
		t.reaped += used
	}
}

// look finds the members and reads their figures. It is not whole if a known
// member ended meanwhile: it may then be missing from both places.
func (t *tree) look() (now map[int]member, whole bool) {
	if t.looks++; t.looks%forget == 0 {
		clear(t.strangers)
	}
	whole = true
	listed := t.kernel.list()
	seen := make(map[int]member, len(t.members))
	parents := map[int]int{} // of processes that were never seen before
	here := make(map[int]bool, len(listed))
	for _, pid := range listed {
		here[pid] = true
		if pid == t.self || t.before[pid] || t.strangers[pid] {
			continue
		}
		parent, m, ok := t.kernel.status(pid)
		old, known := t.members[pid]
		switch {
		case !ok:
			whole = whole && !known
		case known && old.start == m.start:
			seen[pid] = m
		default:
			parents[pid] = parent
			seen[pid] = m
		}
	}
	maps.DeleteFunc(t.strangers, func(pid int, _ bool) bool { return !here[pid] })
	for pid := range parents {
		if !t.belongs(pid, parents) {
			delete(seen, pid)
		}
	}
	for pid, m := range seen {
		own, ok := t.kernel.clock(pid)
		if !ok {
			_, known := t.members[pid]
			whole = whole && !known
			delete(seen, pid)
			continue
		}
		m.own = own
		seen[pid] = m
	}
	return seen, whole
}

// belongs tells whether a process that was never seen before descends from
// us, and remembers those that surely do not. Whose parent is gone already is
// left for the next look.
func (t *tree) belongs(pid int, parents map[int]int) bool {
	chain := []int{pid}
	for {
		parent, seen := parents[chain[len(chain)-1]]
		_, unknown := parents[parent]
		_, member := t.members[parent]
		switch {
		case !seen:
			return false
		case parent == t.self, member && !unknown:
			return true
		case parent == 0 || t.strangers[parent] || t.before[parent]:
			for _, p := range chain {
				t.strangers[p] = true
			}
			return false
		case len(chain) > len(parents):
			return false // PIDs were reused during the look
		}
		chain = append(chain, parent)
	}
}

// vanished tells the CPU time of members that ended since the last look and
// that nobody waited for.
func (t *tree) vanished(now map[int]member) time.Duration {
	var gone, ended, found time.Duration
	for pid, old := range t.members {
		m, ok := now[pid]
		if ok && m.start == old.start {
			found += m.children - old.children
			continue
		}
		gone += old.own + old.children
		ended += coarse
	}
	found += t.reaped - t.reapedAt
	if gone <= found+ended {
		return 0
	}
	return gone - found
}
