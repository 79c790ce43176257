package lifecycle

import (
	"math"
	"slices"
	"strconv"
)

// checkShards checks ranks and what a merged record was made from (R38).
func (c *checker) checkShards() {
	run := &c.record.Run
	ranks := 0
	if rank := run.Rank; rank != nil {
		ranks = rank.Count
		c.rankInRange(rank.Index, ranks, "/run/rank/index")
	}
	if len(run.Merged) == 0 {
		if run.Coverage != nil {
			c.wrong("R38", "/run/coverage", amountWords(*run.Coverage), "no member", "only a merged record covers a share of the ranks")
		}
		return
	}
	if run.Coverage == nil {
		c.wrong("R38", "/run/coverage", "nothing", "the share of ranks that is present", "a merged record tells how much of the job it covers")
		return
	}
	present := len(run.Merged)
	if ranks == 0 { // not told: the number of ranks of which this is the share
		ranks = max(1, int(math.Round(min(float64(present) / *run.Coverage, maxInteger))))
	}
	ids, digests, seen := map[string]bool{}, map[string]bool{}, map[int]bool{}
	for i, m := range run.Merged {
		at := func(member string) string { return c.pointer("run", "merged", i, member) }
		if ids[m.ID] || m.ID == run.ID {
			c.wrong("R38", at("id"), quote(m.ID), "each shard once", "the shard is doubled")
		}
		if digests[m.Digest] {
			c.wrong("R38", at("digest"), quote(m.Digest), "each shard once", "the shard is doubled")
		}
		if seen[m.Rank] {
			c.wrong("R38", at("rank"), strconv.Itoa(m.Rank), "each rank once", "the rank is doubled")
		}
		ids[m.ID], digests[m.Digest], seen[m.Rank] = true, true, true
		c.rankInRange(m.Rank, ranks, at("rank"))
	}
	if want := float64(present) / float64(ranks); !close9(*run.Coverage, want) {
		c.wrong("R38", "/run/coverage", amountWords(*run.Coverage), amountWords(want), "coverage is the share of the ranks that is present")
	}
	if present < ranks && !slices.ContainsFunc(c.missing.whats["/run/merged"], func(what string) bool { return what != "" }) {
		c.wrong("R38", "/run/merged", strconv.Itoa(present)+" of "+strconv.Itoa(ranks)+" ranks", "the absent ranks in /missing, by the path /run/merged and what",
			"ranks are absent, and missing does not say so")
	}
}

func (c *checker) rankInRange(index, count int, at string) {
	if index >= count {
		c.wrong("R38", at, strconv.Itoa(index), "less than the "+strconv.Itoa(count)+" ranks", "the rank is out of range")
	}
}

// close9 tells whether two numbers agree to 1e-9 of the larger.
func close9(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(math.Abs(a), math.Abs(b)) }
