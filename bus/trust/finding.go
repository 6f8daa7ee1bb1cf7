package trust

import (
	"fmt"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// A finding is what cryptography says of a message, before any policy.
type finding struct {
	// Verdict is Signed, BodyOnly, Unsigned, Unchecked or Invalid: never one that the policy gives.
	bus.Standing
	// signedAt is when it was signed, as far as that is itself signed: the timestamp of the envelope, or of the OpenPGP
	// signature. Zero where what was signed has no time. Of an unsigned message it is Message.Time.
	signedAt time.Time
	// keys are the fingerprints of the OpenPGP key that has signed: of the primary key and of the subkey, in hexadecimal.
	// A policy names keys by them.
	keys []string
}

// find checks what m carries to prove its sender. What a broker has authenticated is the whole message: it counts for
// more than a signature of a part, or one that cannot be checked. A signature that is wrong is wrong at any broker.
func (v *Verifier) find(m *bus.Message, now time.Time) finding {
	f := v.findSignature(m, now)
	if m.Publisher == "" || f.Verdict == bus.Signed || f.Verdict == bus.Invalid {
		return f
	}
	return finding{
		Standing: bus.Standing{Verdict: bus.Signed, Signer: m.Publisher, Method: bus.Broker}, signedAt: m.Time,
	}
}

// findSignature checks the signature in the message. Before fedmsg 0.7.3 there was no field crypto.
func (v *Verifier) findSignature(m *bus.Message, now time.Time) finding {
	p := m.Proof()
	if p == nil {
		return finding{
			Standing: bus.Standing{Verdict: bus.Unsigned, Reason: "the message carries no signature"}, signedAt: m.Time,
		}
	}
	method := bus.Method(p.Scheme)
	switch {
	case method == "" && p.Certificate != "":
		method = bus.X509
	case method == "":
		method = bus.GPG
	}
	switch {
	case p.TooLarge:
		return unchecked(m, method, "the message is too large to check its signature")
	case method == bus.X509 && v.x509 != nil:
		return v.x509.check(m, now)
	case method == bus.GPG && v.gpg != nil:
		return v.gpg.check(m, now)
	case method == bus.X509:
		return unchecked(m, method, "no CA is configured to check its certificate by")
	case method == bus.GPG:
		return unchecked(m, method, "no OpenPGP keys are configured to check it by")
	}
	return unchecked(m, "", "it is signed by a method that is not known here")
}

func unchecked(m *bus.Message, method bus.Method, reason string) finding {
	return finding{Standing: bus.Standing{Verdict: bus.Unchecked, Method: method, Reason: reason}, signedAt: m.Time}
}

// invalid names no signer: whoever signed, it is not the one that the message claims.
func invalid(m *bus.Message, method bus.Method, format string, args ...any) finding {
	return finding{
		Standing: bus.Standing{Verdict: bus.Invalid, Method: method, Reason: fmt.Sprintf(format, args...)},
		signedAt: m.Time,
	}
}
