package daemon

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// routeSteps are what a batch of frames goes through, in that order.
var routeSteps = []string{"decode", "describe", "open", "begin", "follow", "match", "history", "subscriptions", "plan", "outbox", "commit"}

func newStepSeconds() *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "notifyd_route_seconds", Help: "Time that a batch of messages spends in each step from the bus to the outbox.",
		Buckets: prometheus.ExponentialBuckets(1e-5, 4, 11),
	}, []string{"step"})
}

// A stopwatch says how long the steps of a batch take. A step may come in several pieces; they are observed together.
type stopwatch struct {
	now   func() time.Time
	last  time.Time
	spent map[string]time.Duration
}

func newStopwatch(now func() time.Time) *stopwatch {
	return &stopwatch{now: now, last: now(), spent: make(map[string]time.Duration, len(routeSteps))}
}

// lap charges the time since the last lap to a step.
func (s *stopwatch) lap(step string) {
	now := s.now()
	s.spent[step] += now.Sub(s.last)
	s.last = now
}

// observe adds what was spent to the metric.
func (s *stopwatch) observe(seconds *prometheus.HistogramVec) {
	for step, spent := range s.spent {
		seconds.WithLabelValues(step).Observe(spent.Seconds())
	}
}
