package security

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/web/signin"
	"github.com/notifyd/notifyd/web/visit"
)

// freshPage asks the visitor to show again who they are, before a change that only the owner of an account may make.
type freshPage struct {
	To        string // the page that was asked for
	Addresses []prefs.Destination
	Ways      []signin.Button
	// where one signs in at the proxy in front, and what that is called; "" where that shows nothing
	Proxy, ProxyURL string
	Passkey         bool              // one can be shown
	Sent            prefs.Destination // a code was mailed there
	Problem         string
}

func (p pages) askFresh(v *visit.Visit) (*visit.View, error) {
	return p.showFresh(v, v.Request.URL.Query().Get("to"), func(*freshPage) {})
}

func (p pages) showFresh(v *visit.Visit, to string, mark func(*freshPage)) (*visit.View, error) {
	page := freshPage{To: signin.SafePath(to)}
	known, err := p.Accounts.Identities(v.Context(), v.User.ID)
	if err != nil {
		return nil, err
	}
	page.Ways = p.providers(known, true)
	if v.Login.Way == signin.Header {
		page.Proxy, page.ProxyURL = p.SignIn.AtProxy()
	}
	if page.Addresses, err = p.addresses(v); err != nil {
		return nil, err
	}
	have, err := p.Passkeys.List(v.Context(), v.User.ID)
	if err != nil {
		return nil, err
	}
	page.Passkey = p.Party != nil && len(have) > 0
	mark(&page)
	view := &visit.View{Template: "fresh", Title: "Show that it is you", Here: "settings", Data: page}
	if page.Problem != "" {
		view.Status = http.StatusUnprocessableEntity
	}
	return view, nil
}

// mailFresh mails a code to one of the visitor's addresses that may sign in.
func (p pages) mailFresh(v *visit.Visit) (*visit.View, error) {
	d, err := p.sentTo(v)
	if err != nil {
		return nil, err
	}
	ticket, err := p.Destinations.AskFresh(v.Context(), v.User.ID, d.ID, v.Login.ID)
	if err != nil {
		return nil, err
	}
	if ticket.TooOften {
		return nil, visit.Fail(http.StatusTooManyRequests, "Too many codes were asked for. The last one still works; wait a "+
			"while before you ask for another.")
	}
	if ticket.Ref != "" {
		if err := p.Queue(v.Context(), p.freshMail(v, d, ticket)); err != nil {
			return nil, err
		}
	}
	return p.showFresh(v, v.Form("to"), func(page *freshPage) { page.Sent = d })
}

func (p pages) freshMail(v *visit.Visit, d prefs.Destination, ticket accounts.Ticket) outbox.Delivery {
	n := backends.Notice{ID: ticket.Message, Time: v.Now.UTC(), Severity: "info", Secret: ticket.Ref,
		Title: "Your code to show that it is you",
		Text: "Somebody who is signed in to your account wants to change what lets people in, from the network " + v.Network +
			", with " + accounts.AgentWords(v.Request.UserAgent()) + ". If that is you, type this code there: " +
			backends.SecretMark + "\n\nIf it is not you, tell nobody the code, sign in, and end all other sessions."}
	return outbox.Delivery{Message: n.ID, Destination: outbox.Account + d.Backend + ":" + d.Address, Backend: d.Backend,
		Address: d.Address, Notice: n, Manage: strings.TrimSuffix(p.BaseURL, "/") + "/", DueAt: v.Now}
}

// freshen takes the code.
func (p pages) freshen(v *visit.Visit) (*visit.View, error) {
	d, err := p.sentTo(v)
	if err != nil {
		return nil, err
	}
	err = p.Destinations.TryFresh(v.Context(), v.User.ID, d.ID, v.Login.ID, v.Form("code"))
	if errors.Is(err, prefs.ErrCode) {
		return p.showFresh(v, v.Form("to"), func(page *freshPage) {
			page.Sent, page.Problem = d, "This code is wrong, used or too old. After five wrong ones a new code is needed."
		})
	}
	if err != nil {
		return nil, err
	}
	return &visit.View{To: signin.SafePath(v.Form("to")), Freshen: true, Tone: "good",
		Flash: "Thank you. For 10 minutes you can make such changes."}, nil
}

// sentTo is the address that the form names.
func (p pages) sentTo(v *visit.Visit) (prefs.Destination, error) {
	id, err := strconv.ParseUint(v.Form("address"), 10, 32)
	if err != nil {
		return prefs.Destination{}, prefs.ErrNotFound
	}
	d, err := p.Destinations.Get(v.Context(), v.User.ID, uint(id))
	if err == nil && (p.NoMailedLinks || !d.LetsIn()) {
		err = prefs.ErrNotFound
	}
	return d, err
}
