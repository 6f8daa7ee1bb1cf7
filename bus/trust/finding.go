package trust

import (
	"time"

	"github.com/notifyd/notifyd/bus"
)

// A finding is what cryptography says of a message, before any policy.
type finding struct {
	// Verdict is Signed, BodyOnly, Unsigned, Unchecked or Invalid: never one that the policy gives.
	bus.Standing
	// signedAt is when it was signed, as far as that is itself signed: the timestamp of the envelope, or of the OpenPGP
	// signature. Otherwise it is Message.Time.
	signedAt time.Time
	// keys are the fingerprints of the OpenPGP key that has signed: of the primary key and of the subkey, in hexadecimal.
	// A policy names keys by them.
	keys []string
}

// find checks what m carries to prove its sender.
func (v *Verifier) find(m *bus.Message, now time.Time) finding {
	return finding{Standing: m.Standing, signedAt: m.Time}
}
