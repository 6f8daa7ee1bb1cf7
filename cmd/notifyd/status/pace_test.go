package status

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/notifyd/notifyd/history"
)

// now is a Monday.
var now = time.Date(2026, 3, 30, 9, 0, 0, 0, time.UTC)

// A memory is a History of messages by topic.
type memory struct {
	began time.Time
	sent  map[string][]time.Time
}

func (m memory) Began(context.Context) (time.Time, error) { return m.began, nil }

func (m memory) Topics(_ context.Context, limit int) ([]history.Seen, error) {
	var all []history.Seen
	for topic, times := range m.sent {
		all = append(all, history.Seen{Topic: topic, Last: slices.MaxFunc(times, time.Time.Compare)})
	}
	return all[:min(limit, len(all))], nil
}

func (m memory) CountTopics(_ context.Context, topics []string, after, until time.Time, most int) (int, error) {
	n := 0
	for _, topic := range topics {
		for _, t := range m.sent[topic] {
			if t.After(after) && !t.After(until) {
				n++
			}
		}
	}
	return min(n, most), nil
}

// every gives times from a time until another, with pauses, where keep says so.
func every(pause time.Duration, from, until time.Time, keep func(time.Time) bool) []time.Time {
	var all []time.Time
	for t := from; !t.After(until); t = t.Add(pause) {
		if keep == nil || keep(t) {
			all = append(all, t)
		}
	}
	return all
}

func workHours(t time.Time) bool {
	return t.Weekday() >= time.Monday && t.Weekday() <= time.Friday && t.Hour() >= 8 && t.Hour() < 18
}

func TestPace(t *testing.T) {
	month := now.Add(-30 * 24 * time.Hour)
	minutes, hours, days := time.Minute, time.Hour, 24*time.Hour
	for _, c := range []struct {
		name  string
		sent  []time.Time
		began time.Time
		state string
		pace  Pace
	}{
		{"in time", every(minutes, month, now, nil), month, Normal, Pace{4, 60, 0}},
		{"nine minutes late", every(minutes, month, now.Add(-9*minutes), nil), month, Normal, Pace{4, 60, 9}},
		{"ten minutes late", every(minutes, month, now.Add(-10*minutes), nil), month, Silent, Pace{4, 60, 10}},
		{"many, five minutes late", every(minutes/10, month, now.Add(-5*minutes), nil), month, Normal, Pace{4, 600, 10}},
		{"twice a day, four days late", every(12*hours, month, now.Add(-4*days), nil), month, Normal, Pace{3, 1, 8}},
		{"twice a day, six days late", every(12*hours, month, now.Add(-6*days), nil), month, Silent, Pace{3, 1, 10}},
		{"a weekend", every(6*minutes, month, now.Add(-hours+6*minutes), workHours), month, Normal, Pace{4, 10, 9}},
		{"silent since Friday", every(6*minutes, month, now.Add(-63*hours), workHours), month, Silent, Pace{3, 10, 10}},
		{"a quiet week", slices.DeleteFunc(every(minutes, month, now.Add(-hours), nil), func(at time.Time) bool {
			return at.After(now.Add(-14*days-2*hours)) && at.Before(now.Add(-13*days))
		}), month, Normal, Pace{4, 45, 0}},
		{"a history of eight days", every(minutes, now.Add(-8*days), now.Add(-hours), nil), now.Add(-8 * days), Unknown,
			Pace{1, 60, 10}},
		{"a history of a day", every(minutes, now.Add(-days), now.Add(-hours), nil), now.Add(-days), Unknown, Pace{}},
		{"a new service", every(minutes, now.Add(-2*days), now.Add(-hours), nil), month, Normal, Pace{4, 0, 0}},
		{"long gone", every(minutes, month, now.Add(-20*days), nil), month, Unknown, Pace{1, 0, 10}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := Report{}
			m := memory{c.began, map[string][]time.Time{"org.example.prod.git.receive": c.sent}}
			if err := r.AddServices(t.Context(), m, now); err != nil {
				t.Fatal(err)
			}
			s := r.Services[0]
			if s.State != c.state || s.Weeks != c.pace.Weeks || s.Least != c.pace.Least ||
				math.Abs(s.PerHour-c.pace.PerHour) > 0.01 {
				t.Errorf("%s, %+v; want %s, %+v", s.State, s.Pace, c.state, c.pace)
			}
		})
	}
}

// TestServices are the fourth words of topics, by the words before them.
func TestServices(t *testing.T) {
	m := memory{now.Add(-time.Hour), map[string][]time.Time{}}
	for i, topic := range []string{"org.example.prod.git.receive", "org.example.prod.git.branch.new",
		"org.example.stg.git.receive", "org.example.prod.wiki", "short.topic", "alone", "org.example._heartbeat", "org.example.prod.fas._heartbeat"} {
		m.sent[topic] = []time.Time{now.Add(-time.Duration(100-i) * time.Second)}
	}
	var r Report
	if err := r.AddServices(t.Context(), m, now); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range r.Services {
		got = append(got, fmt.Sprintf("%s of %q %v", s.Name, s.Under, now.Sub(s.Last)))
	}
	want := []string{`alone of "" 1m35s`, `git of "org.example.prod" 1m39s`, `git of "org.example.stg" 1m38s`,
		`topic of "short" 1m36s`, `wiki of "org.example.prod" 1m37s`}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestMadeUpServices are as many as somebody likes to make up.
func TestMadeUpServices(t *testing.T) {
	m := memory{now.Add(-time.Hour), map[string][]time.Time{}}
	for i := range maxServices + 1 {
		m.sent[fmt.Sprintf("org.example.prod.s%d.x", i)] = []time.Time{now}
	}
	var r Report
	if err := r.AddServices(t.Context(), m, now); err != nil || len(r.Services) != maxServices || len(r.Warnings) != 1 {
		t.Errorf("%d services, warnings %q, error %v", len(r.Services), r.Warnings, err)
	}
}
