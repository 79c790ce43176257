package factors

import "fmt"

// Accelerator is what the data set knows of a GPU or another accelerator, as
// one device that the driver shows: of a board with several (Tesla K80, A16,
// Instinct MI250X) one of them, of a MIG slice or a virtual GPU its share.
type Accelerator struct {
	Model       string // as listed; "" if a family or class stands for it
	Vendor      string
	Class       string  // gpu-datacentre, gpu-inference, gpu-consumer or unknown
	TDPW        float64 // W; of its class where the vendor publishes none
	MemoryBytes int64   // 0 if unknown
	PeakFLOPS   float64 // dense 16-bit operations a second by the data sheet, recalled; 0 if unknown
	Idle, Full  Factor  // kinds idle-power and full-power, W
	Found       Found
	Tried       []Candidate
}

// LookupAccelerator tells what an accelerator draws and does. The model is as
// NVML, nvidia-smi, rocm-smi, lspci, Kubernetes, a cloud's catalogue or its
// vendor prints it. memoryBytes is the memory of the device, 0 if unknown; it
// tells variants of one name apart (A100 with 40 and 80 GB).
//
// Found is Exact for a listed name, Normalised for one that is listed once
// vendor, marks, punctuation and memory are set aside, Family for listed models
// of the same series, Class for all of a class and FromWorld for all there are;
// each with the range of those that it may be. A name that is merely longer
// than a listed one ("RTX 5090 Ti") is of the family, never the model. Of a MIG
// slice ("NVIDIA A100-SXM4-40GB MIG 1g.5gb") power and speed are the compute
// slices' share of the device's, of a virtual GPU ("GRID A100-10C") the
// memory's share.
//
// Full is the rated power: value TDPW, which a table or the vendor tells; a
// power limit that the driver enforces is better. Idle is as logs show it, else
// TDPW times the class's ratio (ids idle-power.gpu-datacentre and so on).
//
// Any name has an answer. LookupAccelerator is safe for concurrent use.
func LookupAccelerator(model string, memoryBytes int64) (Accelerator, error) {
	t, err := accelerator()
	if err != nil {
		return Accelerator{}, err
	}
	s, err := figuresOf(IdlePower)
	if err != nil {
		return Accelerator{}, err
	}
	h := t.find(model, memoryBytes)
	a := Accelerator{Class: h.class, MemoryBytes: int64(h.gib * (1 << 30))}
	key, id := h.class, h.class
	if h.class == unknown {
		key, id = "gpu-"+unknown, "gpu-"+unknown
	}
	if b := h.board(); b != nil {
		a.Model, a.Vendor = b.name, b.vendor
		a.PeakFLOPS = b.flops / float64(b.devices) * h.share
		if a.MemoryBytes == 0 {
			a.MemoryBytes = int64(b.gib / float64(b.devices) * (1 << 30))
		}
		id = b.id(h.share)
	}
	r := t.rating(&h)
	a.Found, a.Tried, a.TDPW = r.found, h.triedFor(FullPower), r.tdp.value
	if r.found == Family {
		id = "gpu.like-" + slug(nameAccelerator(model).key)
	}
	for _, x := range []struct {
		kind Kind
		to   *Factor
		own  quantity
	}{{IdlePower, &a.Idle, r.idle}, {FullPower, &a.Full, quantity{}}} {
		ratio, ok := s.find(Query{Kind: x.kind}, key)
		if !ok {
			return Accelerator{}, fmt.Errorf("%w: %s of %s", ErrNoFactor, x.kind, key)
		}
		f := watts(ratio, r.tdp, r.source, r.quality)
		if x.own.known() {
			f.Value, f.Low, f.High = x.own.value, x.own.low, x.own.high
			f.Source, f.Quality = r.source.text+"; idle draw of a device without a context, and up to 50 W more with one on HBM", r.idleQuality
		}
		f.ID, f.Found = string(x.kind)+"."+id, r.found
		*x.to = f
	}
	a.Tried = append(a.Tried, Candidate{ID: a.Full.ID, Factor: &a.Full})
	return a, nil
}
