package outbox

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/internal/text"
)

// fold.go bounds what waits for one destination. What comes beyond is not kept, but counted in one notice, which waits
// like the others and says how many there were: nothing is lost silently, and the messages are in the history.

// folded begins the id of a notice that stands for others.
const folded = "folded-"

// A level is how many deliveries wait in a queue, as this process knows: those that were counted, and what it added.
type level struct {
	count int
	at    time.Time // when it was counted
	exact bool      // nothing was added since
}

// levels remembers them, so that a queue is counted only when it may be full.
type levels struct {
	mu sync.Mutex
	of map[int64]level
}

const (
	mostLevels = 200_000         // queues
	countAgain = 5 * time.Second // a queue that was full is counted again after this
)

// foldOverflow takes out of deliveries what goes to queues that are full, and counts it in their notices. Critical
// notices and mail about accounts go in any case.
func (o *Outbox) foldOverflow(tx *gorm.DB, deliveries []Delivery, queues map[queueKey]*queue) ([]Delivery, error) {
	if o.cfg.MostWaiting <= 0 {
		return deliveries, nil
	}
	over := map[queueKey][]Delivery{}
	var kept []Delivery
	pending := map[int64]int{} // of kept, by queue
	for _, d := range deliveries {
		if urgent(&d.Notice) || strings.HasPrefix(d.Destination, Account) {
			kept = append(kept, d)
			continue
		}
		id := queues[keyOf(d)].ID
		full, err := o.full(tx, id, pending[id])
		if err != nil {
			return nil, err
		}
		if full {
			over[keyOf(d)] = append(over[keyOf(d)], d)
		} else {
			kept = append(kept, d)
			pending[id]++
		}
	}
	for key, more := range over {
		fresh, err := unknown(tx, more)
		if err != nil {
			return nil, err
		}
		if len(fresh) == 0 {
			continue
		}
		if err := o.fold(tx, fresh, queues[key]); err != nil {
			return nil, err
		}
		o.counts.fold(key.backend, len(fresh))
	}
	return kept, nil
}

// full counts one more delivery in a queue and reports whether it is one too many. pending are those that this
// transaction has still to store.
func (o *Outbox) full(tx *gorm.DB, queue int64, pending int) (bool, error) {
	o.levels.mu.Lock()
	defer o.levels.mu.Unlock()
	f, known := o.levels.of[queue]
	now := o.now()
	if !known || f.count >= o.cfg.MostWaiting && (!f.exact || now.Sub(f.at) >= countAgain) {
		var n int
		err := tx.Raw("SELECT count(*) FROM deliveries WHERE lane = ? AND state = ?", queue, Waiting).Scan(&n).Error
		if err != nil {
			return false, fmt.Errorf("count what waits: %w", err)
		}
		f = level{n + pending, now, true}
	}
	full := f.count >= o.cfg.MostWaiting
	if !full {
		f.count++
		f.exact = false
	}
	if len(o.levels.of) >= mostLevels || o.levels.of == nil {
		o.levels.of = map[int64]level{}
	}
	o.levels.of[queue] = f
	return full, nil
}

// unknown leaves out what was stored before.
func unknown(tx *gorm.DB, deliveries []Delivery) ([]Delivery, error) {
	var messages []string
	for _, d := range deliveries {
		messages = append(messages, text.Storable(d.Message))
	}
	known := map[string]bool{}
	for part := range slices.Chunk(messages, chunk) {
		var found []string
		err := tx.Raw("SELECT message FROM deliveries WHERE destination = ? AND message IN ?",
			text.Storable(deliveries[0].Destination), part).Scan(&found).Error
		if err != nil {
			return nil, fmt.Errorf("find deliveries: %w", err)
		}
		for _, message := range found {
			known[message] = true
		}
	}
	return slices.DeleteFunc(deliveries, func(d Delivery) bool { return known[text.Storable(d.Message)] }), nil
}

// fold counts deliveries in a notice of their queue that waits, or in a new one.
func (o *Outbox) fold(tx *gorm.DB, more []Delivery, q *queue) error {
	now, last := o.shared(), more[len(more)-1]
	d := Delivery{Destination: last.Destination, Backend: last.Backend, Address: last.Address, Manage: last.Manage,
		DueAt: last.DueAt, Together: last.Together, Hold: last.Hold}
	count, there := len(more), row{}
	// of this hour, or where that one is on its way or was sent, of this minute, or of now
	for _, form := range []string{"2006-01-02T15", "2006-01-02T15:04", time.RFC3339Nano} {
		d.Message = folded + now.UTC().Format(form)
		var found []row
		err := tx.Where("message = ? AND destination = ?", d.Message, text.Storable(d.Destination)).Limit(1).
			Find(&found).Error
		if err != nil {
			return fmt.Errorf("find folded notice: %w", err)
		}
		if len(found) == 0 {
			break
		}
		if found[0].State == Waiting && found[0].Parcel == "" {
			there = found[0]
			if n, err := there.notice(); err == nil {
				count += n.Folded
			}
			break
		}
	}
	d.Notice = foldedNotice(d.Message, count, o.cfg.MostWaiting, now)
	r, err := newRow(d, q.ID, now)
	if err != nil {
		return err
	}
	if there.ID == 0 {
		err = tx.Create(&r).Error
	} else {
		err = tx.Exec("UPDATE deliveries SET notice = ? WHERE id = ?", r.Notice, there.ID).Error
	}
	if err != nil {
		return fmt.Errorf("store folded notice: %w", err)
	}
	q.ready(r.DueAt)
	return nil
}

func foldedNotice(id string, count, most int, now time.Time) backends.Notice {
	return backends.Notice{
		ID: id, Time: now.UTC(), Severity: "warning", Folded: count,
		Title: text.Plural(count, "notice was", "notices were") + " counted and not kept",
		Text: fmt.Sprintf("More than %d notices wait for this destination, so newer ones are only counted: %d. The "+
			"messages are in the history, on the pages.", most, count),
	}
}
