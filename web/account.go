package web

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
)

// askSignIn mails a sign-in link. The answer is the same whether or not somebody has an account with the address, so
// that nobody can ask who has one.
func askSignIn(v *visit) error {
	typed := v.form("address")
	address, err := v.checkAddress(v.signInBackend().Name, typed)
	if err != nil {
		return v.showLanding(http.StatusUnprocessableEntity, landingView{Address: typed, Problem: capital(err.Error()) + "."})
	}
	if !v.limits.signIns.allow(v.client(v.r)) {
		return fail(http.StatusTooManyRequests, "Too many links were asked for from your network. Wait a few minutes, then try again.")
	}
	token, err := v.Accounts.NewSignIn(v.r.Context(), address)
	switch {
	case errors.Is(err, prefs.ErrTooOften):
		// Said to nobody: who holds the mailbox has the links that were sent before.
		v.Log.Info("sign-in link not sent", slog.String("reason", "too many to one address"))
	case err != nil:
		return err
	default:
		if err := v.Queue(v.r.Context(), v.signInMail(address, token)); err != nil {
			return err
		}
	}
	return v.showLanding(http.StatusOK, landingView{Sent: true})
}

func (v *visit) signInMail(address, token string) outbox.Delivery {
	return v.accountMail(v.signInBackend().Name, address, backends.Notice{
		Title: "Your link to sign in",
		Text: "Open the link below and press the button to sign in. It works once and for " + duration(prefs.SignInLife) +
			".\n\nIf you did not ask for it, ignore this: nothing happens without the link.",
		Link: v.url("/signin/" + token),
	}, token)
}

// accountMail makes the delivery of a notice about the account itself. secret makes its name unique; only its digest
// is used.
func (v *visit) accountMail(backend, address string, n backends.Notice, secret string) outbox.Delivery {
	sum := sha256.Sum256([]byte(secret))
	n.ID = "account-" + hex.EncodeToString(sum[:12])
	n.Time = v.Now().UTC()
	n.Severity = "info"
	return outbox.Delivery{
		Message: n.ID, Destination: outbox.Account + backend + ":" + address, Backend: backend, Address: address,
		Notice: n, Manage: v.url("/"), DueAt: v.Now(),
	}
}

// url gives the absolute address of a page, for mail.
func (s *site) url(path string) string { return strings.TrimSuffix(s.BaseURL, "/") + path }

type signInView struct {
	frame
	Action string
}

// showSignIn asks for a click: programs that check mail open links.
func showSignIn(v *visit) error {
	if v.user.ID != 0 {
		return v.redirect("/")
	}
	return v.show(http.StatusOK, "signin", signInView{v.frame("Sign in", ""), "/signin/" + v.r.PathValue("token")})
}

// signIn uses the link up. Somebody new is asked for the account's name next.
func signIn(v *visit) error {
	if !v.limits.codes.allow(v.client(v.r)) {
		return fail(http.StatusTooManyRequests, "Too many links were tried from your network. Wait a few minutes, then try again.")
	}
	address, err := v.Accounts.SignIn(v.r.Context(), v.r.PathValue("token"))
	if errors.Is(err, prefs.ErrCode) {
		return fail(http.StatusGone, "This link was used already, or it is too old. Ask for a new one on the first page.")
	}
	if err != nil {
		return err
	}
	user, err := v.Accounts.ByAddress(v.r.Context(), v.signInBackend().Name, address)
	if errors.Is(err, prefs.ErrNotFound) {
		if err := v.sessions.RenewToken(v.r.Context()); err != nil {
			return err
		}
		v.sessions.Remove(v.r.Context(), keyUser)
		v.sessions.Put(v.r.Context(), keyPending, address)
		v.sessions.Put(v.r.Context(), keyPendingAt, v.Now().Unix())
		return v.redirect("/welcome")
	}
	if err != nil {
		return err
	}
	return v.begin(user)
}

// begin signs a user in, in a session with a new token, so that whoever knew the old one has gained nothing.
func (v *visit) begin(user prefs.User) error {
	if err := v.sessions.RenewToken(v.r.Context()); err != nil {
		return err
	}
	v.sessions.Remove(v.r.Context(), keyPending)
	v.sessions.Remove(v.r.Context(), keyFlash)
	v.sessions.Put(v.r.Context(), keyUser, int(user.ID))
	return v.redirect("/")
}

type welcomeView struct {
	frame
	Address, Name, Problem string
}

// pendingLife is how long somebody new may think about the account's name.
const pendingLife = time.Hour

// pending gives the address that somebody new has proved to hold.
func (v *visit) pending() string {
	since := time.Unix(v.sessions.GetInt64(v.r.Context(), keyPendingAt), 0)
	if v.Now().Sub(since) > pendingLife {
		return ""
	}
	return v.sessions.GetString(v.r.Context(), keyPending)
}

func showWelcome(v *visit) error {
	address := v.pending()
	if v.user.ID != 0 || address == "" {
		return v.redirect("/")
	}
	name, _, _ := strings.Cut(address, "@")
	return v.show(http.StatusOK, "welcome", welcomeView{frame: v.frame("Welcome", ""), Address: address, Name: name})
}

// register makes the account: with the proved address as its first destination, and the default filters.
func register(v *visit) error {
	address, name := v.pending(), v.form("name")
	if address == "" {
		return fail(http.StatusGone, "That took too long. Ask for a new link on the first page.")
	}
	user, err := v.Accounts.Register(v.r.Context(), name, "", v.signInBackend().Name, address)
	if problem := nameProblem(err); problem != "" {
		return v.show(http.StatusUnprocessableEntity, "welcome", welcomeView{v.frame("Welcome", ""), address, name, problem})
	}
	if errors.Is(err, prefs.ErrClaimed) { // a second window was faster
		return fail(http.StatusConflict, "There is an account with this address by now. Ask for a new link on the first page.")
	}
	if err != nil {
		return err
	}
	v.Changed()
	v.sessions.Put(v.r.Context(), keyFresh, true)
	return v.begin(user)
}

// nameProblem says what is wrong with a name in words; "" when err is about something else.
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

func signOut(v *visit) error {
	if err := v.sessions.Destroy(v.r.Context()); err != nil {
		return err
	}
	return v.redirect("/")
}

// signInBackend gives the backend that sign-in links go by; the zero Info when none that can is configured.
func (s *site) signInBackend() backends.Info {
	for _, b := range s.Backends {
		if b.SignIn {
			return b
		}
	}
	return backends.Info{}
}

// backend gives the backend of that name; the zero Info when it is not configured.
func (s *site) backend(name string) backends.Info {
	for _, b := range s.Backends {
		if b.Name == name {
			return b
		}
	}
	return backends.Info{}
}

// checkAddress gives the canonical form of an address of a backend.
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
