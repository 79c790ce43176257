package dataset

import (
	"math"
	"slices"
)

// pam finds the k of n that the others are nearest to, given the distances of
// all pairs: BUILD takes one after another that lessens the sum of distances
// most, SWAP exchanges one as long as that lessens it.
func pam(distances []float32, n, k int) []int {
	var medoids []int
	near := slices.Repeat([]float32{math.MaxFloat32}, n) // by member: distance to the nearest medoid
	for len(medoids) < k {
		best, least := 0, math.Inf(1)
		for c := range n {
			if slices.Contains(medoids, c) {
				continue
			}
			sum := 0.0
			for i, d := range distances[c*n : (c+1)*n] {
				sum += float64(min(d, near[i]))
			}
			if sum < least {
				best, least = c, sum
			}
		}
		medoids = append(medoids, best)
		for i, d := range distances[best*n : (best+1)*n] {
			near[i] = min(near[i], d)
		}
	}
	for range 100 { // it ends by itself; this is for certain
		if !swap(distances, n, medoids) {
			break
		}
	}
	slices.Sort(medoids)
	return medoids
}

// swap exchanges the medoid and the member whose exchange lessens the sum of
// distances most, if any does. What taking a member in saves is summed once for
// all medoids, what leaving one out costs beside it (FastPAM1).
func swap(distances []float32, n int, medoids []int) bool {
	k := len(medoids)
	nearest := make([]int, n)
	first, second := make([]float64, n), make([]float64, n)
	removal := make([]float64, k) // what leaving it out costs
	for i := range n {
		first[i], second[i] = math.Inf(1), math.Inf(1)
		for m, c := range medoids {
			switch d := float64(distances[c*n+i]); {
			case d < first[i]:
				nearest[i], first[i], second[i] = m, d, first[i]
			case d < second[i]:
				second[i] = d
			}
		}
		removal[nearest[i]] += second[i] - first[i]
	}
	if k == 1 {
		removal[0] = 0
		for i := range n {
			second[i] = math.MaxFloat32 // whoever comes takes all
		}
	}
	most, at, out := 1e-6, -1, -1
	change := make([]float64, k)
	for c := range n {
		if slices.Contains(medoids, c) {
			continue
		}
		copy(change, removal)
		saved := 0.0
		for i, d32 := range distances[c*n : (c+1)*n] {
			d := float64(d32)
			switch {
			case k == 1:
				saved += first[i] - d
			case d < first[i]:
				saved += first[i] - d
				change[nearest[i]] += first[i] - second[i]
			case d < second[i]:
				change[nearest[i]] += d - second[i]
			}
		}
		for m := range change {
			if gain := saved - change[m]; gain > most {
				most, at, out = gain, c, m
			}
		}
	}
	if at < 0 {
		return false
	}
	medoids[out] = at
	return true
}

// meanSilhouette is the mean over all of (b − a) / max(a, b), a being the mean
// distance to its own cluster and b that to the nearest other one; 0 where a
// cluster has one member (Rousseeuw, Silhouettes, J. Comput. Appl. Math. 20,
// 1987).
func meanSilhouette(distances []float32, n int, medoids []int) float64 {
	k := len(medoids)
	if k < 2 {
		return 0
	}
	of := make([]int, n)
	size := make([]float64, k)
	for i := range n {
		for m, c := range medoids {
			if distances[c*n+i] < distances[medoids[of[i]]*n+i] {
				of[i] = m
			}
		}
		size[of[i]]++
	}
	total := 0.0
	sums := make([]float64, k)
	for i := range n {
		if size[of[i]] == 1 {
			continue
		}
		clear(sums)
		for j, d := range distances[i*n : (i+1)*n] {
			sums[of[j]] += float64(d)
		}
		a, b := sums[of[i]]/(size[of[i]]-1), math.Inf(1)
		for m := range sums {
			if m != of[i] && size[m] > 0 {
				b = min(b, sums[m]/size[m])
			}
		}
		if larger := max(a, b); larger > 0 && !math.IsInf(b, 1) {
			total += (b - a) / larger
		}
	}
	return total / float64(n)
}
