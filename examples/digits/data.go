package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/mat"
)

const (
	side    = 8 // of an image, in pixels
	pixels  = side * side
	black   = 16 // the greatest pixel value; 0 is white
	classes = 10
)

// digitsCSV is the UCI data set; data/README.md names its source and licence.
//
//go:embed data/digits.csv.gz
var digitsCSV []byte

// images are labelled images, one in a row, with pixels from 0 to 1.
type images struct {
	x *mat.Dense
	y []int
}

func newImages(n int) images {
	return images{x: mat.NewDense(n, pixels, nil), y: make([]int, n)}
}

func (s images) len() int { return len(s.y) }

// loadDigits decodes the embedded data set.
func loadDigits() (images, error) {
	z, err := gzip.NewReader(bytes.NewReader(digitsCSV))
	if err != nil {
		return images{}, fmt.Errorf("digits.csv.gz: %w", err)
	}
	s, err := readImages(z)
	if err != nil {
		return images{}, fmt.Errorf("digits.csv.gz: %w", err)
	}
	return s, z.Close()
}

// readImages reads lines of 64 pixels and a digit, separated by commas.
func readImages(r io.Reader) (images, error) {
	var x []float64
	var y []int
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		fields := strings.Split(lines.Text(), ",")
		if len(fields) != pixels+1 {
			return images{}, fmt.Errorf("line %d: %d fields, want %d pixels and a digit", n, len(fields), pixels)
		}
		for i, field := range fields {
			most := black
			if i == pixels {
				most = classes - 1
			}
			v, err := strconv.Atoi(field)
			if err != nil || v < 0 || v > most {
				return images{}, fmt.Errorf("line %d, field %d: %q, want a whole number from 0 to %d", n, i+1, field, most)
			}
			if i == pixels {
				y = append(y, v)
			} else {
				x = append(x, float64(v)/black)
			}
		}
	}
	if err := lines.Err(); err != nil {
		return images{}, fmt.Errorf("after %d lines: %w", len(y), err)
	}
	if len(y) == 0 {
		return images{}, fmt.Errorf("no images")
	}
	return images{x: mat.NewDense(len(y), pixels, x), y: y}, nil
}

// split deals the images out: 60 % to train, 20 % to validate, 20 % to test.
func (s images) split(rng *rand.Rand) (train, validation, test images) {
	order := rng.Perm(s.len())
	a, b := s.len()*6/10, s.len()*8/10
	return s.pick(order[:a]), s.pick(order[a:b]), s.pick(order[b:])
}

// pick returns copies of the images with these indices.
func (s images) pick(indices []int) images {
	out := newImages(len(indices))
	for row, i := range indices {
		out.x.SetRow(row, s.x.RawRowView(i))
		out.y[row] = s.y[i]
	}
	return out
}

// distorted returns each image so many times: once as it is, then tilted,
// slanted, stretched and moved at random, as another hand might have written
// it.
func (s images) distorted(copies int, rng *rand.Rand) images {
	out := newImages(copies * s.len())
	for row := range out.y {
		src, dst := s.x.RawRowView(row/copies), out.x.RawRowView(row)
		if row%copies == 0 {
			copy(dst, src)
		} else {
			randomWarp(rng).apply(dst, src)
		}
		out.y[row] = s.y[row/copies]
	}
	return out
}

// batches yields the indices of the images in random order, n at a time. What
// does not fill a last batch waits for another epoch.
func (s images) batches(n int, rng *rand.Rand) func(yield func([]int) bool) {
	return func(yield func([]int) bool) {
		order := rng.Perm(s.len())
		for batch := range slices.Chunk(order, n) {
			if len(batch) == n && !yield(batch) {
				return
			}
		}
	}
}
