// Package links makes and verifies the signed links in notices: a person who has such a link acts without signing in.
//
// Such a link is a capability URL (W3C, "Good Practices for Capability URLs"): holding it is the right to use it. So
// it must be impossible to guess, allow little, and expire. Each link names one filter and one destination, or one
// destination, and can only stop their notices. GET only shows a page, because programs open links; POST acts, with
// the body that mail programs send (RFC 8058, one-click unsubscribe). The response to the POST contains another
// token. For an hour it can undo what the POST changed, and no more, so a forwarded mail never restarts notices that
// their owner has stopped.
//
// A token consists of a version, some numbers and a message authentication code over a purpose and these:
// HMAC-SHA-256 (RFC 2104), cut to 128 bits (section 5). Nothing is stored for it. Because of the purpose a token of
// one kind is not valid as another.
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

// Life is how long the link of a filter works. It is long because mail is read late.
const Life = 180 * 24 * time.Hour

// WideLife is how long a link works that stops everything to a destination. It is short because mails are passed on.
const WideLife = 14 * 24 * time.Hour

// UndoLife is how long an unsubscription can be undone.
const UndoLife = time.Hour

// ErrToken is the error for a token that is not ours, was made for another purpose, or has expired.
var ErrToken = errors.New("the link is not complete, or too old")

// A Signer makes and verifies links. All links of a nil Signer are "". It is safe for concurrent use.
type Signer struct {
	key  []byte
	base string
	now  func() time.Time
}

// A Target is what a signed link may stop: the notices of a filter to a destination, or, with Filter 0, all notices
// to the destination.
type Target struct {
	Filter      rulespec.FilterID
	Destination uint
}

// A Change is what an unsubscription has changed, and so all that Undo may change.
type Change struct {
	Target
	Detached    bool // the filter reached the destination
	SwitchedOff bool // the filter, or the destination where there is none, was on and was switched off
}

// Any reports whether the unsubscription changed anything.
func (c Change) Any() bool { return c.Detached || c.SwitchedOff }

// New makes a Signer of links under a base URL ("https://notify.example.org", with or without a last slash). With ""
// all links are "". key is at least 16 secret bytes.
func New(key []byte, base string, now func() time.Time) *Signer {
	return &Signer{key: key, base: strings.TrimSuffix(base, "/"), now: now}
}

// Filter returns the URL of the page of a filter. It is not signed: the page requires signing in.
func (s *Signer) Filter(id rulespec.FilterID) string {
	if s == nil || s.base == "" {
		return ""
	}
	return s.base + "/filters/" + strconv.FormatUint(uint64(id), 10)
}

// Unsubscribe returns the link that stops the notices of a filter to a destination.
func (s *Signer) Unsubscribe(id rulespec.FilterID, destination uint) string {
	return s.link(Target{Filter: id, Destination: destination})
}

// Manage returns the link to the page of a destination. The page can stop all notices to it, and shows where to
// change them.
func (s *Signer) Manage(destination uint) string {
	return s.link(Target{Destination: destination})
}

func (s *Signer) link(t Target) string {
	if s == nil || s.base == "" {
		return ""
	}
	if t.Filter == 0 {
		return s.base + "/stop/" + s.seal(wideToken, uint64(t.Destination), s.hour(WideLife))
	}
	return s.base + "/stop/" + s.seal(unsubscribeToken, uint64(t.Filter), uint64(t.Destination), s.hour(Life))
}

// hour returns the hour after a while from now: tokens expire with an hour.
func (s *Signer) hour(after time.Duration) uint64 { return uint64(s.now().Add(after).Unix() / 3600) }

// Verify returns the target of the token in a link (its last part), or ErrToken.
func (s *Signer) Verify(token string) (Target, error) {
	if fields, err := s.open(wideToken, token); err == nil {
		if s.hour(0) >= fields[1] {
			return Target{}, ErrToken
		}
		return Target{Destination: uint(fields[0])}, nil
	}
	fields, err := s.open(unsubscribeToken, token)
	if err != nil {
		return Target{}, ErrToken
	}
	t, ends := Target{Filter: rulespec.FilterID(fields[0]), Destination: uint(fields[1])}, fields[2]
	if t.Filter == 0 { // a wide link of an older release, which said that it works as long as others
		ends -= uint64((Life - WideLife) / time.Hour)
	}
	if s.hour(0) >= ends {
		return Target{}, ErrToken
	}
	return t, nil
}

// Undo returns the token that undoes a change, for UndoLife; "" when nothing has changed.
func (s *Signer) Undo(c Change) string {
	if !c.Any() {
		return ""
	}
	changed := bit(c.Detached) | bit(c.SwitchedOff)<<1
	return s.seal(undoToken, uint64(c.Filter), uint64(c.Destination), uint64(s.now().Add(UndoLife).Unix()), changed)
}

// VerifyUndo returns the change that the token of an Undo may undo, or ErrToken.
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
