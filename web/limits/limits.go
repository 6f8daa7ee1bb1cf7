// Package limits is the page, and the API, of how much comes to a destination at once, where a notice goes that does
// not arrive, and where critical notices go. doc/scheduling.md has the rules.
package limits

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
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
			return o.view(v, http.StatusOK, func(*limitsView) {})
		}},
		{Pattern: "POST /settings/limits/{id}", For: visit.Members, Serve: o.saveDestination},
		{Pattern: "POST /settings/critical", For: visit.Members, Serve: o.saveCritical},
	}, o.api()...)
}

// limitsView is the page.
type limitsView struct {
	Site         string
	Destinations []destinationForm
	Others       []choice // for critical notices
	After        string   // minutes
	Everywhere   bool
	Wrong        string // with critical notices
}

// destinationForm is what holds for one destination.
type destinationForm struct {
	ID                              uint
	Address                         string
	Count, Minutes, Attempts, Hours string
	Others                          []choice
	CapWrong, FallbackWrong         string
}

type choice struct {
	ID      uint
	Address string
	Chosen  bool
}

// view is the page; mark puts what was typed into it, and what is wrong with that.
func (o Options) view(v *visit.Visit, status int, mark func(*limitsView)) (*visit.View, error) {
	own, err := o.Destinations.List(v.Context(), v.User.ID)
	if err != nil {
		return nil, err
	}
	e, err := o.Rescue.Escalation(v.Context(), v.User.ID)
	if err != nil {
		return nil, err
	}
	p := limitsView{Site: "as many as come", Others: choices(own, 0, e.To), After: number(int(e.After / time.Minute)),
		Everywhere: e.Everywhere}
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
	mark(&p)
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

// typed reads a whole number of a form; an empty field is 0, and what is none is below all bounds.
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
	capWrong, fallbackWrong := unfitCap(c), unfitFallback(f)
	if capWrong+fallbackWrong == "" {
		if err = o.set(v, id, c, f); err == nil {
			return &visit.View{To: "/settings/limits", Tone: "good", Flash: "Saved. What waits already keeps its time.",
				Changed: true}, nil
		}
		var input *prefs.Error
		if errors.As(err, &input) {
			capWrong = sentence(err)
		} else if fallbackWrong = sentence(err); fallbackWrong == "" {
			return nil, err
		}
	}
	return o.view(v, http.StatusUnprocessableEntity, func(p *limitsView) {
		for i := range p.Destinations {
			if d := &p.Destinations[i]; d.ID == id {
				d.Count, d.Minutes, d.Attempts, d.Hours = v.Form("count"), v.Form("minutes"), v.Form("attempts"), v.Form("hours")
				d.CapWrong, d.FallbackWrong = capWrong, fallbackWrong
				choose(d.Others, f.To)
			}
		}
	})
}

// unfitCap and unfitFallback say what is wrong with what was typed; "": nothing that can be said without the rest.
func unfitCap(c outbox.Cap) string {
	switch {
	case c.Count < 0 || c.Window < 0 || c.Window > outbox.MaxCapWindow:
		return "Expected a whole number of notices, and of minutes from 1 to 1440."
	case (c.Count == 0) != (c.Window == 0):
		return "Say both: how many notices, and in how many minutes. Both empty: what the site says."
	}
	return ""
}

func unfitFallback(f rescue.Fallback) string {
	if f.To != 0 && (f.Attempts < 0 || f.Attempts > rescue.MaxAttempts || f.After < 0 || f.After > rescue.MaxAfter) {
		return "Expected a whole number of attempts from 1 to 20, or of hours from 1 to 120."
	}
	return ""
}

func choose(list []choice, id uint) {
	for i := range list {
		list[i].Chosen = list[i].ID == id
	}
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
	var problem string
	if e.To != 0 && (e.After < time.Minute || e.After > 24*time.Hour) {
		problem = "Expected a whole number of minutes from 1 to 1440."
	} else {
		err := o.Rescue.SetEscalation(v.Context(), v.User.ID, e)
		if err == nil {
			return &visit.View{To: "/settings/limits", Tone: "good", Flash: "Saved.", Changed: true}, nil
		}
		if problem = sentence(err); problem == "" {
			return nil, err
		}
	}
	return o.view(v, http.StatusUnprocessableEntity, func(p *limitsView) {
		p.After, p.Everywhere, p.Wrong = v.Form("after"), e.Everywhere, problem
		choose(p.Others, e.To)
	})
}

// sentence is a mistake without the name of its field, for a page that shows it beside the field; "" where the error is
// none of the person's.
func sentence(err error) string {
	said := mistake(err)
	if _, problem, found := strings.Cut(said, ": "); found {
		said = problem
	}
	if said == "" {
		return ""
	}
	return strings.ToUpper(said[:1]) + said[1:]
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
