package export

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// node is an object of a report, read member by member; what is wrong is noted
// for all of them.
type node struct {
	members  map[string]any
	at       string
	problems *[]error
}

const maxReportProblems = 20

func (n node) wrong(member, format string, args ...any) {
	problem := errors.New(n.at + "/" + escape(member) + " " + fmt.Sprintf(format, args...))
	known := slices.ContainsFunc(*n.problems, func(p error) bool { return p.Error() == problem.Error() })
	if !known && len(*n.problems) < maxReportProblems {
		*n.problems = append(*n.problems, problem)
	}
}

// read gives the value of a member, the zero value if it is not there.
func read[T any](n node, member string, need bool, kind string) (v T, there bool) {
	x, ok := n.members[member]
	if !ok {
		if need {
			n.wrong(member, "is missing, which BoAmps requires")
		}
		return v, false
	}
	v, ok = x.(T)
	if !ok {
		n.wrong(member, "is no %s", kind)
	}
	return v, ok
}

// maxText is the longest text of a record, in bytes.
const maxText = 4 << 10

// text is a text that a record can hold.
func (n node) text(member string, need bool) string {
	s, _ := read[string](n, member, need, "text")
	if len(s) > maxText {
		n.wrong(member, "is longer than 4 KiB")
		return ""
	}
	return s
}

// told is a text that a report must tell, and so is not empty.
func (n node) told(member string) string {
	s := n.text(member, true)
	if empty, there := n.members[member]; there && empty == "" {
		n.wrong(member, "is empty, and BoAmps requires it")
	}
	return s
}

// number is a number from 0 to upTo, nil if it is not there.
func (n node) number(member string, need bool, upTo float64) *float64 {
	x, ok := read[float64](n, member, need, "number")
	switch {
	case !ok:
		return nil
	case x < 0 || x > upTo:
		n.wrong(member, "is %v, and not from 0 to %v", x, upTo)
		return nil
	}
	return &x
}

// whole is a number without a fraction.
func (n node) whole(member string, need bool) *int64 {
	x := n.number(member, need, 1<<53-1)
	if x == nil {
		return nil
	}
	i := int64(*x)
	if float64(i) != *x {
		n.wrong(member, "is %v, and no whole number", *x)
		return nil
	}
	return &i
}

// child is an object, without members if it is not there.
func (n node) child(member string, need bool) node {
	m, _ := read[map[string]any](n, member, need, "object")
	return node{m, n.at + "/" + member, n.problems}
}

// children are the objects of a list, of which there is one at least.
func (n node) children(member string) (list []node) {
	items, ok := read[[]any](n, member, true, "list")
	if ok && len(items) == 0 {
		n.wrong(member, "is empty")
	}
	for i, item := range items {
		at := n.at + "/" + member + "/" + strconv.Itoa(i)
		m, ok := item.(map[string]any)
		if !ok {
			node{nil, n.at + "/" + member, n.problems}.wrong(strconv.Itoa(i), "is no object")
			continue
		}
		list = append(list, node{m, at, n.problems})
	}
	return list
}
