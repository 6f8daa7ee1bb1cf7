package history_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/migrations"
)

func TestTopicsAndTheirCounts(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		if began, err := s.Began(t.Context()); err != nil || !began.IsZero() {
			t.Errorf("an empty history began at %v, error %v", began, err)
		}
		if topics, err := s.Topics(t.Context(), 10); err != nil || len(topics) != 0 {
			t.Errorf("an empty history has topics %v, error %v", topics, err)
		}
		for i := range 30 {
			topic := []string{"org.example.prod.git.receive", "org.example.prod.git", "org.example.prod.wiki.edit"}[i%3]
			put(t, s, d, event(fmt.Sprint(i), i, topic, nil, nil))
		}
		topics, err := s.Topics(t.Context(), 10)
		want := []history.Seen{
			{Topic: "org.example.prod.git", Last: noon.Add(28 * time.Second)},
			{Topic: "org.example.prod.git.receive", Last: noon.Add(27 * time.Second)},
			{Topic: "org.example.prod.wiki.edit", Last: noon.Add(29 * time.Second)},
		}
		if err != nil || fmt.Sprint(topics) != fmt.Sprint(want) {
			t.Errorf("topics %v, error %v; want %v", topics, err, want)
		}
		if two, err := s.Topics(t.Context(), 2); err != nil || len(two) != 2 {
			t.Errorf("%d topics of at most 2, error %v", len(two), err)
		}
		if began, err := s.Began(t.Context()); err != nil || !began.Equal(noon) {
			t.Errorf("began at %v, error %v", began, err)
		}
		both := []string{"org.example.prod.git.receive", "org.example.prod.git"}
		for _, c := range []struct {
			after, until time.Duration
			most, want   int
		}{
			{-time.Second, time.Minute, 100, 20}, {-time.Second, time.Minute, 7, 7},
			{0, 3 * time.Second, 100, 2}, // those of 1 and 3: after is not in it, until is
			{time.Minute, time.Hour, 100, 0},
		} {
			n, err := s.CountTopics(t.Context(), both, noon.Add(c.after), noon.Add(c.until), c.most)
			if err != nil || n != c.want {
				t.Errorf("%d messages after %v until %v, error %v; want %d", n, c.after, c.until, err, c.want)
			}
		}
	})
}
