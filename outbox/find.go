package outbox

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/internal/text"
)

// A Query selects deliveries. A zero field does not restrict.
type Query struct {
	IDs          []int64
	Message      string // the id of a message on the bus
	State        State
	Backend      string
	Destinations []string  // by key; nil: of all. Empty and not nil: of none
	Reason       string    // is part of the last error, in any case
	From, Until  time.Time // when it ended (Done and Dead), or else was added
	Before       int64     // ids below this one: the next page; 0: the first
	Limit        int       // at most 500, which 0 means too
}

// A Cause is how many of the deliveries that a Query selects have the same last error, for one backend.
type Cause struct {
	Backend string
	Reason  string // without addresses; "" when nothing went wrong yet
	Count   int
}

// maxPage bounds the entries of one page.
const maxPage = 500

func page(limit int) int {
	if limit <= 0 || limit > maxPage {
		return maxPage
	}
	return limit
}

// maxCauses bounds the answer of Causes.
const maxCauses = 200

// unreadable is the title of an Entry whose stored notice is broken.
const unreadable = "(cannot be read)"

// Find gives the deliveries that q selects, newest first.
func (o *Outbox) Find(ctx context.Context, q Query) ([]Entry, error) {
	var rows []row
	if err := q.pick(o.reader.WithContext(ctx)).Order("id DESC").Limit(page(q.Limit)).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("find deliveries: %w", err)
	}
	return entries(rows), nil
}

// Recent gives deliveries to destinations, newest first, at most limit; none for no destinations. before is the id of
// the last entry of the page before, or 0.
func (o *Outbox) Recent(ctx context.Context, destinations []string, before int64, limit int) ([]Entry, error) {
	if len(destinations) == 0 {
		return nil, nil // a Query without destinations would find everybody's
	}
	return o.Find(ctx, Query{Destinations: destinations, Before: before, Limit: limit})
}

// OfMessage gives the deliveries of one message to some destinations, in the order they were stored.
func (o *Outbox) OfMessage(ctx context.Context, message string, destinations []string) ([]Entry, error) {
	if len(destinations) == 0 {
		return nil, nil
	}
	var rows []row
	err := o.reader.WithContext(ctx).Where("message = ? AND destination IN ?", text.Storable(message), destinations).
		Order("id").Limit(maxPage).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read deliveries of a message: %w", err)
	}
	return entries(rows), nil
}

// Causes counts the deliveries that q selects by their last error, the most frequent first. It ignores q.Before and
// q.Limit.
func (o *Outbox) Causes(ctx context.Context, q Query) ([]Cause, error) {
	q.Before = 0
	var found []Cause
	err := q.pick(o.reader.WithContext(ctx).Model(&row{})).Select("backend, last_error AS reason, count(*) AS count").
		Group("backend, last_error").Order("count(*) DESC, backend, last_error").Limit(maxCauses).Scan(&found).Error
	if err != nil {
		return nil, fmt.Errorf("count causes: %w", err)
	}
	return found, nil
}

// A Went is a parcel that was made for a destination.
type Went struct {
	Parcel string
	At     time.Time // when it was sent or given up; else when its first notice was added
}

// maxWent bounds the answer of Went.
const maxWent = 5000

// Went gives the parcels that were made for a destination, newest first, in the caller's transaction: those that are
// kept, whatever became of them.
func (o *Outbox) Went(tx *gorm.DB, destination string) ([]Went, error) {
	var found []struct {
		Parcel string
		At     int64
	}
	err := tx.Raw(`SELECT parcel, max(CASE WHEN settled_at > 0 THEN settled_at ELSE added_at END) AS at FROM deliveries
		WHERE destination = ? AND parcel <> '' GROUP BY parcel ORDER BY max(id) DESC LIMIT ?`, text.Storable(destination),
		maxWent).Scan(&found).Error
	if err != nil {
		return nil, fmt.Errorf("read parcels of a destination: %w", err)
	}
	list := make([]Went, len(found))
	for i, f := range found {
		list[i] = Went{f.Parcel, unstamp(f.At)}
	}
	return list, nil
}

// A Heap is how many deliveries to one destination are in a state.
type Heap struct {
	Backend, Destination string
	Count                int
	Oldest               time.Time // when the first of them was added
}

// Heaps counts the deliveries in a state by destination, the most first, at most limit.
func (o *Outbox) Heaps(ctx context.Context, state State, limit int) ([]Heap, error) {
	var found []struct {
		Backend, Destination string
		Count                int
		Oldest               int64
	}
	err := o.reader.WithContext(ctx).Raw(`SELECT backend, destination, count(*) AS count, min(added_at) AS oldest
		FROM deliveries WHERE state = ? GROUP BY backend, destination
		ORDER BY count(*) DESC, backend, destination LIMIT ?`, state, page(limit)).Scan(&found).Error
	if err != nil {
		return nil, fmt.Errorf("count deliveries by destination: %w", err)
	}
	list := make([]Heap, len(found))
	for i, f := range found {
		list[i] = Heap{f.Backend, f.Destination, f.Count, unstamp(f.Oldest)}
	}
	return list, nil
}

func (q Query) pick(tx *gorm.DB) *gorm.DB {
	if q.IDs != nil {
		tx = tx.Where("id IN ?", q.IDs)
	}
	if q.Message != "" {
		tx = tx.Where("message = ?", text.Storable(q.Message))
	}
	if q.State != "" {
		tx = tx.Where("state = ?", q.State)
	}
	if q.Backend != "" {
		tx = tx.Where("backend = ?", q.Backend)
	}
	if q.Destinations != nil {
		tx = tx.Where("destination IN ?", q.Destinations)
	}
	if q.Reason != "" {
		literal := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text.Storable(q.Reason))
		tx = tx.Where(`lower(last_error) LIKE lower(?) ESCAPE '\'`, "%"+literal+"%")
	}
	const at = "CASE WHEN settled_at > 0 THEN settled_at ELSE added_at END"
	if !q.From.IsZero() {
		tx = tx.Where(at+" >= ?", stamp(q.From))
	}
	if !q.Until.IsZero() {
		tx = tx.Where(at+" < ?", stamp(q.Until))
	}
	if q.Before > 0 {
		tx = tx.Where("id < ?", q.Before)
	}
	return tx
}

// entries turns rows into entries. A row whose notice is broken is among them: its owner sees that something failed.
func entries(rows []row) []Entry {
	list := make([]Entry, 0, len(rows))
	for _, r := range rows {
		n, err := r.notice()
		if err != nil {
			n = backends.Notice{ID: r.Message, Title: unreadable, Text: unreadable}
		}
		if r.State == Done {
			n = r.whole(n)
		}
		list = append(list, Entry{
			ID: r.ID, Message: r.Message, Destination: r.Destination, Backend: r.Backend, Address: r.Address,
			Manage: r.Manage, Notice: n, Broken: err != nil, Together: r.Together, State: r.State, Parcel: r.Parcel,
			AddedAt: unstamp(r.AddedAt), DueAt: unstamp(r.DueAt), FinishedAt: unstamp(r.FinishedAt),
			Attempts: int(r.Attempts), LastError: r.LastError, Hold: r.Hold,
		})
	}
	return list
}
