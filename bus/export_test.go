package bus

// WithoutProof gives a copy of m with exported fields only, to compare.
func WithoutProof(m *Message) *Message {
	c := *m
	c.proof, c.content = nil, nil
	return &c
}

// ReadEnds is readEnds.
func ReadEnds(payload []byte, end int) (map[string]any, string, error) { return readEnds(payload, end) }

// Queues is the number of queues that in has.
func (in *Intake) Queues() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.order)
}
