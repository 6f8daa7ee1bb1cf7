package outbox_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/gate"
	"github.com/notifyd/notifyd/prefs/schedule"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// hours_test.go: no way round quiet hours and pauses. Random people with random settings get random messages; parcels
// are sent, fail, are interrupted, sent again, redirected and pulled; settings change and clocks are put back. Whatever
// is taken for sending is checked against what a clock says, and in the end everything has gone exactly once.

// A span is quiet hours that the test reads by itself: on days, from and to in minutes.
type span struct {
	days     []time.Weekday
	from, to int
}

var quietTexts = map[string][]span{
	"":                         nil,
	"22:00-07:00":              {{nil, 22 * 60, 7 * 60}},
	"mon-fri 20:00-24:00":      {{[]time.Weekday{1, 2, 3, 4, 5}, 20 * 60, 24 * 60}},
	"sat,sun 00:00-24:00":      {{[]time.Weekday{6, 0}, 0, 24 * 60}},
	"01:30-02:30; 12:00-13:00": {{nil, 90, 150}, {nil, 720, 780}},
	"sun 23:00-04:00":          {{[]time.Weekday{0}, 23 * 60, 4 * 60}},
}

// covers is what somebody says who looks at a clock and at the list.
func covers(spans []span, at time.Time) bool {
	minute, day := at.Hour()*60+at.Minute(), at.Weekday()
	on := func(s span, d time.Weekday) bool { return s.days == nil || slices.Contains(s.days, d) }
	for _, s := range spans {
		if s.from < s.to && on(s, day) && s.from <= minute && minute < s.to ||
			s.from >= s.to && (on(s, day) && minute >= s.from || on(s, (day+6)%7) && minute < s.to) {
			return true
		}
	}
	return false
}

var schedules = []schedule.Schedule{{}, {}, {Every: time.Hour}, {Every: 10 * time.Minute, Count: 3},
	{At: "07:00,18:00"}, {At: "02:30", AtOnceFrom: "error"}, {Every: 30 * time.Minute, First: true}, {Count: 4}}

// A person of the world, with what the test knows of them.
type person struct {
	prefs.User
	place  *time.Location
	to     []prefs.Destination
	filter prefs.Filter
	quiet  string
	quiets map[string]string // by the key of a destination
	pause  schedule.Pause
}

type sent struct {
	of       *person
	critical bool
	paused   bool // it arrived in a pause
	done     int
	asked    bool
}

// A town is the world of one run.
type town struct {
	t      *testing.T
	random *mathrand.Rand
	at     time.Time
	store  *prefs.Store
	nodes  []*outbox.Outbox
	db     *migrations.DB
	people []*person
	owner  map[string]*person // by destination
	all    map[string]*sent   // by message and destination
	log    []string
}

func newTown(t *testing.T, d *migrations.DB, seed uint64) *town {
	w := &town{t: t, random: mathrand.New(mathrand.NewPCG(seed, 13)), db: d, owner: map[string]*person{},
		all: map[string]*sent{}, at: time.Date(2026, 3, 27, 15, 0, 0, 0, time.UTC)}
	if seed%2 == 1 {
		w.at = time.Date(2026, 10, 23, 15, 0, 0, 0, time.UTC)
	}
	now := func() time.Time { return w.at }
	for range 2 {
		w.nodes = append(w.nodes, outbox.New(d.Writer, d.Reader, d.Postgres, outbox.Config{Gate: new(gate.Gate).Rule,
			RetryFirst: 5 * time.Minute, Lease: time.Minute, MaxNotices: 4}, now, rand.Reader))
	}
	w.store = prefs.Open(prefs.Config{Writer: d.Writer, Reader: d.Reader, Now: now, Random: rand.Reader,
		ClaimedNames: func() bool { return true }, Waiting: w.nodes[0]})
	for i, zone := range []string{"Europe/Berlin", "Australia/Lord_Howe"} {
		w.addPerson(fmt.Sprintf("p%d-%d", seed, i), zone)
	}
	return w
}

func (w *town) addPerson(name, zone string) {
	place, err := time.LoadLocation(zone)
	w.must(err)
	u, err := w.store.Accounts.Register(w.t.Context(), name, zone, "email", name+"@example.org")
	w.must(err)
	p := &person{User: u, place: place, quiets: map[string]string{}}
	second, err := w.store.Destinations.Add(w.t.Context(), u.ID, "email", name+"@example.net")
	w.must(err)
	code, err := w.store.Destinations.NewCode(w.t.Context(), u.ID, second.ID)
	w.must(err)
	w.must(w.store.Destinations.Confirm(w.t.Context(), u.ID, second.ID, code))
	p.to, err = w.store.Destinations.List(w.t.Context(), u.ID)
	w.must(err)
	p.filter, err = w.store.Filters.Save(w.t.Context(), u.ID, prefs.Filter{On: true,
		Filter: rulespec.Filter{Name: "all", Rules: []rulespec.Rule{{Kind: "everything"}}}})
	w.must(err)
	for _, d := range p.to {
		w.owner[prefs.Key(d.ID)] = p
	}
	w.people = append(w.people, p)
}

func (w *town) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatalf("%v\n%s", err, strings.Join(w.log, "\n"))
	}
}

func pick[T any](w *town, list ...T) T { return list[w.random.IntN(len(list))] }

func (w *town) say(format string, args ...any) {
	w.log = append(w.log, w.at.Format("Mon 15:04:05 ")+fmt.Sprintf(format, args...))
}

func (w *town) step(n int) {
	p := pick(w, w.people...)
	to := pick(w, p.to...)
	ctx := w.t.Context()
	w.at = w.at.Add(time.Second)
	switch what := w.random.IntN(23); what {
	case 0, 1, 2, 3, 4, 5:
		w.arrive(p, fmt.Sprint("m", n))
	case 6, 7, 8, 9, 10:
		w.send()
	case 11:
		w.at = w.at.Add(time.Duration(w.random.IntN(90)) * time.Minute)
	case 12:
		w.at = w.at.Add(time.Duration(w.random.IntN(12)) * time.Hour)
	case 13:
		w.at = w.at.Add(-time.Duration(w.random.IntN(60)) * time.Minute)
	case 14, 15:
		w.setQuiet(p, to)
	case 16:
		w.setPause(p)
	case 17:
		if p.pause.On(w.at) {
			drop := pick(w, true, false)
			w.say("resume %s, drop %v", p.Name, drop)
			w.must(w.store.Accounts.Resume(ctx, p.ID, drop))
			p.pause = schedule.Pause{}
		}
	case 18:
		w.askFor(to)
	case 19:
		w.must(w.store.Destinations.SetSchedule(ctx, p.ID, to.ID, pick(w, schedules...)))
		own := pick(w, schedules...)
		w.must(w.store.Filters.SetSchedule(ctx, p.ID, p.filter.ID, to.ID, pick(w, nil, &own)))
		w.must(w.nodes[0].GoOn(ctx, prefs.Key(to.ID)))
	case 20:
		w.resend(p)
	case 21:
		w.goRound(p, to, fmt.Sprint("x", n))
	case 22:
		w.standIn(p)
	}
}

// arrive plans a message as the router does.
func (w *town) arrive(p *person, id string) {
	e := &catalogue.Event{Message: &bus.Message{ID: id}, Severity: pick(w, catalogue.Info, catalogue.Error,
		catalogue.Critical)}
	e.Standing = bus.Standing{Verdict: bus.Unsigned, Marked: pick(w, false, false, true)}
	w.must(w.db.Writer.Transaction(func(tx *gorm.DB) error {
		known, err := prefs.NewCache(w.store.Subscriptions, 10, 1<<20).Read(tx, []rulespec.FilterID{p.filter.ID})
		if err != nil {
			return err
		}
		owed := prefs.Plan(e, []prefs.Subscription{*known[p.filter.ID]}, w.at, nil)
		for _, d := range owed {
			w.all[id+" "+d.Destination] = &sent{of: p, paused: p.pause.On(w.at),
				critical: e.Severity == catalogue.Critical && !e.Standing.Marked}
		}
		_, err = pick(w, w.nodes...).Add(tx, owed)
		return err
	}))
	w.say("%s arrives for %s", id, p.Name)
}

// goRound adds what nobody has planned, as corrections are, and moves what waits to another address.
func (w *town) goRound(p *person, to prefs.Destination, id string) {
	w.must(w.db.Writer.Transaction(func(tx *gorm.DB) error {
		w.all[id+" "+prefs.Key(to.ID)] = &sent{of: p, paused: p.pause.On(w.at)}
		_, err := w.nodes[1].Add(tx, []outbox.Delivery{{Message: id, Destination: prefs.Key(to.ID), Backend: "email",
			Address: to.Address, DueAt: w.at, Notice: backends.Notice{ID: id, Title: id, Severity: "error"}}})
		return err
	}))
	w.say("%s is added for %s", id, p.Name)
}

// standIn has another address of a person stand in for the one at which something waits or was given up.
func (w *town) standIn(p *person) {
	i := w.random.IntN(len(p.to))
	from, to := p.to[i], p.to[(i+1)%len(p.to)]
	list, err := w.nodes[0].Find(w.t.Context(), outbox.Query{Destinations: []string{prefs.Key(from.ID)}, Limit: 10})
	w.must(err)
	if len(list) == 0 {
		return
	}
	e := pick(w, list...)
	keep := pick(w, true, false)
	w.must(w.db.Writer.Transaction(func(tx *gorm.DB) error {
		done, err := pick(w, w.nodes...).Reroute(tx, e.ID, outbox.Delivery{Message: e.Message,
			Destination: prefs.Key(to.ID), Backend: "email", Address: to.Address, DueAt: w.at, Notice: e.Notice}, "it failed",
			keep)
		key, old := e.Message+" "+prefs.Key(to.ID), w.all[e.Message+" "+e.Destination]
		if e.Silenced() && done {
			w.t.Fatalf("%s was silenced, and goes elsewhere\n%s", e.Message, strings.Join(w.log, "\n"))
		}
		if done && w.all[key] == nil {
			w.all[key] = &sent{of: p, paused: p.pause.On(w.at), critical: old.critical}
		}
		w.say("%s goes to %s instead of %s, kept %v: %v", e.Message, key, e.Destination, keep, done)
		return err
	}))
}

func (w *town) setQuiet(p *person, to prefs.Destination) {
	var texts []string
	for text := range quietTexts {
		texts = append(texts, text)
	}
	slices.Sort(texts)
	text := pick(w, texts...)
	q, err := schedule.ParseQuiet(text)
	w.must(err)
	if pick(w, true, false) {
		w.say("quiet of %s: %q", p.Name, text)
		w.must(w.store.Accounts.SetQuiet(w.t.Context(), p.ID, q))
		p.quiet = text
		return
	}
	w.say("quiet of %s at %d: %q", p.Name, to.ID, text)
	w.must(w.store.Destinations.SetQuiet(w.t.Context(), p.ID, to.ID, q))
	p.quiets[prefs.Key(to.ID)] = text
}

func (w *town) setPause(p *person) {
	next := schedule.Pause{Until: w.at.Add(time.Duration(1+w.random.IntN(40)) * time.Hour), Drop: pick(w, true, false),
		Strict: pick(w, true, false)}
	w.say("pause %s until %v, drop %v, strict %v", p.Name, next.Until, next.Drop, next.Strict)
	w.must(w.store.Accounts.Pause(w.t.Context(), p.ID, next))
	p.pause = next
}

// askFor is "send now": the declared way round.
func (w *town) askFor(to prefs.Destination) {
	key := prefs.Key(to.ID)
	waiting, err := w.nodes[0].Find(w.t.Context(), outbox.Query{Destinations: []string{key}, State: outbox.Waiting})
	w.must(err)
	for _, e := range waiting {
		if s := w.all[e.Message+" "+key]; e.Parcel == "" && s != nil {
			s.asked = true
		}
	}
	w.say("send now %s", key)
	w.must(w.nodes[1].SendNow(w.t.Context(), key))
}

func (w *town) resend(p *person) {
	var keys []string
	for _, d := range p.to {
		keys = append(keys, prefs.Key(d.ID))
	}
	dead, err := w.nodes[0].Find(w.t.Context(), outbox.Query{Destinations: keys, State: outbox.Dead, Limit: 3})
	w.must(err)
	for _, e := range dead {
		err := w.store.Destinations.Resend(w.t.Context(), w.nodes[0], p.ID, e.ID, pick(w, true, false))
		if err != nil && !errors.Is(err, outbox.ErrUnsendable) {
			w.must(err)
		}
		w.say("resend %s to %s", e.Message, e.Destination)
	}
}

// send takes parcels, checks that they may go now, and lets something come of them.
func (w *town) send() {
	o := pick(w, w.nodes...)
	taken, err := o.Take(w.t.Context(), "email", 1+w.random.IntN(3))
	w.must(err)
	for _, parcel := range taken {
		for _, key := range parcel.Keys() {
			w.check(key)
		}
		result := pick(w, nil, nil, nil, errors.New("451 later"), backends.ErrUnavailable, backends.ErrRefused,
			errCrash)
		w.say("take %v: %v", parcel.Keys(), result)
		if result == errCrash {
			w.at = w.at.Add(2 * time.Minute) // and its lease runs out
			continue
		}
		w.must(o.Finish(w.t.Context(), parcel, result))
		for _, key := range parcel.Keys() {
			s := w.all[key]
			if result == nil {
				s.done++
			} else if !errors.Is(result, backends.ErrUnavailable) {
				s.asked = false
			}
		}
	}
}

var errCrash = errors.New("the process ended")

func (w *town) check(key string) {
	s := w.all[key]
	_, to, _ := strings.Cut(key, " ")
	p := s.of
	clock := w.at.In(p.place)
	quiet := covers(quietTexts[p.quiet], clock) || covers(quietTexts[p.quiets[to]], clock)
	paused := p.pause.On(w.at)
	switch {
	case s.done > 0:
		w.t.Fatalf("%s is sent twice\n%s", key, strings.Join(w.log, "\n"))
	case s.asked:
	case s.critical && (!paused || !p.pause.Strict):
	case quiet || paused:
		w.t.Fatalf("%s goes at %v: quiet %v, paused %v\n%s", key, clock, quiet, paused, strings.Join(w.log, "\n"))
	}
}

// end lets everything go, and checks that each has gone once, or was refused, or thrown away with a pause.
func (w *town) end() {
	ctx := w.t.Context()
	for _, p := range w.people {
		if p.pause.On(w.at) {
			w.must(w.store.Accounts.Resume(ctx, p.ID, false))
		}
		p.pause, p.quiet, p.quiets = schedule.Pause{}, "", map[string]string{}
		w.must(w.store.Accounts.SetQuiet(ctx, p.ID, schedule.Quiet{}))
		for _, d := range p.to {
			w.must(w.store.Destinations.SetQuiet(ctx, p.ID, d.ID, schedule.Quiet{}))
		}
	}
	for range 40 {
		w.at = w.at.Add(8 * time.Hour)
		for {
			taken, err := w.nodes[0].Take(ctx, "email", 10)
			w.must(err)
			for _, parcel := range taken {
				for _, key := range parcel.Keys() {
					w.check(key)
					w.all[key].done++
				}
				w.must(w.nodes[0].Finish(ctx, parcel, nil))
			}
			if len(taken) == 0 {
				break
			}
		}
	}
	for before := int64(0); ; {
		list, err := w.nodes[0].Find(ctx, outbox.Query{Before: before})
		w.must(err)
		for _, e := range list {
			s, known := w.all[e.Message+" "+e.Destination]
			before = e.ID
			switch {
			case !known:
			case e.State == outbox.Done && s.done == 1, e.State == outbox.Dead && !e.Silenced():
			case e.Silenced() && s.paused && !s.critical && s.done == 0:
			default:
				w.t.Fatalf("%s for %s is %s (%s, hold %q), sent %d times\n%s", e.Message, e.Destination, e.State, e.LastError,
					e.Hold, s.done, strings.Join(w.log, "\n"))
			}
		}
		if len(list) == 0 {
			return
		}
	}
}

// TestNothingGoesRoundQuietHoursAndPauses: see above.
func TestNothingGoesRoundQuietHoursAndPauses(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		runs := 12
		if d.Postgres {
			runs = 4
		}
		for seed := range runs {
			for _, table := range []string{"deliveries", "lanes"} {
				if err := d.Writer.Exec("DELETE FROM " + table).Error; err != nil {
					t.Fatal(err)
				}
			}
			w := newTown(t, d, uint64(seed))
			for n := range 250 {
				w.step(n)
			}
			w.end()
		}
	})
}
