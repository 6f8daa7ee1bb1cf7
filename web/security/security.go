// Package security is the pages on which people see what lets somebody into their account, and put an intruder out:
// sessions, tokens and linked identities; the proof that they are there, which sensitive changes ask for; and the page
// of a link that undoes such a change. It also writes the mails that tell of one.
//
// The idea is that of the OWASP Application Security Verification Standard 5.0, chapters 6.3 and 7: whatever lets
// somebody in is seen by its owner, told of where the intruder is not, and ended at once.
package security

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/prefs/passkeys"
	"github.com/notifyd/notifyd/web/signin"
	"github.com/notifyd/notifyd/web/visit"
)

// Options are what the pages work on. Every field is needed unless its comment allows a zero value.
type Options struct {
	Accounts     *prefs.Accounts
	Logins       *accounts.Logins
	Tokens       *prefs.Tokens
	Destinations *prefs.Destinations
	Undos        *prefs.Undos

	Queue   func(context.Context, outbox.Delivery) error // stores account mail
	BaseURL string
	SignIn  *signin.Ways // the providers; nil: there are none

	NoMailedLinks bool // no mailed link lets anybody in, and so no mailed code shows who somebody is

	Passkeys   *passkeys.Store
	Party      *passkeys.Party // the site as passkeys know it; nil: it can have none
	NoPasskeys string          // then why, in words
}

// Mail returns the backend that mails links, the zero Info where none is configured.
func Mail(configured []backends.Info) backends.Info {
	for _, b := range configured {
		if b.SignIn {
			return b
		}
	}
	return backends.Info{}
}

// Silent returns a function that reports whether agents fetch from a backend.
func Silent(configured []backends.Info) func(backend string) bool {
	return func(backend string) bool {
		for _, b := range configured {
			if b.Name == backend {
				return b.Agent != ""
			}
		}
		return false
	}
}

type pages struct{ Options }

// Pages are the pages.
func Pages(o Options) []visit.Page {
	p := pages{o}
	return append(p.passkeyPages(), []visit.Page{
		{Pattern: "GET /settings/security", Serve: p.overview},
		{Pattern: "POST /settings/security/sessions/{id}/end", Serve: p.endSession},
		{Pattern: "POST /settings/security/others", Serve: p.endOthers},
		{Pattern: "POST /settings/security/tokens/{id}/revoke", Serve: p.revokeToken},
		{Pattern: "POST /settings/security/identities/{id}/unlink", Fresh: true, Serve: p.unlink},
		{Pattern: "GET /fresh", Serve: p.askFresh},
		{Pattern: "POST /fresh/mail", Serve: p.mailFresh},
		{Pattern: "POST /fresh", Serve: p.freshen},
		{Pattern: "GET /undo/{token}", For: visit.Everybody, Serve: p.askUndo},
		{Pattern: "POST /undo/{token}", For: visit.Everybody, Limit: 4 << 10, Serve: p.undo},
	}...)
}

func (p pages) endSession(v *visit.Visit) (*visit.View, error) {
	id, err := v.ID("id")
	if err != nil {
		return nil, err
	}
	err = p.Logins.End(v.Context(), v.User.ID, id)
	if err != nil && !errors.Is(err, accounts.ErrNoLogin) {
		return nil, err
	}
	return &visit.View{To: "/settings/security", Tone: "good", Flash: "That session has ended."}, nil
}

func (p pages) endOthers(v *visit.Visit) (*visit.View, error) {
	n, err := p.Logins.EndOthers(v.Context(), v.User.ID, v.Login.ID)
	if err != nil {
		return nil, err
	}
	said := "There was no other session."
	if n > 0 {
		said = "All other sessions have ended. Look below whether a token or an address here is not yours."
	}
	return &visit.View{To: "/settings/security", Tone: "good", Flash: said}, nil
}

func (p pages) revokeToken(v *visit.Visit) (*visit.View, error) {
	id, err := v.ID("id")
	if err != nil {
		return nil, err
	}
	if err := p.Tokens.Revoke(v.Context(), v.User.ID, id); err != nil {
		return nil, err
	}
	return &visit.View{To: "/settings/security", Flash: "Revoked. The machine that had the token gets nothing more."}, nil
}

func (p pages) unlink(v *visit.Visit) (*visit.View, error) {
	id, err := v.ID("id")
	if err != nil {
		return nil, err
	}
	err = p.Accounts.Unlink(v.Context(), v.User.ID, id)
	if errors.Is(err, prefs.ErrLastWay) {
		return nil, visit.Fail(http.StatusConflict, "Nothing else lets you in. Let an address sign in first.")
	}
	if err != nil {
		return nil, err
	}
	return &visit.View{To: "/settings/security", Tone: "good",
		Flash: "Unlinked. Sessions that were begun by it have ended."}, nil
}

// place says where somebody was, as far as that is known.
func place(network string) string {
	if network == "" || network == "invalid IP" {
		return "an unknown network"
	}
	return network
}

// wayWords says how somebody signed in.
func (p pages) wayWords(l accounts.Login, addresses map[uint]string) string {
	if l.Way == accounts.ByMail {
		if a := addresses[l.Destination]; a != "" {
			return "by a link to " + a
		}
		return "by a mailed link"
	}
	return "by " + p.SignIn.Title(l.Way)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
