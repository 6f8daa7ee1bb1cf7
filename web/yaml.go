package web

import (
	"errors"
	"strings"

	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/schedule"
	"github.com/notifyd/notifyd/rulespec"
)

// toText turns the guided form into the text form of the same filter.
func (req *request) toText(d *draft) {
	ds, err := req.Destinations.List(req.r.Context(), req.user.ID)
	if err != nil {
		ds = nil // the text then names no destination, which means all; saving checks again
	}
	d.text = string(rulespec.Format(rulespec.File{Filters: []rulespec.FileFilter{prefs.FileFilter(d.filter, ds)}}))
	d.asText = true
}

// fromText reads the text of a draft into its filter. It returns in words what is wrong; "" when nothing is.
func (req *request) fromText(d *draft) string {
	list, schedules, problems := req.readFilters(d.text)
	if len(schedules) > 0 {
		problems = append(problems, "Schedules are changed on the page of their destination, or imported in the settings.")
	}
	if len(problems) > 0 {
		return strings.Join(problems, "\n")
	}
	if len(list) != 1 {
		return "Expected exactly one filter here. Several at once can be imported in the settings."
	}
	id := d.filter.ID
	d.filter = list[0]
	d.filter.ID = id
	d.everywhere = len(d.filter.Destinations) == 0
	return ""
}

// readFilters reads filters in their text form and makes them the user's own. schedules are those of the text, by
// destination of the user.
func (req *request) readFilters(text string) (list []prefs.Filter, schedules map[uint]placed,
	problems []string) {
	file, err := rulespec.Parse(req.env(), []byte(text))
	problems = append(problems, texts(err)...)
	ds, err := req.Destinations.List(req.r.Context(), req.user.ID)
	if err != nil {
		return nil, nil, append(problems, "The destinations could not be read; try again.")
	}
	schedules, wrong := req.readSchedules(file.Destinations, ds, "")
	problems = append(problems, wrong...)
	for _, f := range file.Filters {
		own := prefs.Filter{Filter: f.Filter, UserID: req.user.ID, On: f.On, OneShot: f.Once,
			HoldStarted: f.HoldStarted}
		own.ID, own.Owner = 0, req.me()
		if own.Ends, err = schedule.ReadEnd(f.Ends, req.user.Location()); err != nil {
			problems = append(problems, "Filter "+f.Name+": "+err.Error()+".")
		}
		for _, to := range f.To {
			id, found := req.findDestination(ds, to)
			if !found {
				problems = append(problems, "Filter "+f.Name+": you have no destination "+to+"; add it first, or leave \"to\" out.")
			}
			own.Destinations = append(own.Destinations, id)
		}
		when, wrong := req.readSchedules(f.When, ds, "Filter "+f.Name+": ")
		problems = append(problems, wrong...)
		for id, p := range when {
			if own.Schedules == nil {
				own.Schedules = map[uint]schedule.Schedule{}
			}
			own.Schedules[id] = p.schedule
		}
		list = append(list, own)
	}
	return list, schedules, problems
}

// A placed is what a text says of when a destination gets its notices.
type placed struct {
	schedule schedule.Schedule
	quiet    schedule.Quiet
}

// readSchedules returns the schedules of a text, by destination. whose is what they are of, for the mistakes.
func (req *request) readSchedules(
	written []rulespec.FileDestination, ds []prefs.Destination, whose string,
) (schedules map[uint]placed, problems []string) {
	schedules = map[uint]placed{}
	for _, d := range written {
		id, found := req.findDestination(ds, d.To)
		if !found {
			problems = append(problems, whose+"You have no destination "+d.To+"; add it first, or take it out.")
			continue
		}
		s, q, err := prefs.ScheduleOf(d)
		schedules[id] = placed{s, q}
		var wrong *schedule.Error
		if errors.As(err, &wrong) {
			problems = append(problems, whose+"Destination "+d.To+": \""+wrong.Field+"\" "+wrong.Problem+".")
		}
	}
	return schedules, problems
}

// saveSchedules sets the schedules of a filter's own, by destination. all says that it has no others.
func (req *request) saveSchedules(id rulespec.FilterID, own map[uint]schedule.Schedule, all bool) error {
	for to, s := range own {
		if err := req.Filters.SetSchedule(req.r.Context(), req.user.ID, id, to, &s); err != nil {
			return err
		}
	}
	if !all {
		return nil
	}
	f, err := req.Filters.Get(req.r.Context(), req.user.ID, id)
	if err != nil {
		return err
	}
	for to := range f.Schedules {
		if _, kept := own[to]; kept {
			continue
		}
		if err := req.Filters.SetSchedule(req.r.Context(), req.user.ID, id, to, nil); err != nil {
			return err
		}
	}
	return nil
}

// findDestination finds the destination that a text names. A user has one destination on a backend that agents fetch
// from, and its address is internal: any address in the text means it.
func (req *request) findDestination(ds []prefs.Destination, to string) (uint, bool) {
	backend, address, _ := strings.Cut(to, ":")
	for _, d := range ds {
		if d.Backend == backend && (req.backend(backend).Agent != "" || strings.EqualFold(d.Address, address)) {
			return d.ID, true
		}
	}
	return 0, false
}

// texts returns each mistake that err joins, in words, with its position.
func texts(err error) []string {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var list []string
		for _, e := range joined.Unwrap() {
			list = append(list, texts(e)...)
		}
		return list
	}
	return []string{userText(err)}
}

// userText returns an error about a filter in words for its owner, without internals.
func userText(err error) string {
	var e *rulespec.Error
	if errors.As(err, &e) {
		return capital(e.Error()) + "."
	}
	if errors.Is(err, rulespec.ErrUnevaluable) {
		return capital(err.Error()) + "."
	}
	return "It cannot be read."
}
