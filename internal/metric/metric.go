// Package metric is a figure as a source or a backend offers it, without the collector that exports it.
//
// A room that counts something declares what it counts once, as a Desc, and hands the values over whenever it is asked:
//
//	var received = &metric.Desc{
//		Name: "notifyd_source_messages_received_total", Help: "Frames received.",
//		Type: metric.Counter, Labels: []string{"source", "address"},
//	}
//
//	func (s *Source) Collect(emit metric.Emit) { emit(received, float64(s.received()), "stdin", "-") }
//
// The terms are those of Prometheus (https://prometheus.io/docs/concepts/data_model): a metric is a family of series of
// one name, a series has one value for each label, a counter only grows, a gauge goes up and down. Check holds what a
// room offers against the rules of that model; the test kits of sources and backends call it.
package metric

// A Desc describes a metric. It never changes once it is declared: collectors may remember it by its pointer.
type Desc struct {
	Name   string   // notifyd_ROOM_WHAT_UNIT; that of a Counter ends in _total
	Help   string   // one sentence, for the operator
	Type   Type     // Gauge where it is not set
	Labels []string // names of the labels, in the order in which Emit takes their values
}

// Type says how a metric moves.
type Type int

// The types of a metric. Histograms are no matter of sources and backends: the outbox measures its sends itself.
const (
	Gauge   Type = iota // goes up and down
	Counter             // only grows, from 0 at the start of the process
)

// Emit takes the value of one series, with one value for each of d's labels. Seconds and bytes are the units; a time is
// in seconds since 1970. It must not be called after the Collect that it was given to has returned.
type Emit func(d *Desc, value float64, labels ...string)

// Bool is 1 for true and 0 for false, as a Gauge tells a state.
func Bool(state bool) float64 {
	if state {
		return 1
	}
	return 0
}
