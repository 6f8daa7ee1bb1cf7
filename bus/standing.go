package bus

import (
	"bytes"
	"strings"
)

// A Standing is what is proved of the sender of a message, and what the site's policy makes of that.
type Standing struct {
	Verdict Verdict
	// Signer is who has signed: the common name of a certificate, the user id of an OpenPGP key, or the name that the
	// bus has authenticated. "" where nobody is known to have.
	Signer string
	Method Method // how that was found; "" where nothing was
	Reason string // for a person, a part of a sentence: why it is invalid, or why it was not checked
	// Marked says that the policy wants people to be shown that the message is not proved.
	Marked bool
}

// A Verdict is the result of checking who sent a message.
type Verdict string

// The verdicts.
const (
	Signed      Verdict = "signed"       // by a signer that the site knows, and that may send under this topic
	BodyOnly    Verdict = "body_only"    // signed, but the signature covers the body: not topic, id, time and names
	WrongSigner Verdict = "wrong_signer" // signed by somebody whom the policy does not let send under this topic
	Stale       Verdict = "stale"        // signed, but its time is long past, or lies ahead: it may be a replay
	Unsigned    Verdict = "unsigned"     // it carries no signature
	Unchecked   Verdict = "unchecked"    // it carries a signature, which could not be checked
	Invalid     Verdict = "invalid"      // it carries a signature, which is wrong
	Trusted     Verdict = "trusted"      // the site believes whatever comes from this source
)

// A Method is a way to prove a sender.
type Method string

// The methods.
const (
	X509   Method = "x509"   // fedmsg's certificates
	GPG    Method = "gpg"    // fedmsg's OpenPGP signatures
	Broker Method = "broker" // the bus has authenticated the publisher: Frame.Publisher
	Relay  Method = "relay"  // the site believes the source
)

// Words says the standing to people, in a few words of plain text: "signed by X", "unsigned". Reason is not among them.
func (s Standing) Words() string {
	words := s.Verdict.Words()
	switch {
	case s.Signer == "":
	case s.Verdict == Signed:
		words += " by " + s.Signer
	case s.Verdict == BodyOnly, s.Verdict == WrongSigner, s.Verdict == Stale:
		words += ", by " + s.Signer
	}
	return words
}

// Words says the verdict to people, who read the same in mails, on pages and in the terminal. "unchecked" alone would
// leave open what was not checked.
func (v Verdict) Words() string {
	switch v {
	case BodyOnly:
		return "only the body is signed"
	case Stale:
		return "stale signature"
	case Unchecked:
		return "signature not checked"
	case Invalid:
		return "signature invalid"
	}
	return strings.ReplaceAll(string(v), "_", " ")
}

// Proved reports whether the sender is proved, or need not be.
func (s Standing) Proved() bool { return s.Verdict == Signed || s.Verdict == Trusted }

// ProvesMore reports whether s proves more than the standing of another copy of the message: the sender, or that the
// body is somebody's.
func (s Standing) ProvesMore(than Standing) bool { return s.weight() > than.weight() }

func (s Standing) weight() weight {
	switch {
	case s.Proved():
		return 2
	case s.Verdict == BodyOnly:
		return 1
	}
	return 0
}

// A weight orders standings by what they prove.
type weight uint8

// A Proof is what a message carries to prove its sender: fedmsg's fields crypto, signature and certificate, as they
// were sent.
type Proof struct {
	Scheme      string // crypto: "x509", "gpg", or anything else; "" where it is absent or no text
	Signature   string // base64; "" where it is absent or no text
	Certificate string // base64 of PEM; "" where it is absent or no text
	// TooLarge says that the message was not read whole (see MaxRead): what is signed is not known, and the signature
	// cannot be checked.
	TooLarge bool
	payload  []byte
	envelope jsonObject
}

// Proof gives what m carries to prove its sender; nil where it has neither a signature nor a certificate.
func (m *Message) Proof() *Proof { return m.proof }

// Envelope gives a copy of the outermost object of the payload, which may be changed; the values in it may not. Numbers
// are json.Number. What was signed is the canonical form (see Canonical) of it, or of a part of it.
func (p *Proof) Envelope() map[string]any {
	if mayBeInexact(p.payload) {
		if v, err := parseJSON(p.payload, true); err == nil {
			return v.(map[string]any)
		}
	}
	e := make(map[string]any, len(p.envelope))
	for name, v := range p.envelope {
		e[name] = v
	}
	return e
}

// mayBeInexact reports whether a Message may hold less than was signed: a surrogate or a number that is none.
func mayBeInexact(payload []byte) bool {
	for _, mark := range []string{`\ud`, `\uD`, "NaN", "Infinity"} {
		if bytes.Contains(payload, []byte(mark)) {
			return true
		}
	}
	return false
}

// proof gives the Proof of the envelope of a payload, nil where it carries none.
func (e jsonObject) proof(payload []byte) *Proof {
	if e["signature"] == nil && e["certificate"] == nil {
		return nil
	}
	p := &Proof{payload: payload, envelope: e}
	p.Scheme, _ = e["crypto"].(string)
	p.Signature, _ = e["signature"].(string)
	p.Certificate, _ = e["certificate"].(string)
	return p
}

// unchecked gives the Standing of a message before anything is checked.
func (p *Proof) unchecked() Standing {
	if p == nil {
		return Standing{Verdict: Unsigned, Reason: "the message carries no signature"}
	}
	if p.TooLarge {
		return Standing{Verdict: Unchecked, Reason: "the message is too large to check its signature"}
	}
	return Standing{Verdict: Unchecked, Reason: "the message carries a signature, which was not checked"}
}
