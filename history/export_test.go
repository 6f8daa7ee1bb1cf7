package history

import "github.com/notifyd/notifyd/rulespec/catalogue"

// Pack is pack.
func Pack(e *catalogue.Event) []byte { return pack(e) }

// Unpack gives the event that was packed.
func Unpack(packed []byte) (*catalogue.Event, bool) {
	f := newFacts()
	ok := f.unpack(packed)
	return f.take(), ok
}
