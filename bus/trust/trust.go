// Package trust checks who has sent a message, and applies the site's policy.
//
// # Two questions
//
// What a message carries to prove its sender (bus.Proof) is checked by cryptography, which gives a finding: who has
// signed, how, when, and which part; or why not. x509.go checks fedmsg's certificates, gpg.go its OpenPGP signatures;
// what a broker has authenticated comes with the frame. None of them knows the site's wishes.
//
// The policy (policy.go) makes a bus.Standing and an Action of the finding: may this signer send under this topic, is
// the message too old to be told from a replay, is its source believed whatever it sends, and what is to be done with
// such a message.
//
//	v, err := trust.New(config, keys)
//	m.Standing, action = v.Judge(m, time.Now())
//	if action == trust.Drop { ... }
//
// # What fedmsg signs
//
// A publisher signs the canonical JSON (bus.Canonical) of the envelope without the fields signature and certificate,
// by RSASSA-PKCS1-v1_5 (RFC 8017, 8.2) with SHA-1. The certificate is an X.509 leaf directly below the site's CA (RFC
// 5280), in most archives itself signed with SHA-1, which crypto/x509 refuses: so the chain is checked here. Or it
// signs by OpenPGP (RFC 9580), and then only the canonical JSON of msg: topic, id, time and names are not covered.
//
// Fields that some tools add after signing (seq_id, gilmsg_version, datagrepper's) are taken away for a second attempt,
// and the standing says so. What is not covered proves nothing.
//
// # Invariants
//
// A message is checked once, when it is received, at the time that it was signed: what is stored keeps its standing
// when certificates expire. Every fault of what a peer has sent is a verdict, never an error and never a panic. A list
// of revoked certificates that is itself out of date proves nothing: then nothing is signed, it is unchecked.
package trust

import (
	"errors"
	"fmt"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// A Verifier checks messages. It never changes but for a cache, and may be used by many goroutines. Other files or
// another configuration make another Verifier.
type Verifier struct {
	config Config
	policy *policy
	x509   *authority // nil where no CA is configured
	gpg    *keyring   // nil where no OpenPGP keys are configured
}

// Keys are the texts of the files that Config names; nil where one is not configured.
type Keys struct {
	CA  []byte // PEM: one certificate or several
	CRL []byte // PEM or DER: one list or, in PEM, several
	GPG []byte // OpenPGP public keys, armored or binary
}

// New makes a Verifier. Its error names what is wrong with the configuration or with a file, for an operator.
func New(c Config, keys Keys) (*Verifier, error) {
	c.SetDefaults()
	policy, err := newPolicy(c)
	if err := errors.Join(c.check(), err); err != nil {
		return nil, err
	}
	v := &Verifier{config: c, policy: policy}
	if keys.CA != nil {
		if v.x509, err = newAuthority(keys.CA, keys.CRL, c.RefuseSHA1); err != nil {
			return nil, err
		}
	}
	if keys.GPG != nil {
		if v.gpg, err = newKeyring(keys.GPG); err != nil {
			return nil, fmt.Errorf("gpg_keys: %w", err)
		}
	}
	return v, nil
}

// An Action is what is done with a message.
type Action string

// The actions.
const (
	Accept Action = "accept" // as a message whose sender is proved
	Mark   Action = "mark"   // people are shown that it is not proved
	Drop   Action = "drop"   // it is counted and logged, and nothing else
)

// Judge checks m and applies the policy. The standing's Marked is set when the action is Mark.
func (v *Verifier) Judge(m *bus.Message, now time.Time) (bus.Standing, Action) {
	return v.policy.judge(m, v.find(m, now), now)
}

// Warnings says, for the log and the operators' page, what is wrong with the files at now, such as a list of revoked
// certificates that is out of date; nil where nothing is.
func (v *Verifier) Warnings(now time.Time) []string {
	if v.x509 == nil {
		return nil
	}
	return v.x509.warnings(now)
}

// CRLExpires gives the time from which on a list of revoked certificates is out of date, the first of several; zero
// where there is none.
func (v *Verifier) CRLExpires() time.Time {
	if v.x509 == nil {
		return time.Time{}
	}
	return v.x509.crlExpires()
}

// Checks reports whether any signature can be checked.
func (v *Verifier) Checks() bool { return v.config.checks() }

// MaxAge is the age from which on a signed message is stale.
func (v *Verifier) MaxAge() time.Duration { return v.config.MaxAge }

// Trusts reports whether whatever comes from a source is believed.
func (v *Verifier) Trusts(source string) bool { return v.config.Sources[source].Trusted }

// Proves reports whether every message that people are not warned of is proved: certificates are checked, and nothing
// else is accepted from any source that is not believed.
func (v *Verifier) Proves() bool {
	if v.x509 == nil || acceptsUnproved(v.policy.actions) {
		return false
	}
	for _, s := range v.policy.sources {
		if !s.trusted && acceptsUnproved(s.actions) {
			return false
		}
	}
	return true
}

func acceptsUnproved(actions map[bus.Verdict]Action) bool {
	for verdict, action := range actions {
		if action == Accept && !(bus.Standing{Verdict: verdict}).Proved() {
			return true
		}
	}
	return false
}

// Links reports whether a message that is not proved keeps its link.
func (v *Verifier) Links() bool { return v.config.Links }
