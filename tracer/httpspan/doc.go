// Package httpspan makes each request that an HTTP server answers, and each
// that a client sends, a span.
//
//	mux := http.NewServeMux()
//	mux.HandleFunc("POST /classify/{model}", classify)
//	http.ListenAndServe(addr, httpspan.Handler(mux))
//
//	client := &http.Client{Transport: &httpspan.Transport{}}
//
// The spans of the server above have the path "POST ~1classify~1{model}" and the
// stage inference/serving; each counts one of the unit "requests". A span in the
// request's context, such as one that the handler starts, is below it.
//
// # Names
//
// A run keeps one account per path, so names are few, and a record is to be
// shown to others: a span has the name of the pattern that routes a request, of
// which a host is left out, and never that of its URL. A method that is not one of RFC 9110 or PATCH is
// OTHER, for the client chooses it. Where no pattern is known, the name is the
// method and "(other)".
//
// # Traces
//
// A client's request carries the header traceparent of W3C Trace Context, so
// that the records and traces of what it asks belong together: what a request
// that is being answered came with, with its tracestate; else that of the run,
// whose trace id is in its record. A request that has the header keeps it, also
// one that has none of it on purpose:
//
//	request.Header["Traceparent"] = nil // tell others nothing
//
// # What it costs
//
// Where no run is open, requests go through untouched.
package httpspan
