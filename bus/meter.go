package bus

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/notifyd/notifyd/internal/metric"
)

// Metered is a Source that offers metrics. An exporter needs to know nothing else about the source.
type Metered interface {
	// Collect emits every series that the source has, as it stands now. It waits for no bus, and is safe at any time.
	Collect(emit metric.Emit)
}

// StandbyMetric stands instead of ConnectedMetric where another node receives from the address.
const StandbyMetric = sourcePrefix + "standby"

// The metrics that every source can offer. Their labels are Frame.Source, and the address that frames come from.
var (
	connectedDesc = sourceDesc(connected, "1 while frames can come from the address.", metric.Gauge)
	reconnectDesc = sourceDesc(reconnects, "Connections made after the first.", metric.Counter)
	receivedDesc  = sourceDesc(received, "Frames received.", metric.Counter)
	droppedDesc   = sourceDesc("messages_dropped_total", "Frames dropped before the router, by reason.",
		metric.Counter, "reason")
	waitingDesc = sourceDesc("waiting", "1 while the bus is made to wait for the router.", metric.Gauge)
	waitedDesc  = sourceDesc("wait_seconds_total", "Time that the bus was made to wait.", metric.Counter)
	lastDesc    = sourceDesc(lastMessage, "Time of the last frame.", metric.Gauge)
)

// The names of some of them: connections that there are, those made after the first, frames, and when the last came.
const (
	ConnectedMetric   = sourcePrefix + connected
	ReconnectsMetric  = sourcePrefix + reconnects
	ReceivedMetric    = sourcePrefix + received
	LastMessageMetric = sourcePrefix + lastMessage
)

const (
	sourcePrefix = "notifyd_source_"
	connected    = "connected"
	reconnects   = "reconnects_total"
	received     = "messages_received_total"
	lastMessage  = "last_message_timestamp_seconds"
)

func sourceDesc(name, help string, t metric.Type, more ...string) *metric.Desc {
	labels := append([]string{"source", "address"}, more...)
	return &metric.Desc{Name: sourcePrefix + name, Help: help, Type: t, Labels: labels}
}

// Reasons for which a source drops a frame. A source may have more of its own, a fixed set.
const (
	DroppedFull  = "queue_full" // the router does not keep up, and the bus cannot be made to wait
	DroppedTopic = "bad_topic"  // CheckTopic refuses it
	DroppedLarge = "too_large"  // a payload over MaxPayload
)

// A Meter counts what comes to a source from one address. A source that embeds one is Metered:
//
//	type Source struct {
//		*bus.Meter
//		...
//	}
//
//	func (s *Source) Run(ctx context.Context, in *bus.Intake) error {
//		defer s.Ended()
//		...
//
// It is safe for concurrent use.
type Meter struct {
	source, address string
	log             *slog.Logger
	now             func() time.Time

	mu      sync.Mutex
	traffic Traffic
	drops   map[string]*drops // by reason; reasons are few and ours
	look    *time.Timer       // by which lookAtDrops is called next; nil: all totals are logged
	ended   bool

	waiting      int       // frames that wait for room
	waitingSince time.Time // when that has changed last
}

// Traffic is a snapshot of a Meter.
type Traffic struct {
	Connected   bool
	Connects    uint64            // each but the first is a reconnect
	Received    uint64            // frames within the bounds, handed over or dropped for want of room
	Dropped     map[string]uint64 // frames that were not handed over, by reason
	LastMessage time.Time         // zero: none yet
	Waiting     bool              // a frame waits for room, and the bus waits for us
	Waited      time.Duration     // how long that has been so in all
}

// NewMeter makes a Meter for frames of a source, named as in Frame.Source, that come from address, which is "-" where
// there is none. Drops are logged to log. The source calls Ended when its Run returns.
func NewMeter(source, address string, log *slog.Logger) *Meter {
	return &Meter{
		source: source, address: address, log: log, now: time.Now,
		drops: map[string]*drops{},
	}
}

// Connected notes that frames can come from now on, or no longer.
func (m *Meter) Connected(up bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.traffic.Connected = up
	if up {
		m.ended = false // it may run again
		m.traffic.Connects++
	}
}

// Received counts a frame.
func (m *Meter) Received() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.traffic.Received++
	m.traffic.LastMessage = m.now()
}

// Forward counts f, names its source and hands it over, waiting for room: all that a source has to do with a frame
// where its bus can be made to wait. A frame out of bounds is dropped, counted and done with. The error is ctx's, when
// it ends first, or ErrClosed; then f was not handed over.
func (m *Meter) Forward(ctx context.Context, in *Intake, f Frame) error {
	if !m.admit(&f) || in.TryPut(f) {
		return nil
	}
	m.wait(1)
	defer m.wait(-1)
	return in.Put(ctx, f)
}

// Offer is Forward where the bus cannot be made to wait: false says that there was no room, and that f was dropped,
// counted and done with.
func (m *Meter) Offer(in *Intake, f Frame) bool {
	if !m.admit(&f) || in.TryPut(f) {
		return true
	}
	m.Dropped(DroppedFull)
	f.Done()
	return false
}

// admit counts f and names its source; false: it is out of bounds, and dropped.
func (m *Meter) admit(f *Frame) bool {
	f.Source = m.source
	if reason := f.OutOfBounds(); reason != "" {
		m.Dropped(reason)
		f.Done()
		return false
	}
	m.Received()
	return true
}

// wait notes that one frame more, or less, waits for room.
func (m *Meter) wait(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	if m.waiting > 0 {
		m.traffic.Waited += now.Sub(m.waitingSince)
	}
	m.waiting += n
	m.waitingSince = now
}

// OutOfBounds gives the reason to drop f: a topic that CheckTopic refuses, or a payload over MaxPayload. "" for none.
func (f Frame) OutOfBounds() string {
	switch {
	case CheckTopic(f.Topic) != nil:
		return DroppedTopic
	case len(f.Payload) > MaxPayload:
		return DroppedLarge
	}
	return ""
}

// Traffic gives a snapshot.
func (m *Meter) Traffic() Traffic {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.traffic
	t.Dropped = map[string]uint64{}
	for reason, d := range m.drops {
		t.Dropped[reason] = d.total
	}
	if t.Waiting = m.waiting > 0; t.Waiting {
		t.Waited += m.now().Sub(m.waitingSince)
	}
	return t
}

// Collect emits the metrics that every source has. After Ended it says no more whether there is a connection: a file
// that was read to its end has not lost one.
func (m *Meter) Collect(emit metric.Emit) {
	t := m.Traffic()
	if !m.hasEnded() {
		emit(connectedDesc, metric.Bool(t.Connected), m.source, m.address)
	}
	emit(reconnectDesc, float64(max(t.Connects, 1)-1), m.source, m.address)
	emit(receivedDesc, float64(t.Received), m.source, m.address)
	emit(waitingDesc, metric.Bool(t.Waiting), m.source, m.address)
	emit(waitedDesc, t.Waited.Seconds(), m.source, m.address)
	for reason, n := range t.Dropped {
		emit(droppedDesc, float64(n), m.source, m.address, reason)
	}
	if !t.LastMessage.IsZero() {
		emit(lastDesc, float64(t.LastMessage.UnixMilli())/1000, m.source, m.address)
	}
}

func (m *Meter) hasEnded() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ended
}
