package signin

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/notifyd/notifyd/prefs/accounts"
)

// Ended is what a provider has ended: one session of its own, or all of a person.
type Ended struct {
	Issuer  string
	Subject string // "": the session alone says it
	Session string // "": all sessions of the subject
}

// logoutLife bounds how long a logout token may be good for. OpenID Connect Back-Channel Logout 1.0 recommends two
// minutes; its id is kept that long.
const logoutLife = time.Hour

// Logout reads a logout token that a provider has sent (OpenID Connect Back-Channel Logout 1.0). Anybody can send one:
// only the provider can sign it, and it counts once.
func (w *Ways) Logout(ctx context.Context, name, raw string) (Ended, error) {
	p := w.providers[name]
	if p == nil {
		return Ended{}, unknownProvider()
	}
	d, err := p.ready(ctx)
	if err != nil {
		return Ended{}, p.unavailable(err)
	}
	bad := func(err error) error {
		return &Problem{http.StatusBadRequest, "This is no logout token that counts here.", short(err)}
	}
	if !isKind(raw, "logout+jwt") {
		return Ended{}, bad(errors.New("its header says that it is another kind of token"))
	}
	token, err := d.logouts.VerifyLogout(ctx, raw)
	if err != nil {
		return Ended{}, bad(err)
	}
	now := w.Now()
	switch {
	case token.Expiry.After(now.Add(logoutLife)):
		return Ended{}, bad(errors.New("it is good for too long"))
	case token.IssuedAt.After(now.Add(tokenSlack)):
		return Ended{}, bad(errors.New("it was made in the future"))
	}
	switch err := w.Attempts.Use(ctx, digest("logout", p.Issuer+" "+token.TokenID), token.Expiry); {
	case errors.Is(err, accounts.ErrUsed):
		return Ended{}, bad(err)
	case errors.Is(err, accounts.ErrTooMany):
		return Ended{}, &Problem{http.StatusTooManyRequests, "Too many logout tokens.", err}
	case err != nil:
		return Ended{}, err
	}
	return Ended{Issuer: p.Issuer, Subject: token.Subject, Session: token.SessionID}, nil
}

// EndPage gives the page of the provider that ends its own session, with a way back to this site; "" where there is
// none (OpenID Connect RP-Initiated Logout 1.0). ID tokens are not kept, so the provider may ask whether it is meant.
func (w *Ways) EndPage(name string) string {
	if name == Header && w.HasHeader() {
		return w.header.SignOutURL
	}
	if w == nil || w.providers[name] == nil {
		return ""
	}
	p := w.providers[name]
	p.mu.Lock()
	d := p.known
	p.mu.Unlock()
	if d == nil || d.endURL == "" {
		return ""
	}
	u, err := url.Parse(d.endURL)
	if err != nil {
		return ""
	}
	query := u.Query()
	query.Set("client_id", p.ClientID)
	query.Set("post_logout_redirect_uri", strings.TrimSuffix(w.BaseURL, "/")+"/")
	u.RawQuery = query.Encode()
	return u.String()
}
