package lifecycle

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// shardDigests is what missing says of a merged record whose shards' digests are
// not theirs any more.
const shardDigests = "digests of the shards, renewed"

// renewIDs gives every run and series another id, and every shard another
// digest.
func (x *redactor) renewIDs() {
	r := x.record
	x.renew(&r.Run.ID, "/run/id")
	x.renew(&r.Run.Parent, "/run/parent")
	if s := r.Run.Segment; s != nil {
		x.renew(&s.Series, "/run/segment/series")
	}
	again := slices.ContainsFunc(r.Missing, func(m Missing) bool { return m.Path == "/run/merged" && m.What == shardDigests })
	for i := range r.Run.Merged {
		m := &r.Run.Merged[i]
		x.renew(&m.ID, pointer("run", "merged", i, "id"))
		if !again {
			m.Digest = hex.EncodeToString(x.salted(m.Digest))
			x.did("renewed", pointer("run", "merged", i, "digest"))
		}
	}
	if len(r.Run.Merged) > 0 && !again {
		r.Missing = append(r.Missing, Missing{Path: "/run/merged", What: shardDigests, Reason: "redacted"})
	}
	for i := range r.Amortised {
		x.renew(&r.Amortised[i].Run, pointer("amortised", i, "run"))
	}
}

// salted is what stands for an id or a digest.
func (x *redactor) salted(text string) []byte {
	h := hmac.New(sha256.New, x.Salt)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// renew makes another UUID of one (RFC 9562). Of version 7 the first 48 bits are
// the time in milliseconds; it is coarsened, and the new one is of version 7 too.
// All others become version 8. In a record that was coarsened before, those that
// can be of this making are let be.
func (x *redactor) renew(id *string, path string) {
	old, err := hex.DecodeString(strings.ReplaceAll(*id, "-", ""))
	if err != nil || len(old) != 16 {
		return // there is none
	}
	ms := binary.BigEndian.Uint64(old) >> 16
	coarse := ms - ms%uint64(x.Resolution/time.Millisecond)
	v7 := old[6]>>4 == 7
	if x.coarse && (v7 && ms == coarse || old[6]>>4 == 8) {
		return
	}
	b := x.salted(*id)[:16]
	b[6] = 0x80 | b[6]&0x0f
	if v7 {
		binary.BigEndian.PutUint64(b, coarse<<16|0x7000|binary.BigEndian.Uint64(b)&0x0fff)
	}
	b[8] = 0x80 | b[8]&0x3f
	*id = fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
	x.did("renewed", path)
}
