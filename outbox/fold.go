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

// A level is how many deliveries wait, as this process knows: those that were counted, and what it added.
type level struct {
	count int
	at    time.Time // when it was counted
	exact bool      // nothing was added since
}

// A heap is what is bounded: what waits in one queue, or for all destinations of one person.
type heap struct {
	queue int64
	owner string
}

// levels remembers the levels of heaps, so that one is counted only when it may be full.
type levels struct {
	mu sync.Mutex
	of map[heap]level
}

const (
	mostLevels = 200_000         // heaps
	countAgain = 5 * time.Second // what was full is counted again after this
)

// foldOverflow takes out of deliveries what goes to queues that are full, or to people for whom too much waits, and
// counts it in a notice of the queue. Critical notices and mail about accounts go in any case.
func (o *Outbox) foldOverflow(tx *gorm.DB, deliveries []Delivery, queues map[queueKey]*queue) ([]Delivery, error) {
	if o.cfg.MostWaiting <= 0 {
		return deliveries, nil
	}
	over := map[queueKey][]Delivery{}
	kept := make([]Delivery, 0, len(deliveries))
	pending := map[heap]int{} // of kept
	for _, d := range deliveries {
		if urgent(&d.Notice) || strings.HasPrefix(d.Destination, Account) {
			kept = append(kept, d)
			continue
		}
		q := queues[keyOf(d)]
		full, err := o.full(tx, q, pending)
		if err != nil {
			return nil, err
		}
		if full {
			over[keyOf(d)] = append(over[keyOf(d)], d)
			continue
		}
		kept = append(kept, d)
		pending[heap{queue: q.ID}]++
		pending[heap{owner: q.Owner}]++
	}
	for key, more := range over {
		fresh, known, err := unknown(tx, more, queues[key].ID)
		if err != nil {
			return nil, err
		}
		kept = append(kept, known...)
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
func (o *Outbox) full(tx *gorm.DB, q *queue, pending map[heap]int) (bool, error) {
	o.levels.mu.Lock()
	defer o.levels.mu.Unlock()
	if q.Owner != "" {
		const waiting = `SELECT count(*) FROM deliveries d JOIN lanes l ON l.id = d.lane
			WHERE l.owner = ? AND d.state = 'waiting' AND d.settled_at = 0`
		h := heap{owner: q.Owner}
		if full, err := o.count(tx, h, o.cfg.MostOwed, pending[h], waiting, q.Owner); full || err != nil {
			return full, err
		}
	}
	const waiting = "SELECT count(*) FROM deliveries WHERE lane = ? AND state = 'waiting' AND settled_at = 0"
	h := heap{queue: q.ID}
	return o.count(tx, h, o.cfg.MostWaiting, pending[h], waiting, q.ID)
}

// count counts one more in a heap. query counts those that are stored.
func (o *Outbox) count(tx *gorm.DB, h heap, most, pending int, query string, arg any) (bool, error) {
	f, known := o.levels.of[h]
	now := o.now()
	if !known || f.count >= most && (!f.exact || now.Sub(f.at) >= countAgain) {
		var n int
		if err := tx.Raw(query, arg).Scan(&n).Error; err != nil {
			return false, fmt.Errorf("count what waits: %w", err)
		}
		f = level{n + pending, now, true}
	}
	full := f.count >= most
	if !full {
		f.count++
		f.exact = false
	}
	if len(o.levels.of) >= mostLevels || o.levels.of == nil {
		o.levels.of = map[heap]level{}
	}
	o.levels.of[h] = f
	return full, nil
}

// unknown parts what was stored before from what was not.
func unknown(tx *gorm.DB, deliveries []Delivery, queue int64) (fresh, known []Delivery, err error) {
	there := map[string]bool{}
	for part := range slices.Chunk(deliveries, chunk) {
		var messages, found []string
		for _, d := range part {
			messages = append(messages, text.Storable(d.Message))
		}
		err := tx.Raw(`SELECT c.message FROM contents c JOIN deliveries d ON d.content = c.id AND d.lane = ?
			WHERE c.message <> '' AND c.message IN ?`, queue, messages).Scan(&found).Error
		if err != nil {
			return nil, nil, fmt.Errorf("find deliveries: %w", err)
		}
		for _, message := range found {
			there[message] = true
		}
	}
	for _, d := range deliveries {
		if there[text.Storable(d.Message)] {
			known = append(known, d)
		} else {
			fresh = append(fresh, d)
		}
	}
	return fresh, known, nil
}

// fold counts deliveries in a notice of their queue that waits, or in a new one.
func (o *Outbox) fold(tx *gorm.DB, more []Delivery, q *queue) error {
	now, last := o.shared(), more[len(more)-1]
	d := Delivery{Destination: last.Destination, Backend: last.Backend, Address: last.Address, Manage: last.Manage,
		Owner: last.Owner, DueAt: last.DueAt, Together: last.Together, Hold: last.Hold}
	count, there := len(more), row{}
	// of this hour, or where that one is on its way or was sent, of this minute, or of now
	for _, form := range []string{"2006-01-02T15", "2006-01-02T15:04", time.RFC3339Nano} {
		d.Message = folded + now.UTC().Format(form)
		found, err := readRows(tx, `WHERE lane = ? AND content = (SELECT id FROM contents WHERE message <> ''
			AND message = ?)`, q.ID, d.Message)
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
	d.Notice = foldedNotice(d.Message, count, o.cfg, now)
	if there.ID != 0 {
		encoded, _, err := encode(d.Notice)
		if err == nil { // no two deliveries share it: see newPlaced
			err = tx.Exec("UPDATE contents SET notice = ? WHERE id = ?", encoded, there.own()).Error
		}
		if err != nil {
			return fmt.Errorf("store folded notice: %w", err)
		}
		q.ready(stamp(d.DueAt))
		return nil
	}
	_, err := o.store(tx, []Delivery{d}, map[queueKey]*queue{keyOf(d): q}, now)
	return err
}

func foldedNotice(id string, count int, cfg Config, now time.Time) backends.Notice {
	return backends.Notice{
		ID: id, Time: now.UTC(), Severity: "warning", Folded: count,
		Title: text.Plural(count, "notice was", "notices were") + " counted and not kept",
		Text: fmt.Sprintf("More than %d notices wait for this destination, or more than %d for all of yours, so newer "+
			"ones are only counted: %d. The messages are in the history, on the pages.", cfg.MostWaiting, cfg.MostOwed,
			count),
	}
}
