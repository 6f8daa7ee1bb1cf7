// Package when has the pages and the API of when people are told: quiet hours, the pause, and the schedules of filters.
// The schedule of a destination stands on its page, in package web, which shares the form of this package.
package when

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/schedule"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/web/visit"
)

// Options are what the pages work on. All fields are needed.
type Options struct {
	Accounts     *prefs.Accounts
	Destinations *prefs.Destinations
	Filters      *prefs.Filters
	Outbox       *outbox.Outbox
}

// Pages are the pages and the API.
func Pages(o Options) []visit.Page {
	return append([]visit.Page{
		{Pattern: "GET /settings/when", Serve: o.show},
		{Pattern: "POST /settings/quiet", Serve: o.saveQuiet},
		{Pattern: "POST /settings/pause", Serve: o.savePause},
		{Pattern: "POST /settings/resume", Serve: o.resume},
		{Pattern: "GET /filters/{id}/schedules", Serve: o.showSchedules},
		{Pattern: "POST /filters/{id}/schedules/{to}", Serve: o.saveSchedule},
	}, o.api()...)
}

type whenView struct {
	Quiet, QuietProblem string
	QuietNow            string // "quiet until 07:00"; "" where it is not
	Zone                string
	Paused              string // what holds now; "" where nothing does
	Until, UntilProblem string // as an input has it: 2026-12-07T07:00
	Drop, Strict        bool
	Dropped             string // what the last pause has thrown away
	Next                []nextLine
}

// A nextLine says what happens next at one destination.
type nextLine struct{ Address, Page, Says, Schedule string }

const inputTime = "2006-01-02T15:04"

func (o Options) show(v *visit.Visit) (*visit.View, error) {
	return o.view(v, http.StatusOK, func(*whenView) {})
}

func (o Options) view(v *visit.Visit, status int, mark func(*whenView)) (*visit.View, error) {
	u := v.User
	p := whenView{Quiet: u.Quiet.String(), Zone: v.Zone.String(), Drop: u.Pause.Drop, Strict: u.Pause.Strict}
	if end := u.Quiet.End(v.Now, v.Zone); end.After(v.Now) {
		p.QuietNow = "It is quiet until " + schedule.Moment(end, v.Now, v.Zone) + "."
	}
	own, err := o.Destinations.List(v.Context(), u.ID)
	if err != nil {
		return nil, err
	}
	kept, dropped, err := Held(v.Context(), o.Outbox, u, own)
	if err != nil {
		return nil, err
	}
	p.Paused = Paused(u.Pause, kept, v.Now, v.Zone)
	if dropped > 0 {
		p.Dropped = text.NumberOf(dropped, "notice that came in your last pause was", "notices that came in your last pause were") +
			" thrown away, as you chose."
	}
	p.Until = v.Now.In(v.Zone).Add(7*24*time.Hour).Format("2006-01-02") + "T07:00"
	if p.Paused != "" {
		p.Until = u.Pause.Until.In(v.Zone).Format(inputTime)
	} else {
		p.Drop, p.Strict = false, false
	}
	for _, d := range own {
		if d.Confirmed && d.On {
			p.Next = append(p.Next, nextLine{d.Address, "/destinations/" + strconv.FormatUint(uint64(d.ID), 10),
				Next(d, u, v.Now, v.Zone), Words(d.Schedule)})
		}
	}
	mark(&p)
	return &visit.View{Status: status, Template: "when", Title: "Quiet hours and pause", Here: "settings", Data: p}, nil
}

// Held counts what the pause of a user keeps, and what their last one has thrown away.
func Held(ctx context.Context, o *outbox.Outbox, u prefs.User, own []prefs.Destination) (kept, dropped int, err error) {
	if u.Pause.Until.IsZero() || len(own) == 0 {
		return 0, 0, nil
	}
	var keys []string
	for _, d := range own {
		keys = append(keys, prefs.Key(d.ID))
	}
	all, err := o.CountHeld(ctx, keys, []string{schedule.HeldByPause, schedule.HeldToDrop, schedule.HeldBefore},
		time.Time{})
	if err != nil {
		return 0, 0, err
	}
	gone, err := o.CountHeld(ctx, keys, []string{schedule.HeldToDrop}, u.Pause.Since)
	return all[outbox.Waiting] + all[outbox.Claimed], gone[outbox.Dead], err
}

func (o Options) saveQuiet(v *visit.Visit) (*visit.View, error) {
	typed := v.Form("quiet")
	q, err := schedule.ParseQuiet(typed)
	if err == nil {
		err = o.Accounts.SetQuiet(v.Context(), v.User.ID, q)
	}
	if problem := Mistake(err); problem != "" {
		return o.view(v, http.StatusUnprocessableEntity, func(p *whenView) { p.Quiet, p.QuietProblem = typed, problem })
	}
	if err != nil {
		return nil, err
	}
	flash := "Saved. Nothing but critical notices goes " + q.String() + "."
	if q.None() {
		flash = "Saved. You have no quiet hours now."
	}
	return &visit.View{To: "/settings/when", Tone: "good", Flash: flash, Changed: true}, nil
}

func (o Options) savePause(v *visit.Visit) (*visit.View, error) {
	typed := v.Form("until")
	p := schedule.Pause{Drop: v.Form("end") == "drop", Strict: v.Form("strict") != ""}
	refuse := func(problem string) (*visit.View, error) {
		return o.view(v, http.StatusUnprocessableEntity, func(w *whenView) {
			w.Until, w.UntilProblem, w.Drop, w.Strict = typed, problem, p.Drop, p.Strict
		})
	}
	var err error
	if p.Until, err = readUntil(typed, v.Zone); err != nil {
		return refuse("Expected a day and a time such as 2026-12-07 07:00.")
	}
	err = o.Accounts.Pause(v.Context(), v.User.ID, p)
	if problem := Mistake(err); problem != "" {
		return refuse(problem)
	}
	if err != nil {
		return nil, err
	}
	return &visit.View{To: "/settings/when", Tone: "good", Changed: true,
		Flash: "Everything is paused until " + schedule.Date(p.Until, v.Now, v.Zone) + "."}, nil
}

// readUntil reads a local time, with a T or a blank in the middle, or a day alone: its beginning.
func readUntil(typed string, zone *time.Location) (t time.Time, err error) {
	for _, layout := range []string{inputTime, "2006-01-02 15:04", "2006-01-02T15:04:05", time.DateOnly} {
		if t, err = time.ParseInLocation(layout, typed, zone); err == nil {
			return t, nil
		}
	}
	return t, err
}

func (o Options) resume(v *visit.Visit) (*visit.View, error) {
	drop := v.Form("end") == "drop"
	if err := o.Accounts.Resume(v.Context(), v.User.ID, drop); err != nil {
		return nil, err
	}
	flash := "The pause is over. What was kept goes now, in one digest; in quiet hours it goes when they end."
	if drop {
		flash = "The pause is over. What came in it is thrown away."
	}
	return &visit.View{To: "/settings/when", Tone: "good", Flash: flash, Changed: true}, nil
}

type schedulesView struct {
	Name, Page   string
	Destinations []scheduleOf
}

// A scheduleOf is the form of one destination.
type scheduleOf struct {
	Form
	Address, Action, Says string
}

func (o Options) showSchedules(v *visit.Visit) (*visit.View, error) {
	return o.schedules(v, http.StatusOK, 0, Form{})
}

// schedules shows the page; that of one destination as it was posted.
func (o Options) schedules(v *visit.Visit, status int, posted uint, form Form) (*visit.View, error) {
	f, own, err := o.filter(v)
	if err != nil {
		return nil, err
	}
	page := "/filters/" + strconv.FormatUint(uint64(f.ID), 10)
	p := schedulesView{Name: f.Name, Page: page}
	for _, d := range own {
		id := strconv.FormatUint(uint64(d.ID), 10)
		s, has := f.Schedules[d.ID]
		one := scheduleOf{Form: NewForm(s), Address: d.Address, Action: page + "/schedules/" + id, Says: Words(s)}
		if !has {
			one.How, one.Says = "destination", "As the destination says: "+Words(d.Schedule)
		}
		if d.ID == posted {
			one.Form = form
		}
		one.Prefix, one.Default, one.Zone = "to-"+id+"-", Words(d.Schedule), v.Zone.String()
		p.Destinations = append(p.Destinations, one)
	}
	return &visit.View{Status: status, Template: "filter-schedules", Title: "When “" + f.Name + "” is sent",
		Here: "filters", Data: p}, nil
}

// filter is the filter of a page, and the destinations that it may reach.
func (o Options) filter(v *visit.Visit) (prefs.Filter, []prefs.Destination, error) {
	id, err := v.ID("id")
	if err != nil {
		return prefs.Filter{}, nil, err
	}
	f, err := o.Filters.Get(v.Context(), v.User.ID, rulespec.FilterID(id))
	if err != nil {
		return prefs.Filter{}, nil, err
	}
	own, err := o.Destinations.List(v.Context(), v.User.ID)
	return f, reached(f, own), err
}

func (o Options) saveSchedule(v *visit.Visit) (*visit.View, error) {
	f, _, err := o.filter(v)
	if err != nil {
		return nil, err
	}
	to, err := v.ID("to")
	if err != nil {
		return nil, err
	}
	s, form, ok := ReadForm(v.Request.PostForm, f.Schedules[to])
	if !ok {
		return o.schedules(v, http.StatusUnprocessableEntity, to, form)
	}
	set := &s
	if form.How == "destination" {
		set = nil
	}
	if err := o.Filters.SetSchedule(v.Context(), v.User.ID, f.ID, to, set); err != nil {
		return nil, err
	}
	return &visit.View{To: strings.TrimSuffix(v.Request.URL.Path, "/"+v.Request.PathValue("to")), Tone: "good",
		Flash: "Saved. What waits already keeps its time.", Changed: true}, nil
}

// reached are the destinations that a filter may reach.
func reached(f prefs.Filter, own []prefs.Destination) (list []prefs.Destination) {
	for _, d := range own {
		chosen := len(f.Destinations) == 0
		for _, id := range f.Destinations {
			chosen = chosen || id == d.ID
		}
		if chosen {
			list = append(list, d)
		}
	}
	return list
}

// Set sets the schedule and the quiet hours of a destination. Without a digest, what waits for one is due now: no later
// time remains for it. In quiet hours or a pause it waits all the same.
func (o Options) Set(ctx context.Context, userID, id uint, s schedule.Schedule, q schedule.Quiet) error {
	d, err := o.Destinations.Get(ctx, userID, id)
	if err != nil {
		return err
	}
	if q.String() != d.Quiet.String() {
		if err := o.Destinations.SetQuiet(ctx, userID, id, q); err != nil {
			return err
		}
	}
	if err := o.Destinations.SetSchedule(ctx, userID, id, s); err != nil || s.Digest() {
		return err
	}
	return o.Outbox.GoOn(ctx, prefs.Key(id))
}
