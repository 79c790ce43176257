package tracer

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// instance adds to a hardware entry which device a domain is of, so that the
// records of several processes of a host are not taken for those of several
// hosts. It is a digest keyed by the host's boot, and so follows a machine no
// longer than that; a public record has none.
//
// The device is named by its UUID, else by its place in the host, and not by
// the machine's id: a container has another one than its neighbour.
func (b *recordBuilder) instance(h *lifecycle.Hardware, d *domain) {
	boot := b.run.ledger.boot
	if boot == "" || b.rec.Publisher.Confidentiality == "public" {
		return
	}
	name := d.UUID
	if name == "" {
		name = string(d.Kind) + strconv.Itoa(d.Device)
	}
	if id := digest(boot, name); !slices.Contains(h.Instance, id) {
		h.Instance = append(h.Instance, id)
	}
}

// digest is the first 16 hexadecimal digits of the HMAC-SHA-256 of a text.
func digest(key, text string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}
