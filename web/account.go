package web

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/web/signin"
	"github.com/notifyd/notifyd/web/visit"
)

// askSignIn mails a sign-in link. The answer does not depend on whether the address has an account, so that nobody can
// find out who has one.
func askSignIn(req *request) error {
	if req.NoMailedLinks {
		return req.noMailedLinks()
	}
	typed, back := req.form("address"), signin.SafePath(req.form("back"))
	address, err := req.checkAddress(req.signInBackend().Name, typed)
	if err != nil {
		return req.showLanding(http.StatusUnprocessableEntity, landingView{Address: typed, Back: back,
			Problem: capital(err.Error()) + "."})
	}
	if !req.limits.signIns.AllowFrom(req.address(req.r)) {
		return fail(http.StatusTooManyRequests,
			"Too many links were asked for from your network. Wait a few minutes, then try again.")
	}
	answered := time.After(signInTakes)
	ticket, err := req.Accounts.AskSignIn(req.r.Context(), req.signInBackend().Name, address,
		accounts.Asker{Network: req.client(req.r)})
	if err != nil {
		return err
	}
	if ticket.TooOften { // the page does not show this: the link that was sent last is good for longer
		req.Log.Info("sign-in link not sent", slog.String("reason", "too many"))
	}
	if ticket.Ref != "" {
		mail, err := req.signInMail(ticket, back)
		if err != nil {
			return err
		}
		if err := req.Queue(req.r.Context(), mail); err != nil {
			return err
		}
	}
	<-answered
	return req.showLanding(http.StatusOK, landingView{Sent: true, Back: back})
}

// noMailedLinks says that no link is mailed here, and none that was mailed is good.
func (req *request) noMailedLinks() error {
	return fail(http.StatusForbidden, "No links to sign in are mailed here, and those that were mailed let nobody in any "+
		"more. Go to the first page: it has the ways to sign in.")
}

// signInTakes is how long the answer takes: longer than the work, which depends on whether there is an account.
const signInTakes = 50 * time.Millisecond

// signInMail is the link; or, to an address that gets notices and lets nobody in, a mail that says so. Only who reads
// its mail learns that: the page says the same in any case. The link has the page that was asked for, since it may be
// opened in another browser. Whoever changes that leads to another page of this site, and no further.
func (req *request) signInMail(ticket accounts.Ticket, back string) (outbox.Delivery, error) {
	_, _, err := req.Accounts.ByWayIn(req.r.Context(), req.signInBackend().Name, ticket.Address)
	if errors.Is(err, prefs.ErrNoWayIn) {
		return req.accountMail(req.signInBackend().Name, ticket.Address, backends.Notice{ID: ticket.Message,
			Title: "This address cannot be used to sign in",
			Text: "Somebody asked for a link to sign in with this address. Notices of an account here go to it, but it does " +
				"not let anybody in: it may be read by more people than the owner of the account, its owner has switched it " +
				"off, or mail to it was refused. The owner can change that on the page of this address, after signing in in " +
				"another way; an operator can help who has no other.\n\nIf you did not ask for it, ignore this.",
		}), nil
	}
	if err != nil && !errors.Is(err, prefs.ErrNotFound) {
		return outbox.Delivery{}, err
	}
	return req.secretMail(req.signInBackend().Name, ticket, backends.Notice{
		Title: "Your link to sign in",
		Text: "Open the link below and press the button to sign in. It works once and for " + visit.Duration(prefs.SignInLife) +
			".\n\nIf you did not ask for it, ignore this: nothing happens without the link.",
		Link: req.url(withBack("/signin/"+backends.SecretMark, back)),
	}), nil
}

// secretMail makes the delivery of a notice whose secret is made when it is sent: see accounts.Mailed.
func (req *request) secretMail(backend string, ticket accounts.Ticket, n backends.Notice) outbox.Delivery {
	n.ID, n.Secret = ticket.Message, ticket.Ref
	return req.accountMail(backend, ticket.Address, n)
}

// accountMail makes the delivery of a notice about the account itself, which has its id.
func (req *request) accountMail(backend, address string, n backends.Notice) outbox.Delivery {
	n.Time = req.Now().UTC()
	n.Severity = "info"
	return outbox.Delivery{
		Message: n.ID, Destination: accountQueue(backend, address), Backend: backend, Address: address,
		Notice: n, Manage: req.url("/"), DueAt: req.Now(),
	}
}

// accountQueue is the queue of mail to an address that is about an account.
func accountQueue(backend, address string) string { return outbox.Account + backend + ":" + address }

// url returns the absolute address of a page, for mail.
func (s *site) url(path string) string { return strings.TrimSuffix(s.BaseURL, "/") + path }

// withBack adds to a path the page that was asked for.
func withBack(path, back string) string {
	if back == "/" {
		return path
	}
	return path + "?back=" + url.QueryEscape(back)
}

// back is the page that was asked for before somebody signed in.
func (req *request) back() string { return signin.SafePath(req.r.URL.Query().Get("back")) }

type signInView struct {
	layout
	Action, Whose string // Whose is the address of the account, masked
}

// showSignIn asks for a click: programs that check mail open links.
func showSignIn(req *request) error {
	if req.user.ID != 0 {
		return req.redirect(req.back())
	}
	if req.NoMailedLinks {
		return req.noMailedLinks()
	}
	p := signInView{layout: req.layout("Sign in", "")}
	address, err := req.Accounts.SignInAddress(req.r.Context(), req.r.PathValue("token"))
	if err != nil && !errors.Is(err, prefs.ErrCode) {
		return err
	}
	p.Action, p.Whose = withBack("/signin/"+req.r.PathValue("token"), req.back()), masked(address)
	return req.show(http.StatusOK, "signin", p)
}

// signIn uses the link up. A new user gives the account's name next.
func signIn(req *request) error {
	if req.NoMailedLinks {
		return req.noMailedLinks()
	}
	if !req.limits.codes.AllowFrom(req.address(req.r)) {
		return fail(http.StatusTooManyRequests,
			"Too many links were tried from your network. Wait a few minutes, then try again.")
	}
	address, err := req.Accounts.SignIn(req.r.Context(), req.r.PathValue("token"))
	if errors.Is(err, prefs.ErrCode) {
		return fail(http.StatusGone, "This link was used already, or it is too old. Ask for a new one on the first page.")
	}
	if err != nil {
		return err
	}
	user, way, err := req.Accounts.ByWayIn(req.r.Context(), req.signInBackend().Name, address)
	if errors.Is(err, prefs.ErrNoWayIn) { // it was taken away since the link was mailed
		return refusal(accounts.ErrNoWay)
	}
	if errors.Is(err, prefs.ErrNotFound) {
		if err := req.sessions.RenewToken(req.r.Context()); err != nil {
			return err
		}
		req.sessions.Remove(req.r.Context(), keyLogin)
		req.sessions.Put(req.r.Context(), keyPending, address)
		req.sessions.Put(req.r.Context(), keyPendingAt, req.Now().Unix())
		req.sessions.Put(req.r.Context(), keyBack, req.back())
		return req.redirect("/welcome")
	}
	if err != nil {
		return err
	}
	return req.letInByMail(accounts.Login{User: user.ID, Way: accounts.ByMail, Destination: way})
}

// letInByMail signs somebody in whose link was right, unless the account asks for more. Then nobody is signed in on
// this browser, also not who was before, until that is shown.
func (req *request) letInByMail(l accounts.Login) error {
	if req.AskMore != nil {
		view, err := req.AskMore(req.visit(accounts.User), l, req.back())
		if err != nil {
			return seen(err)
		}
		if view != nil {
			if err := req.endLogin(); err != nil {
				return err
			}
			if err := req.sessions.RenewToken(req.r.Context()); err != nil {
				return err
			}
			req.sessions.Remove(req.r.Context(), keyLogin)
			req.sessions.Remove(req.r.Context(), keyPending)
			req.user, req.login = prefs.User{}, accounts.Login{}
			return req.showView(view)
		}
	}
	if err := req.begin(l); err != nil {
		return err
	}
	return req.redirect(req.back())
}

// masked shows of an address what its owner recognises, and little to others: al***@example.org.
func masked(address string) string {
	local, domain, ok := strings.Cut(address, "@")
	if !ok {
		return ""
	}
	return text.CutRunes(local, min(2, utf8.RuneCountInString(local)-1)) + "***@" + domain
}

// welcomeView makes an account. Choose says that the visitor chooses a name; else the directory says one, or nobody.
type welcomeView struct {
	layout
	Address, Name, Problem string
	Choose                 bool
}

// pendingLife is the time that a new user has to choose the account's name.
const pendingLife = time.Hour

// pending returns the address that a new user has proved to hold; "" when there is none.
func (req *request) pending() string {
	since := time.Unix(req.sessions.GetInt64(req.r.Context(), keyPendingAt), 0)
	if req.Now().Sub(since) > pendingLife || req.NoMailedLinks {
		return ""
	}
	return req.sessions.GetString(req.r.Context(), keyPending)
}

func showWelcome(req *request) error {
	address := req.pending()
	if req.user.ID != 0 || address == "" {
		return req.redirect("/")
	}
	name, _, _ := strings.Cut(address, "@")
	return req.show(http.StatusOK, "welcome", welcomeView{layout: req.layout("Welcome", ""), Address: address, Name: name,
		Choose: req.ClaimedNames()})
}

// register makes the account. It starts with the proved address as its first destination, and the default filters.
func register(req *request) error {
	address, name := req.pending(), ""
	if req.ClaimedNames() {
		name = req.form("name")
	}
	if address == "" {
		return fail(http.StatusGone, "That took too long. Ask for a new link on the first page.")
	}
	user, err := req.Accounts.Register(req.r.Context(), name, "", req.signInBackend().Name, address)
	if problem := nameProblem(err); problem != "" {
		return req.show(http.StatusUnprocessableEntity, "welcome",
			welcomeView{req.layout("Welcome", ""), address, name, problem, req.ClaimedNames()})
	}
	if errors.Is(err, prefs.ErrClaimed) { // a second window was faster
		return fail(http.StatusConflict,
			"There is an account with this address by now. Ask for a new link on the first page.")
	}
	if err != nil {
		return refusal(err)
	}
	req.Changed()
	back := signin.SafePath(req.sessions.PopString(req.r.Context(), keyBack))
	_, way, err := req.Accounts.ByWayIn(req.r.Context(), req.signInBackend().Name, address)
	if err != nil {
		return err
	}
	if err := req.begin(accounts.Login{User: user.ID, Way: accounts.ByMail, Destination: way}); err != nil {
		return err
	}
	req.sessions.Put(req.r.Context(), keyFresh, true)
	return req.redirect(back)
}

// nameProblem returns in words what is wrong with a name; "" when err is about something else.
func nameProblem(err error) string {
	var wrong *prefs.Error
	switch {
	case errors.Is(err, prefs.ErrTaken):
		return "Somebody here uses this name already. If it is yours, ask who runs this service."
	case errors.As(err, &wrong) && wrong.Field == "name":
		return capital("the name " + wrong.Problem + ".")
	}
	return ""
}

func signOut(req *request) error {
	way := req.login.Way
	if err := req.endLogin(); err != nil {
		return err
	}
	if err := req.sessions.Destroy(req.r.Context()); err != nil {
		return err
	}
	end := req.SignIn.EndPage(way)
	if end == "" {
		return req.redirect("/")
	}
	req.user = prefs.User{}
	return req.show(http.StatusOK, "signedout", signedOutView{req.layout("Signed out", ""), req.SignIn.Title(way), end})
}

// signedOutView says where one is still signed in, and offers the way to end that too. A redirect could not lead there:
// the policy lets forms go to this site alone.
type signedOutView struct {
	layout
	Provider, Address string
}

// signInBackend returns the backend that sends sign-in links; the zero Info when none is configured.
func (s *site) signInBackend() backends.Info {
	for _, b := range s.Backends {
		if b.SignIn {
			return b
		}
	}
	return backends.Info{}
}

// backend returns the backend of that name; the zero Info when it is not configured.
func (s *site) backend(name string) backends.Info {
	for _, b := range s.Backends {
		if b.Name == name {
			return b
		}
	}
	return backends.Info{}
}

// checkAddress returns the canonical form of an address of a backend.
func (s *site) checkAddress(backend, address string) (string, error) {
	b := s.backend(backend)
	if backend == "" {
		return "", errors.New("no way to send links is configured here")
	}
	if b.CheckAddress == nil {
		return "", errors.New("there is no way to send " + strconv.Quote(backend) + " here")
	}
	if address == "" {
		return "", errors.New("an address is missing")
	}
	return b.CheckAddress(address)
}
