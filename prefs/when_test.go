package prefs_test

import (
	"errors"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/schedule"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

func nights(t *testing.T) schedule.Quiet {
	t.Helper()
	return must[schedule.Quiet](t)(schedule.ParseQuiet("22:00-07:00"))
}

// TestWhenIsStored: quiet hours, pauses and schedules come back as they were set, and are refused where they are wrong
// or somebody else's.
func TestWhenIsStored(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, _ *migrations.DB, c *clock) {
		ctx := t.Context()
		alice, mail := person(t, s, "alice")
		bob, _ := person(t, s, "bob")
		f := must[prefs.Filter](t)(s.Filters.Save(ctx, alice.ID, packageFilter("one", "bash")))
		when := schedule.Schedule{Every: time.Hour, Count: 4, AtOnceFrom: "error", First: true}
		ok(t, s.Destinations.SetSchedule(ctx, alice.ID, mail.ID, when))
		ok(t, s.Destinations.SetQuiet(ctx, alice.ID, mail.ID, must[schedule.Quiet](t)(schedule.ParseQuiet("12-13"))))
		ok(t, s.Accounts.SetQuiet(ctx, alice.ID, nights(t)))
		own := schedule.Schedule{At: "07:00,12:30", Weekdays: []time.Weekday{1, 2}}
		ok(t, s.Filters.SetSchedule(ctx, alice.ID, f.ID, mail.ID, &schedule.Schedule{Count: 3}))
		ok(t, s.Filters.SetSchedule(ctx, alice.ID, f.ID, mail.ID, &own))
		to := must[prefs.Destination](t)(s.Destinations.Get(ctx, alice.ID, mail.ID))
		if !to.Schedule.Equal(when) || to.Quiet.String() != "12:00-13:00" {
			t.Errorf("the destination has %q, quiet %q", to.Schedule.Text(), to.Quiet)
		}
		f = must[prefs.Filter](t)(s.Filters.Get(ctx, alice.ID, f.ID))
		if got := f.Schedules[mail.ID]; len(f.Schedules) != 1 || !got.Equal(own) {
			t.Errorf("the filter has %v", f.Schedules)
		}
		copied := must[prefs.Filter](t)(s.Filters.Copy(ctx, alice.ID, f.ID))
		if got := copied.Schedules[mail.ID]; !got.Equal(own) {
			t.Errorf("its copy has %v", copied.Schedules)
		}
		begin, end := c.now(), c.now().Add(48*time.Hour)
		ok(t, s.Accounts.Pause(ctx, alice.ID, schedule.Pause{Until: end, Drop: true}))
		c.pass(time.Hour)
		ok(t, s.Accounts.Pause(ctx, alice.ID, schedule.Pause{Until: end.Add(time.Hour), Strict: true}))
		u := must[prefs.User](t)(s.Accounts.User(ctx, alice.ID))
		if p := u.Pause; !p.Since.Equal(begin) || !p.Until.Equal(end.Add(time.Hour)) || p.Drop || !p.Strict ||
			u.Quiet.String() != "22:00-07:00" {
			t.Errorf("the pause is %+v, quiet %q", p, u.Quiet)
		}
		ok(t, s.Accounts.Resume(ctx, alice.ID, true))
		if err := s.Accounts.Resume(ctx, alice.ID, true); !errors.Is(err, prefs.ErrNotFound) {
			t.Errorf("resumed twice: %v", err)
		}
		for name, err := range map[string]error{
			"pause in the past": s.Accounts.Pause(ctx, alice.ID, schedule.Pause{Until: c.now()}),
			"two years":         s.Accounts.Pause(ctx, alice.ID, schedule.Pause{Until: c.now().AddDate(2, 0, 0)}),
			"no time left": s.Accounts.SetQuiet(ctx, alice.ID,
				must[schedule.Quiet](t)(schedule.ParseQuiet("13:00-24:00; 00:00-12:00"))),
			"no time left there": s.Destinations.SetQuiet(ctx, alice.ID, mail.ID,
				must[schedule.Quiet](t)(schedule.ParseQuiet("07:00-22:00"))),
			"schedule": s.Filters.SetSchedule(ctx, alice.ID, f.ID, mail.ID, &schedule.Schedule{First: true}),
		} {
			if !errors.As(err, new(*schedule.Error)) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for name, err := range map[string]error{
			"quiet of another":    s.Destinations.SetQuiet(ctx, bob.ID, mail.ID, nights(t)),
			"schedule of another": s.Filters.SetSchedule(ctx, bob.ID, f.ID, mail.ID, &own),
			"nobody's pause":      s.Accounts.Pause(ctx, 999, schedule.Pause{Until: end.Add(time.Hour)}),
		} {
			if !errors.Is(err, prefs.ErrNotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// TestPlanWhen: which time counts, and why the notice waits.
func TestPlanWhen(t *testing.T) {
	now := time.Date(2026, 3, 2, 21, 30, 0, 0, time.UTC) // a Monday
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 3, day, hour, minute, 0, 0, time.UTC) }
	quiet := nights(t)
	quietNow := must[schedule.Quiet](t)(schedule.ParseQuiet("21:00-07:00"))
	lunch := must[schedule.Quiet](t)(schedule.ParseQuiet("07:00-08:00"))
	hourly, daily := schedule.Schedule{Every: time.Hour, Count: 5}, schedule.Schedule{At: "07:00", AtOnceFrom: "error"}
	leave := schedule.Pause{Since: at(1, 0, 0), Until: at(4, 6, 0)}
	drop, strict := leave, leave
	drop.Drop, strict.Strict = true, true
	type want struct {
		due  time.Time
		hold string
		pull int
		lead time.Duration
	}
	for _, test := range []struct {
		name     string
		severity catalogue.Severity
		user     prefs.User
		to       prefs.Destination
		own      []schedule.Schedule // one for each filter that matches; nil: one without
		want     want
	}{
		{"at once", catalogue.Info, prefs.User{}, prefs.Destination{}, nil, want{due: now}},
		{"hourly", catalogue.Info, prefs.User{}, prefs.Destination{Schedule: hourly}, nil,
			want{at(2, 22, 30), "digest", 5, 0}},
		{"hourly, at night: the gate holds the digest", catalogue.Info, prefs.User{Quiet: quiet},
			prefs.Destination{Schedule: hourly}, nil, want{at(2, 22, 30), "digest", 5, 0}},
		{"at once, at night", catalogue.Info, prefs.User{Quiet: quietNow}, prefs.Destination{}, nil,
			want{at(3, 7, 0), "quiet", 0, 0}},
		{"and of the destination", catalogue.Info, prefs.User{Quiet: quietNow},
			prefs.Destination{Quiet: lunch}, nil, want{at(3, 8, 0), "quiet", 0, 0}},
		{"daily at the end of the night", catalogue.Info, prefs.User{Quiet: quiet}, prefs.Destination{Schedule: daily}, nil,
			want{at(3, 7, 0), "digest", 0, 0}},
		{"an error at once", catalogue.Error, prefs.User{}, prefs.Destination{Schedule: daily}, nil, want{due: now}},
		{"a critical one in a pause", catalogue.Critical, prefs.User{Pause: leave}, prefs.Destination{Schedule: daily}, nil,
			want{due: now}},
		{"in a strict one", catalogue.Critical, prefs.User{Pause: strict, Quiet: quiet}, prefs.Destination{}, nil,
			want{at(4, 6, 0), "pause", 0, 0}},
		{"in a pause", catalogue.Error, prefs.User{Pause: leave}, prefs.Destination{Schedule: daily}, nil,
			want{at(4, 6, 0), "pause", 0, 0}},
		{"whose end is in the night", catalogue.Info, prefs.User{Pause: drop, Quiet: quiet}, prefs.Destination{}, nil,
			want{at(4, 7, 0), "pause drop", 0, 0}},
		{"a daily digest after a pause", catalogue.Info,
			prefs.User{Pause: schedule.Pause{Until: now.Add(time.Minute)}}, prefs.Destination{Schedule: daily}, nil,
			want{now.Add(time.Minute), "pause", 0, 0}},
		{"a pause that is over", catalogue.Info, prefs.User{Pause: schedule.Pause{Until: now}}, prefs.Destination{}, nil,
			want{due: now}},
		{"of the filter", catalogue.Info, prefs.User{}, prefs.Destination{Schedule: daily}, []schedule.Schedule{hourly},
			want{at(2, 22, 30), "digest every 1h0m0s, 5 notices", 5, 0}},
		{"the earliest of several", catalogue.Info, prefs.User{}, prefs.Destination{},
			[]schedule.Schedule{daily, hourly, {Every: 2 * time.Hour, Count: 2}},
			want{at(2, 22, 30), "digest every 1h0m0s, 5 notices", 5, 0}},
		{"at once before all", catalogue.Info, prefs.User{}, prefs.Destination{}, []schedule.Schedule{hourly, {}},
			want{due: now}},
		{"the first at once", catalogue.Info, prefs.User{}, prefs.Destination{},
			[]schedule.Schedule{hourly, {Every: time.Hour, First: true}},
			want{now, "digest every 1h0m0s, first", 0, time.Hour}},
	} {
		test.user.ID, test.to.ID, test.to.UserID = 1, 7, 1
		var hits []prefs.Subscription
		for i := range max(1, len(test.own)) {
			hit := prefs.Subscription{User: test.user, Destinations: []prefs.Destination{test.to}}
			if test.own != nil {
				hit.Schedules = map[uint]schedule.Schedule{7: test.own[i]}
			}
			hits = append(hits, hit)
		}
		owed := prefs.Plan(&catalogue.Event{Message: &bus.Message{ID: "m"}, Severity: test.severity}, hits, now, nil)
		if len(owed) != 1 {
			t.Fatalf("%s: %d deliveries", test.name, len(owed))
		}
		d := owed[0]
		got := want{d.DueAt, d.Hold, d.PullAt, d.Lead}
		if got != test.want || d.Together != (d.Hold != "" && d.Lead == 0) {
			t.Errorf("%s: %v, together %v, want %v", test.name, got, d.Together, test.want)
		}
	}
}
