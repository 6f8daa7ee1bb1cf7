package signin

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/web/visit"
)

// A Door decides whose account an identity is: prefs.Accounts.
type Door interface {
	// SignInAs gives the account of an identity, and makes one for a person who is new, where the site lets them.
	SignInAs(ctx context.Context, id accounts.Identity) (prefs.Entrance, error)
	// Identities gives the identities that lead to an account.
	Identities(ctx context.Context, user uint) ([]accounts.Known, error)
	// Link adds an identity to an account.
	Link(ctx context.Context, user uint, id accounts.Identity) (identity uint, err error)
}

// An Ender ends the logins that an identity began. accounts.Logins has it.
type Ender interface {
	EndBySID(ctx context.Context, issuer, sid string) (int, error)
	EndBySubject(ctx context.Context, issuer, subject string) (int, error)
}

// Pages are the pages of the providers.
func (w *Ways) Pages() []visit.Page {
	if w == nil || len(w.providers) == 0 {
		return nil
	}
	return []visit.Page{
		{Pattern: "POST /signin/with/{provider}", For: visit.Everybody, Serve: w.begin(accounts.ToSignIn)},
		{Pattern: "POST /signin/with/{provider}/again", For: visit.Members, Serve: w.begin(accounts.ToRenew)},
		{Pattern: "POST /signin/with/{provider}/add", For: visit.Members, Fresh: true, Serve: w.begin(accounts.ToLink)},
		{Pattern: "GET /signin/with/{provider}/callback", For: visit.Everybody, Serve: w.finish},
		{Pattern: "POST /signin/with/{provider}/ended", For: visit.Everybody, Serve: w.ended},
	}
}

// An away is the page from which the browser goes on to the provider. A form may not lead there: our policy lets forms
// go to this site alone, also by a redirect.
type away struct{ Title, Address string }

// begin makes the handler that sends the browser to a provider.
func (w *Ways) begin(purpose accounts.Purpose) func(*visit.Visit) (*visit.View, error) {
	return func(v *visit.Visit) (*visit.View, error) {
		name := v.Request.PathValue("provider")
		browser, fresh := w.browser(v.Request)
		if fresh {
			var err error
			if browser, err = w.NewBrowser(); err != nil {
				return nil, err
			}
		}
		address, err := w.Start(v.Context(), name, Goal{Back: v.Form("back"), Purpose: purpose, Login: v.Login.ID}, browser)
		if err != nil {
			return nil, failure(err)
		}
		title := w.Title(name)
		return &visit.View{Template: "away", Title: "Go on to " + title, Data: away{title, address}, Away: address,
			Cookies: []*http.Cookie{w.cookie(browser)}}, nil
	}
}

// finish is where a provider sends the browser back.
func (w *Ways) finish(v *visit.Visit) (*visit.View, error) {
	if !w.answers.Allow(v.Network) { // each costs a write
		return nil, visit.Fail(http.StatusTooManyRequests, "That was a lot at once. Wait a minute, then go on.")
	}
	browser, _ := w.browser(v.Request)
	id, attempt, err := w.Finish(v.Context(), v.Request.PathValue("provider"), v.Request.URL.Query(), browser)
	if err != nil {
		return nil, failure(err)
	}
	switch attempt.Purpose {
	case accounts.ToRenew:
		return w.renew(v, id, attempt)
	case accounts.ToLink:
		return w.link(v, id, attempt)
	}
	login, err := w.Admit(v.Context(), id)
	if err != nil {
		return nil, failure(err)
	}
	return &visit.View{Login: &login, To: attempt.Back, Changed: true}, nil
}

// Admit gives the login of an identity that has signed in; web begins it.
func (w *Ways) Admit(ctx context.Context, id Identity) (accounts.Login, error) {
	w.address(&id)
	in, err := w.Door.SignInAs(ctx, id.Identity)
	if err != nil {
		return accounts.Login{}, err
	}
	fresh := accounts.NeverFresh
	if !id.AuthTime.IsZero() && !id.AuthTime.After(w.Now().Add(freshSlack)) {
		fresh = id.AuthTime
	}
	return accounts.Login{User: in.User.ID, Way: id.Way, Identity: in.Identity, SID: id.Session, Fresh: fresh}, nil
}

// address writes the mail address that a provider says as the backend that mails does.
func (w *Ways) address(id *Identity) {
	mail := id.Mail
	id.Mail, id.MailBackend = "", w.Mail.Name
	if mail != "" && w.Mail.CheckAddress != nil {
		if canonical, err := w.Mail.CheckAddress(mail); err == nil {
			id.Mail = canonical
		}
	}
}

// renew notes that the owner of the login is there, where it is their own identity that says so.
func (w *Ways) renew(v *visit.Visit, id Identity, attempt accounts.Attempt) (*visit.View, error) {
	if err := stillThere(v, attempt); err != nil {
		return nil, err
	}
	own, err := w.Door.Identities(v.Context(), v.User.ID)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(own, func(k accounts.Known) bool { return k.Issuer == id.Issuer && k.Subject == id.Subject }) {
		return nil, visit.Fail(http.StatusForbidden, "You signed in at "+w.Title(id.Way)+" as somebody else. Sign out "+
			"there, and try again.")
	}
	return &visit.View{Freshen: true, To: attempt.Back}, nil
}

// link adds an identity to the account that is signed in.
func (w *Ways) link(v *visit.Visit, id Identity, attempt accounts.Attempt) (*visit.View, error) {
	if err := stillThere(v, attempt); err != nil {
		return nil, err
	}
	w.address(&id)
	_, err := w.Door.Link(v.Context(), v.User.ID, id.Identity)
	if errors.Is(err, accounts.ErrBound) {
		return nil, visit.Fail(http.StatusConflict, "With this you sign in to another account here. Take it away there "+
			"first.")
	}
	if err != nil {
		return nil, failure(err)
	}
	return &visit.View{To: attempt.Back, Tone: "good", Flash: "You can sign in with " + w.Title(id.Way) + " now.",
		Changed: true}, nil
}

// stillThere refuses an attempt that another login has begun.
func stillThere(v *visit.Visit, attempt accounts.Attempt) error {
	if v.User.ID == 0 || v.Login.ID != attempt.Login {
		return visit.Fail(http.StatusForbidden, "You are not signed in any more as the one who began this. Sign in, and "+
			"try again.")
	}
	return nil
}

// tokenMost bounds a logout token.
const tokenMost = 16 << 10

// ended is where a provider says that a session of its own is over (OpenID Connect Back-Channel Logout 1.0).
func (w *Ways) ended(v *visit.Visit) (*visit.View, error) {
	name, raw := v.Request.PathValue("provider"), v.Form("logout_token")
	if len(raw) > tokenMost {
		return nil, visit.Fail(http.StatusBadRequest, "The logout token is too long.")
	}
	ended, err := w.Logout(v.Context(), name, raw)
	if err != nil {
		var p *Problem
		if errors.As(err, &p) {
			w.Log.Debug("a logout token does not count", "provider", name, "error", p.Err)
		}
		return nil, failure(err)
	}
	var count int
	if ended.Session != "" {
		count, err = w.Ender.EndBySID(v.Context(), ended.Issuer, ended.Session)
	} else {
		count, err = w.Ender.EndBySubject(v.Context(), ended.Issuer, ended.Subject)
	}
	if err != nil {
		return nil, err
	}
	w.Log.Info("a provider has ended logins", "provider", name, "logins", count)
	return &visit.View{Template: "ended", Title: "Signed out"}, nil
}

// failure makes an error that visitors read.
func failure(err error) error {
	var p *Problem
	var refused *accounts.Refusal
	switch {
	case errors.As(err, &p):
		return visit.Fail(p.Status, p.Text)
	case errors.As(err, &refused):
		return visit.Fail(http.StatusForbidden, refused.Text)
	}
	return err
}

// browserCookie holds the secret of a browser while it signs in somewhere. With the prefix __Host- no other host of the
// same domain can set it.
func (w *Ways) browserCookie() (name, path string, secure bool) {
	base, err := url.Parse(w.BaseURL)
	if err == nil && base.Scheme == "https" {
		return "__Host-notifyd-way", "/", true
	}
	return "notifyd-way", strings.TrimSuffix(base.EscapedPath(), "/") + "/signin/with/", false
}

func (w *Ways) cookie(browser string) *http.Cookie {
	name, path, secure := w.browserCookie()
	return &http.Cookie{Name: name, Value: browser, Path: path, MaxAge: int(accounts.AttemptLife / time.Second),
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: secure}
}

// browser reads the secret of the browser; missing: it has none, or not one of ours.
func (w *Ways) browser(r *http.Request) (secret string, missing bool) {
	name, _, _ := w.browserCookie()
	c, err := r.Cookie(name)
	if err != nil || len(c.Value) != 43 {
		return "", true
	}
	return c.Value, false
}
