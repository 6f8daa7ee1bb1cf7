package trust

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// An authority is the site's CAs, and what they have revoked.
type authority struct {
	cas        []*ca
	revocation bool // lists of revoked certificates are configured
	refuseSHA1 bool
	leaves     *leafCache
}

// maxLeaves bounds the publishers' certificates that are remembered. Each takes some 8 KB.
const maxLeaves = 2048

// newAuthority reads the files of the CAs and of what they have revoked. crl is nil where there is none.
func newAuthority(cas, crl []byte, refuseSHA1 bool) (*authority, error) {
	a := &authority{revocation: crl != nil, refuseSHA1: refuseSHA1, leaves: newLeafCache(maxLeaves)}
	var err error
	if a.cas, err = parseCAs(cas); err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	lists, err := parseCRLs(crl)
	if err != nil {
		return nil, fmt.Errorf("crl: %w", err)
	}
	for _, list := range lists {
		ours := false
		for _, c := range a.cas {
			ours = c.add(list) || ours
		}
		if !ours {
			return nil, fmt.Errorf("crl: the list of %s is not signed by a CA of the file at ca", nameOf(list.issuer))
		}
		list.encoded = encodedList{} // it may be large
	}
	return a, nil
}

// check checks the certificate and the signature of a message.
func (a *authority) check(m *bus.Message, now time.Time) finding {
	p := m.Proof()
	if p.Certificate == "" || p.Signature == "" {
		return invalid(m, bus.X509, "it carries a certificate or a signature, but not both")
	}
	l, err := a.leaf(p.Certificate)
	if err != nil {
		return invalid(m, bus.X509, "its certificate is not accepted: %v", err)
	}
	if why := a.refuses(l, m.Time, now); why != "" {
		return invalid(m, bus.X509, "the certificate of %s %s", l.name, why)
	}
	e, signed, err := l.verify(p)
	if err != nil {
		return invalid(m, bus.X509, "its signature is wrong: %v", err)
	}
	if why := a.unsure(l, now); why != "" {
		return unchecked(m, bus.X509, why)
	}
	f := finding{
		Standing: bus.Standing{Verdict: bus.Signed, Signer: l.name, Method: bus.X509, Reason: signed.unproved()},
		signedAt: m.Time,
	}
	if m.Undated() {
		f.signedAt = time.Time{}
	}
	switch {
	case e.fields["topic"] != m.Topic: // it is that of the frame: whoever sends the message again chooses it
		f.Verdict, f.Reason = bus.BodyOnly, "what is signed states no topic"
	case len(m.Headers) > 0 && slices.Contains(signed.added, "headers"):
		f.Verdict = bus.BodyOnly // a message's meaning depends on them: who is concerned, how severe it is
	}
	return f
}

// refuses says why a certificate proves nothing about a message of time at, as the end of a sentence; "" where it does.
// A certificate counts that is valid at the message's time, so that the past can be checked, or at now, since the clock
// of a sender with a new certificate may be late. How old a message may be is a question of the policy.
func (a *authority) refuses(l *leaf, at, now time.Time) string {
	switch c := l.certificate; {
	case a.refuseSHA1 && l.sha1:
		return "is signed with SHA-1, which refuse_sha1 refuses"
	case l.revoked():
		return "is revoked"
	case !validAt(c, at) && !validAt(c, now):
		return fmt.Sprintf("is valid from %s to %s, the message is of %s", day(c.NotBefore), day(c.NotAfter), day(at))
	case !l.issuerValid(at) && !l.issuerValid(now):
		return "is signed by a CA that was not valid at the message's time, and is not now"
	}
	return ""
}

func (l *leaf) issuerValid(t time.Time) bool {
	return slices.ContainsFunc(l.issuers, func(c *ca) bool { return validAt(c.Certificate, t) })
}

func validAt(c *x509.Certificate, t time.Time) bool {
	return !t.Before(c.NotBefore) && !t.After(c.NotAfter)
}

// unsure says why it cannot be known whether a certificate is revoked; "" where it is known, or nobody wants to know.
func (a *authority) unsure(l *leaf, now time.Time) string {
	if !a.revocation || slices.ContainsFunc(l.issuers, func(c *ca) bool { return c.listed(now) }) {
		return ""
	}
	if slices.ContainsFunc(l.issuers, func(c *ca) bool { return len(c.lists) > 0 }) {
		return "the list of revoked certificates is out of date"
	}
	return "there is no list of revoked certificates of its CA"
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// verify finds the form of the message that the signature fits.
func (l *leaf) verify(p *bus.Proof) (*envelope, form, error) {
	signature, err := decodeBase64(p.Signature, maxSignature)
	if err != nil {
		return nil, form{}, err
	}
	if len(signature) != l.key.Size() {
		return nil, form{}, fmt.Errorf("it has %d bytes, the key %d", len(signature), l.key.Size())
	}
	e, err := newEnvelope(p)
	if err != nil {
		return nil, form{}, err
	}
	for _, f := range e.forms() {
		if rsa.VerifyPKCS1v15(l.key, crypto.SHA1, e.digest(f), signature) == nil {
			return e, f, nil
		}
	}
	return nil, form{}, errors.New("it is not of this text, or not by this certificate")
}

// isSHA1 reports whether a certificate is signed with SHA-1.
func isSHA1(c *x509.Certificate) bool {
	return c.SignatureAlgorithm == x509.SHA1WithRSA || c.SignatureAlgorithm == x509.ECDSAWithSHA1
}
