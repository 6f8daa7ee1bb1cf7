package trust

import (
	"errors"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// A Countersigner signs what others have sent, as fedmsg-signing-relay does: its signature says that a message came
// through here, and no more. It may be used by many goroutines.
type Countersigner struct {
	Signer func() *Signer
	// Verifier says what is signed already: what it finds signed is left as it is. Nil, or one that checks nothing:
	// everything is signed anew.
	Verifier func() *Verifier
	Now      func() time.Time
}

// The reasons for which a message is not countersigned, and is dropped.
var (
	errNoEnvelope = errors.New("no_envelope") // to sign it would be to vouch for nonsense
	errUnsendable = errors.New("unsendable")  // too large once it is signed
)

// Pass gives the payload that is handed on for a frame. Its error is the reason to drop the frame: one that is no
// message, or names another topic than it was sent under.
func (c Countersigner) Pass(f bus.Frame) ([]byte, error) {
	m, err := bus.Decode(f, c.Now())
	switch {
	case err != nil || bus.PeekEnvelope(f.Payload).Topic != f.Topic:
		return nil, errNoEnvelope
	case c.signed(m):
		return f.Payload, nil
	}
	payload, err := c.Signer().Sign(f.Payload)
	if err != nil {
		return nil, errUnsendable
	}
	return payload, nil
}

// signed reports whether m is signed already. Whether it is a replay, and whether its signer may send under its topic,
// is for its receivers to judge: a signature of ours would take that from them.
func (c Countersigner) signed(m *bus.Message) bool {
	if c.Verifier == nil {
		return false
	}
	m.Late = true
	return c.Verifier().findSignature(m, c.Now()).Verdict == bus.Signed
}
