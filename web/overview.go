package web

import (
	"net/http"
	"time"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/web/signin"
	"github.com/notifyd/notifyd/web/visit"
)

// overviewView is the first page of a signed-in user.
type overviewView struct {
	layout
	Fresh        bool   // the account was just made
	Me           string // what @me stands for; "": nobody
	Filters      []filterView
	Destinations []destinationView
	Offers       []offerView // where there is no destination yet
	Warnings     []warning
	Notices      []noticeLine
	Looked       string // who looked at the account lately, and when; "": nobody but its owner
}

// landingView is the first page of all other visitors.
type landingView struct {
	layout
	Backends                string
	Address, Problem, Valid string
	Sent, Needed            bool
	SignUp                  string          // who may make an account; "" where everybody may
	Mail, NoLinks           bool            // links are mailed; the site wants none to be
	Ways                    []signin.Button // the other ways in
	Proxy, ProxyURL         string          // where one signs in at the proxy in front; "" where there is none
	Back                    string          // the page that was asked for
}

// recent is how many notices the overview shows.
const recent = 5

func firstPage(req *request) error {
	if req.user.ID == 0 {
		return req.showLanding(http.StatusOK, landingView{
			Needed: req.r.URL.Query().Has("signin"), Back: signin.SafePath(req.r.URL.Query().Get("back"))})
	}
	views, ds, err := req.filterViews("overview")
	if err != nil {
		return err
	}
	p := overviewView{layout: req.layout("Overview", "overview"), Me: req.me(), Filters: views,
		Warnings: append(warnings(ds), nameless(views)...)}
	p.Fresh = req.sessions.PopBool(req.r.Context(), keyFresh)
	for _, d := range ds {
		p.Destinations = append(p.Destinations, req.destinationView(d))
	}
	if len(ds) == 0 {
		if p.Offers, err = req.offers(); err != nil {
			return err
		}
	}
	if p.Notices, _, err = req.notices(ds, recent, 0, ""); err != nil {
		return err
	}
	if p.Looked, err = req.looked(); err != nil {
		return err
	}
	return req.show(http.StatusOK, "overview", p)
}

// lately is how long the overview says that an operator looked.
const lately = 14 * 24 * time.Hour

// looked says which operator looked at the account last, and when.
func (req *request) looked() (string, error) {
	if req.Audit == nil {
		return "", nil
	}
	e, found, err := req.Audit.Last(req.r.Context(), req.user.ID, accounts.AccountLook, req.Now().Add(-lately))
	if err != nil || !found {
		return "", err
	}
	_, when := req.moment(e.At)
	return capital(e.By.By()) + " looked at your account, " + when, nil
}

func (req *request) showLanding(status int, p landingView) error {
	p.layout = req.layout("Sign in", "")
	var titles []string
	for _, b := range req.Backends {
		titles = append(titles, b.Title)
	}
	p.Backends = text.Series(titles, "or")
	p.SignUp = req.SignUp().Says()
	p.Valid = visit.Duration(prefs.SignInLife)
	p.NoLinks, p.Ways = req.NoMailedLinks, req.SignIn.Buttons()
	p.Mail = req.signInBackend().Name != "" && !p.NoLinks
	p.Proxy, p.ProxyURL = req.SignIn.AtProxy()
	return req.show(status, "landing", p)
}
