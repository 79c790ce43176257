package tracer_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"io"
	"os"
	"os/exec"
	"runtime/pprof"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/tracertest"
)

// profilingChild is set in the process that realProfile starts.
const profilingChild = "ECOTRACER_TEST_PROFILING_CHILD"

// realProfile is what the runtime writes of a process that computes three
// times as long under one label as under another.
var realProfile = sync.OnceValues(newProfile)

func newProfile() ([]byte, error) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestProfilingChild$")
	cmd.Env = append(os.Environ(), profilingChild+"=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	_, profile, _ := bytes.Cut(out, []byte(profilingChild))
	profile, _, _ = bytes.Cut(profile, []byte(profilingChild))
	return profile, err
}

// TestProfilingChild is the child of realProfile: a test must not take the
// profiler from who profiles the tests.
func TestProfilingChild(t *testing.T) {
	if os.Getenv(profilingChild) == "" {
		t.Skip("only in a process of its own")
	}
	var b bytes.Buffer
	require.NoError(t, pprof.StartCPUProfile(&b))
	for label, cpu := range map[string]time.Duration{"three": 900 * time.Millisecond, "one": 300 * time.Millisecond} {
		pprof.Do(context.Background(), pprof.Labels(tracer.LabelKey, label, "host", "x"), func(ctx context.Context) {
			tracertest.Burn(ctx, cpu)
		})
	}
	tracertest.Burn(context.Background(), 200*time.Millisecond)
	pprof.StopCPUProfile()
	_, _ = os.Stdout.WriteString(profilingChild + b.String() + profilingChild)
}

func TestTheRuntimesProfileIsReadByLabel(t *testing.T) {
	for range 2 {
		profile, err := newProfile()
		require.NoError(t, err)
		seconds, runtime, stray, err := tracer.ReadCPUProfile(profile)
		require.NoError(t, err)
		assert.LessOrEqual(t, len(seconds), 2, "the host's labels are not ours")
		// The runtime takes a sample every 10 ms of CPU time: 90, 30 and 20. On a
		// host that others keep busy it loses some.
		if seconds["three"]+seconds["one"]+stray < 0.8*1.4 {
			continue
		}
		assert.InDelta(t, 0.9, seconds["three"], 0.25)
		assert.InDelta(t, 0.3, seconds["one"], 0.15)
		assert.InDelta(t, 0.2, stray, 0.15)
		assert.Less(t, runtime, 0.1)
		return
	}
	t.Skip("the host is too busy: the runtime loses samples")
}

// message is a protocol buffer message that is made by hand.
type message []byte

func (m message) number(field int, v uint64) message {
	return binary.AppendUvarint(binary.AppendUvarint(m, uint64(field)<<3), v)
}

func (m message) bytes(field int, b []byte) message {
	m = binary.AppendUvarint(m, uint64(field)<<3|2)
	return append(binary.AppendUvarint(m, uint64(len(b))), b...)
}

func (m message) packed(field int, vs ...uint64) message {
	var b []byte
	for _, v := range vs {
		b = binary.AppendUvarint(b, v)
	}
	return m.bytes(field, b)
}

// handMade is a profile with the strings that a test names.
func handMade(samples ...message) message {
	m := message{}
	for _, s := range samples {
		m = m.bytes(2, s)
	}
	m = m.bytes(4, message{}.number(1, 7).bytes(4, message{}.number(1, 9)))                                                 // location 7 is in function 9
	m = m.bytes(4, message{}.number(1, 8).bytes(4, message{}.number(1, 10)).bytes(4, message{}.number(1, 9)))               // 8 is in 10, inlined in 9
	m = m.bytes(5, message{}.number(1, 9).number(2, 3)).bytes(5, message{}.number(1, 10).number(2, 4)).number(9, 1)         // functions 9 and 10; a time
	m = m.bytes(4, message{}.number(1, 6).bytes(4, message{}.number(1, 11))).bytes(5, message{}.number(1, 11).number(2, 6)) // location 6 is in function 11
	for _, s := range []string{"", tracer.LabelKey, "path#1", "main.work", "runtime._ExternalCode", "other", "runtime.gcBgMarkWorker"} {
		m = m.bytes(6, []byte(s))
	}
	return m
}

func label(key, value uint64) message { return message{}.number(1, key).number(2, value) }

func zipped(raw []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(raw) // a Buffer takes all
	_ = w.Close()
	return b.Bytes()
}

func TestSamplesAreReadAsTheFormatAllows(t *testing.T) {
	const second = 1e9
	for name, c := range map[string]struct {
		sample               message
		ours, runtime, stray float64
	}{
		"packed":                       {message{}.packed(1, 7).packed(2, 1, second).bytes(3, label(1, 2)), 1, 0, 0},
		"not packed":                   {message{}.number(1, 7).number(2, 1).number(2, second).bytes(3, label(1, 2)), 1, 0, 0},
		"labels of the host, and ours": {message{}.packed(2, 1, second).bytes(3, label(5, 3)).bytes(3, label(1, 2)), 1, 0, 0},
		"a label of the host":          {message{}.packed(1, 7).packed(2, 1, second).bytes(3, label(5, 2)), 0, 0, 1},
		"no label":                     {message{}.packed(1, 7).packed(2, 1, second), 0, 0, 1},
		"the garbage collector":        {message{}.packed(1, 6, 6).packed(2, 1, second), 0, 1, 0},
		"the runtime for someone":      {message{}.packed(1, 6, 7).packed(2, 1, second), 0, 0, 1},
		"no stack":                     {message{}.packed(2, 1, second), 0, 0, 1},
		"a C thread":                   {message{}.packed(1, 8, 7).packed(2, 1, second), 0, 0, 1},
		"a C thread below":             {message{}.packed(1, 7, 8).packed(2, 1, second), 0, 0, 1},
		"a cgo call under a label":     {message{}.packed(1, 8).packed(2, 1, second).bytes(3, label(1, 2)), 1, 0, 0},
		"no values":                    {message{}.packed(1, 7).bytes(3, label(1, 2)), 0, 0, 0},
		"a value below zero":           {message{}.packed(2, 1, 1<<63).bytes(3, label(1, 2)), 0, 0, 0},
		"a location that is not there": {message{}.packed(1, 99).packed(2, 1, second), 0, 0, 1},
		"no text of that number":       {message{}.packed(2, 1, second).bytes(3, label(99, 2)), 0, 0, 1},
		"fields of later versions":     {message{}.number(99, 5).packed(2, 1, second).bytes(98, nil).bytes(3, label(1, 2)), 1, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			seconds, runtime, stray, err := tracer.ReadCPUProfile(zipped(handMade(c.sample)))
			require.NoError(t, err)
			assert.Equal(t, c.ours, seconds["path#1"])
			assert.Equal(t, c.runtime, runtime)
			assert.Equal(t, c.stray, stray)
		})
	}
}

func TestWhatIsNoProfileIsAnError(t *testing.T) {
	whole := zipped(handMade(message{}.packed(2, 1, 1)))
	for name, gz := range map[string][]byte{
		"nothing":             nil,
		"no gzip":             []byte("profile"),
		"cut short":           whole[:len(whole)/2],
		"a field of no end":   zipped(message{}.number(2, 1<<40)[:3]),
		"a length too long":   zipped(append(binary.AppendUvarint(nil, 2<<3|2), 200)),
		"field 0":             zipped([]byte{0, 0}),
		"a group":             zipped([]byte{2<<3 | 3}),
		"a sample of noise":   zipped(message{}.bytes(2, []byte{0xff})),
		"a location of noise": zipped(message{}.bytes(4, []byte{0xff})),
		"a function of noise": zipped(message{}.bytes(5, []byte{0xff})),
		"a label of noise":    zipped(message{}.bytes(2, message{}.bytes(3, []byte{0xff}))),
		"a line of noise":     zipped(message{}.bytes(4, message{}.bytes(4, []byte{0xff}))),
		"packed noise":        zipped(message{}.bytes(2, message{}.bytes(2, []byte{0xff}))),
	} {
		t.Run(name, func(t *testing.T) {
			_, _, _, err := tracer.ReadCPUProfile(gz)
			assert.Error(t, err)
		})
	}
}

func FuzzCPUProfile(f *testing.F) {
	profile, err := realProfile()
	require.NoError(f, err)
	zr, err := gzip.NewReader(bytes.NewReader(profile))
	require.NoError(f, err)
	raw, err := io.ReadAll(zr)
	require.NoError(f, err)
	f.Add(raw)
	f.Add([]byte(handMade(message{}.packed(1, 7).packed(2, 1, 5).bytes(3, label(1, 2)))))
	f.Fuzz(func(t *testing.T, raw []byte) {
		seconds, runtime, stray, err := tracer.ParseCPUProfile(raw)
		if err != nil {
			assert.Empty(t, seconds)
		}
		for _, s := range seconds {
			assert.Positive(t, s)
		}
		assert.GreaterOrEqual(t, runtime, 0.0)
		assert.GreaterOrEqual(t, stray, 0.0)
	})
}
