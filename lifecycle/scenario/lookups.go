package scenario

import (
	"fmt"

	"github.com/ecotracer/ecotracer/factors"
)

// lookups remembers what package factors told, for as long as one call lasts:
// the sum of a device's components takes longer than all of a model.
type lookups struct{ told map[string]any }

// told is a value with its error.
type told[T any] struct {
	value T
	err   error
}

func remembered[T any](l *lookups, key string, look func() (T, error)) (T, error) {
	if t, ok := l.told[key].(told[T]); ok {
		return t.value, t.err
	}
	v, err := look()
	if l.told == nil {
		l.told = map[string]any{}
	}
	l.told[key] = told[T]{v, err}
	return v, err
}

func (l *lookups) factor(q factors.Query) (factors.Factor, error) {
	return remembered(l, fmt.Sprintf("%+v", q), func() (factors.Factor, error) { return factors.Lookup(q) })
}

func (l *lookups) device(d factors.Device) (factors.Embodied, error) {
	return remembered(l, fmt.Sprintf("%+v", d), func() (factors.Embodied, error) { return factors.LookupDevice(d) })
}

func (l *lookups) accelerator(model string) (factors.Accelerator, error) {
	return remembered(l, "accelerator "+model, func() (factors.Accelerator, error) { return factors.LookupAccelerator(model, 0) })
}

func (l *lookups) cpu(model, class string) (factors.CPU, error) {
	return remembered(l, "cpu "+model+" "+class, func() (factors.CPU, error) { return factors.LookupCPU(model, class, 0) })
}
