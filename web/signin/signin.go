// Package signin is the ways in beside the mailed link: OpenID Connect providers, and the header of a reverse proxy.
//
// A way in ends with an Identity: who a provider says somebody is. Nothing here decides whose account that is, or
// whether it may be used: package prefs does, by issuer and subject alone (OpenID Connect Core 1.0, section 5.7).
//
// # How one signs in at a provider
//
//	ways.Start(ctx, "fedora", back, browser)     -> where the browser goes; the attempt is stored
//	... the person signs in there; the provider sends the browser back ...
//	ways.Finish(ctx, "fedora", query, browser)   -> Identity, and the attempt that it answers
//
// An attempt (accounts.Attempt) is of one provider and one browser, can be answered once, also by an error, and is
// forgotten after ten minutes. Each has its own state, nonce and code verifier (RFC 7636), so that several tabs do not
// disturb one another. The database has digests of them only; the verifier is made of what the browser's cookie holds.
//
// # What is believed
//
//   - An ID token that came from the provider's own token endpoint, was signed by one of its keys with an asymmetric
//     algorithm, is of this issuer, for this client, for this attempt (nonce), and is not over. There is no leeway.
//   - UserInfo of the same subject. It fills in what the ID token does not say: some providers put all claims there.
//   - An answer of the provider that was asked: each has a redirect URI of its own, and `iss` is compared (RFC 9207).
//   - A fresh sign-in, where auth_time says so: a provider that has a session of its own may not have asked anything.
//
// Unknown is not empty. Where a provider leaves out the groups because there are too many, the last known ones stay.
//
// A provider's answers are bounded in size and time, and no redirect leads to another host. A provider that cannot be
// reached is asked again, ever more seldom, and meanwhile the page says so; all other ways go on.
package signin

import (
	"cmp"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/web/limit"
)

// An Identity is who a provider, or the proxy in front, says somebody is. Way is the name of the provider in the
// configuration, or Header; Mail is there only where it says that it is verified.
type Identity struct {
	accounts.Identity
	Session  string    // the provider's name for its session (sid), by which it ends it
	AuthTime time.Time // when they proved who they are; the zero time where nobody says it
}

// A Problem is why somebody could not sign in, in words for them.
type Problem struct {
	Status int
	Text   string
	Err    error // for the log; nil where there is nothing to add
}

func (p *Problem) Error() string {
	if p.Err != nil {
		return p.Text + " (" + p.Err.Error() + ")"
	}
	return p.Text
}

func (p *Problem) Unwrap() error { return p.Err }

// Options are what the ways in work with.
type Options struct {
	Settings Settings
	BaseURL  string // of the pages
	Attempts *accounts.Attempts
	Door     Door
	Ender    Ender
	// Mail is the backend that mails, for the addresses that providers say; the zero Info: they count for nothing.
	Mail   backends.Info
	Now    func() time.Time
	Random io.Reader    // of secrets
	Log    *slog.Logger // nil: silent
	// Transport makes the connections to providers; nil: one of its own.
	Transport http.RoundTripper
}

// Ways are the ways in that are configured.
type Ways struct {
	Options
	providers map[string]*provider
	names     []string // in the order of the page
	header    *header  // nil: there is none
	answers   *limit.Limiter
}

// New makes the ways in of a configuration. It asks no provider.
func New(o Options) (*Ways, error) {
	if err := o.Settings.Check(); err != nil {
		return nil, err
	}
	if o.Attempts == nil && len(o.Settings.OIDC) > 0 || o.Now == nil || o.Random == nil {
		return nil, errors.New("bug: signin.Options lacks a store or a function")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	w := &Ways{Options: o, providers: map[string]*provider{}, answers: limit.New(o.Now, time.Second, 60)}
	for name, p := range o.Settings.OIDC {
		w.providers[name] = newProvider(name, p.withDefaults(name), o)
	}
	w.names = slices.SortedFunc(maps.Keys(w.providers), func(a, b string) int {
		return cmp.Or(cmp.Compare(w.providers[a].Order, w.providers[b].Order), cmp.Compare(a, b))
	})
	if o.Settings.Header.User != "" {
		w.header = newHeader(o.Settings.Header)
	}
	return w, nil
}

// A Button is a provider on the page.
type Button struct {
	Name, Title, Issuer string
	Down                bool // it could not be reached lately
}

// Buttons gives the providers in the order of the page.
func (w *Ways) Buttons() []Button {
	var list []Button
	if w == nil {
		return nil
	}
	for _, name := range w.names {
		p := w.providers[name]
		list = append(list, Button{Name: name, Title: p.Title, Issuer: p.Issuer, Down: p.down()})
	}
	return list
}

// AtProxy gives the title of the proxy and the address where one signs in there; "" where there is none.
func (w *Ways) AtProxy() (title, address string) {
	if !w.HasHeader() || w.header.SignInURL == "" {
		return "", ""
	}
	return w.header.Title, w.header.SignInURL
}

// TitleOf is what people call an issuer.
func (w *Ways) TitleOf(issuer string) string {
	for _, b := range w.Buttons() {
		if b.Issuer == issuer {
			return b.Title
		}
	}
	if w.HasHeader() && w.header.Issuer == issuer {
		return w.header.Title
	}
	return strings.TrimPrefix(issuer, "https://")
}

// Title is what people call a way in: the title of a provider, or of the proxy.
func (w *Ways) Title(way string) string {
	if w == nil {
		return way
	}
	if p := w.providers[way]; p != nil {
		return p.Title
	}
	if way == Header && w.header != nil {
		return w.header.Title
	}
	return way
}
