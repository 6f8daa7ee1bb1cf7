package web

import (
	"net/http"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/prefs"
)

// overviewView is the first page of a signed-in user.
type overviewView struct {
	layout
	Fresh        bool // the account was just made
	Filters      []filterView
	Destinations []destinationView
	Warnings     []warning
	Notices      []noticeLine
}

// landingView is the first page of all other visitors.
type landingView struct {
	layout
	Backends                string
	Address, Problem, Valid string
	Sent, Needed            bool
}

// recent is how many notices the overview shows.
const recent = 5

func firstPage(req *request) error {
	if req.user.ID == 0 {
		return req.showLanding(http.StatusOK, landingView{Needed: req.r.URL.Query().Has("signin")})
	}
	views, ds, err := req.filterViews("overview")
	if err != nil {
		return err
	}
	p := overviewView{layout: req.layout("Overview", "overview"), Filters: views, Warnings: warnings(ds)}
	p.Fresh = req.sessions.PopBool(req.r.Context(), keyFresh)
	for _, d := range ds {
		p.Destinations = append(p.Destinations, req.destinationView(d))
	}
	if p.Notices, _, err = req.notices(ds, recent, 0); err != nil {
		return err
	}
	return req.show(http.StatusOK, "overview", p)
}

func (req *request) showLanding(status int, p landingView) error {
	p.layout = req.layout("Sign in", "")
	var titles []string
	for _, b := range req.Backends {
		titles = append(titles, b.Title)
	}
	p.Backends = text.Series(titles, "or")
	p.Valid = duration(prefs.SignInLife)
	return req.show(status, "landing", p)
}
