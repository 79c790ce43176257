package tracertest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// rule is one case of a conformance suite.
type rule[T any] struct {
	name  string
	why   string // what breaks where the rule is not kept
	check func(open func() (T, error)) error
}

// verdict is what became of one rule.
type verdict struct {
	name, why string
	err       error
}

// try holds what open gives to all rules but those excepted. A panic breaks
// the rule that was being tried.
func try[T any](rules []rule[T], open func() (T, error), except []string) []verdict {
	var verdicts []verdict
	for _, r := range rules {
		if slices.Contains(except, r.name) {
			continue
		}
		verdicts = append(verdicts, verdict{r.name, r.why, guard(func() error { return r.check(open) })})
	}
	return verdicts
}

// guard turns a panic into an error.
func guard(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("it panics: %v", p)
		}
	}()
	return f()
}

// conform reports what try finds.
func conform[T any](t testing.TB, rules []rule[T], open func() (T, error), except []string) {
	t.Helper()
	var names []string
	for _, r := range rules {
		names = append(names, r.name)
	}
	for _, name := range except {
		if !slices.Contains(names, name) {
			t.Fatalf("there is no rule %q, the rules are %s", name, strings.Join(names, ", "))
		}
	}
	for _, v := range try(rules, open, except) {
		if v.err != nil {
			t.Errorf("rule %q: %v\n%s", v.name, v.err, v.why)
		}
	}
}
