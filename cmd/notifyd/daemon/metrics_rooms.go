package daemon

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/notifyd/notifyd/backends/irc"
	"github.com/notifyd/notifyd/bus/zmq"
	"github.com/notifyd/notifyd/outbox"
)

// rooms reads the plain numbers of the rooms whenever Prometheus asks.
type rooms struct{ s *Service }

// watch adds the numbers of s's rooms to the metrics.
func (m *metrics) watch(s *Service) { m.registry.MustRegister(rooms{s}) }

func metric(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

var (
	sourceConnected = metric("notifyd_source_connected", "1 while the endpoint is connected.", "source", "address")
	sourceReceived  = metric("notifyd_source_messages_received_total", "Frames received.", "source", "address")
	sourceDropped   = metric("notifyd_source_messages_dropped_total", "Frames dropped before the router, by reason.", "source", "address", "reason")
	sourceGaps      = metric("notifyd_source_gaps_total", "Holes that the senders' counters show.", "source", "address")
	sourceMissing   = metric("notifyd_source_missing_total", "Messages that the senders' counters say were sent and not received.", "source", "address")
	sourceRedials   = metric("notifyd_source_reconnects_total", "Connections made after the first.", "source", "address")
	sourceLast      = metric("notifyd_source_last_message_timestamp_seconds", "Time of the last frame.", "source", "address")

	queueDepth  = metric("notifyd_queue_depth", "Deliveries by backend and state.", "backend", "state")
	queueOldest = metric("notifyd_queue_oldest_seconds", "How long the most overdue delivery has been due.", "backend")
	deliveries  = metric("notifyd_deliveries_total", "Parcels by backend and result.", "backend", "result")
	digests     = metric("notifyd_digests_sent_total", "Parcels sent with more than one notice.", "backend")
	notices     = metric("notifyd_notices_sent_total", "Notices in the parcels sent.", "backend")
	backendDown = metric("notifyd_backend_down", "1 while the backend as a whole cannot be reached.", "backend")
	sendTime    = metric("notifyd_delivery_duration_seconds", "Duration of each send.", "backend")
	totalTime   = metric("notifyd_end_to_end_latency_seconds", "From the commit of a notice to its delivery.", "backend")

	ircConnected = metric("notifyd_irc_connected", "1 while the network is connected.", "network")
	ircThrottled = metric("notifyd_irc_throttled_seconds_total", "Time waited for the pace of the network.", "network")

	historyMessages   = metric("notifyd_history_messages", "Messages kept.")
	historyBytes      = metric("notifyd_history_bytes", "Size of the messages kept.")
	catalogueReloaded = metric("notifyd_catalogue_reload_successful", "0 while a broken file in the catalogue folder keeps the last good catalogue in use.")
	catalogueFailed   = metric("notifyd_catalogue_field_failures_total", "Fields of messages that an entry of the catalogue could not work out.", "kind", "field")
)

// Describe leaves the metrics unchecked: which there are depends on the configuration.
func (r rooms) Describe(chan<- *prometheus.Desc) {}

// Collect sends all numbers; what cannot be read in time is left out.
func (r rooms) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for _, source := range r.s.sources {
		if z, ok := source.(*zmq.Source); ok {
			collectZMQ(out, z)
		}
	}
	for _, backend := range r.s.backends {
		if i, ok := backend.(*irc.Backend); ok {
			collectIRC(out, i)
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
	gauge(out, catalogueReloaded, number(r.s.meaning.watcher.Good()))
	for _, failure := range r.s.meaning.load().Failures() {
		counter(out, catalogueFailed, float64(failure.Count), failure.Kind, failure.Field)
	}
}

func collectZMQ(out chan<- prometheus.Metric, z *zmq.Source) {
	for _, e := range z.Stats().Endpoints {
		gauge(out, sourceConnected, number(e.Connected), e.Name, e.Address)
		counter(out, sourceReceived, float64(e.Received), e.Name, e.Address)
		counter(out, sourceGaps, float64(e.Gaps), e.Name, e.Address)
		counter(out, sourceMissing, float64(e.Missing), e.Name, e.Address)
		counter(out, sourceRedials, float64(max(e.Connects, 1)-1), e.Name, e.Address)
		for reason, n := range e.Dropped {
			counter(out, sourceDropped, float64(n), e.Name, e.Address, reason)
		}
		if !e.LastMessage.IsZero() {
			gauge(out, sourceLast, float64(e.LastMessage.UnixMilli())/1000, e.Name, e.Address)
		}
	}
}

func collectIRC(out chan<- prometheus.Metric, b *irc.Backend) {
	for _, n := range b.Stats() {
		gauge(out, ircConnected, number(n.Connected), n.Network)
		counter(out, ircThrottled, n.Throttled.Seconds(), n.Network)
	}
}

func collectCount(out chan<- prometheus.Metric, c outbox.Count) {
	for result, n := range map[string]uint64{"sent": c.Sent, "deferred": c.Deferred, "refused": c.Refused, "expired": c.Expired} {
		counter(out, deliveries, float64(n), c.Backend, result)
	}
	counter(out, digests, float64(c.Digests), c.Backend)
	counter(out, notices, float64(c.Notices), c.Backend)
	gauge(out, backendDown, number(c.Down), c.Backend)
	histogram(out, sendTime, c.Send, c.Backend)
	histogram(out, totalTime, c.Total, c.Backend)
}

func (r rooms) collectDepth(ctx context.Context, out chan<- prometheus.Metric) {
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

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
