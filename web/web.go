// Package web serves the preferences pages. A user chooses there which messages to hear of, where and when, and sees
// why a notice came.
//
// # How a page is made
//
// The server renders every page, and every page works without JavaScript. htmx replaces a partial of a page, so that
// some answers need no reload.
//
//  1. routes.go lists the routes: a pattern of http.ServeMux, a handler, and whether it is open without signing in.
//  2. site.page bounds the HTTP request, finds the user of the session, and makes a request, the context of the page.
//  3. The handler reads the stores and fills a view model, a plain struct that embeds layout.
//  4. request.show executes the template in templates/layout.html with that of the page, into a buffer.
//
// A handler returns errors and writes none: site.answer turns an error into a page, and logs it when it is no failure
// that the handler foresaw. So a visitor gets a whole page or an error page, never half of one.
//
//	type aboutView struct {
//		layout
//		Version string
//	}
//
//	func showAbout(req *request) error {
//		return req.show(http.StatusOK, "about", aboutView{req.layout("About", ""), "1.0"})
//	}
//
// # What protects a visitor
//
// Only a POST acts: programs that check mail, and browsers that look ahead, open links with GET. guard refuses a POST
// that a page of another site sent (CSRF, by http.CrossOriginProtection), and sets a content security policy under
// which nothing inline runs and no other site may show a page of ours in a frame. html/template escapes all text from
// the bus. Bodies, rates and previews are bounded. The filters and destinations of other users do not exist: every
// query names the user, and the answer is 404.
//
// The routes, headers and limits are described in doc/web.md.
package web

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/history/readers"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/prefs/links"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
	"github.com/notifyd/notifyd/web/signin"
	"github.com/notifyd/notifyd/web/visit"
)

// Options are what the pages work on. Every field is needed unless its comment allows a zero value.
type Options struct {
	BaseURL string // the address of the pages: https://notify.example.org or https://example.org/notify

	// The parts of a prefs.Store that the pages use. Its OnClose must cancel in the Outbox.
	Accounts     *prefs.Accounts
	Sessions     *prefs.Sessions
	Logins       *accounts.Logins
	Tokens       *prefs.Tokens
	Destinations *prefs.Destinations
	Filters      *prefs.Filters
	Unsubscriber *prefs.Unsubscriber
	Mutes        *prefs.Mutes // says why a message was not told of; nil: nobody mutes

	Links   *links.Signer // checks the signed links in notices
	History *history.Store
	Outbox  *outbox.Outbox

	Describe func(*bus.Message) *catalogue.Event // what a message means
	// the current snapshot; nil, or a function that returns nil: there is no directory
	Directory func() rulespec.Directory

	RuleKinds    []*rulespec.RuleKind           // the rule kinds, in the order of the page
	MessageKinds func() []catalogue.MessageKind // the current message kinds of the catalogue, by application
	KindName     func(kind string) string       // as in rulespec.Env: the title of a message kind; may be nil
	KnowsKind    func(name string) bool         // as in rulespec.Env, the same as the router has; may be nil
	ObjectsOf    func(address string) []string  // likewise
	Backends     []backends.Info                // the configured ones; one of them sends the sign-in links

	NoMailedLinks bool // no mailed link lets anybody in

	SignIn *signin.Ways                   // the ways in beside the mailed link; nil: there are none
	Pages  []visit.Page                   // of the rooms beside this one
	Role   func(prefs.User) accounts.Role // what somebody may do beyond their own account; nil: nothing
	// AskMore says what an account asks for after a mailed link, as a view; a nil view: nothing. Its pages then sign the
	// person in (visit.View.Login), to go on to back. nil: the link is enough for everybody.
	AskMore func(v *visit.Visit, l accounts.Login, back string) (*visit.View, error)

	Archive *Archive // the history for programs; nil: there is none
	Reports *Reports // nil: nobody may read them

	// Readers returns of which sources somebody may see messages; nil stands for visitors who are not signed in. Without
	// the function everybody may see all.
	Readers func(*prefs.User) readers.Sources
	// Audit says on the first page that an operator has looked at the account; nil: nothing does.
	Audit *accounts.Audit

	// ClaimedNames reports whether a name that somebody has chosen is believed; nil: it is not.
	ClaimedNames func() bool
	// SignUp is who may make an account; nil: everybody.
	SignUp func() accounts.Policy
	// KeepLinks reports whether a message whose sender is not proved keeps its link; nil: it does not.
	KeepLinks func() bool

	// Queue stores a delivery in its own transaction and notifies the outbox. It takes account mail, codes and tests.
	Queue func(context.Context, outbox.Delivery) error
	// Changed is called after every change to what is delivered; may be nil.
	Changed func()

	Notices http.Handler // the stream GET /api/v1/notices, with its own token check; nil: none

	TrustedProxies func() []netip.Prefix // the current networks whose X-Forwarded-For is believed; nil: none
	Now            func() time.Time      // nil: time.Now
	Log            *slog.Logger          // nil: silent
}

// A site is the pages, their templates and their stores.
type site struct {
	Options
	prefix      string // path of the base URL, without the last slash
	secure      bool   // the base URL is https
	pages       map[string]*template.Template
	assets      map[string]asset
	sessions    *scs.SessionManager
	limits      limits
	untrusted   sync.Once     // a warning about a proxy
	previews    chan struct{} // a token for each preview that runs
	previewMost int           // messages that a preview looks at, at most
}

// Handler returns the pages, mounted under the path of the base URL. A proxy in front passes that path on unchanged.
// Operators' pages, such as /healthz, are not part of it.
func Handler(o Options) (http.Handler, error) { return handlerWithin(o, previewMost) }

// handlerWithin is Handler with a bound on the messages that a preview looks at.
func handlerWithin(o Options, most int) (http.Handler, error) {
	base, err := url.Parse(o.BaseURL)
	if err != nil || base.Scheme != "https" && base.Scheme != "http" || base.Host == "" || base.RawQuery != "" ||
		base.Fragment != "" {
		return nil, fmt.Errorf("base URL %q is not like https://notify.example.org", o.BaseURL)
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	s := &site{Options: o, prefix: strings.TrimSuffix(base.EscapedPath(), "/"), secure: base.Scheme == "https",
		previewMost: most}
	s.fillIn()
	if s.assets, err = readAssets(); err != nil {
		return nil, err
	}
	if s.pages, err = s.parsePages(); err != nil {
		return nil, err
	}
	s.sessions = s.newSessions()
	return s.guard(base.Scheme+"://"+strings.ToLower(base.Host), s.mux())
}

// check returns an error when a store or a function is missing that the pages need.
func (o *Options) check() error {
	stores := o.Accounts == nil || o.Sessions == nil || o.Logins == nil ||
		o.Tokens == nil || o.Destinations == nil || o.Filters == nil ||
		o.Unsubscriber == nil || o.Links == nil || o.History == nil || o.Outbox == nil
	if stores || o.Describe == nil || o.Queue == nil {
		return errors.New("bug: web.Options lacks a store or a function")
	}
	return nil
}

// fillIn sets the defaults of the options that the caller left out.
func (s *site) fillIn() {
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	if s.Changed == nil {
		s.Changed = func() {}
	}
	if s.SignUp == nil {
		s.SignUp = func() accounts.Policy { return accounts.Policy{} }
	}
	if s.ClaimedNames == nil {
		s.ClaimedNames = func() bool { return false }
	}
	if s.MessageKinds == nil {
		s.MessageKinds = func() []catalogue.MessageKind { return nil }
	}
	if s.Directory == nil {
		s.Directory = func() rulespec.Directory { return nil }
	}
	s.previews = make(chan struct{}, previewRuns)
	s.limits = newLimits(s.Now)
}

// me returns what @me stands for in the visitor's filters; "" where no name is proved.
func (req *request) me() string { return req.user.Me(req.ClaimedNames()) }

// sentence returns a filter in words.
func (s *site) sentence(f rulespec.Filter) string { return rulespec.Sentence(s.env(), f) }

// ruleSentence returns one rule in words, as a sentence.
func (s *site) ruleSentence(r rulespec.Rule) string {
	return capital(rulespec.RuleSentence(s.env(), r))
}

// kindWords returns the title of a message kind, or its name in rules when it has no title.
func (s *site) kindWords(kind string) string {
	if s.KindName != nil {
		if name := s.KindName(kind); name != "" {
			return name
		}
	}
	return kind
}

// env is the environment that rules are checked and compiled in.
func (s *site) env() rulespec.Env {
	return rulespec.Env{KnowsKind: s.KnowsKind, ObjectsOf: s.ObjectsOf, KindName: s.KindName}
}
