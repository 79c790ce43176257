package otel

// Left is of how many spans a Processor knows still.
func Left(p *Processor) int {
	p.split.mu.Lock()
	defer p.split.mu.Unlock()
	return len(p.split.spans) + len(p.known)
}
