// Package links makes and verifies the signed links in notices: who has one acts without signing in.
//
// Such a link is a capability URL (W3C, "Good Practices for Capability URLs"): holding it is the right to use it. So it
// must be impossible to guess, able to do little, and good for a limited time. Each names one filter and one
// destination, or one destination, and can only stop what comes from there. GET only shows a page, because programs
// open links; POST acts, with the body that mail programs send (RFC 8058, one-click unsubscribe). The answer to the
// POST bears another token, which takes back what the POST changed, and no more, for an hour: a mail that was passed on
// never starts again what its owner has ended.
//
// A token is a version, some numbers and a message authentication code over a purpose and them: HMAC-SHA-256 (RFC
// 2104), cut to 128 bits (section 5). Nothing is stored for it. The purpose keeps a token of one kind from passing for
// another.
//
//	signer := links.New(key, "https://notify.example.org", time.Now)
//	signer.Unsubscribe(7, 9)                            // https://notify.example.org/stop/AQcJ...
//	target, err := signer.Verify(r.PathValue("token")) // {Filter: 7, Destination: 9}
package links

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/notifyd/notifyd/rulespec"
)

// Life is how long a signed link works: mail is read late.
const Life = 180 * 24 * time.Hour

// UndoLife is how long the page of an unsubscription can take it back.
const UndoLife = time.Hour

// ErrToken says that a token is not ours, was made for another purpose, or has expired.
var ErrToken = errors.New("the link is not complete, or too old")

// A Signer makes and verifies links. A nil Signer makes no links: all are "". It is safe for concurrent use.
type Signer struct {
	key  []byte
	base string
	now  func() time.Time
}

// A Target is what a signed link may stop: a filter for a destination, or, with Filter 0, all that goes to the
// destination.
type Target struct {
	Filter      rulespec.FilterID
	Destination uint
}

// A Change is what an unsubscription has changed, and so all that taking it back may change.
type Change struct {
	Target
	Detached    bool // the filter reached the destination
	SwitchedOff bool // the filter, or the destination where there is none, was on and was switched off
}

// Any says whether the unsubscription changed anything.
func (c Change) Any() bool { return c.Detached || c.SwitchedOff }

// New makes a Signer of links under a base URL ("https://notify.example.org", with or without a last slash). With ""
// all links are "". key is at least 16 secret bytes.
func New(key []byte, base string, now func() time.Time) *Signer {
	return &Signer{key: key, base: strings.TrimSuffix(base, "/"), now: now}
}

// Filter gives the page of a filter. It is not signed: who opens it signs in first.
func (s *Signer) Filter(id rulespec.FilterID) string {
	if s == nil || s.base == "" {
		return ""
	}
	return s.base + "/filters/" + strconv.FormatUint(uint64(id), 10)
}

// Unsubscribe gives the link that stops a filter for a destination.
func (s *Signer) Unsubscribe(id rulespec.FilterID, destination uint) string {
	return s.link(Target{Filter: id, Destination: destination})
}

// Manage gives the link to the page of a destination: it shows where to change what is sent, and stops all that goes
// there.
func (s *Signer) Manage(destination uint) string {
	return s.link(Target{Destination: destination})
}

func (s *Signer) link(t Target) string {
	if s == nil || s.base == "" {
		return ""
	}
	expires := s.now().Add(Life).Unix() / 3600
	return s.base + "/stop/" + s.seal(unsubscribeToken, uint64(t.Filter), uint64(t.Destination), uint64(expires))
}

// Verify gives what the token of a link (its last part) may stop, or ErrToken.
func (s *Signer) Verify(token string) (Target, error) {
	fields, err := s.open(unsubscribeToken, token)
	if err != nil || s.now().Unix()/3600 >= int64(fields[2]) {
		return Target{}, ErrToken
	}
	return Target{Filter: rulespec.FilterID(fields[0]), Destination: uint(fields[1])}, nil
}

// Undo gives the token that takes a change back, for UndoLife; "" when nothing has changed.
func (s *Signer) Undo(c Change) string {
	if !c.Any() {
		return ""
	}
	changed := bit(c.Detached) | bit(c.SwitchedOff)<<1
	return s.seal(undoToken, uint64(c.Filter), uint64(c.Destination), uint64(s.now().Add(UndoLife).Unix()), changed)
}

// VerifyUndo gives what the token of an Undo may take back, or ErrToken.
func (s *Signer) VerifyUndo(token string) (Change, error) {
	fields, err := s.open(undoToken, token)
	if err != nil || s.now().Unix() >= int64(fields[2]) {
		return Change{}, ErrToken
	}
	t := Target{Filter: rulespec.FilterID(fields[0]), Destination: uint(fields[1])}
	return Change{Target: t, Detached: fields[3]&1 != 0, SwitchedOff: fields[3]&2 != 0}, nil
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
