package benchmarks

import (
	"strings"
	"testing"
)

func name(group, s string) string {
	return group + "/" + strings.NewReplacer(" ", "-", ",", "").Replace(s)
}

// BenchmarkSpan measures one Start and End around nothing.
func BenchmarkSpan(b *testing.B) {
	each(b, func(b *testing.B, p Peer) {
		ctx, end, err := p.Open()
		if err != nil {
			b.Log(err)
		}
		defer end()
		b.ReportAllocs()
		for b.Loop() {
			p.Span(ctx)
		}
	})
}

// BenchmarkSpanParallel measures the same on all cores at once.
func BenchmarkSpanParallel(b *testing.B) {
	each(b, func(b *testing.B, p Peer) {
		ctx, end, err := p.Open()
		if err != nil {
			b.Log(err)
		}
		defer end()
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				p.Span(ctx)
			}
		})
	})
}

func each(b *testing.B, f func(*testing.B, Peer)) {
	for _, p := range Ours {
		b.Run(name("ours", p.Name), func(b *testing.B) { f(b, p) })
	}
	for _, p := range Peers {
		b.Run(name("peer", p.Name), func(b *testing.B) { f(b, p) })
	}
	for _, p := range Joined {
		b.Run(name("joined", p.Name), func(b *testing.B) { f(b, p) })
	}
}
