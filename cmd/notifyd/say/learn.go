package say

import (
	"context"
	"time"

	"github.com/notifyd/notifyd/bus/pace"
	"github.com/notifyd/notifyd/history"
)

const (
	learned   = 8 * 7 * 24 * time.Hour // how far back is looked
	maxTopics = 20_000
	learnedIn = time.Hour // at most, and more than the database gives other statements
)

// learn takes the paces from the messages that are kept. It reads indexes alone: half a minute for five
// million messages, in which nothing else waits. Hours without any message are taken for such in which the daemon did
// not run.
func (s *Silences) learn(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, learnedIn)
	defer cancel()
	now, store := s.Now(), s.Voice.Store
	after := now.Add(-learned)
	hours, err := store.Hours(ctx, after)
	if err != nil || len(hours) == 0 {
		return err
	}
	listened := make(map[int64]bool, len(hours))
	for _, h := range hours {
		listened[h] = true
	}
	topics, err := store.Topics(ctx, maxTopics)
	if err != nil {
		return err
	}
	services := map[pace.Subject][]string{}
	for _, t := range topics {
		of := pace.ServiceOf(t.Topic)
		if !pace.IsHeartbeat(t.Topic) && (services[of] != nil || len(services) < pace.MaxServices) {
			services[of] = append(services[of], t.Topic)
		}
	}
	for name := range s.Endpoints() {
		services[pace.Subject{What: pace.Endpoint, Name: name}] = []string{name}
	}
	for of, names := range services {
		minutes := store.TopicMinutes
		if of.What == pace.Endpoint {
			minutes = store.SourceMinutes
		}
		heard, err := minutes(ctx, names, after)
		if err != nil {
			return err
		}
		s.Learn(of, minutesOf(heard), func(hour int64) bool { return listened[hour] }, now)
	}
	s.Log.Info("learned from the history what services usually say", "services", len(services), "took",
		s.Now().Sub(now).Round(time.Millisecond))
	return nil
}

func minutesOf(heard []history.Minute) []pace.Minute {
	all := make([]pace.Minute, len(heard))
	for i, m := range heard {
		all[i] = pace.Minute{At: m.At, Messages: m.Messages}
	}
	return all
}
