package nodes

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/bus/pace"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

func TestMain(m *testing.M) { os.Exit(migratest.Main(m)) }

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func ears(node string, d *migrations.DB, clock *time.Time) *Ears {
	return &Ears{Node: node, DB: d.Writer, Now: func() time.Time { return *clock }, Log: slog.New(slog.DiscardHandler)}
}

// TestSilencesOfAllNodes lets three nodes share the messages of a service that speaks once a minute: each hears it
// every third minute. The one that looks for silences hears all of it, also when it is another one from the second
// week on; and notices when the service is gone.
func TestSilencesOfAllNodes(t *testing.T) {
	d := migratest.Open(t, migratest.Postgres(t))
	clock := noon
	var all []*Ears
	for i := range 3 {
		all = append(all, ears(fmt.Sprint("node ", i), d, &clock))
	}
	git := pace.Subject{What: pace.Service, Name: "git", Under: "org.example.prod"}
	alone, whole := pace.NewWatch(pace.Config{}), pace.NewWatch(pace.Config{})
	for minute := range 10 {
		node := all[minute%3]
		node.Heard(git, clock)
		node.Heard(git, clock)
		alone.Heard(git, clock)
		alone.Heard(git, clock)
		for _, e := range all {
			if err := e.flush(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := all[minute/5].Gather(t.Context(), whole.HeardAll); err != nil {
			t.Fatal(err)
		}
		alone.Tick(clock)
		whole.Tick(clock)
		clock = clock.Add(time.Minute)
	}
	one, _ := alone.Rows(true)
	many, _ := whole.Rows(true)
	if len(one) != 1 || len(many) != 1 || one[0] != many[0] {
		t.Errorf("one node that hears all knows\n%+v\nof several one knows\n%+v", one, many)
	}
}

// TestCountsOutliveAFailure: what could not be stored is stored later, and counted once.
func TestCountsOutliveAFailure(t *testing.T) {
	d := migratest.Open(t, migratest.Postgres(t))
	clock := noon
	e := ears("a", d, &clock)
	odd := pace.Subject{What: pace.Service, Name: "a\x00b\xff", Under: "org.example.prod"}
	e.Heard(odd, clock)
	broken := d.Writer.Session(&gorm.Session{NewDB: true})
	_ = broken.AddError(fmt.Errorf("no database"))
	e.DB = broken
	if err := e.flush(t.Context(), nil); err == nil {
		t.Fatal("no error")
	}
	e.DB = d.Writer
	e.Heard(odd, clock.Add(time.Hour)) // a clock that is ahead
	if err := e.flush(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	sum := 0
	for range 2 {
		_, err := e.Gather(t.Context(), func(_ pace.Subject, at time.Time, messages int) {
			sum += messages
			if at.After(clock) {
				t.Errorf("heard at %s, in the future", at)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if sum != 2 {
		t.Errorf("%d messages, want 2", sum)
	}
}

// TestInventedSubjects: a stranger makes up more services between two looks than are followed, on two nodes, and gives
// them names that come first. The table is empty after the look, and what really speaks is heard.
func TestInventedSubjects(t *testing.T) {
	d := migratest.Open(t, migratest.Postgres(t))
	clock := noon
	git := pace.Subject{What: pace.Service, Name: "git", Under: "org.example.prod"}
	for node := range 2 {
		e := ears(fmt.Sprint("node ", node), d, &clock)
		e.Heard(git, clock)
		for n := range mostHeard {
			e.Heard(pace.Subject{What: pace.Service, Name: fmt.Sprintf("%d-%d", node, n), Under: "a"}, clock)
		}
		if err := e.flush(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	heard := map[pace.Subject]int{}
	_, err := ears("a", d, &clock).Gather(t.Context(), func(of pace.Subject, _ time.Time, n int) { heard[of] += n })
	var left int
	if err = errors.Join(err, d.Reader.Raw("SELECT count(*) FROM heard").Scan(&left).Error); err != nil {
		t.Fatal(err)
	}
	if left != 0 || heard[git] != 2 {
		t.Errorf("%d rows are left, and git was heard %d times of 2", left, heard[git])
	}
}

// TestEndpointsOfAllNodes: an endpoint is connected where one node says so. A node that was killed says nothing new.
func TestEndpointsOfAllNodes(t *testing.T) {
	d := migratest.Open(t, migratest.Postgres(t))
	clock := noon
	a, b := ears("a", d, &clock), ears("b", d, &clock)
	say := func(e *Ears, up map[string]bool) {
		t.Helper()
		if err := e.flush(t.Context(), up); err != nil {
			t.Fatal(err)
		}
	}
	know := func(want map[string]bool) {
		t.Helper()
		got, err := a.Gather(t.Context(), func(pace.Subject, time.Time, int) {})
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("endpoints are %v, want %v, %v", got, want, err)
		}
	}
	say(a, map[string]bool{"amqp": false, "hub": true})
	say(b, map[string]bool{"amqp": true})
	know(map[string]bool{"amqp": true, "hub": true})
	say(b, map[string]bool{"amqp": false})
	know(map[string]bool{"amqp": false, "hub": true})
	age := func(by time.Duration) {
		t.Helper()
		if err := d.Writer.Exec("UPDATE node_facts SET seen_at = seen_at - ?", by.Microseconds()).Error; err != nil {
			t.Fatal(err)
		}
	}
	age(fresh)
	know(map[string]bool{"amqp": false, "hub": false})
	say(b, map[string]bool{"hub": true}) // it has taken the source over
	know(map[string]bool{"amqp": false, "hub": true})
	age(forgotten)
	know(map[string]bool{})
	say(b, nil)
	say(b, map[string]bool{"hub": true})
	say(b, nil)
	know(map[string]bool{})
}
