package history_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/migrations"
)

func TestTopicsAndTheirMinutes(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		if hours, err := s.Hours(t.Context(), noon); err != nil || len(hours) != 0 {
			t.Errorf("an empty history has hours %v, error %v", hours, err)
		}
		if topics, err := s.Topics(t.Context(), 10); err != nil || len(topics) != 0 {
			t.Errorf("an empty history has topics %v, error %v", topics, err)
		}
		for i := range 30 {
			topic := []string{"org.example.prod.git.receive", "org.example.prod.git", "org.example.prod.wiki.edit"}[i%3]
			put(t, s, d, event(fmt.Sprint(i), 10*i, topic, nil, nil))
		}
		topics, err := s.Topics(t.Context(), 10)
		want := []history.Seen{
			{Topic: "org.example.prod.git", Last: noon.Add(280 * time.Second)},
			{Topic: "org.example.prod.git.receive", Last: noon.Add(270 * time.Second)},
			{Topic: "org.example.prod.wiki.edit", Last: noon.Add(290 * time.Second)},
		}
		if err != nil || fmt.Sprint(topics) != fmt.Sprint(want) {
			t.Errorf("topics %v, error %v; want %v", topics, err, want)
		}
		if two, err := s.Topics(t.Context(), 2); err != nil || len(two) != 2 {
			t.Errorf("%d topics of at most 2, error %v", len(two), err)
		}
		both := []string{"org.example.prod.git.receive", "org.example.prod.git"}
		first := noon.Unix() / 60
		got, err := s.TopicMinutes(t.Context(), both, noon.Add(time.Second))
		if want := []history.Minute{{first, 3}, {first + 1, 4}, {first + 2, 4}, {first + 3, 4}, {first + 4, 4}}; err != nil ||
			fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("minutes %v, error %v; want %v", got, err, want)
		}
		got, err = s.SourceMinutes(t.Context(), []string{"main"}, noon)
		if want := []history.Minute{{first + 60, 30}}; err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("minutes of a source %v, error %v; want %v", got, err, want)
		}
		if hours, err := s.Hours(t.Context(), noon.Add(-time.Second)); err != nil ||
			fmt.Sprint(hours) != fmt.Sprint([]int64{noon.Unix() / 3600}) {
			t.Errorf("hours %v, error %v", hours, err)
		}
	})
}
