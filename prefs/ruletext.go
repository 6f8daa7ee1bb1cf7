package prefs

import (
	"errors"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/prefs/revisions"
	"github.com/notifyd/notifyd/prefs/schedule"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// newFilterRow checks a filter and makes its row.
func (c *core) newFilterRow(f Filter) (filterRow, error) {
	if f.Name == "" || len(f.Name) > rulespec.MaxValue || !printable(f.Name) {
		return filterRow{}, problem("name", "is missing, longer than %d bytes, or has control characters",
			rulespec.MaxValue)
	}
	if err := errors.Join(rulespec.Check(c.env(), f.Filter)...); err != nil {
		return filterRow{}, err
	}
	if err := checkHoldStarted(f.HoldStarted); err != nil {
		return filterRow{}, err
	}
	text, err := rulespec.MarshalRules(f.Rules)
	if err != nil {
		return filterRow{}, err
	}
	now := c.micro()
	return filterRow{
		ID: uint(f.ID), UserID: f.UserID, Name: f.Name, Rules: text, IsOn: f.On, OneShot: f.OneShot,
		Chosen: len(f.Destinations) > 0, CreatedAt: now, UpdatedAt: now, HoldStarted: f.HoldStarted.Microseconds(),
		EndsAt: endMicro(f.Ends),
	}, nil
}

// endMicro is the time as rows have it; 0 for the zero time.
func endMicro(end time.Time) int64 {
	if end.IsZero() {
		return 0
	}
	return end.UnixMicro()
}

// env returns the environment in which filters are checked.
// saidBy puts the rules of a filter into words; "" where they cannot be read.
func (c *core) saidBy(owner revisions.Owner, name, rules string) string {
	row := filterRow{Name: name, Rules: rules}
	f := row.filter(rulespec.Env{}, c.me(User{ID: owner.ID, Name: owner.Name, Proof: accounts.Proof(owner.Proof)}), nil)
	if f.Broken != "" {
		return ""
	}
	return c.sentence(f.Filter)
}

func (c *core) env() rulespec.Env {
	return rulespec.Env{KnowsKind: c.knowsKind, ObjectsOf: c.objectsOf}
}

// filter makes a Filter of a row. Rules that this version cannot read, or would refuse in env, make it broken: it is
// kept unchanged and never matches.
// me is what @me stands for in it.
func (r filterRow) filter(env rulespec.Env, me string, destinations []uint) Filter {
	f := Filter{
		Filter: rulespec.Filter{ID: rulespec.FilterID(r.ID), Owner: me, Name: r.Name},
		UserID: r.UserID, On: r.IsOn, OneShot: r.OneShot, Destinations: destinations,
		HoldStarted: time.Duration(r.HoldStarted) * time.Microsecond,
	}
	if r.EndsAt != 0 {
		f.Ends = time.UnixMicro(r.EndsAt).UTC()
	}
	if !r.IsOn {
		f.OffReason, f.OffBy = r.OffReason, r.OffBy
	}
	rules, err := rulespec.UnmarshalRules(r.Rules)
	if err != nil {
		f.Broken = err.Error()
		return f
	}
	f.Rules = rules
	if wrong := rulespec.Check(env, f.Filter); len(wrong) > 0 {
		f.Broken = words(wrong)
	} else if me == "" && rulespec.SaysMe(rules) {
		f.Broken, f.Nameless = nameless, true
	} else if r.Expensive != 0 {
		f.Broken = tooExpensive(r.Expensive)
	} else if r.Chosen && len(destinations) == 0 {
		f.Broken = "the destinations it was for are gone; choose others"
	}
	return f
}

// nameless is why a filter that says @me matches nothing, not even under not: who the user is on the bus is not known.
const nameless = "it says @me, and your name on the bus is not proved"

// checkTexts refuses a filter with which a user would have too many expressions over texts. The caller must hold the
// user's lock. Filters that are off count too, so that switching one on never fails.
func checkTexts(tx *gorm.DB, row *filterRow) error {
	rules, err := rulespec.UnmarshalRules(row.Rules)
	if err != nil || rulespec.CountTexts(rules) == 0 {
		return nil
	}
	var others []string
	err = tx.Model(&filterRow{}).Where("user_id = ? AND id <> ?", row.UserID, row.ID).Pluck("rules", &others).Error
	if err != nil {
		return err
	}
	all := 0
	for _, text := range others {
		if rules, err := rulespec.UnmarshalRules(text); err == nil { // broken ones search nothing
			all += rulespec.CountTexts(rules)
		}
	}
	return rulespec.CheckTexts(rulespec.Filter{Name: row.Name, Rules: rules}, all)
}

// byFilter groups destinations by filter.
func byFilter(rows []filterDestinationRow) map[uint][]uint {
	lists := make(map[uint][]uint)
	for _, r := range rows {
		lists[r.FilterID] = append(lists[r.FilterID], r.DestinationID)
	}
	return lists
}

// words returns mistakes as one line, without the filter's name, which the page shows beside them.
func words(wrong []error) string {
	all := make([]string, len(wrong))
	for i, err := range wrong {
		all[i] = err.Error()
		var e *rulespec.Error
		if errors.As(err, &e) {
			nameless := *e
			nameless.Filter = ""
			all[i] = nameless.Error()
		}
	}
	return strings.Join(all, "; ")
}

// File returns filters of a user in the form of a file, and the schedules of their destinations, which an import takes
// again.
func File(filters []Filter, ds []Destination) rulespec.File {
	file := rulespec.File{Destinations: fileDestinations(ds)}
	for _, f := range filters {
		file.Filters = append(file.Filters, FileFilter(f, ds))
	}
	return file
}

// FileFilter returns a stored filter in the form of a file, without the owner: the user who imports it becomes its
// owner. ds are the destinations of its owner.
func FileFilter(f Filter, ds []Destination) rulespec.FileFilter {
	out := rulespec.FileFilter{Filter: f.Filter, On: f.On, Once: f.OneShot, HoldStarted: f.HoldStarted,
		Ends: schedule.WriteEnd(f.Ends, time.UTC)}
	out.ID, out.Owner = 0, ""
	for _, d := range ds {
		if slices.Contains(f.Destinations, d.ID) {
			out.To = append(out.To, d.Backend+":"+d.Address)
		}
		if s, own := f.Schedules[d.ID]; own {
			out.When = append(out.When, fileSchedule(d, s))
		}
	}
	return out
}

// fileDestinations returns the schedules of destinations in the form of a file. It leaves out destinations without a
// digest and without quiet hours: the user who imports the file would need them for nothing.
func fileDestinations(ds []Destination) []rulespec.FileDestination {
	var list []rulespec.FileDestination
	for _, d := range ds {
		if d.Schedule.Digest() || !d.Quiet.None() {
			one := fileSchedule(d, d.Schedule)
			one.Quiet = d.Quiet.String()
			list = append(list, one)
		}
	}
	return list
}

func fileSchedule(d Destination, s schedule.Schedule) rulespec.FileDestination {
	return rulespec.FileDestination{To: d.Backend + ":" + d.Address, Every: s.Every, Count: s.Count, At: s.At,
		Days: s.Weekdays, AtOnceFrom: s.AtOnceFrom, First: s.First}
}

// ScheduleOf returns the schedule and the quiet hours that a file says. A mistake is a *schedule.Error.
func ScheduleOf(d rulespec.FileDestination) (schedule.Schedule, schedule.Quiet, error) {
	s := schedule.Schedule{Every: d.Every, Count: d.Count, At: d.At, Weekdays: d.Days, AtOnceFrom: d.AtOnceFrom,
		First: d.First}
	if err := s.Check(); err != nil {
		return s, schedule.Quiet{}, err
	}
	q, err := schedule.ParseQuiet(d.Quiet)
	return s, q, err
}

// defaults returns the filters of a new user. They match what others do to the user's packages, and messages that
// mention the user. They are few and leave out the user's own actions, those of bots, and the sorts of things that most
// people do not wait for, because people turn off what is loud.
//
// Who can name anybody as the one who did it could hide from the users what is done in their names. So where the site
// verifies, these filters ask for a proved sender, and a third one tells of what is said to be the user's own work and
// is not proved.
func defaults(verified bool) []Filter {
	me := rulespec.Args{"name": {rulespec.Me}}
	others := func(name string, about rulespec.Rule) Filter {
		rules := []rulespec.Rule{
			about,
			{Kind: "severity", Args: rulespec.Args{"least": {"info"}}},
			{Kind: "actor", Args: me, Not: true},
			{Kind: "bot", Not: true},
		}
		if verified {
			rules = append(rules, rulespec.Rule{Kind: "signed"})
		}
		return Filter{On: true, Filter: rulespec.Filter{Name: name, Rules: rules}}
	}
	mine := others("My packages", rulespec.Rule{Kind: "owner", Args: rulespec.Args{"user": {rulespec.Me}}})
	mine.Rules = append(mine.Rules, rulespec.Rule{Kind: "keyword", Args: rulespec.Args{"name": quiet()}, Not: true})
	all := []Filter{
		mine,
		others("About me", rulespec.Rule{Kind: "user", Args: me}),
	}
	if verified {
		all = append(all, Filter{On: true, Filter: rulespec.Filter{Name: "In my name, but not proved",
			Rules: []rulespec.Rule{{Kind: "actor", Args: me}, {Kind: "signed", Not: true}}}})
	}
	return all
}

// quiet gives the keywords that a new user does not hear of.
func quiet() []string {
	var words []string
	for _, k := range catalogue.Keywords {
		if k.Quiet() {
			words = append(words, string(k))
		}
	}
	return words
}

func (s *Accounts) createDefaults(tx *gorm.DB, userID uint) error {
	for _, f := range defaults(s.verified()) {
		if !s.defaultFilter(f) {
			continue
		}
		f.UserID, f.Owner = userID, rulespec.Me // rules may be unable to express the name
		row, err := s.newFilterRow(f)
		if err != nil {
			return err
		}
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		if err := s.keepRevision(tx, &row); err != nil {
			return err
		}
	}
	return nil
}
