package daemon

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/trust"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/gate"
	"github.com/notifyd/notifyd/prefs/mute"
	"github.com/notifyd/notifyd/prefs/schedule"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

var (
	weekPeople = flag.Int("week-people", 30, "people of the simulated week")
	weekSeed   = flag.Uint64("week-seed", 13, "seed of the simulated week; 0: a new one")
)

// weekBegin is just before both the night in which summer time begins in Europe, and the one in which it ends on Lord
// Howe Island.
var (
	weekBegin = time.Date(2000, 3, 22, 0, 0, 0, 0, time.UTC)
	weekEnd   = weekBegin.AddDate(0, 0, 8)
	faceEnd   = weekEnd.AddDate(0, 0, 12)
	weekZones = []string{"", "Europe/Berlin", "Australia/Lord_Howe", "America/New_York", "Asia/Kolkata", "Europe/Lisbon"}
)

const weekPackages = 40

// A citizen is somebody whose week is simulated.
type citizen struct {
	user    prefs.User
	face    clockFace
	filters []prefs.Filter
	follows []map[string]bool // by filter
	to      []prefs.Destination
	boxes   []*box          // of to
	own     map[[2]int]plan // of filter and destination
	mutes   []*citizenMute  // that have begun
	fails   map[int]span    // of destinations
}

type citizenMute struct {
	mute.Mute
	filter int // number of the filter that is muted; -1: a package is
}

// silences is what the document says of mutes.
func (m *citizenMute) silences(n *told, now time.Time) bool {
	if now.Before(m.Made) || !now.Before(m.Ends) || m.Errors && n.severity >= int(catalogue.Error) {
		return false
	}
	if m.filter < 0 {
		return n.packages == m.Value
	}
	return slices.Equal(n.filters, []int{m.filter})
}

// An act is something that happens at a moment of the week.
type act struct {
	at time.Time
	do func()
}

// A weekWorld is the simulated week.
type weekWorld struct {
	t      *testing.T
	rnd    *rand.Rand
	router *router
	store  *prefs.Store
	box    *outbox.Outbox
	people []*citizen
	faces  map[string]clockFace
	acts   []act

	mu      sync.Mutex
	got     map[string][]arrival // by "address message"
	parcels map[string][]string  // messages by parcel id
}

type arrival struct {
	at     time.Time
	parcel string
}

// TestWeek simulates a week of many people with random schedules, quiet hours, pauses, mutes and failures: each notice
// is sent exactly once, at the time that doc/scheduling.md gives, with the others that it names, or never, for the
// reason that it gives.
func TestWeek(t *testing.T) {
	seed := *weekSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("go test ./cmd/notifyd/daemon -run 'TestWeek$' -week-people %d -week-seed %d", *weekPeople, seed)
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(weekBegin))
		w := newWeekWorld(t, rand.New(rand.NewPCG(seed, 13)))
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() {
			if err := w.box.Run(ctx, map[string]backends.Backend{"email": w}); err != nil {
				t.Error(err)
			}
		})
		defer running.Wait()
		defer stop()
		for range *weekPeople {
			w.settle()
		}
		for range 40 * 8 {
			w.plan(w.moment(), w.publish)
		}
		w.live()
		w.compare()
	})
}

func newWeekWorld(t *testing.T, rnd *rand.Rand) *weekWorld {
	d, err := migrations.Config{DSN: filepath.Join(t.TempDir(), "week.db")}.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	w := &weekWorld{t: t, rnd: rnd, faces: map[string]clockFace{}, got: map[string][]arrival{},
		parcels: map[string][]string{}}
	var g gate.Gate
	w.box = outbox.New(d.Writer, d.Reader, d.Postgres, outbox.Config{Poll: time.Hour, Note: schedule.Together,
		Gate: g.Rule}, time.Now, randomBytes{rnd})
	w.store = prefs.Open(prefs.Config{Writer: d.Writer, Reader: d.Reader, Now: time.Now, Random: randomBytes{rnd},
		ClaimedNames: func() bool { return true }, Waiting: w.box})
	w.router, _ = anotherRouter(t, d)
	w.router.outbox, w.router.subscriptions, w.router.now = w.box, w.store.Subscriptions, time.Now
	links, err := w.store.Links(t.Context(), "https://notify.example.org")
	w.must(err)
	w.router.links = links
	w.router.history = history.NewStore(d.Writer, d.Reader, time.Now)
	w.router.log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	w.router.verifier = judging(t, trust.Config{})
	return w
}

// randomBytes reads from the random numbers of the simulation.
type randomBytes struct{ rnd *rand.Rand }

var randomMu sync.Mutex

func (r randomBytes) Read(p []byte) (int, error) {
	randomMu.Lock()
	defer randomMu.Unlock()
	for i := range p {
		p[i] = byte(r.rnd.Uint32())
	}
	return len(p), nil
}

func (w *weekWorld) intn(n int) int {
	randomMu.Lock()
	defer randomMu.Unlock()
	return w.rnd.IntN(n)
}

// moment is any, to the millisecond, so that two hardly ever coincide.
func (w *weekWorld) moment() time.Time {
	return weekBegin.Add(time.Hour + time.Duration(w.intn(8*24*3600*1000))*time.Millisecond)
}

func (w *weekWorld) plan(at time.Time, do func()) { w.acts = append(w.acts, act{at, do}) }

func (w *weekWorld) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// live does what was planned, in order, and then lets everything that waits come.
func (w *weekWorld) live() {
	for len(w.acts) > 0 {
		slices.SortStableFunc(w.acts, func(a, b act) int { return a.at.Compare(b.at) })
		next := w.acts[0]
		w.acts = w.acts[1:]
		time.Sleep(time.Until(next.at))
		synctest.Wait()
		next.do()
		synctest.Wait()
	}
	time.Sleep(time.Until(faceEnd))
	synctest.Wait()
	for _, p := range w.people {
		for _, b := range p.boxes {
			b.run(faceEnd)
		}
	}
}

// Send is the backend of the week.
func (w *weekWorld) Send(_ context.Context, p backends.Parcel) error {
	for _, c := range w.people {
		for i, d := range c.to {
			if s, fails := c.fails[i]; fails && d.Address == p.To && !time.Now().Before(s.begin) && time.Now().Before(s.end) {
				return errors.New("the mailbox is busy")
			}
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range p.Notices {
		key := p.To + " " + n.ID
		w.got[key] = append(w.got[key], arrival{at: time.Now(), parcel: p.ID})
		w.parcels[p.ID] = append(w.parcels[p.ID], n.ID)
	}
	return nil
}

// publish has something happen to a package.
func (w *weekWorld) publish() {
	id := fmt.Sprintf("2000-%d", time.Now().UnixMilli())
	pkg := "p" + strconv.Itoa(w.intn(weekPackages))
	events := w.router.describe([]bus.Frame{push(id, pkg)})
	e := events[0]
	e.Severity = []catalogue.Severity{catalogue.Info, catalogue.Info, catalogue.Info, catalogue.Warning, catalogue.Error,
		catalogue.Critical}[w.intn(6)]
	marked := e.Severity == catalogue.Critical && w.intn(3) == 0
	if marked {
		e.Standing.Marked = true
	}
	now := time.Now()
	_, err := w.router.route(w.t.Context(), events)
	w.must(err)
	for _, c := range w.people {
		c.hear(id, pkg, int(e.Severity), marked, now)
	}
}

// hear tells the oracle of a message.
func (c *citizen) hear(id, pkg string, severity int, marked bool, now time.Time) {
	critical := severity == int(catalogue.Critical) && !marked
	if marked {
		severity = int(catalogue.Error)
	}
	for i, b := range c.boxes {
		b.run(now)
		n := &told{message: id, arrived: now, critical: critical, packages: pkg, severity: severity}
		var plans []plan
		for f, follows := range c.follows {
			one := &told{packages: pkg, severity: severity, filters: []int{f}}
			muted := slices.ContainsFunc(c.mutes, func(m *citizenMute) bool { return m.silences(one, now) })
			reaches := len(c.filters[f].Destinations) == 0 || slices.Contains(c.filters[f].Destinations, c.to[i].ID)
			if !follows[pkg] || muted || !reaches {
				continue
			}
			n.filters = append(n.filters, f)
			p, own := c.own[[2]int{f, i}]
			if !own {
				p = b.plan
			}
			plans = append(plans, p)
		}
		if len(plans) > 0 {
			b.arrive(n, plans)
			b.run(now)
		}
	}
}

// settle makes somebody with random settings.
func (w *weekWorld) settle() {
	ctx := w.t.Context()
	zone := weekZones[w.intn(len(weekZones))]
	address := fmt.Sprintf("p%d@example.org", len(w.people))
	user, err := w.store.Accounts.Register(ctx, fmt.Sprintf("p%d", len(w.people)), zone, "email", address)
	w.must(err)
	c := &citizen{user: user, face: w.face(zone), own: map[[2]int]plan{}, fails: map[int]span{}}
	w.people = append(w.people, c)
	defaults, err := w.store.Filters.List(ctx, user.ID)
	w.must(err)
	for _, f := range defaults {
		w.must(w.store.Filters.Delete(ctx, user.ID, f.ID))
	}
	if w.intn(3) == 0 {
		second, err := w.store.Destinations.Add(ctx, user.ID, "email", "b"+address)
		w.must(err)
		code, err := w.store.Destinations.NewCode(ctx, user.ID, second.ID)
		w.must(err)
		w.must(w.store.Destinations.Confirm(ctx, user.ID, second.ID, code))
	}
	c.to, err = w.store.Destinations.List(ctx, user.ID)
	w.must(err)
	own := w.windows()
	if len(own) > 0 {
		w.must(w.store.Accounts.SetQuiet(ctx, user.ID, w.quiet(own)))
	}
	for i, to := range c.to {
		b := &box{face: c.face, plan: w.schedule(), windows: own}
		w.must(w.store.Destinations.SetSchedule(ctx, user.ID, to.ID, b.plan.stored()))
		if w.intn(4) == 0 {
			more := w.windows()
			w.must(w.store.Destinations.SetQuiet(ctx, user.ID, to.ID, w.quiet(more)))
			b.windows = slices.Concat(own, more)
		}
		if w.intn(12) == 0 {
			begin := w.moment()
			c.fails[i] = span{begin, begin.Add(time.Duration(1+w.intn(300)) * time.Minute)}
		}
		b.quiet = c.face.spans(b.windows)
		c.boxes = append(c.boxes, b)
	}
	for range 2 {
		w.follow(c)
	}
	w.disturb(c)
}

// follow makes a filter of somebody.
func (w *weekWorld) follow(c *citizen) {
	follows := map[string]bool{}
	var names []string
	for range 6 {
		pkg := "p" + strconv.Itoa(w.intn(weekPackages))
		if !follows[pkg] {
			follows[pkg] = true
			names = append(names, pkg)
		}
	}
	f := about(names[0], false)
	f.Filter.Rules[0].Args = rulespec.Args{rulespec.LookupRuleKind("package").Params[0].Name: names}
	if w.intn(4) == 0 {
		f.Destinations = []uint{c.to[w.intn(len(c.to))].ID}
	}
	saved, err := w.store.Filters.Save(w.t.Context(), c.user.ID, f)
	w.must(err)
	c.filters, c.follows = append(c.filters, saved), append(c.follows, follows)
	for i, to := range c.to {
		if reaches := len(f.Destinations) == 0 || slices.Contains(f.Destinations, to.ID); !reaches || w.intn(4) > 0 {
			continue
		}
		p := w.schedule()
		for p.firstAtOnce {
			p = w.schedule() // the oracle knows one length of window for a destination
		}
		p.ownOfAFilter = true
		c.own[[2]int{len(c.filters) - 1, i}] = p
		s := p.stored()
		w.must(w.store.Filters.SetSchedule(w.t.Context(), c.user.ID, saved.ID, to.ID, &s))
	}
}

// disturb plans a pause and mutes of somebody.
func (w *weekWorld) disturb(c *citizen) {
	if w.intn(4) == 0 {
		at := w.moment()
		p := schedule.Pause{Until: at.Add(time.Duration(10+w.intn(3000)) * time.Minute), Drop: w.intn(3) == 0,
			Strict: w.intn(3) == 0}
		w.plan(at, func() {
			for _, b := range c.boxes {
				b.run(at)
				b.pause, b.drop, b.strict = span{at, p.Until}, p.Drop, p.Strict
				b.paused()
			}
			w.must(w.store.Accounts.Pause(w.t.Context(), c.user.ID, p))
		})
	}
	for range w.intn(3) {
		at := w.moment()
		m := &citizenMute{filter: -1, Mute: mute.Mute{Kind: mute.Package, Value: "p" + strconv.Itoa(w.intn(weekPackages)),
			Made: at, Ends: at.Add(time.Hour + time.Duration(w.intn(4000))*time.Minute), Errors: w.intn(2) == 0}}
		if w.intn(3) == 0 {
			m.filter = w.intn(len(c.filters))
			m.Kind, m.Value = mute.Filter, strconv.FormatUint(uint64(c.filters[m.filter].ID), 10)
		}
		w.plan(at, func() {
			if slices.ContainsFunc(c.mutes, func(o *citizenMute) bool { return o.Value == m.Value && at.Before(o.Ends) }) {
				return // it would change that one
			}
			for _, b := range c.boxes {
				b.run(at)
				b.silence("muted", func(n *told) bool { return m.silences(n, at) })
			}
			c.mutes = append(c.mutes, m)
			_, _, err := w.store.Mutes.Make(w.t.Context(), c.user.ID, m.Mute, "page")
			w.must(err)
		})
	}
}

func (w *weekWorld) face(zone string) clockFace {
	f, known := w.faces[zone]
	if !known {
		at, err := time.LoadLocation(zone)
		w.must(err)
		f = newClockFace(at, weekBegin.AddDate(0, 0, -2), faceEnd)
		w.faces[zone] = f
	}
	return f
}

// schedule is any.
func (w *weekWorld) schedule() plan {
	var p plan
	switch w.intn(7) {
	case 0, 1:
		return p
	case 2:
		p.every = time.Duration(5+w.intn(600)) * time.Minute
	case 3:
		p.count = 2 + w.intn(6)
	case 4:
		p.every, p.firstAtOnce = time.Duration(30+w.intn(600))*time.Minute, true
		if w.intn(2) == 0 {
			p.count = 2 + w.intn(4)
		}
		return p
	default:
		for range 1 + w.intn(3) {
			if m := w.intn(24*12) * 5; !slices.Contains(p.at, m) {
				p.at = append(p.at, m)
			}
		}
		slices.Sort(p.at)
		if w.intn(2) == 0 {
			p.days = w.days()
		}
		if w.intn(3) == 0 {
			p.count = 2 + w.intn(6)
		}
	}
	if w.intn(3) == 0 {
		p.atOnceFrom = int([]catalogue.Severity{catalogue.Warning, catalogue.Error}[w.intn(2)])
	}
	return p
}

func (w *weekWorld) days() (days []time.Weekday) {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if w.intn(2) == 0 {
			days = append(days, d)
		}
	}
	return days
}

// windows are quiet hours, or none.
func (w *weekWorld) windows() (all []quietWindow) {
	for range w.intn(3) {
		q := quietWindow{from: w.intn(24*4) * 15}
		q.to = (q.from + 15 + w.intn(30)*15) % (24 * 60) // two together leave some of the day
		if w.intn(2) == 0 {
			q = quietWindow{from: 22 * 60, to: 7 * 60}
		}
		if w.intn(2) == 0 {
			q.days = w.days()
		}
		all = append(all, q)
	}
	return all
}

func (w *weekWorld) quiet(windows []quietWindow) schedule.Quiet {
	var texts []string
	for _, q := range windows {
		texts = append(texts, q.String())
	}
	q, err := schedule.ParseQuiet(strings.Join(texts, "; "))
	w.must(err)
	return q
}
