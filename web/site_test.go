package web_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/desktop"
	"github.com/notifyd/notifyd/backends/email"
	"github.com/notifyd/notifyd/backends/irc"
	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/prefs/links"
	"github.com/notifyd/notifyd/prefs/passkeys"
	"github.com/notifyd/notifyd/prefs/personal"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
	"github.com/notifyd/notifyd/web"
	"github.com/notifyd/notifyd/web/changes"
	"github.com/notifyd/notifyd/web/download"
	"github.com/notifyd/notifyd/web/mutes"
	"github.com/notifyd/notifyd/web/operators"
	"github.com/notifyd/notifyd/web/security"
	"github.com/notifyd/notifyd/web/signin"
	"github.com/notifyd/notifyd/web/when"
)

// A testSite is the pages on real stores in a fresh database, served over HTTP.
type testSite struct {
	t       *testing.T
	db      *migrations.DB
	prefs   *prefs.Store
	ways    *signin.Ways // in, beside the mailed link; nil: there are none
	onClose func(tx *gorm.DB, destinations []string, why string) error
	links   *links.Signer
	history *history.Store
	outbox  *outbox.Outbox
	meaning *catalogue.Catalogue
	server  *httptest.Server
	pages   http.Handler
	base    string
	logs    *exectest.Log
	claimed bool // everybody may choose a name
	policy  accounts.Policy
	people  accounts.People   // the directory; nil: there is none
	budgets []accounts.Budget // of account mail, that operators see; nil: the true ones

	mu      sync.Mutex
	clock   time.Time
	changed int
}

func (s *testSite) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clock
}

func (s *testSite) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock = s.clock.Add(d)
}

func (s *testSite) changes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// embeddedCatalogue is what all sites share: it is large, and nothing changes it.
var embeddedCatalogue = sync.OnceValues(catalogue.Embedded)

// newSite serves the pages under a path prefix ("" or "/notify").
func newSite(t *testing.T, prefix string) *testSite {
	t.Helper()
	db := migratest.Copy(t)
	// The sessions of scs live by the machine's clock, so the site's clock starts there.
	s := &testSite{t: t, db: db, clock: time.Now(), logs: &exectest.Log{}, claimed: true}
	s.history = history.NewStore(db.Writer, db.Reader, s.now)
	s.outbox = outbox.New(db.Writer, db.Reader, db.Postgres, outbox.Config{Explain: s.explain}, s.now, rand.Reader)
	s.onClose = func(tx *gorm.DB, destinations []string, why string) error {
		_, err := s.outbox.Cancel(tx, destinations, why)
		return err
	}
	var err error
	if s.meaning, err = embeddedCatalogue(); err != nil {
		t.Fatal(err)
	}
	s.prefs = prefs.Open(prefs.Config{
		Writer: db.Writer, Reader: db.Reader, Now: s.now, Random: rand.Reader, KnowsKind: s.meaning.KnownKinds(),
		ObjectsOf:    s.meaning.ObjectsOf,
		ClaimedNames: func() bool { return s.claimed },
		Policy:       func() accounts.Policy { return s.policy },
		People: func() accounts.People {
			if s.people == nil {
				return accounts.Nobody{}
			}
			return s.people
		},
		OnClose: func(tx *gorm.DB, destinations []string, why string) error { return s.onClose(tx, destinations, why) },
		Waiting: s.outbox,
		Told:    func(tx *gorm.DB, h accounts.Happened) error { return s.letters().Told(tx, h) },
	})
	s.prefs.Logins.OnBegin(func(tx *gorm.DB, l accounts.Login, seen bool) error { return s.letters().Began(tx, l, seen) })
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter,
		r *http.Request) {
		s.pages.ServeHTTP(w, r)
	}))
	t.Cleanup(s.server.Close)
	s.base = s.server.URL + prefix
	if s.links, err = s.prefs.Links(t.Context(), s.base); err != nil {
		t.Fatal(err)
	}
	if s.pages, err = web.Handler(s.options()); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *testSite) options() web.Options {
	return web.Options{
		BaseURL: s.base, Accounts: s.prefs.Accounts, Sessions: s.prefs.Sessions,
		Logins: s.prefs.Logins, Tokens: s.prefs.Tokens, Mutes: s.prefs.Mutes,
		Destinations: s.prefs.Destinations, Filters: s.prefs.Filters, Unsubscriber: s.prefs.Unsubscriber,
		Links: s.links, History: s.history, Outbox: s.outbox,
		KnowsKind: s.meaning.KnownKinds(), ObjectsOf: s.meaning.ObjectsOf,
		KindName: s.kindName, ClaimedNames: func() bool { return s.claimed },
		SignUp:   func() accounts.Policy { return s.policy },
		Describe: s.meaning.Describe, RuleKinds: rulespec.RuleKinds, MessageKinds: s.meaning.Kinds,
		Backends: []backends.Info{email.Info, irc.Info, desktop.Info},
		Queue:    s.queue, Now: s.now, Log: slog.New(slog.NewTextHandler(s.logs, nil)),
		Changed: func() { s.mu.Lock(); s.changed++; s.mu.Unlock() },
		Audit:   s.prefs.Audit, Role: s.role,
		Pages: slices.Concat(changes.Pages(s.prefs.Audit), operators.Pages(s.operators()),
			download.Pages((&personal.Exporter{Reader: s.db.Reader, Prefs: s.prefs, Now: s.now}).Write,
				s.prefs.Accounts.NoteExport, s.now),
			security.Pages(s.security()), mutes.Pages(s.mutes()), when.Pages(when.Options{Accounts: s.prefs.Accounts,
				Destinations: s.prefs.Destinations, Filters: s.prefs.Filters, Outbox: s.outbox})),
		AskMore: security.AskMore(s.security()),
		Notices: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "stream") }),
	}
}

// mutes is what the pages of mutes work on.
func (s *testSite) mutes() mutes.Options {
	return mutes.Options{Mutes: s.prefs.Mutes, Filters: s.prefs.Filters, Destinations: s.prefs.Destinations,
		Accounts: s.prefs.Accounts, Unsubscriber: s.prefs.Unsubscriber, Outbox: s.outbox, Links: s.links, Kind: s.kindName,
		Guard: mutes.NewGuard(mutes.Guard{History: s.history, Filters: s.prefs.Filters, Describe: s.meaning.Describe,
			Env: func() rulespec.Env { return rulespec.Env{KnowsKind: s.meaning.KnownKinds()} },
			Me:  func(u prefs.User) string { return u.Me(s.claimed) }, Now: s.now})}
}

// security is what the pages of what lets people in work on.
func (s *testSite) security() security.Options {
	o := security.Options{Accounts: s.prefs.Accounts, Logins: s.prefs.Logins, Tokens: s.prefs.Tokens,
		Destinations: s.prefs.Destinations, Undos: s.prefs.Undos, Queue: s.queue, BaseURL: s.base,
		SignIn: s.ways, Passkeys: s.prefs.Passkeys}
	var err error
	if o.Party, err = passkeys.NewParty(s.base); err != nil {
		o.NoPasskeys = err.Error()
	}
	return o
}

// letters tell of changes of what lets somebody in, as the daemon does.
func (s *testSite) letters() security.Letters {
	return security.Letters{Mailed: func() *accounts.Mailed { return s.prefs.Mailed }, BaseURL: s.base, Now: s.now,
		Add: func(tx *gorm.DB, list []outbox.Delivery) error {
			_, err := s.outbox.Add(tx, list)
			return err
		}, Configured: func() []backends.Info { return []backends.Info{email.Info, irc.Info, desktop.Info} }}
}

// role says that carol is a helper and ada an admin.
func (s *testSite) role(u prefs.User) accounts.Role {
	return map[string]accounts.Role{"carol": accounts.Helper, "ada": accounts.Admin}[u.Name]
}

func (s *testSite) operators() operators.Options {
	return operators.Options{
		BaseURL: s.base, People: s.prefs.Operators, Accounts: s.prefs.Accounts, Destinations: s.prefs.Destinations,
		Filters: s.prefs.Filters, Logins: s.prefs.Logins, Audit: s.prefs.Audit, Outbox: s.outbox, Role: s.role,
		Passkeys: s.prefs.Passkeys,
		Queue:    s.queue, Invitations: s.prefs.Invitations, InvitationLife: accounts.InvitationLife,
		Budgets: func(ctx context.Context) ([]accounts.Budget, error) {
			if s.budgets != nil {
				return s.budgets, nil
			}
			return s.prefs.Mailed.Budgets(ctx)
		},
		Sources: func() []operators.Source {
			return []operators.Source{{Name: "zmq.main", Address: "tcp://bus:9940", State: "not connected", Holes: 12}}
		},
		Directories: func() []operators.Directory {
			return []operators.Directory{{Name: "file", Loaded: s.now().Add(-time.Hour), Error: "line 3: unknown key"}}
		},
	}
}

func (s *testSite) kindName(kind string) string {
	for _, k := range s.meaning.Kinds() {
		if k.Kind == kind {
			return k.Name
		}
	}
	return ""
}

func (s *testSite) queue(ctx context.Context, d outbox.Delivery) error {
	return s.db.Writer.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		_, err := s.outbox.Add(tx, []outbox.Delivery{d})
		return err
	})
}

// publish puts a message into the history, as the router does, and gives its event.
func (s *testSite) publish(id, topic string, msg any) *catalogue.Event {
	s.t.Helper()
	payload, err := json.Marshal(map[string]any{"topic": topic, "msg_id": id, "timestamp": s.now().Unix(), "i": 1,
		"msg": msg})
	if err != nil {
		s.t.Fatal(err)
	}
	return s.store(topic, payload)
}

// store puts the message of a frame into the history.
func (s *testSite) store(topic string, payload []byte) *catalogue.Event {
	s.t.Helper()
	return s.storeAs(topic, payload, bus.Standing{})
}

// storeAs stores what was found of the sender too, where that is not the zero Standing.
func (s *testSite) storeAs(topic string, payload []byte, standing bus.Standing) *catalogue.Event {
	s.t.Helper()
	return s.storeFrame(bus.Frame{Source: "test", Topic: topic, Payload: payload}, standing)
}

func (s *testSite) storeFrame(f bus.Frame, standing bus.Standing) *catalogue.Event {
	s.t.Helper()
	m, err := bus.Decode(f, s.now())
	if err != nil {
		s.t.Fatal(err)
	}
	if standing != (bus.Standing{}) {
		m.Standing = standing
	}
	e := s.meaning.Describe(m)
	err = s.db.Writer.Transaction(func(tx *gorm.DB) error {
		_, err := s.history.Append(tx, []*catalogue.Event{e})
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return e
}

// A visitor is a browser: it has cookies and does not follow redirects by itself.
type visitor struct {
	site   *testSite
	client *http.Client
	header http.Header
	fails  bool // an internal error is what the test wants
}

func (s *testSite) visitor() *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &visitor{site: s, header: http.Header{}, client: &http.Client{
		Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// An answer is a response that was read.
type answer struct {
	status int
	header http.Header
	body   string
}

func (v *visitor) do(method, path, contentType string, body io.Reader) answer {
	t := v.site.t
	t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = v.site.base + path
	}
	r, err := http.NewRequestWithContext(t.Context(), method, path, body)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range v.header {
		r.Header[name] = values
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	w, err := v.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Body.Close()
	if w.StatusCode == http.StatusInternalServerError && !v.fails {
		t.Errorf("%s %s: internal error; log:\n%s", method, path, v.site.logs)
	}
	text, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{w.StatusCode, w.Header, string(text)}
}

func (v *visitor) get(path string) answer {
	v.site.t.Helper()
	return v.do(http.MethodGet, path, "", nil)
}

// post sends a form as the browser does from our own page.
func (v *visitor) post(path string, pairs ...string) answer {
	v.site.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	v.header.Set("Sec-Fetch-Site", "same-origin")
	defer v.header.Del("Sec-Fetch-Site")
	return v.do(http.MethodPost, path, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
}

// want fails the test unless the answer has the status and all the texts.
func (a answer) want(t *testing.T, status int, texts ...string) answer {
	t.Helper()
	if a.status != status {
		t.Fatalf("status %d, want %d; body:\n%s", a.status, status, a.body)
	}
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			t.Errorf("the page lacks %q; body:\n%s", text, a.body)
		}
	}
	return a
}

// to fails the test unless the answer leads on to path.
func (a answer) to(t *testing.T, path string) {
	t.Helper()
	if got := a.header.Get("Location"); a.status != http.StatusSeeOther || got != path {
		t.Fatalf("status %d to %q, want 303 to %q; body:\n%s", a.status, got, path, a.body)
	}
}

// asksToSignIn fails the test unless the answer leads to the first page, which says that one must sign in.
func (a answer) asksToSignIn(t *testing.T, prefix string) {
	t.Helper()
	got := a.header.Get("Location")
	if a.status != http.StatusSeeOther || !strings.HasPrefix(got, prefix+"/?signin=needed") {
		t.Fatalf("status %d to %q, want 303 to the first page", a.status, got)
	}
}

// mail gives the newest notice that was queued for an address outside of any destination.
func (s *testSite) mail(backend, address string) backends.Notice {
	s.t.Helper()
	entries, err := s.outbox.Recent(s.t.Context(), []string{outbox.Account + backend + ":" + address}, 0, 1)
	if err != nil || len(entries) == 0 {
		s.t.Fatalf("no mail for %s: %v", address, err)
	}
	parcel := backends.Parcel{To: address, Notices: []backends.Notice{entries[0].Notice}}
	if err := s.prefs.Mailed.Fill(s.t.Context(), &parcel); err != nil {
		s.t.Fatal(err)
	}
	return parcel.Notices[0]
}

// signUp makes an account the way a person does, and gives the signed-in visitor.
func (s *testSite) signUp(name string) *visitor {
	s.t.Helper()
	v := s.visitor()
	address := name + "@example.org"
	v.post("/signin", "address", address).want(s.t, 200, "Look into your mailbox")
	link := s.mail("email", address).Link
	v.get(link).want(s.t, 200, "Sign me in")
	v.post(link).want(s.t, http.StatusSeeOther)
	v.get("/welcome").want(s.t, 200, `value="`+name+`"`)
	v.post("/welcome", "name", name).want(s.t, http.StatusSeeOther)
	return v
}

// otherWayIn lets the account in at a provider too, and its sessions are by that, so that its address may go.
func (s *testSite) otherWayIn(name string) {
	s.t.Helper()
	err := s.db.Writer.Exec("INSERT INTO identities (user_id, issuer, subject, name, groups, created_at, used_at) "+
		"VALUES (?, 'https://id.example.org', ?, ?, '[]', 1, 1)", s.user(name).ID, "sub-"+name, name).Error
	if err == nil {
		err = s.db.Writer.Exec("UPDATE logins SET destination_id = 0 WHERE user_id = ?", s.user(name).ID).Error
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// user gives the account of that name.
func (s *testSite) user(name string) prefs.User {
	s.t.Helper()
	u, err := s.prefs.Accounts.ByName(s.t.Context(), name)
	if err != nil {
		s.t.Fatal(err)
	}
	return u
}

func (s *testSite) filters(name string) []prefs.Filter {
	s.t.Helper()
	list, err := s.prefs.Filters.List(s.t.Context(), s.user(name).ID)
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

func (s *testSite) destinations(name string) []prefs.Destination {
	s.t.Helper()
	list, err := s.prefs.Destinations.List(s.t.Context(), s.user(name).ID)
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

func filterPath(f prefs.Filter) string { return fmt.Sprintf("/filters/%d", f.ID) }

func destinationPath(d prefs.Destination) string { return fmt.Sprintf("/destinations/%d", d.ID) }
