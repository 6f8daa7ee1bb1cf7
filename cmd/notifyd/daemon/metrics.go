package daemon

import (
	"runtime"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon/holes"
	"github.com/notifyd/notifyd/internal/metric"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// metrics are the program's own counters. Other packages keep plain numbers; the collector in metrics_collect.go
// reads those when Prometheus scrapes. No label holds a user, a package or an address.
type metrics struct {
	registry     *prometheus.Registry
	rejected     *prometheus.CounterVec
	mended       *prometheus.CounterVec
	verdicts     *prometheus.CounterVec
	holes        holes.Metrics
	conflicts    *prometheus.CounterVec
	routeErrors  *failures
	messages     prometheus.Counter
	matches      prometheus.Counter
	unreadable   *prometheus.CounterVec
	matchSeconds prometheus.Histogram
	routeSeconds *prometheus.HistogramVec // by step
	filterCount  *prometheus.GaugeVec
	skipped      prometheus.Counter
	expensive    prometheus.Counter
	surges       prometheus.Counter
	lastMessage  prometheus.Gauge

	reloadGood    prometheus.Gauge
	reloadTime    prometheus.Gauge
	restartNeeded prometheus.Gauge
}

func newMetrics(version string) *metrics {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	register := factory{promauto.With(r)}
	register.NewGauge(prometheus.GaugeOpts{
		Name: "notifyd_build_info", Help: "Always 1; the labels say what runs.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
	}).Set(1)
	return &metrics{
		registry: r,
		rejected: register.counters("messages_rejected_total",
			"Frames that were received and not routed, by source and reason.", "source", "reason"),
		mended: register.counters("messages_mended_total",
			"Messages with metadata that was missing or odd and was replaced, by source and field.", "source", "field"),
		verdicts: register.counters("trust_verdicts_total",
			"Messages received, by source and by what is proved of their sender.", "source", "verdict"),
		holes: holes.Metrics{
			Gaps: register.counters("source_gaps_total", "Holes that the senders' numbers show.", "source"),
			Missing: register.counters("source_missing_total",
				"Messages that the senders' numbers say were sent and not received, when the hole was found.", "source"),
			Filled: register.counters("source_filled_total",
				"Messages that were missing and came from an archive.", "source", "by"),
			TooLate: register.counters("source_filled_silently_total",
				"Messages that came from an archive so late that nobody was notified.", "source"),
		},
		conflicts: register.counters("id_conflicts_total",
			"Messages with the id of another one that says something else, by which of the two keeps it: replaced "+
				"(the later one, which is proved), refused (the earlier one, which is proved), undecided (the earlier one).",
			"source", "kind"),
		routeErrors: &failures{Counter: register.counter("route_errors_total",
			"Batches that the database did not take and that were tried again.")},
		messages: register.counter("messages_routed_total", "Messages committed to history."),
		matches:  register.counter("matches_total", "Deliveries owed because a filter matched."),
		unreadable: register.counters("matches_unreadable_total",
			"Filters that matched and got nothing, because their owner may not see messages of the source.", "source"),
		matchSeconds: register.NewHistogram(prometheus.HistogramOpts{
			Name: "notifyd_match_duration_seconds", Help: "Time to find the filters that one message matches.",
			Buckets: prometheus.ExponentialBuckets(1e-6, 4, 12),
		}),
		routeSeconds: register.phaseSeconds(),
		filterCount:  register.gauges("filters", "Filters that are on, by state: active or broken.", "state"),
		skipped: register.counter("searches_skipped_total",
			"Searches through texts that were not made, because their messages had cost too much already."),
		expensive: register.counter("filters_too_expensive_total",
			"Filters that were found too expensive and match nothing until their rules change."),
		surges: register.counter("surges_total",
			"Filters that had many times more notices than usual, so that their notices went together."),
		lastMessage: register.gauge("last_message_timestamp_seconds", "Sending time of the newest message routed."),
		reloadGood: register.gauge("config_reload_successful",
			"0 where the last reload of the configuration failed and the one before stays in use."),
		reloadTime: register.gauge("config_reload_timestamp_seconds",
			"Time of the last reload of the configuration, good or not; at first that of the start."),
		restartNeeded: register.gauge("config_restart_needed",
			"Keys of the configuration that have changed since the start and wait for a restart."),
	}
}

// A factory makes metrics that are registered, named without the prefix that all have.
type factory struct{ promauto.Factory }

func (f factory) counter(name, help string) prometheus.Counter {
	return f.NewCounter(prometheus.CounterOpts{Name: "notifyd_" + name, Help: help})
}

func (f factory) counters(name, help string, labels ...string) *prometheus.CounterVec {
	return f.NewCounterVec(prometheus.CounterOpts{Name: "notifyd_" + name, Help: help}, labels)
}

func (f factory) gauge(name, help string) prometheus.Gauge {
	return f.NewGauge(prometheus.GaugeOpts{Name: "notifyd_" + name, Help: help})
}

func (f factory) gauges(name, help string, labels ...string) *prometheus.GaugeVec {
	return f.NewGaugeVec(prometheus.GaugeOpts{Name: "notifyd_" + name, Help: help}, labels)
}

// mend counts what was mended in a message.
func (m *metrics) mend(msg *bus.Message) {
	for _, mended := range msg.Mended {
		m.mended.WithLabelValues(msg.Source, bus.MendedField(mended)).Inc()
	}
}

func (m *metrics) reject(source, reason string) { m.rejected.WithLabelValues(source, reason).Inc() }

// judged counts a message by its verdict.
func (m *metrics) judged(source string, v bus.Verdict) {
	m.verdicts.WithLabelValues(source, string(v)).Inc()
}

// reloaded records a reload of the configuration.
func (m *metrics) reloaded(at time.Time, good bool) {
	m.reloadGood.Set(metric.Bool(good))
	m.reloadTime.Set(float64(at.UnixMilli()) / 1000)
}

// failures counts, and remembers whether the last attempt was one.
type failures struct {
	prometheus.Counter
	last atomic.Bool
}

// Inc counts one more.
func (f *failures) Inc() {
	f.last.Store(true)
	f.Counter.Inc()
}

func (m *metrics) routed(events []*catalogue.Event, owed int) {
	m.routeErrors.last.Store(false)
	m.messages.Add(float64(len(events)))
	m.matches.Add(float64(owed))
	m.lastMessage.Set(float64(events[len(events)-1].Time.Unix()))
}

func (m *metrics) filters(active, broken int) {
	m.filterCount.WithLabelValues("active").Set(float64(active))
	m.filterCount.WithLabelValues("broken").Set(float64(broken))
}

// routePhases are the phases of routing a batch of frames, in order.
var routePhases = []string{"decode", "describe", "open", "begin", "follow", "match", "history", "subscriptions", "plan",
	"outbox", "commit", "prune"}

func (f factory) phaseSeconds() *prometheus.HistogramVec {
	return f.NewHistogramVec(prometheus.HistogramOpts{
		Name: "notifyd_route_seconds", Help: "Time that a batch of messages spends in each step from the bus to the outbox.",
		Buckets: prometheus.ExponentialBuckets(1e-5, 4, 11),
	}, []string{"step"})
}

// A phaseTimer measures how long the phases of a batch take. A phase may come in several pieces; they are observed
// together.
type phaseTimer struct {
	now   func() time.Time
	last  time.Time
	spent map[string]time.Duration
}

func newPhaseTimer(now func() time.Time) *phaseTimer {
	return &phaseTimer{now: now, last: now(), spent: make(map[string]time.Duration, len(routePhases))}
}

// lap adds the time since the last lap to a phase, and returns it.
func (s *phaseTimer) lap(step string) time.Duration {
	now := s.now()
	took := now.Sub(s.last)
	s.spent[step] += took
	s.last = now
	return took
}

// observe adds the time spent to the metric.
func (s *phaseTimer) observe(seconds *prometheus.HistogramVec) {
	for step, spent := range s.spent {
		seconds.WithLabelValues(step).Observe(spent.Seconds())
	}
}
