package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
)

func TestDataIsTheUCITestSet(t *testing.T) {
	s, err := loadDigits()
	require.NoError(t, err)
	assert.Equal(t, 1797, s.len())

	perDigit := make([]int, classes)
	for i, label := range s.y {
		perDigit[label]++
		for j, v := range s.x.RawRowView(i) {
			if v < 0 || v > 1 || v*black != math.Trunc(v*black) {
				t.Fatalf("image %d, pixel %d: %v is no sixteenth from 0 to 1", i, j, v)
			}
		}
	}
	assert.Equal(t, []int{178, 182, 177, 183, 181, 182, 181, 179, 174, 180}, perDigit, "images of each digit, as UCI counts them")

	readme, err := os.ReadFile("data/README.md")
	require.NoError(t, err)
	sum := sha256.Sum256(digitsCSV)
	assert.Contains(t, string(readme), hex.EncodeToString(sum[:]), "data/README.md names the digest of the file")
}

func TestBadDataIsRefusedWithItsPlace(t *testing.T) {
	good := strings.Repeat("0,", pixels) + "7\n"
	for name, test := range map[string]struct{ in, want string }{
		"nothing":            {"", "no images"},
		"a pixel too few":    {good + good[2:], "line 2: 64 fields"},
		"a pixel too many":   {"0," + good, "line 1: 66 fields"},
		"a pixel too black":  {"17" + good[1:], `line 1, field 1: "17", want a whole number from 0 to 16`},
		"a negative pixel":   {"-1" + good[1:], `line 1, field 1: "-1"`},
		"a fraction":         {"0.5" + good[1:], `line 1, field 1: "0.5"`},
		"no such digit":      {good[:2*pixels] + "10\n", `line 1, field 65: "10", want a whole number from 0 to 9`},
		"an empty line":      {good + "\n" + good, "line 2: 1 fields"},
		"a line without end": {strings.Repeat("0", 1<<20), "token too long"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := readImages(strings.NewReader(test.in))
			assert.ErrorContains(t, err, test.want)
		})
	}
}

func TestSplitDealsEachImageOutOnceAndBySeed(t *testing.T) {
	all, err := loadDigits()
	require.NoError(t, err)
	deal := func(seed uint64) []string {
		a, b, c := all.split(rand.New(rand.NewPCG(seed, 0)))
		assert.Equal(t, []int{1078, 359, 360}, []int{a.len(), b.len(), c.len()})
		var out []string
		for _, s := range []images{a, b, c} {
			out = append(out, contents(s)...)
		}
		return out
	}
	one := deal(1)
	assert.Equal(t, one, deal(1), "the same seed deals the same")
	assert.NotEqual(t, one, deal(2), "another seed deals otherwise")

	want := contents(all)
	slices.Sort(one)
	slices.Sort(want)
	assert.Equal(t, want, one, "no image is lost or doubled")
}

// contents are the images with their labels as text.
func contents(s images) []string {
	out := make([]string, s.len())
	for i := range out {
		out[i] = fmt.Sprint(s.y[i], s.x.RawRowView(i))
	}
	return out
}

func TestDistortedKeepsTheImageAndItsLabel(t *testing.T) {
	all, err := loadDigits()
	require.NoError(t, err)
	few := all.pick([]int{3, 1, 4})
	out := few.distorted(5, rand.New(rand.NewPCG(1, 0)))
	require.Equal(t, 15, out.len())
	for i := range out.len() {
		original, row := few.x.RawRowView(i/5), out.x.RawRowView(i)
		assert.Equal(t, few.y[i/5], out.y[i], "row %d", i)
		assert.Equal(t, i%5 == 0, slices.Equal(original, row), "row %d: the first of five is the original", i)
		assert.GreaterOrEqual(t, floats.Min(row), 0.0, "row %d", i)
		assert.LessOrEqual(t, floats.Max(row), 1.0, "row %d", i)
	}
}

func TestWarp(t *testing.T) {
	src := make([]float64, pixels)
	src[2*side+3] = 1 // row 2, column 3
	dot := func(cells map[[2]int]float64) []float64 {
		out := make([]float64, pixels)
		for at, v := range cells {
			out[at[0]*side+at[1]] = v
		}
		return out
	}
	for name, test := range map[string]struct {
		warp warp
		want map[[2]int]float64
	}{
		"nothing":                 {warp{xx: 1, yy: 1}, map[[2]int]float64{{2, 3}: 1}},
		"one pixel to the right":  {warp{xx: 1, yy: 1, x0: -1}, map[[2]int]float64{{2, 4}: 1}},
		"half a pixel down":       {warp{xx: 1, yy: 1, y0: -0.5}, map[[2]int]float64{{2, 3}: 0.5, {3, 3}: 0.5}},
		"a quarter turn":          {warp{xy: 1, yx: -1}, map[[2]int]float64{{3, 5}: 1}},
		"beyond the edge":         {warp{xx: 1, yy: 1, x0: 5}, nil},
		"mirrored left and right": {warp{xx: -1, yy: 1}, map[[2]int]float64{{2, 4}: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			dst := make([]float64, pixels)
			dst[0] = 0.5 // what was there is overwritten
			test.warp.apply(dst, src)
			assert.InDeltaSlice(t, dot(test.want), dst, 1e-12)
		})
	}
}

func TestBatchesAreFullAndSeeNoImageTwice(t *testing.T) {
	s := newImages(10)
	seen := map[int]bool{}
	for batch := range s.batches(3, rand.New(rand.NewPCG(1, 0))) {
		assert.Len(t, batch, 3)
		for _, i := range batch {
			assert.False(t, seen[i], "image %d again", i)
			seen[i] = true
		}
	}
	assert.Len(t, seen, 9)
}
