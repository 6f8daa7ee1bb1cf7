// Package limits is the page, and the API, of how much comes to a destination at once, where a notice goes that does
// not arrive, and where critical notices go. doc/scheduling.md has the rules.
package limits

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/rescue"
	"github.com/notifyd/notifyd/prefs/schedule"
	"github.com/notifyd/notifyd/web/visit"
)

// Options are what the page needs.
type Options struct {
	Destinations *prefs.Destinations
	Rescue       *rescue.Store
	Cap          outbox.Cap // the site's
	CapMost      int        // what a person's own may allow; 0: any number
}

// Pages are the page and the API.
func Pages(o Options) []visit.Page {
	return append([]visit.Page{
		{Pattern: "GET /settings/limits", For: visit.Members, Serve: func(v *visit.Visit) (*visit.View, error) {
			return o.view(v, http.StatusOK, "", "")
		}},
		{Pattern: "POST /settings/limits/{id}", For: visit.Members, Serve: o.saveDestination},
		{Pattern: "POST /settings/critical", For: visit.Members, Serve: o.saveCritical},
	}, o.api()...)
}

// limitsView is the page.
type limitsView struct {
	Site                     string
	Destinations             []destinationForm
	Others                   []choice // for critical notices
	After                    string   // minutes
	Everywhere               bool
	Problem, CriticalProblem string
}

// destinationForm is what holds for one destination.
type destinationForm struct {
	ID                              uint
	Address                         string
	Count, Minutes, Attempts, Hours string
	Others                          []choice
}

type choice struct {
	ID      uint
	Address string
	Chosen  bool
}

func (o Options) view(v *visit.Visit, status int, problem, critical string) (*visit.View, error) {
	own, err := o.Destinations.List(v.Context(), v.User.ID)
	if err != nil {
		return nil, err
	}
	e, err := o.Rescue.Escalation(v.Context(), v.User.ID)
	if err != nil {
		return nil, err
	}
	p := limitsView{Site: "as many as come", Others: choices(own, 0, e.To), After: number(int(e.After / time.Minute)),
		Everywhere: e.Everywhere, Problem: problem, CriticalProblem: critical}
	if o.Cap.Count > 0 {
		p.Site = strconv.Itoa(o.Cap.Count) + " in " + schedule.Span(o.Cap.Window)
	}
	for _, d := range own {
		f, _, err := o.Rescue.Fallback(v.Context(), v.User.ID, d.ID)
		if err != nil {
			return nil, err
		}
		p.Destinations = append(p.Destinations, destinationForm{ID: d.ID, Address: d.Address, Count: number(d.Cap.Count),
			Minutes: number(int(d.Cap.Window / time.Minute)), Attempts: number(f.Attempts),
			Hours:  number(int(f.After / time.Hour)),
			Others: choices(own, d.ID, f.To)})
	}
	return &visit.View{Status: status, Template: "limits", Title: "Limits and fallbacks", Here: "settings", Data: p}, nil
}

// number is empty for 0.
func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// choices are the confirmed destinations but one.
func choices(own []prefs.Destination, but, chosen uint) (list []choice) {
	for _, d := range own {
		if d.Confirmed && d.ID != but {
			list = append(list, choice{d.ID, d.Address + " (" + d.Backend + ")", d.ID == chosen})
		}
	}
	return list
}

// typed reads a number of a form; an empty field is 0, and what is no number is below all bounds.
func typed(v *visit.Visit, name string) int {
	text := v.Form(name)
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > 100_000 {
		return -1
	}
	return n
}

func (o Options) saveDestination(v *visit.Visit) (*visit.View, error) {
	id, err := v.ID("id")
	if err != nil {
		return nil, err
	}
	c := outbox.Cap{Count: typed(v, "count"), Window: time.Duration(typed(v, "minutes")) * time.Minute}
	f := rescue.Fallback{From: id, To: uint(max(typed(v, "to"), 0)), Attempts: typed(v, "attempts"),
		After: time.Duration(typed(v, "hours")) * time.Hour}
	if err = o.set(v, id, c, f); err == nil {
		return &visit.View{To: "/settings/limits", Tone: "good", Flash: "Saved. What waits already keeps its time.",
			Changed: true}, nil
	}
	if problem := mistake(err); problem != "" {
		return o.view(v, http.StatusUnprocessableEntity, problem, "")
	}
	return nil, err
}

// set checks both, so that nothing is stored where one is wrong.
func (o Options) set(v *visit.Visit, id uint, c outbox.Cap, f rescue.Fallback) error {
	if _, err := o.Destinations.Get(v.Context(), v.User.ID, id); err != nil {
		return err
	}
	if err := prefs.CheckCap(c, o.CapMost); err != nil {
		return err
	}
	if err := o.Rescue.SetFallback(v.Context(), v.User.ID, f); err != nil {
		return err
	}
	return o.Destinations.SetCap(v.Context(), v.User.ID, id, c)
}

func (o Options) saveCritical(v *visit.Visit) (*visit.View, error) {
	e := rescue.Escalation{To: uint(max(typed(v, "to"), 0)), After: time.Duration(typed(v, "after")) * time.Minute,
		Everywhere: v.Form("everywhere") != ""}
	err := o.Rescue.SetEscalation(v.Context(), v.User.ID, e)
	if problem := mistake(err); problem != "" {
		return o.view(v, http.StatusUnprocessableEntity, "", problem)
	}
	if err != nil {
		return nil, err
	}
	return &visit.View{To: "/settings/limits", Tone: "good", Flash: "Saved.", Changed: true}, nil
}

// mistake is an error in words for the person who made it; "" where it is none of theirs.
func mistake(err error) string {
	var wrong *rescue.Error
	var input *prefs.Error
	switch {
	case errors.As(err, &wrong):
		return wrong.Error() + "."
	case errors.As(err, &input):
		return input.Error() + "."
	}
	return ""
}
