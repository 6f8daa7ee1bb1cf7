package web

import (
	"encoding/binary"
	"encoding/gob"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/web/signin"
)

// The keys of what a session holds.
const (
	keyLogin = "login" // string: the key of the login
	keyFlash = "flash" // flash: the message that the next page shows
	keyUndo  = "undo"  // []byte: the deleted filter that can be brought back
	keyFresh = "fresh" // bool: the account was just made
	// A new user has proved to hold an address, and must give the account's name.
	keyPending   = "pending"    // string: the address
	keyBack      = "back"       // string: the page that the new user asked for
	keyPendingAt = "pending-at" // int64: when, in Unix seconds
	// What the pages of other rooms keep: []byte by its name, behind the time when it is too old.
	keyShelf = "shelf-"
)

// A shelf is visit.Shelf in the session of a request.
type shelf struct{ req *request }

// Put keeps a value.
func (s shelf) Put(name string, value []byte, until time.Time) {
	kept := append(binary.BigEndian.AppendUint64(nil, uint64(until.UnixMicro())), value...)
	s.req.sessions.Put(s.req.r.Context(), keyShelf+name, kept)
}

// Get returns a value.
func (s shelf) Get(name string) []byte {
	kept := s.req.sessions.GetBytes(s.req.r.Context(), keyShelf+name)
	if len(kept) < 8 || s.req.Now().UnixMicro() >= int64(binary.BigEndian.Uint64(kept)) {
		return nil
	}
	return kept[8:]
}

// Take returns a value and takes it away.
func (s shelf) Take(name string) []byte {
	defer s.req.sessions.Remove(s.req.r.Context(), keyShelf+name)
	return s.Get(name)
}

// clear takes all away.
func (s shelf) clear() {
	for _, key := range s.req.sessions.Keys(s.req.r.Context()) {
		if strings.HasPrefix(key, keyShelf) {
			s.req.sessions.Remove(s.req.r.Context(), key)
		}
	}
}

// A flash is a message that the next page shows above its content, once.
type flash struct {
	Text, Tone string
	Undo       string // path to post to; "" when there is nothing to undo
}

// cookieName is the name of the session's cookie. Where it can, it begins with __Host-: then a browser takes the cookie
// only from this host, over https and for all its paths (RFC 6265bis, section 4.1.3.2), so that neither a neighbour on
// a sibling domain nor somebody on the way can plant a session of theirs. Under a path the cookie is bound to that
// path instead, which __Host- does not allow: other programs on the host do not get it.
func (s *site) cookieName() string {
	if s.secure && s.prefix == "" {
		return "__Host-notifyd"
	}
	return "notifyd"
}

// newSessions makes the session manager. The store keeps only the digest of the cookie's token. It does not call
// scs.New, which starts a goroutine for a store in memory that cannot be waited for.
func (s *site) newSessions() *scs.SessionManager {
	gob.Register(flash{}) // the type of a session value; registering it again is harmless
	return &scs.SessionManager{
		Store: s.Sessions, Codec: scs.GobCodec{},
		Lifetime: s.Logins.Life(),
		Cookie: scs.SessionCookie{
			Name: s.cookieName(), Path: s.path("/"), HttpOnly: true, SameSite: http.SameSiteLaxMode,
			Secure: s.secure, Persist: true,
		},
		ErrorFunc: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() != nil {
				return // the visitor has left
			}
			s.Log.Error("session failed", slog.Any("err", err))
			req := &request{site: s, w: w, r: r}
			req.errorPage(http.StatusInternalServerError,
				"Something went wrong on our side. It was written to the log; trying again later may help.")
		},
	}
}

// flash leaves a message that the next page shows once.
func (req *request) flash(tone, text string) { req.flashUndo(tone, text, "") }

// flashUndo is flash with a button that posts to undo.
func (req *request) flashUndo(tone, text, undo string) {
	req.sessions.Put(req.r.Context(), keyFlash, flash{Text: text, Tone: tone, Undo: undo})
}

// begin signs somebody in, who has proved to be that user by the way that l names. The session gets a new token, so
// that an attacker who knew the old one gains nothing (session fixation), and holds the key of the login alone.
func (req *request) begin(l accounts.Login) error {
	ctx := req.r.Context()
	l.Network, l.Agent = req.client(req.r), req.r.UserAgent()
	key, err := req.Logins.Begin(ctx, l)
	if err != nil {
		return refusal(err)
	}
	if err := req.endLogin(); err != nil {
		return err
	}
	if err := req.sessions.RenewToken(ctx); err != nil {
		return err
	}
	req.sessions.Remove(ctx, keyPending)
	req.sessions.Remove(ctx, keyFlash)
	shelf{req}.clear()
	req.sessions.Put(ctx, keyLogin, key)
	return nil
}

// endLogin ends the login of this session, where it has one.
func (req *request) endLogin() error {
	if req.login.ID == 0 {
		return nil
	}
	err := req.Logins.End(req.r.Context(), req.login.User, req.login.ID)
	if errors.Is(err, accounts.ErrNoLogin) {
		return nil // it has been ended from elsewhere
	}
	return err
}

// refusal puts into words why somebody who has proved who they are does not get in.
func refusal(err error) error {
	var disabled *accounts.DisabledError
	var refused *accounts.Refusal
	switch {
	case errors.As(err, &disabled):
		return fail(http.StatusForbidden, "This account is switched off: "+strings.TrimSuffix(disabled.Reason, ".")+
			". Its settings are kept. Ask who runs this service.")
	case errors.As(err, &refused):
		return fail(http.StatusForbidden, refused.Text)
	case errors.Is(err, accounts.ErrNoWay):
		return fail(http.StatusGone, "What you signed in by no longer lets anybody in: its owner has taken that away.")
	}
	return err
}

// identify finds out who is signed in: by the session, or because the proxy in front says so.
func (req *request) identify() error {
	if err := req.bySession(); err != nil || !req.SignIn.HasHeader() {
		return err
	}
	return req.byProxy()
}

// byProxy follows what the proxy in front says with this request. Whom it names is signed in, and nobody else; where it
// names nobody, a login that it began ends.
func (req *request) byProxy() error {
	id, named, err := req.SignIn.Proxied(req.r, func(*http.Request) bool { return req.fromProxy() })
	if err != nil {
		return req.distrust(err)
	}
	before := req.login
	if named && req.SignIn.Continues(before, id) || !named && before.Way != signin.Header {
		return nil
	}
	if err := req.endLogin(); err != nil {
		return err
	}
	req.user, req.login, req.zone = prefs.User{}, accounts.Login{}, time.UTC
	if !named {
		return req.sessions.Destroy(req.r.Context())
	}
	login, err := req.SignIn.Admit(req.r.Context(), id)
	if err != nil {
		return req.distrust(err)
	}
	if err := req.begin(login); err != nil {
		return err
	}
	if err := req.bySession(); err != nil {
		return err
	}
	if before.ID != 0 && before.User != req.user.ID && req.r.Method == http.MethodPost {
		return fail(http.StatusConflict, "You are signed in as somebody else by now, so nothing was done. Open the page "+
			"again.")
	}
	return nil
}

// distrust makes an error page of what the proxy sent, and logs the reason.
func (req *request) distrust(err error) error {
	var p *signin.Problem
	var refused *accounts.Refusal
	switch {
	case errors.As(err, &refused):
		return fail(http.StatusForbidden, refused.Text)
	case errors.As(err, &p):
		req.Log.Warn("the proxy passed on a request that cannot be trusted", slog.Any("err", p.Err))
		return fail(p.Status, p.Text)
	}
	return refusal(err)
}

// bySession finds out who is signed in by the session. It ends a session whose login has ended: on another page, by a
// link in a mail, on another node, or by its age.
func (req *request) bySession() error {
	ctx := req.r.Context()
	key := req.sessions.GetString(ctx, keyLogin)
	if key == "" {
		return nil
	}
	login, err := req.Logins.Find(ctx, key, req.client(req.r), req.r.UserAgent())
	if err == nil && login.Way == accounts.ByMail && req.NoMailedLinks { // since the login began
		if err := req.Logins.End(ctx, login.User, login.ID); err != nil && !errors.Is(err, accounts.ErrNoLogin) {
			return err
		}
		err = accounts.ErrNoLogin
	}
	if errors.Is(err, accounts.ErrNoLogin) {
		return req.sessions.Destroy(ctx)
	}
	if err != nil {
		return refusal(err)
	}
	user, err := req.Accounts.User(ctx, login.User)
	if errors.Is(err, prefs.ErrNotFound) {
		return req.sessions.Destroy(ctx)
	}
	if err != nil {
		return err
	}
	req.user, req.login, req.zone = user, login, user.Location()
	return nil
}

// freshen notes that the visitor was proved to be there. The session gets a new token: it allows more from now on.
func (req *request) freshen() error {
	if err := req.Logins.Freshen(req.r.Context(), req.login.User, req.login.ID); err != nil {
		return err
	}
	return req.sessions.RenewToken(req.r.Context())
}

// askFresh sends the visitor to the page that asks who they are. What was posted is not kept: it may be secret, and
// whoever posts it again has seen what it does. The page to return to is the one that has the form.
func (req *request) askFresh() error {
	to := req.r.URL.RequestURI()
	if req.r.Method == http.MethodPost {
		to = "/settings/security"
		if from, err := url.Parse(req.r.Referer()); err == nil {
			if path, ours := strings.CutPrefix(from.Path, req.prefix+"/"); ours {
				to = "/" + path
			}
		}
		req.flash("warn", "Nothing was done yet. Show first that it is you, then do it once more.")
	}
	return req.redirect("/fresh?to=" + url.QueryEscape(to))
}
