package expose

import (
	"net/http"
	"sync"

	"github.com/ecotracer/ecotracer/tracer"
)

// Handler shows the run to Prometheus, in its text format 0.0.4 or, to clients
// that ask for it, in OpenMetrics 1.0.0. It answers 503 where no record can be
// made yet, and with no metrics for a nil Run and that of a disabled tracer.
func Handler(run *tracer.Run) http.Handler {
	m := newMetrics()
	return &handler{newSource(run, func(r *record) *page {
		all := m.of(r)
		var p page
		for f := range p {
			p[f] = sync.OnceValue(func() []byte { return format(f).write(all) })
		}
		return &p
	})}
}

// page is metrics in each format, written when they are first asked for.
type page [2]func() []byte

type handler struct {
	pages *source[*page]
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "metrics can be read only", http.StatusMethodNotAllowed)
		return
	}
	f := formatOf(r.Header.Get("Accept"))
	var text []byte
	if p, ok := h.pages.latest(r.Context()); ok {
		text = p[f]()
	} else if h.pages.run.ID() == "" {
		text = f.write(nil)
	} else {
		http.Error(w, "no record of the run can be made yet", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", f.contentType())
	_, _ = w.Write(text)
}
