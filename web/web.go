// Package web is the preferences pages: where a person says what to hear of, where and when, and sees why.
//
// Every page is rendered here and works without JavaScript; htmx only makes some answers come without a reload. The
// routes are listed in routes.go and described in doc/web.md.
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
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/links"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// Options are what the pages work on. All are needed unless they say otherwise.
type Options struct {
	BaseURL string // where people reach the pages: https://notify.example.org or https://example.org/notify

	// The parts of a prefs.Store that the pages use. Its OnClose must cancel in the Outbox.
	Accounts     *prefs.Accounts
	Sessions     *prefs.Sessions
	Tokens       *prefs.Tokens
	Destinations *prefs.Destinations
	Filters      *prefs.Filters
	Unsubscriber *prefs.Unsubscriber

	Links   *links.Signer // checks the signed links in notices
	History *history.Store
	Outbox  *outbox.Outbox

	Describe  func(*bus.Message) *catalogue.Event // what a message means
	Directory func() rulespec.Directory           // the snapshot as it stands; nil, or giving nil: there is no directory

	RuleKinds    []*rulespec.RuleKind           // the kinds of rules, in the order of the page
	MessageKinds func() []catalogue.MessageKind // as they stand: the kinds of messages that the catalogue knows, application by application
	KindName     func(kind string) string       // as in rulespec.Env: what people call a kind; may be nil
	KnowsKind    func(name string) bool         // as in rulespec.Env, the same that the router's matcher is compiled with; may be nil
	Backends     []backends.Info                // those that are configured; with one that links to sign in go by

	// Queue stores a delivery in a transaction of its own and wakes the outbox: account mail, codes and tests go by it.
	Queue func(context.Context, outbox.Delivery) error
	// Changed is told after every change to what is delivered; nil: nobody.
	Changed func()

	Notices http.Handler // the stream GET /api/v1/notices, with its own token check; nil: none

	TrustedProxies func() []netip.Prefix // as they stand: whose X-Forwarded-For is believed; nil: nobody's
	Now            func() time.Time      // nil: time.Now
	Log            *slog.Logger          // nil: silent
}

// site is the pages with all they need.
type site struct {
	Options
	prefix      string // path of the base URL, without the last slash
	secure      bool   // the base URL is https
	pages       map[string]*template.Template
	assets      map[string]asset
	sessions    *scs.SessionManager
	limits      limits
	previews    chan struct{} // a token for each preview that runs
	previewMost int           // messages that a preview looks at, at most
}

// limits are the rates that visitors are held to.
type limits struct {
	signIns *limiter // sign-in links, by network
	codes   *limiter // codes and links tried, by user or network
	tests   *limiter // test notices, by user
	posts   *limiter // anything posted, by user or network
}

// Handler gives the pages, mounted under the path of the base URL. It serves that path whole, so a proxy in front
// passes it on as it is. Operators' pages (/healthz and the like) are not among them.
func Handler(o Options) (http.Handler, error) { return handlerWithin(o, previewMost) }

// handlerWithin is Handler with a bound on the messages that a preview looks at.
func handlerWithin(o Options, most int) (http.Handler, error) {
	base, err := url.Parse(o.BaseURL)
	if err != nil || base.Scheme != "https" && base.Scheme != "http" || base.Host == "" || base.RawQuery != "" || base.Fragment != "" {
		return nil, fmt.Errorf("base URL %q is not like https://notify.example.org", o.BaseURL)
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	s := &site{Options: o, prefix: strings.TrimSuffix(base.EscapedPath(), "/"), secure: base.Scheme == "https", previewMost: most}
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

// check says whether something is missing that the pages cannot do without.
func (o *Options) check() error {
	stores := o.Accounts == nil || o.Sessions == nil || o.Tokens == nil || o.Destinations == nil || o.Filters == nil ||
		o.Unsubscriber == nil || o.Links == nil || o.History == nil || o.Outbox == nil
	if stores || o.Describe == nil || o.Queue == nil {
		return errors.New("bug: web.Options lacks a store or a function")
	}
	return nil
}

// fillIn sets what the caller left to us.
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
	if s.MessageKinds == nil {
		s.MessageKinds = func() []catalogue.MessageKind { return nil }
	}
	if s.Directory == nil {
		s.Directory = func() rulespec.Directory { return nil }
	}
	s.previews = make(chan struct{}, previewRuns)
	s.limits = limits{
		signIns: newLimiter(s.Now, time.Minute, 10),
		codes:   newLimiter(s.Now, 30*time.Second, 20),
		tests:   newLimiter(s.Now, time.Minute, 5),
		posts:   newLimiter(s.Now, 200*time.Millisecond, 120),
	}
}

// sentence gives a filter in words.
func (s *site) sentence(f rulespec.Filter) string { return rulespec.Sentence(s.env(), f) }

// ruleSentence gives one rule in words, as a sentence of its own.
func (s *site) ruleSentence(r rulespec.Rule) string {
	return capital(rulespec.RuleSentence(s.env(), r))
}

// kindWords gives what people call a kind of message, or its name in rules where nobody has named it.
func (s *site) kindWords(kind string) string {
	if s.KindName != nil {
		if name := s.KindName(kind); name != "" {
			return name
		}
	}
	return kind
}

// env is what rules are checked against and compiled for.
func (s *site) env() rulespec.Env { return rulespec.Env{KnowsKind: s.KnowsKind, KindName: s.KindName} }
