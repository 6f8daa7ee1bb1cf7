package status

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/notifyd/notifyd/history"
)

// A Service is what publishes under the first four words of a topic, as fedmsg's topics have them: two of the
// community, the environment, and the service.
type Service struct {
	Name  string    `json:"service"` // the fourth word
	Under string    `json:"under"`   // the three words before it
	Last  time.Time `json:"last_seen"`
	Pace  `json:"usual"`
	State string `json:"state"`

	topics []string
}

// The states of a service.
const (
	Normal  = "ok"
	Silent  = "silent"  // far beyond its usual pace: see Pace
	Unknown = "unknown" // the history does not reach back far enough
)

// Anybody may make up topics, so those that are looked at are bounded, and so are the services.
const (
	maxTopics   = 20_000
	maxServices = 1000
)

// A History is what AddServices needs of one.
type History interface {
	Topics(ctx context.Context, limit int) ([]history.Seen, error)
	Began(ctx context.Context) (time.Time, error)
	CountTopics(ctx context.Context, topics []string, after, until time.Time, most int) (int, error)
}

// AddServices adds the services that a history knows, by name. It reads indexes alone, a bounded part of them.
func (r *Report) AddServices(ctx context.Context, h History, now time.Time) error {
	topics, err := h.Topics(ctx, maxTopics+1)
	if err != nil {
		return err
	}
	began, err := h.Began(ctx)
	if err != nil {
		return err
	}
	services := servicesOf(topics)
	if len(topics) > maxTopics || len(services) > maxServices {
		r.Warnings = append(r.Warnings, fmt.Sprintf("not all services are shown: at most %d topics and %d services are",
			maxTopics, maxServices))
		services = services[:min(len(services), maxServices)]
	}
	for _, s := range services {
		count := func(after, until time.Time, most int) (int, error) {
			return h.CountTopics(ctx, s.topics, after, until, most)
		}
		if s.Pace, err = measure(s.Last, began, now, count); err != nil {
			return err
		}
		s.State = s.state(now.Sub(s.Last))
		r.Services = append(r.Services, *s)
	}
	return nil
}

// servicesOf puts topics together by service. Heartbeats, which old hubs of fedmsg send, are nobody's work.
func servicesOf(topics []history.Seen) []*Service {
	by := map[string]*Service{}
	for _, t := range topics {
		words := strings.Split(t.Topic, ".")
		if words[len(words)-1] == "_heartbeat" {
			continue
		}
		n := min(len(words), 4)
		under, name := strings.Join(words[:n-1], "."), words[n-1]
		s := by[name+" "+under]
		if s == nil {
			s = &Service{Name: name, Under: under}
			by[name+" "+under] = s
		}
		s.topics = append(s.topics, t.Topic)
		if t.Last.After(s.Last) {
			s.Last = t.Last
		}
	}
	var all []*Service
	for _, key := range slices.Sorted(maps.Keys(by)) {
		all = append(all, by[key])
	}
	return all
}
