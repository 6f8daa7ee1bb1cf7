package when

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/schedule"
	"github.com/notifyd/notifyd/web/visit"
)

// api.go is the same for programs, as JSON, by the session of the pages: doc/api.md.

func (o Options) api() []visit.Page {
	var pages []visit.Page
	for pattern, serve := range map[string]func(*visit.Visit) (any, error){
		"GET /api/v1/quiet":                          o.getQuiet,
		"PUT /api/v1/quiet":                          o.putQuiet,
		"GET /api/v1/pause":                          o.getPause,
		"PUT /api/v1/pause":                          o.putPause,
		"DELETE /api/v1/pause":                       o.deletePause,
		"GET /api/v1/destinations/{id}/schedule":     o.getDestination,
		"PUT /api/v1/destinations/{id}/schedule":     o.putDestination,
		"GET /api/v1/filters/{id}/schedules/{to}":    o.getFilter,
		"PUT /api/v1/filters/{id}/schedules/{to}":    o.putFilter,
		"DELETE /api/v1/filters/{id}/schedules/{to}": o.deleteFilter,
		"GET /api/v1/waiting":                        o.getWaiting,
	} {
		pages = append(pages, visit.ForPrograms(pattern, serve, refuse))
	}
	slices.SortFunc(pages, func(a, b visit.Page) int { return strings.Compare(a.Pattern, b.Pattern) })
	return pages
}

// refuse says what is wrong with a request.
func refuse(err error) *visit.Fault {
	if wrong := (*schedule.Error)(nil); errors.As(err, &wrong) {
		return &visit.Fault{Error: wrong.Problem, Field: wrong.Field}
	}
	return nil
}

type quietJSON struct {
	Quiet string     `json:"quiet"`
	Zone  string     `json:"zone,omitempty"`
	Until *time.Time `json:"quiet_until,omitempty"` // it is quiet now
}

func (o Options) getQuiet(v *visit.Visit) (any, error) {
	q := quietJSON{Quiet: v.User.Quiet.String(), Zone: v.Zone.String()}
	if end := v.User.Quiet.End(v.Now, v.Zone); end.After(v.Now) {
		q.Until = &end
	}
	return q, nil
}

func (o Options) putQuiet(v *visit.Visit) (any, error) {
	var body quietJSON
	if err := v.ReadJSON(&body); err != nil {
		return nil, err
	}
	q, err := schedule.ParseQuiet(body.Quiet)
	if err != nil {
		return nil, err
	}
	v.User.Quiet = q
	if err := o.Accounts.SetQuiet(v.Context(), v.User.ID, q); err != nil {
		return nil, err
	}
	return o.getQuiet(v)
}

type pauseJSON struct {
	Paused  bool       `json:"paused"`
	Since   *time.Time `json:"since,omitempty"`
	Until   *time.Time `json:"until,omitempty"`
	End     string     `json:"end,omitempty"` // digest or drop
	Strict  bool       `json:"strict"`
	Kept    int        `json:"kept"`
	Dropped int        `json:"dropped"` // by the last pause
}

func (o Options) getPause(v *visit.Visit) (any, error) {
	u, err := o.Accounts.User(v.Context(), v.User.ID)
	if err != nil {
		return nil, err
	}
	own, err := o.Destinations.List(v.Context(), u.ID)
	if err != nil {
		return nil, err
	}
	p := pauseJSON{Paused: u.Pause.On(v.Now)}
	if p.Kept, p.Dropped, err = Held(v.Context(), o.Outbox, u, own); err != nil {
		return nil, err
	}
	if !u.Pause.Until.IsZero() {
		p.Since, p.Until, p.Strict, p.End = &u.Pause.Since, &u.Pause.Until, u.Pause.Strict, "digest"
		if u.Pause.Drop {
			p.End = "drop"
		}
	}
	return p, nil
}

func (o Options) putPause(v *visit.Visit) (any, error) {
	var body struct {
		Until  time.Time `json:"until"`
		End    string    `json:"end"`
		Strict bool      `json:"strict"`
	}
	if err := v.ReadJSON(&body); err != nil {
		return nil, err
	}
	if body.End != "" && body.End != "digest" && body.End != "drop" {
		return nil, &schedule.Error{Field: "end", Problem: "is neither digest nor drop"}
	}
	p := schedule.Pause{Until: body.Until, Drop: body.End == "drop", Strict: body.Strict}
	if err := o.Accounts.Pause(v.Context(), v.User.ID, p); err != nil {
		return nil, err
	}
	return o.getPause(v)
}

func (o Options) deletePause(v *visit.Visit) (any, error) {
	if err := o.Accounts.Resume(v.Context(), v.User.ID, v.Request.URL.Query().Get("end") == "drop"); err != nil {
		return nil, err
	}
	return o.getPause(v)
}

type scheduleJSON struct {
	Every      string   `json:"every,omitempty"`
	Count      int      `json:"count,omitempty"`
	At         []string `json:"at,omitempty"`
	Days       []string `json:"days,omitempty"`
	AtOnceFrom string   `json:"at_once_from,omitempty"`
	First      bool     `json:"first,omitempty"`
	Quiet      string   `json:"quiet,omitempty"` // of a destination
	Says       string   `json:"says,omitempty"`  // in words; not read
	Next       string   `json:"next,omitempty"`  // what happens next; not read
}

func written(s schedule.Schedule) scheduleJSON {
	j := scheduleJSON{Count: s.Count, At: s.Times(), AtOnceFrom: s.AtOnceFrom, First: s.First, Says: Words(s)}
	if s.Every > 0 {
		j.Every = s.Every.String()
	}
	for _, d := range weekdays {
		if slices.Contains(s.Weekdays, d) {
			j.Days = append(j.Days, strings.ToLower(d.String()[:3]))
		}
	}
	return j
}

func (j scheduleJSON) schedule() (s schedule.Schedule, err error) {
	s = schedule.Schedule{Count: j.Count, At: strings.Join(j.At, ","), AtOnceFrom: j.AtOnceFrom, First: j.First}
	if j.Every != "" {
		if s.Every, err = time.ParseDuration(j.Every); err != nil {
			return s, &schedule.Error{Field: "every", Problem: "is no length of time; one is 1h30m"}
		}
	}
	for _, name := range j.Days {
		at := slices.IndexFunc(weekdays, func(d time.Weekday) bool {
			return strings.EqualFold(name, d.String()) || strings.EqualFold(name, d.String()[:3])
		})
		if at < 0 {
			return s, &schedule.Error{Field: "days", Problem: "have one that is no day; write mon to sun"}
		}
		s.Weekdays = append(s.Weekdays, weekdays[at])
	}
	return s, s.Check()
}

// readSchedule reads the schedule in the body of a request, and the body for what else it says.
func readSchedule(v *visit.Visit) (s schedule.Schedule, body scheduleJSON, err error) {
	if err = v.ReadJSON(&body); err != nil {
		return s, body, err
	}
	s, err = body.schedule()
	return s, body, err
}

func (o Options) getDestination(v *visit.Visit) (any, error) {
	id, err := v.ID("id")
	if err != nil {
		return nil, err
	}
	d, err := o.Destinations.Get(v.Context(), v.User.ID, id)
	j := written(d.Schedule)
	j.Quiet, j.Next = d.Quiet.String(), Next(d, v.User, v.Now, v.Zone)
	return j, err
}

func (o Options) putDestination(v *visit.Visit) (any, error) {
	id, err := v.ID("id")
	if err != nil {
		return nil, err
	}
	s, body, err := readSchedule(v)
	if err != nil {
		return nil, err
	}
	q, err := schedule.ParseQuiet(body.Quiet)
	if err != nil {
		return nil, err
	}
	if err := o.Set(v.Context(), v.User.ID, id, s, q); err != nil {
		return nil, err
	}
	return o.getDestination(v)
}

// pair reads which filter and which destination a request is about.
func (o Options) pair(v *visit.Visit) (f prefs.Filter, to uint, err error) {
	if f, _, err = o.filter(v); err != nil {
		return f, 0, err
	}
	to, err = v.ID("to")
	return f, to, err
}

func (o Options) getFilter(v *visit.Visit) (any, error) {
	f, to, err := o.pair(v)
	if err != nil {
		return nil, err
	}
	s, has := f.Schedules[to]
	if !has {
		return nil, prefs.ErrNotFound
	}
	return written(s), nil
}

func (o Options) putFilter(v *visit.Visit) (any, error) {
	f, to, err := o.pair(v)
	if err != nil {
		return nil, err
	}
	s, _, err := readSchedule(v)
	if err != nil {
		return nil, err
	}
	return written(s), o.Filters.SetSchedule(v.Context(), v.User.ID, f.ID, to, &s)
}

func (o Options) deleteFilter(v *visit.Visit) (any, error) {
	f, to, err := o.pair(v)
	if err != nil {
		return nil, err
	}
	return struct{}{}, o.Filters.SetSchedule(v.Context(), v.User.ID, f.ID, to, nil)
}

type waitingJSON struct {
	ID          int64     `json:"id"`
	Message     string    `json:"message"`
	Destination string    `json:"destination"`
	Title       string    `json:"title"`
	Due         time.Time `json:"due"`
	Hold        string    `json:"hold"`
	Waits       string    `json:"waits"` // in words
}

// mostWaiting is how many waiting notices an answer has, the newest first.
const mostWaiting = 200

func (o Options) getWaiting(v *visit.Visit) (any, error) {
	own, err := o.Destinations.List(v.Context(), v.User.ID)
	if err != nil {
		return nil, err
	}
	keys, to := []string{}, map[string]prefs.Destination{}
	for _, d := range own {
		keys, to[prefs.Key(d.ID)] = append(keys, prefs.Key(d.ID)), d
	}
	list, err := o.Outbox.Find(v.Context(), outbox.Query{Destinations: keys, State: outbox.Waiting, Limit: mostWaiting})
	if err != nil {
		return nil, err
	}
	waiting := make([]waitingJSON, 0, len(list))
	for _, e := range list {
		waiting = append(waiting, waitingJSON{e.ID, prefs.Corrected(e.Message), e.Destination, e.Notice.Title, e.DueAt,
			e.Hold, to[e.Destination].Waits(v.User, e, v.Now)})
	}
	return map[string]any{"waiting": waiting}, nil
}
