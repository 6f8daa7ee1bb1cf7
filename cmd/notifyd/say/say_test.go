package say

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/pace"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
)

// A bench has a database, a clock and what speaks.
type bench struct {
	*testing.T
	db  *migrations.DB
	now time.Time
	log strings.Builder
}

func each(t *testing.T, test func(b *bench)) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		test(&bench{T: t, db: d, now: time.Date(2026, 3, 9, 0, 0, 0, 0, time.UTC)})
	})
}

func (b *bench) voice(events ...string) *Voice {
	clock := func() time.Time { return b.now }
	return New(Config{
		Prefix: "org.example", Env: "test", Events: events, Store: history.NewStore(b.db.Writer, b.db.Reader, clock),
		Now: clock, Log: slog.New(slog.NewTextHandler(&b.log, nil)),
	})
}

// in is one transaction.
func (b *bench) in(do func(tx *gorm.DB) error) {
	b.Helper()
	if err := b.db.Writer.Transaction(do); err != nil {
		b.Fatal(err)
	}
}

// hear gives what a voice says now.
func (b *bench) hear(v *Voice) []bus.Frame {
	b.Helper()
	in := bus.NewIntake(bus.IntakeConfig{})
	if err := v.sayAll(b.Context(), in); err != nil {
		b.Fatal(err)
	}
	if in.Len() == 0 {
		return nil
	}
	frames, _ := in.Next(b.Context())
	return frames
}

// says checks what was said, as "EVENT body".
func (b *bench) says(frames []bus.Frame, want ...string) {
	b.Helper()
	var got []string
	for _, f := range frames {
		m, err := bus.Decode(f, b.now)
		if err != nil {
			b.Fatalf("it says what is no message: %v", err)
		}
		body, err := json.Marshal(m.Body)
		if err != nil || !f.Own || f.Source != Name || m.Username != Name {
			b.Errorf("a frame %+v", f)
		}
		got = append(got, strings.TrimPrefix(m.Topic, "org.example.test.notifyd.")+" "+string(body))
	}
	if !slices.Equal(got, want) {
		b.Errorf("said\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestVoiceOverACrash: what is not in the history is said again, as the same message; what is, is not.
func TestVoiceOverACrash(t *testing.T) {
	each(t, func(b *bench) {
		v := b.voice(SourceSilent)
		b.in(func(tx *gorm.DB) error {
			return errors.Join(v.Add(tx, SourceSilent, Saying{"git", Source{Name: "git"}}, Saying{"hub", Source{Name: "hub"}}),
				v.Add(tx, SourceBack, Saying{"git", Source{}})) // is not said
		})
		frames := b.hear(v)
		if len(frames) != 2 {
			b.Fatalf("%d frames", len(frames))
		}
		if again := b.hear(v); again != nil {
			b.Errorf("it repeats itself: %v", again)
		}
		frames[0].Done()
		v.forget(b.Context())
		b.now = b.now.Add(time.Hour)
		after := b.hear(b.voice(SourceSilent)) // a new process
		if len(after) != 1 {
			b.Fatalf("%d frames after the crash", len(after))
		}
		first, err := bus.Decode(frames[1], b.now)
		second, err2 := bus.Decode(after[0], b.now)
		if err != nil || err2 != nil || first.ID != second.ID || first.ContentHash() != second.ContentHash() ||
			!first.Time.Equal(second.Time) {
			b.Errorf("after the crash it is another message: %+v, %+v", first, second)
		}
		after[0].Done()
		after[0].Done()
	})
}

// TestVoiceUnderBackPressure: a full Intake makes it wait, and an end is no loss.
func TestVoiceUnderBackPressure(t *testing.T) {
	each(t, func(b *bench) {
		v := b.voice(NoticeSent)
		b.in(func(tx *gorm.DB) error {
			var all []Saying
			for i := range 3 * most {
				all = append(all, Saying{fmt.Sprint(i), Sent{"alice", "email", []string{fmt.Sprint(i)}}})
			}
			return v.Add(tx, NoticeSent, all...)
		})
		in := bus.NewIntake(bus.IntakeConfig{Frames: 20})
		ctx, cancel := context.WithCancel(b.Context())
		ended := make(chan error, 1)
		go func() { ended <- v.Run(ctx, in) }()
		ids := map[string]bool{}
		for len(ids) < 3*most {
			batch, _ := in.Next(ctx)
			for _, f := range batch {
				m, err := bus.Decode(f, b.now)
				if err != nil || ids[m.ID] {
					b.Fatalf("%v, again %v", err, m)
				}
				ids[m.ID] = true
				f.Done()
			}
			v.forget(ctx)
		}
		cancel()
		if err := <-ended; err != nil {
			b.Error(err)
		}
		b.says(b.hear(b.voice(NoticeSent)))
	})
}

// TestVoiceSaysAnOutageOnce: the table is looked at each second.
func TestVoiceSaysAnOutageOnce(t *testing.T) {
	each(t, func(b *bench) {
		v := b.voice(NoticeSent)
		b.in(func(tx *gorm.DB) error { return tx.Exec("DROP TABLE own_messages").Error })
		ctx, cancel := context.WithCancel(b.Context())
		ended := make(chan error, 1)
		go func() { ended <- v.Run(ctx, bus.NewIntake(bus.IntakeConfig{})) }()
		for range 5 {
			v.more <- struct{}{} // which has room for one
		}
		cancel()
		<-ended
		if n := strings.Count(b.log.String(), "cannot say"); n != 1 {
			b.Errorf("the log says it %d times:\n%s", n, b.log.String())
		}
	})
}

// TestPreferencesChanged: a thousand changes of a person are one message, once they have settled.
func TestPreferencesChanged(t *testing.T) {
	each(t, func(b *bench) {
		v := b.voice(PreferencesChanged)
		store := prefs.Open(prefs.Config{Writer: b.db.Writer, Reader: b.db.Reader, Now: v.Now, Random: zeros{},
			OnChange: v.Changed, ClaimedNames: func() bool { return true }})
		alice, err := store.Accounts.Register(b.Context(), "alice", "", "email", "alice@example.org")
		if err != nil {
			b.Fatal(err)
		}
		all, err := store.Filters.List(b.Context(), alice.ID)
		if err != nil {
			b.Fatal(err)
		}
		for i := range 20 {
			if err := store.Filters.SetOn(b.Context(), alice.ID, all[0].ID, i%2 == 0); err != nil {
				b.Fatal(err)
			}
		}
		if err := store.Destinations.Disable(b.Context(), 1, "refused"); err != nil { // by the program
			b.Fatal(err)
		}
		b.says(b.hear(v))
		b.now = b.now.Add(settled)
		b.says(b.hear(v), `preferences.changed {"changes":1,"user":"alice","what":"account"}`,
			`preferences.changed {"changes":20,"user":"alice","what":"filters"}`)
		if err := store.Accounts.Delete(b.Context(), alice.ID); err != nil {
			b.Fatal(err)
		}
		b.now = b.now.Add(settled)
		b.says(b.hear(v), `preferences.changed {"changes":1,"user":"alice","what":"account"}`)
	})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// TestNoticeSent: one message a parcel, none about our own messages and none about accounts.
func TestNoticeSent(t *testing.T) {
	each(t, func(b *bench) {
		v := b.voice(NoticeSent)
		owners := func(*gorm.DB, []string) (map[string]string, error) { return map[string]string{"1": "alice"}, nil }
		own, others := v.Topic(SourceSilent), "com.example.stg.notifyd.notice.sent" // of a notifyd that a bridge leads to
		b.in(func(tx *gorm.DB) error {
			sent := func(id, backend, to string, topics ...string) outbox.Sent {
				p := outbox.Sent{ID: id, Backend: backend, Destination: to, Topics: topics}
				for i := range topics {
					p.Messages = append(p.Messages, fmt.Sprint(id, i))
				}
				return p
			}
			return v.Sent(tx, []outbox.Sent{
				sent("a", "email", "1", "x", own, "y"), sent("b", "email", "1", own), sent("e", "email", "1", others),
				sent("c", "irc", "2", "x"), // its destination is gone
				sent("d", "email", outbox.Account+"x@example.org", ""),
			}, owners)
		})
		b.says(b.hear(v), `notice.sent {"backend":"email","messages":["a0","a2"],"user":"alice"}`)
	})
}

// silences gives some that know services, which had 60 messages an hour for nine weeks.
func (b *bench) silences(v *Voice, names ...string) *Silences {
	b.Helper()
	s := &Silences{Watch: pace.NewWatch(pace.Config{}), Voice: v, DB: b.db.Writer, Now: v.Now, Log: v.Log,
		Endpoints: func() map[string]bool { return nil }}
	if err := s.Restore(b.Context()); err != nil {
		b.Fatal(err)
	}
	end := b.now.Unix() / 60
	var heard []pace.Minute
	for m := end - 9*7*1440; m < end; m++ {
		heard = append(heard, pace.Minute{At: m, Messages: 1})
	}
	for _, name := range names {
		s.Learn(pace.Subject{What: pace.Service, Name: name, Under: "org.example.test"}, heard,
			func(int64) bool { return true }, b.now)
	}
	return s
}

// pass lets minutes pass.
func (b *bench) pass(s *Silences, minutes int) {
	for range minutes {
		b.now = b.now.Add(time.Minute)
		s.Look(b.Context())
	}
}

func TestSilences(t *testing.T) {
	each(t, func(b *bench) {
		v := b.voice(SourceSilent, SourceBack)
		s := b.silences(v, "git")
		start := b.now
		b.pass(s, 30)
		source := `{"missing":%d,"name":"git","reason":"silent","since":"2026-03-08T23:59:00Z","under":"org.example.test",` +
			`"usual_per_hour":%d,"weeks":8,"what":"service"}`
		b.says(b.hear(v), "source.silent "+fmt.Sprintf(source, 14, 60))
		if !slices.Equal(s.Silent(), []string{"service git of org.example.test is silent"}) ||
			!strings.Contains(b.log.String(), "service git of org.example.test is silent since") {
			b.Errorf("%q, log %s", s.Silent(), b.log.String())
		}
		b.pass(s, 6) // it is stored
		again := b.voice(SourceSilent, SourceBack)
		s = b.silences(again) // after a kill
		if len(s.Silent()) != 1 {
			b.Error("a kill forgets that it is silent")
		}
		b.pass(s, 120)
		if frames := b.hear(again); len(frames) != 1 {
			b.Errorf("%d messages: it is said again, as nobody has stored it, and once", len(frames))
		}
		s.Heard(pace.Subject{What: pace.Service, Name: "git", Under: "org.example.test"}, b.now)
		b.pass(s, 1)
		b.says(b.hear(again), "source.back "+fmt.Sprintf(source, 0, 60))
		if b.now.Sub(start) > 4*time.Hour || len(s.Silent()) != 0 {
			b.Errorf("%v, %v", b.now, s.Silent())
		}
	})
}

// TestManySilences: fifteen services that fall silent at once are one message.
func TestManySilences(t *testing.T) {
	each(t, func(b *bench) {
		v := b.voice(SourceSilent, SourceBack)
		var names []string
		for i := range 15 {
			names = append(names, fmt.Sprintf("s%02d", i))
		}
		s := b.silences(v, names...)
		s.limit.SetBurst(0) // too much was said already
		b.pass(s, 20)
		if rows, err := v.Store.Paces(b.Context(), 100); err != nil || len(s.pending) != 15 ||
			slices.ContainsFunc(rows, func(p history.Pace) bool { return !p.Silent.IsZero() }) {
			b.Errorf("%d wait, and after a kill they would not be said: %v, error %v", len(s.pending), len(rows), err)
		}
		s.limit.SetBurst(burst)
		s.limit.SetLimitAt(b.now.Add(-time.Hour), 1)
		cut, cancel := context.WithCancel(b.Context())
		cancel()
		for range 20 {
			b.now = b.now.Add(time.Minute)
			s.Look(cut) // the database takes nothing
		}
		b.says(b.hear(v))
		b.pass(s, 1)
		frames := b.hear(v)
		if len(frames) != 1 {
			b.Fatalf("%d messages", len(frames))
		}
		m, err := bus.Decode(frames[0], b.now)
		if err != nil || m.Body.(map[string]any)["count"] != json.Number("15") ||
			len(m.Body.(map[string]any)["sources"].([]any)) != 15 {
			b.Errorf("said %v, error %v", m.Body, err)
		}
		if n := len(s.Silent()); n != 15 {
			b.Errorf("%d are silent", n)
		}
		said := 0
		for i := range 6 { // strangers who let services come and go make no more messages than this
			for _, name := range names {
				s.Heard(pace.Subject{What: pace.Service, Name: fmt.Sprint(name, i%2), Under: "org.example.test"}, b.now)
				s.Heard(pace.Subject{What: pace.Service, Name: name, Under: "org.example.test"}, b.now)
			}
			b.pass(s, 30)
			for _, f := range b.hear(v) {
				f.Done()
				said++
			}
			v.forget(b.Context())
		}
		if said > 10+6*30/2+1 {
			b.Errorf("%d messages in %d minutes", said, 6*30)
		}
	})
}

// TestLearn: the first start learns from the history.
func TestLearn(t *testing.T) {
	each(t, func(b *bench) {
		v := b.voice(SourceSilent)
		b.in(func(tx *gorm.DB) error {
			return tx.Exec(`INSERT INTO messages (msg_id, source, topic, app, kind, title, summary, link, sent_at, received_at,
				size, payload) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000)
				SELECT 'm' || i, 'hub', 'org.example.test.' || CASE i WHEN 9 THEN '_heartbeat' ELSE 'git.push' END, '', '', '', '',
				'', CAST(? AS bigint) - i * 600 * CAST(1000000 AS bigint),
				CAST(? AS bigint) - i * 600 * CAST(1000000 AS bigint), 1, '' FROM n`, b.now.UnixMicro(), b.now.UnixMicro()).Error
		})
		s := b.silences(v)
		s.Endpoints = func() map[string]bool { return map[string]bool{"hub": true} }
		ctx, cancel := context.WithCancel(b.Context())
		cancel()
		if err := s.learn(b.Context()); err != nil {
			b.Fatal(err)
		}
		states, _ := s.States()
		for i, want := range []string{"endpoint hub", "service git of org.example.test"} {
			if states[i].Subject.String() != want || states[i].State != pace.Normal || states[i].Weeks < 5 ||
				states[i].PerHour < 5 || states[i].PerHour > 7 {
				b.Errorf("learned %+v", states[i])
			}
		}
		if err := s.Run(ctx); err != nil { // stores what it knows
			b.Fatal(err)
		}
		if rows, err := v.Store.Paces(b.Context(), 10); err != nil || len(rows) != 2 {
			b.Errorf("%d rows, error %v", len(rows), err)
		}
	})
}
