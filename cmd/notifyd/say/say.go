// Package say is what notifyd itself says on the bus: that a service or an endpoint has fallen silent and is back, that
// somebody has changed their preferences, that a notice was sent.
//
// A Voice makes messages of it, in fedmsg's form, under the topics PREFIX.ENV.notifyd.EVENT, and hands them to the
// Intake like any source. So they are stored, filters match them, and outlets hand them on. They are marked as ours
// (bus.Frame.Own), and so trusted; nothing that comes from a bus is.
//
// What is to be said stands in a table, put there by the transaction that it tells of, until the message is in the
// history. So it is said at least once, and kept once: its id is made of the row, and the same at each attempt.
//
//   - source.silent, source.back: by Silences, with what it stores of the silence.
//   - preferences.changed: what somebody changes within some seconds is one message, however much it is. A stop link
//     counts, but nothing that the program does by itself.
//   - notice.sent: one message for each parcel, and none about notices that tell of what a notifyd says, this one or
//     another: that would never end.
//
// Messages bear account names, kinds of change and ids of messages; no address, no filter, no text.
package say

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/trust"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/internal/metric"
)

// The events.
const (
	SourceSilent       = "source.silent"
	SourceBack         = "source.back"
	PreferencesChanged = "preferences.changed"
	NoticeSent         = "notice.sent"
)

// Events are all events.
func Events() []string { return []string{SourceSilent, SourceBack, PreferencesChanged, NoticeSent} }

// Name is the Frame.Source of what a Voice says.
const Name = "notifyd"

// A Config is what a Voice needs.
type Config struct {
	Prefix, Env string   // first words of the topics
	Events      []string // that are said; the others are not
	Store       *history.Store
	Signer      func() *trust.Signer // gives nil where messages are not signed
	Now         func() time.Time
	Log         *slog.Logger
}

// A Voice says things. It is safe for concurrent use.
type Voice struct {
	Config
	more chan struct{} // has room for one: there is room for more
	done chan struct{} // the same: something is in the history

	mu      sync.Mutex
	out     map[int64]bool // rows that were handed over and are not forgotten
	stored  []int64        // those of them that are in the history
	counter int64
	said    map[string]uint64
}

// New makes a Voice.
func New(c Config) *Voice {
	return &Voice{
		Config: c, more: make(chan struct{}, 1), done: make(chan struct{}, 1), out: map[int64]bool{},
		said: map[string]uint64{},
	}
}

// Says reports whether an event is said.
func (v *Voice) Says(event string) bool { return slices.Contains(v.Events, event) }

// Topic gives the topic of an event.
func (v *Voice) Topic(event string) string { return v.Prefix + "." + v.Env + ".notifyd." + event }

// Add notes, as part of tx, what is to be said, where the event is. What is added about the same subject before it is
// said is counted.
func (v *Voice) Add(tx *gorm.DB, event string, all ...Saying) error {
	if !v.Says(event) || len(all) == 0 {
		return nil
	}
	rows := make([]history.Own, len(all))
	for i, s := range all {
		body, err := json.Marshal(s.Body)
		if err != nil {
			return fmt.Errorf("write what is to be said: %w", err)
		}
		rows[i] = history.Own{Event: event, Subject: s.Subject, Body: string(body)}
	}
	return v.Store.AddOwn(tx, rows)
}

// A Saying is what is to be said about a subject.
type Saying struct {
	Subject string
	Body    any
}

const (
	looked  = time.Second     // how often the table is looked at
	settled = 5 * time.Second // how long it waits for more changes of somebody's preferences
	most    = 500             // messages on their way at once
)

// Run hands over what is to be said, until ctx ends.
func (v *Voice) Run(ctx context.Context, in *bus.Intake) error {
	tick := time.NewTicker(looked)
	defer tick.Stop()
	for failed := false; ; {
		err := v.sayAll(ctx, in)
		if err != nil && !failed && ctx.Err() == nil { // once: it is tried each second
			v.Log.Error("cannot say what is to be said; trying again", "error", err)
		}
		failed = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-v.more:
		}
	}
}

func (v *Voice) sayAll(ctx context.Context, in *bus.Intake) error {
	v.mu.Lock()
	before := maps.Clone(v.out) // while in makes us wait, some of them are forgotten
	v.mu.Unlock()
	rows, err := v.Store.TakeOwn(ctx, []string{PreferencesChanged}, v.Now().Add(-settled), most)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if before[row.ID] {
			continue
		}
		v.mu.Lock()
		v.out[row.ID] = true
		v.mu.Unlock()
		f, err := v.frame(row)
		if err != nil {
			v.Log.Error("cannot say something; it is left out", "event", row.Event, "error", err)
			v.stores(row.ID)
			continue
		}
		if err := in.Put(ctx, f); err != nil {
			v.mu.Lock()
			defer v.mu.Unlock()
			delete(v.out, row.ID)
			return err
		}
	}
	return nil
}

// stores notes that a row is in the history, or need not be. It does not wait.
func (v *Voice) stores(row int64) {
	v.mu.Lock()
	v.stored = append(v.stored, row)
	v.mu.Unlock()
	signal(v.done)
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// frame writes a row as a publisher of fedmsg does. The id is always the same.
func (v *Voice) frame(row history.Own) (bus.Frame, error) {
	parsed, err := bus.ParseJSON([]byte(row.Body))
	if err != nil {
		return bus.Frame{}, err
	}
	if body, ok := parsed.(map[string]any); ok && row.Event == PreferencesChanged {
		body["changes"] = row.Times
	}
	topic := v.Topic(row.Event)
	sum := sha256.Sum256(fmt.Append(nil, topic, " ", row.ID, " ", row.Made.UnixMicro(), " ", row.Subject))
	id, err := bus.NewID(row.Made, bytes.NewReader(sum[:]))
	if err != nil {
		return bus.Frame{}, err
	}
	v.mu.Lock()
	v.counter++
	counter := v.counter
	v.said[row.Event]++
	v.mu.Unlock()
	payload, err := bus.Encode(&bus.Message{
		ID: id, Topic: topic, Time: row.Made, Counter: counter, Username: Name, Body: parsed,
	})
	if err == nil && v.Signer != nil {
		if signer := v.Signer(); signer != nil {
			payload, err = signer.Sign(payload)
		}
	}
	if err != nil {
		return bus.Frame{}, err
	}
	return bus.Frame{
		Source: Name, Topic: topic, Payload: payload, Own: true, Ack: func() { v.stores(row.ID) },
	}, nil
}

// Forget deletes what is in the history, until ctx ends; then what is left. It ends after the router.
func (v *Voice) Forget(ctx context.Context) error {
	tick := time.NewTicker(looked)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			v.forget(last)
			return nil
		case <-v.done:
		case <-tick.C:
		}
		v.forget(ctx)
	}
}

func (v *Voice) forget(ctx context.Context) {
	v.mu.Lock()
	stored := v.stored
	v.stored = nil
	v.mu.Unlock()
	if len(stored) == 0 {
		return
	}
	err := v.Store.ForgetOwn(ctx, stored)
	v.mu.Lock()
	defer v.mu.Unlock()
	if err != nil {
		v.stored = append(v.stored, stored...)
		v.Log.Error("cannot forget what was said; trying again", "error", err)
		return
	}
	for _, id := range stored {
		delete(v.out, id)
	}
	if len(v.out) == 0 {
		signal(v.more)
	}
}

var saidDesc = &metric.Desc{Name: "notifyd_own_messages_total", Help: "Messages that notifyd itself said, by event.",
	Type: metric.Counter, Labels: []string{"event"}}

// Collect emits how much was said.
func (v *Voice) Collect(emit metric.Emit) {
	v.mu.Lock()
	said := maps.Clone(v.said)
	v.mu.Unlock()
	for event, n := range said {
		emit(saidDesc, float64(n), event)
	}
}
