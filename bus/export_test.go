package bus

// WithoutProof gives a copy of m with exported fields only, to compare.
func WithoutProof(m *Message) *Message {
	c := *m
	c.proof, c.content = nil, nil
	return &c
}
