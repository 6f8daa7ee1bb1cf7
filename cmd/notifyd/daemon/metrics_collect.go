package daemon

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/internal/metric"
	"github.com/notifyd/notifyd/outbox"
)

// A collector reads the plain numbers of the other packages whenever Prometheus scrapes.
type collector struct{ s *Service }

// watch adds the numbers of the parts of s to the metrics.
func (m *metrics) watch(s *Service) { m.registry.MustRegister(collector{s}) }

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

var (
	queueDepth  = describe("notifyd_queue_depth", "Deliveries by backend and state.", "backend", "state")
	queueOldest = describe("notifyd_queue_oldest_seconds", "How long the most overdue delivery has been due.", "backend")
	deliveries  = describe("notifyd_deliveries_total", "Parcels by backend and result.", "backend", "result")
	digests     = describe("notifyd_digests_sent_total", "Parcels sent with more than one notice.", "backend")
	notices     = describe("notifyd_notices_sent_total", "Notices in the parcels sent.", "backend")
	foldedCount = describe("notifyd_notices_folded_total",
		"Notices that were counted in another one, since too many waited for their destination.", "backend")
	heldCount = describe("notifyd_notices_held_total",
		"Notices that wait in a digest or were dropped, by the outbox and why: cap, started.", "backend", "why")
	backendDown = describe("notifyd_backend_down", "1 while the backend as a whole cannot be reached.", "backend")
	sendTime    = describe("notifyd_delivery_duration_seconds", "Duration of each send.", "backend")
	totalTime   = describe("notifyd_end_to_end_latency_seconds", "From the commit of a notice to its delivery.", "backend")

	historyMessages = describe("notifyd_history_messages", "Messages kept.")
	historyBytes    = describe("notifyd_history_bytes", "Size of the messages kept.")
	historySource   = describe("notifyd_history_source_bytes", "Size of the messages kept, by source.", "source")
	historyPruned   = describe("notifyd_history_pruned_messages_total",
		"Messages that were deleted, by the rule that decides of them (\"\": none) and by reason: age or bytes.", "rule", "reason")
	historyPrunedBytes = describe("notifyd_history_pruned_bytes_total", "Size of these.", "rule", "reason")
	catalogueReloaded  = describe("notifyd_catalogue_reload_successful",
		"0 while a broken file in the catalogue folder keeps the last good catalogue in use.")
	crlExpires = describe("notifyd_trust_crl_expires_timestamp_seconds",
		"Time from which on the list of revoked certificates is out of date, and x509 signatures count as unchecked.")
	catalogueFailed = describe("notifyd_catalogue_field_failures_total",
		"Fields of messages that an entry of the catalogue could not work out.", "kind", "field")
	catalogueLeft = describe("notifyd_catalogue_left_out_total",
		"Messages whose sentence or link lacks something that the entry would have said.", "app", "field")
)

// Describe sends nothing, which leaves the metrics unchecked: they depend on the configuration.
func (r collector) Describe(chan<- *prometheus.Desc) {}

// Collect sends all numbers. It leaves out those that cannot be read in time.
func (r collector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	emit := emitter(out)
	r.s.listening.Collect(emit)
	for _, outlet := range r.s.outlets {
		outlet.Collect(emit)
	}
	for _, c := range r.s.carriers {
		c.Collect(emit)
	}
	r.s.leases.Collect(emit)
	r.s.directory.Collect(emit)
	r.s.voice.Collect(emit)
	r.s.silences.Collect(emit)
	r.s.prefs.Mailed.Collect(ctx, emit)
	for _, backend := range r.s.backends {
		if metered, ok := backend.(backends.Metered); ok {
			metered.Collect(emit)
		}
	}
	for _, count := range r.s.outbox.Counts() {
		collectCount(out, count)
	}
	r.collectDepth(ctx, out)
	if size, err := r.s.history.Size(ctx); err == nil {
		gauge(out, historyMessages, float64(size.Messages))
		gauge(out, historyBytes, float64(size.Bytes))
	}
	for source, bytes := range r.s.history.BySource() {
		gauge(out, historySource, float64(bytes), source)
	}
	for _, n := range r.s.history.Pruned() {
		counter(out, historyPruned, float64(n.Messages), n.Rule, n.Why)
		counter(out, historyPrunedBytes, float64(n.Bytes), n.Rule, n.Why)
	}
	gauge(out, catalogueReloaded, metric.Bool(r.s.describer.watcher.Err() == nil))
	if at := r.s.trust.Load().CRLExpires(); !at.IsZero() {
		gauge(out, crlExpires, float64(at.Unix()))
	}
	for _, failure := range r.s.describer.load().Failures() {
		counter(out, catalogueFailed, float64(failure.Count), failure.Kind, failure.Field)
	}
	for _, left := range r.s.describer.load().LeftOut() {
		counter(out, catalogueLeft, float64(left.Count), left.App, left.Field)
	}
}

// emitter returns the function to which sources and backends pass their numbers. A series that Prometheus refuses,
// such as one with a missing label, is reported by the handler of /metrics and does not affect the others.
func emitter(out chan<- prometheus.Metric) metric.Emit {
	return func(d *metric.Desc, value float64, labels ...string) {
		desc, kind := describe(d.Name, d.Help, d.Labels...), prometheus.GaugeValue
		if d.Type == metric.Counter {
			kind = prometheus.CounterValue
		}
		series, err := prometheus.NewConstMetric(desc, kind, value, labels...)
		if err != nil {
			series = prometheus.NewInvalidMetric(desc, err)
		}
		out <- series
	}
}

func collectCount(out chan<- prometheus.Metric, c outbox.Count) {
	for result, n := range map[string]uint64{"sent": c.Sent, "deferred": c.Deferred, "refused": c.Refused,
		"expired": c.Expired} {
		counter(out, deliveries, float64(n), c.Backend, result)
	}
	counter(out, digests, float64(c.Digests), c.Backend)
	counter(out, notices, float64(c.Notices), c.Backend)
	counter(out, foldedCount, float64(c.Folded), c.Backend)
	for why, n := range c.Held {
		counter(out, heldCount, float64(n), c.Backend, why)
	}
	gauge(out, backendDown, metric.Bool(c.Down), c.Backend)
	histogram(out, sendTime, c.Send, c.Backend)
	histogram(out, totalTime, c.Total, c.Backend)
}

func (r collector) collectDepth(ctx context.Context, out chan<- prometheus.Metric) {
	depths, err := r.s.outbox.Depth(ctx)
	if err != nil {
		return
	}
	now := r.s.router.now()
	for _, d := range depths {
		gauge(out, queueDepth, float64(d.Count), d.Backend, string(d.State))
		if d.State == outbox.Waiting {
			gauge(out, queueOldest, max(0, now.Sub(d.Oldest).Seconds()), d.Backend)
		}
	}
}

func gauge(out chan<- prometheus.Metric, d *prometheus.Desc, v float64, labels ...string) {
	out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func counter(out chan<- prometheus.Metric, d *prometheus.Desc, v float64, labels ...string) {
	out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
}

func histogram(out chan<- prometheus.Metric, d *prometheus.Desc, h outbox.Histogram, labels ...string) {
	out <- prometheus.MustNewConstHistogram(d, h.Count, h.Sum, h.Buckets, labels...)
}
