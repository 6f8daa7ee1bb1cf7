package web

import (
	"net/http"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/prefs"
)

// overviewView is the first page of somebody who is signed in.
type overviewView struct {
	frame
	Fresh        bool // the account was just made
	Filters      []filterCard
	Destinations []destinationCard
	Warnings     []warning
	Notices      []noticeLine
}

// landingView is the first page of everybody else.
type landingView struct {
	frame
	Backends                string
	Address, Problem, Valid string
	Sent, Needed            bool
}

// recent is how many notices the overview shows.
const recent = 5

func firstPage(v *visit) error {
	if v.user.ID == 0 {
		return v.showLanding(http.StatusOK, landingView{Needed: v.r.URL.Query().Has("signin")})
	}
	cards, ds, err := v.cards("overview")
	if err != nil {
		return err
	}
	p := overviewView{frame: v.frame("Overview", "overview"), Filters: cards, Warnings: warnings(ds)}
	p.Fresh = v.sessions.PopBool(v.r.Context(), keyFresh)
	for _, d := range ds {
		p.Destinations = append(p.Destinations, v.destinationCard(d))
	}
	if p.Notices, _, err = v.notices(ds, recent, 0); err != nil {
		return err
	}
	return v.show(http.StatusOK, "overview", p)
}

func (v *visit) showLanding(status int, p landingView) error {
	p.frame = v.frame("Sign in", "")
	var titles []string
	for _, b := range v.Backends {
		titles = append(titles, b.Title)
	}
	p.Backends = text.Series(titles, "or")
	p.Valid = duration(prefs.SignInLife)
	return v.show(status, "landing", p)
}
