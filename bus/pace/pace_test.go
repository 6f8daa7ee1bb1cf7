package pace

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func TestServiceOf(t *testing.T) {
	for topic, want := range map[string]string{
		"org.example.prod.git.receive": "service git of org.example.prod",
		"org.example.prod.git":         "service git of org.example.prod",
		"org.example.stg.git.a.b.c":    "service git of org.example.stg",
		"short.topic":                  "service topic of short",
		"alone":                        "service alone",
		"..":                           "service  of .",
		"org.example.prod..x":          "service  of org.example.prod",
		"suse.obs.package.build_fail":  "service obs of suse",
		"opensuse.openqa.job.done":     "service openqa of opensuse",
		"opensuse.obs":                 "service obs of opensuse",
		"opensuse":                     "service opensuse",
		"":                             "service ",
	} {
		if got := ServiceOf(topic).String(); got != want {
			t.Errorf("%s: %q, want %q", topic, got, want)
		}
	}
	for topic, want := range map[string]bool{"org.example._heartbeat": true, "_heartbeat": true, "moksha.heartbeat": true,
		"org.example.prod.x_heartbeat": false, "org.example.prod._heartbeat.x": false, "org.example.prod.heartbeat": false} {
		if IsHeartbeat(topic) != want {
			t.Errorf("%s: a heartbeat %v, want %v", topic, !want, want)
		}
	}
}

var git = Subject{Service, "git", "org.example.prod"}

// taught gives a watch that has listened to one service, 60 messages an hour, for so many weeks; and the time.
func taught(many int) (*Watch, time.Time) {
	w := NewWatch(Config{})
	p := []pattern{{name: "git", messages: independent(60)}}
	play(w, rand.New(rand.NewPCG(3, 4)), p, 0, many*weekOfMinutes, func(_ pattern, c Change, at time.Time) {
		panic(fmt.Sprint("a false alarm, which this seed has not: ", c, at))
	})
	return w, monday.AddDate(0, 0, 7*many)
}

// silence ticks a watch for so many minutes in which nothing comes, and gives the changes.
func silence(w *Watch, from time.Time, minutes int) (all []Change) {
	for m := range minutes {
		all = append(all, w.Tick(from.Add(time.Duration(m+1)*time.Minute))...)
	}
	return all
}

func TestSilentAndBack(t *testing.T) {
	w, now := taught(9)
	last := w.subjects[git].last
	changes := silence(w, now, 120)
	if len(changes) != 1 || changes[0].Subject != git || changes[0].Back || !changes[0].Since.Equal(last) ||
		math.Abs(changes[0].PerHour-60) > 15 || changes[0].Weeks != 8 {
		t.Fatalf("after two hours of silence: %+v", changes)
	}
	if states, _ := w.States(); states[0].State != Silent {
		t.Errorf("the state is %v", states[0])
	}
	now = now.Add(2 * time.Hour)
	w.Heard(git, now.Add(30*time.Second))
	changes = w.Tick(now.Add(time.Minute))
	if len(changes) != 1 || !changes[0].Back || !changes[0].Since.Equal(last) || changes[0].State.State != Normal {
		t.Errorf("it speaks again: %+v", changes)
	}
}

// TestFirstWeeks: with one or two weeks there is nothing to compare with.
func TestFirstWeeks(t *testing.T) {
	for weeks, want := range map[int]int{1: 0, 2: 0, 4: 1} {
		w, now := taught(weeks)
		if got := len(silence(w, now, 300)); got != want {
			t.Errorf("after %d weeks %d changes, want %d", weeks, got, want)
		}
		states, _ := w.States()
		if want := map[int]string{1: Unknown, 2: Normal, 4: Silent}[weeks]; states[0].State != want {
			t.Errorf("after %d weeks it is %s, want %s", weeks, states[0].State, want)
		}
	}
}

// TestRestart: what is stored is taken back, and the time in which nobody listened is no silence.
func TestRestart(t *testing.T) {
	w, now := taught(9)
	rows, gone := w.Rows(false)
	if len(rows) != 1 || len(gone) != 0 {
		t.Fatalf("%d rows, %d gone", len(rows), len(gone))
	}
	if w.Saved(nil); len(first(w.Rows(false))) != 0 || len(first(w.Rows(true))) != 1 {
		t.Error("what is saved is not stored again, unless all is")
	}
	again := NewWatch(Config{})
	if err := again.Restore(rows); err != nil {
		t.Fatal(err)
	}
	if again.subjects[git].text() != w.subjects[git].text() {
		t.Error("the record is another one")
	}
	now = now.Add(6 * time.Hour)
	if changes := silence(again, now, 8); len(changes) != 0 {
		t.Errorf("the daemon was away, and then: %v", changes)
	}
	if changes := silence(again, now.Add(8*time.Minute), 60); len(changes) != 1 {
		t.Errorf("silent since the start: %v", changes)
	}
	restored := NewWatch(Config{})
	if err := restored.Restore(first(again.Rows(true))); err != nil {
		t.Fatal(err)
	}
	if changes := silence(restored, now.Add(2*time.Hour), 60); len(changes) != 0 {
		t.Errorf("it was said before: %v", changes)
	}
	if states, _ := restored.States(); states[0].State != Silent {
		t.Errorf("it is %v", states[0])
	}
	if c := &restored.subjects[git].cells[ring(hourOf(now.Add(-3*time.Hour)))]; c.minutes != unknown {
		t.Errorf("an hour in which nobody listened has %d minutes", c.minutes)
	}
}

func first(rows []Row, _ []Subject) []Row { return rows }

// TestClock: a clock that jumps, or a machine that slept, is no silence.
func TestClock(t *testing.T) {
	for _, jump := range []time.Duration{5 * time.Hour, -5 * time.Hour, 400 * 24 * time.Hour, -400 * 24 * time.Hour} {
		w, now := taught(9)
		if changes := w.Tick(now.Add(jump)); len(changes) != 0 {
			t.Errorf("jump by %v: %v", jump, changes)
		}
		w.Heard(git, now.Add(jump).Add(time.Minute))
		if changes := silence(w, now.Add(jump).Add(2*time.Minute), 8); len(changes) != 0 {
			t.Errorf("jump by %v: %v", jump, changes)
		}
	}
}

func TestConnections(t *testing.T) {
	w := NewWatch(Config{LostAfter: 10 * time.Minute})
	now := monday
	step := func(minutes int, up map[string]bool) (all []string) {
		for range minutes {
			now = now.Add(time.Minute)
			w.Connected(up, now)
			for _, c := range w.Tick(now) {
				all = append(all, c.String())
			}
		}
		return all
	}
	both, one := map[string]bool{"hub": true, "never": false}, map[string]bool{"hub": false, "never": false}
	for i, s := range []struct {
		minutes int
		up      map[string]bool
		want    string
	}{
		{60, both, ""}, {9, one, ""}, {5, both, ""}, {30, one, "endpoint hub is not connected"},
		{1, both, "endpoint hub is back; it was silent since " + monday.Add(85*time.Minute).Format(time.RFC3339)},
		{30, one, "endpoint hub is not connected"}, {1, map[string]bool{}, ""}, {60, one, ""},
	} {
		if got := strings.Join(step(s.minutes, s.up), "; "); got != s.want {
			t.Errorf("step %d: %q, want %q", i, got, s.want)
		}
	}
	if len(w.subjects) != 2 {
		t.Errorf("%d endpoints are followed", len(w.subjects))
	}
}

// TestStrangers: who makes up services takes bounded room, no room from those that are known, and makes no alarm.
func TestStrangers(t *testing.T) {
	w, now := taught(9)
	r := rand.New(rand.NewPCG(5, 6))
	for m := range 2 * 1440 {
		at := now.Add(time.Duration(m) * time.Minute)
		w.Heard(git, at)
		for range 20 {
			w.Heard(ServiceOf(fmt.Sprintf("org.example.prod.made-up-%d.x", r.IntN(1e6))), at)
		}
		w.Heard(ServiceOf("org.example.prod."+strings.Repeat("x", 1000)), at)
		if changes := w.Tick(at.Add(time.Minute)); len(changes) != 0 {
			t.Fatalf("%v: %v", at, changes)
		}
		if n := len(w.subjects); n > MaxServices {
			t.Fatalf("%d services are followed", n)
		}
	}
	states, full := w.States()
	if !full || w.subjects[git] == nil || len(states) != MaxServices {
		t.Errorf("full %v, %d services", full, len(states))
	}
	now = now.AddDate(0, 0, 4)
	w.Tick(now)
	w.Heard(git, now.Add(time.Minute))
	if w.Tick(now.Add(2 * time.Hour)); len(w.subjects) > MaxServices/2+1 {
		t.Errorf("%d services are followed two days after", len(w.subjects))
	}
	if _, gone := w.Rows(false); len(gone) < MaxServices/3 {
		t.Errorf("the rows of %d are deleted", len(gone))
	}
}

// TestShutDown: what was shut down for good is forgotten.
func TestShutDown(t *testing.T) {
	w, now := taught(9)
	if changes := silence(w, now, 15*1440); len(changes) != 1 || w.subjects[git] != nil {
		t.Errorf("%v; it is followed %v", changes, w.subjects[git] != nil)
	}
}

// TestLearn: what is learned of a history is what a watch would know that had listened.
func TestLearn(t *testing.T) {
	listened, now := taught(9)
	var heard []Minute
	r := rand.New(rand.NewPCG(3, 4))
	messages := independent(60)
	for m := range 9 * weekOfMinutes {
		if n := messages(r, time.Time{}); n > 0 {
			heard = append(heard, Minute{monday.Unix()/60 + int64(m), n})
			for range n {
				r.IntN(60) // as play
			}
		}
	}
	w := NewWatch(Config{})
	w.Learn(git, heard, func(int64) bool { return true }, now)
	want, got := listened.subjects[git].record, w.subjects[git].record
	if got.cells != want.cells || got.hour != want.hour {
		t.Error("the hours differ")
	}
	if changes := silence(w, now, 120); len(changes) != 1 {
		t.Errorf("then silence: %v", changes)
	}
	away := NewWatch(Config{})
	away.Learn(git, heard, func(hour int64) bool { return hour%24 > 5 }, now)
	if c := away.subjects[git].cells[ring(hourOf(now)-24*7*2+3)]; c.minutes != unknown {
		t.Errorf("an hour in which nobody listened has %d minutes", c.minutes)
	}
}

// FuzzParseRecord: whatever stands in the database, a record is what it says or an error.
func FuzzParseRecord(f *testing.F) {
	w, _ := taught(3)
	f.Add(w.subjects[git].text())
	f.Add(newRecord(5).text())
	f.Add("490896 3 - - - 1.5 - - - - - 0000--l~")
	f.Add("1 1 - - - NaN - - - - - 00")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := parseRecord(text)
		if err != nil {
			return
		}
		again, err := parseRecord(r.text())
		if err != nil || again.hour != r.hour || again.cells != r.cells {
			t.Errorf("%q becomes %q, error %v", text, r.text(), err)
		}
		until := time.Unix(r.hour*3600+1800, 0)
		r.missing(until.Add(-30*time.Hour), until)
		r.usual()
	})
}

func BenchmarkTick(b *testing.B) {
	w := NewWatch(Config{})
	for i := range MaxServices {
		w.Heard(ServiceOf(fmt.Sprintf("org.example.prod.s%d.x", i)), monday)
	}
	for m := range b.N {
		w.Tick(monday.Add(time.Duration(m) * time.Minute))
	}
}

func BenchmarkHeard(b *testing.B) {
	w := NewWatch(Config{})
	for b.Loop() {
		w.Heard(ServiceOf("org.example.prod.git.receive"), monday)
	}
}
