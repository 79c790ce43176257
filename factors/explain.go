package factors

// Explain tells how Lookup came to its answer: the rows that it looked at, in
// that order, each with why it was passed over, and last the one that it took
// (Why is ""), which is what Lookup returns. Rows of Own that are of the kind
// but of another place, class, unit or basis come first. Where Lookup fails,
// Explain returns the same error with what was looked at before.
func Explain(q Query) ([]Candidate, error) {
	var chain []Candidate
	f, err := q.walk(func(c Candidate) { chain = append(chain, c) })
	if err != nil {
		return chain, err
	}
	return append(chain, Candidate{ID: f.ID, Factor: &f}), nil
}
