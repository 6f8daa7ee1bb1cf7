package bus

// A Finding source finds its publishers by itself, so that their names, as in Frame.Source, come and go while it runs.
type Finding interface {
	// Finds reports whether names may come up that the source does not know yet.
	Finds() bool
}

// A Warning source says what limits it at this moment, beyond a lost connection, for an operator. It is safe at any
// time.
type Warning interface {
	Warnings() []string
}
