package outbox

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/internal/text"
)

// A Query selects deliveries. A zero field does not restrict.
type Query struct {
	IDs          []int64
	Message      string // the id of a message on the bus
	State        State
	Backend      string
	Parcel       string    // the id of what they were sent in
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
	from, args := q.from()
	tx := o.reader.WithContext(ctx)
	rows, err := readRows(tx, "WHERE id IN (SELECT d.id"+from+" ORDER BY d.id DESC LIMIT ?) ORDER BY id DESC",
		append(args, page(q.Limit))...)
	if err != nil {
		return nil, fmt.Errorf("find deliveries: %w", err)
	}
	return o.entries(tx, rows)
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
	tx := o.reader.WithContext(ctx)
	rows, err := readRows(tx, `WHERE content = (SELECT id FROM contents WHERE message <> '' AND message = ?)
		AND destination IN ? ORDER BY id LIMIT ?`, text.Storable(message), destinations, maxPage)
	if err != nil {
		return nil, fmt.Errorf("read deliveries of a message: %w", err)
	}
	return o.entries(tx, rows)
}

// Causes counts the deliveries that q selects by their last error, the most frequent first. It ignores q.Before and
// q.Limit.
func (o *Outbox) Causes(ctx context.Context, q Query) ([]Cause, error) {
	q.Before = 0
	var found []Cause
	from, args := q.from()
	err := o.reader.WithContext(ctx).Raw("SELECT l.backend, d.last_error AS reason, count(*) AS count"+from+
		" GROUP BY l.backend, d.last_error ORDER BY count(*) DESC, l.backend, d.last_error LIMIT ?",
		append(args, maxCauses)...).Scan(&found).Error
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
		WHERE lane IN (SELECT id FROM lanes WHERE destination = ?) AND parcel <> ''
		GROUP BY parcel ORDER BY max(id) DESC LIMIT ?`, text.Storable(destination), maxWent).Scan(&found).Error
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
	err := o.reader.WithContext(ctx).Raw(`SELECT l.backend, l.destination, count(*) AS count, min(d.added_at) AS oldest
		FROM deliveries d JOIN lanes l ON l.id = d.lane WHERE `+inState(state)+` GROUP BY l.backend, l.destination
		ORDER BY count(*) DESC, l.backend, l.destination LIMIT ?`, page(limit)).Scan(&found).Error
	if err != nil {
		return nil, fmt.Errorf("count deliveries by destination: %w", err)
	}
	list := make([]Heap, len(found))
	for i, f := range found {
		list[i] = Heap{f.Backend, f.Destination, f.Count, unstamp(f.Oldest)}
	}
	return list, nil
}

// inState is the condition on a state, d.state, in the words by which the indexes of open and of dead deliveries are
// found.
func inState(state State) string {
	switch state {
	case Waiting, Claimed:
		return "d.settled_at = 0 AND d.state = '" + string(state) + "'"
	case Done, Dead:
		return "d.state = '" + string(state) + "'"
	}
	return "false"
}

// from gives the tables that hold what q selects, with its conditions.
func (q Query) from() (from string, args []any) {
	conditions := []string{"true"}
	add := func(condition string, arg ...any) {
		conditions, args = append(conditions, condition), append(args, arg...)
	}
	if q.IDs != nil {
		add("d.id IN ?", q.IDs)
	}
	if q.Message != "" {
		add("d.content = (SELECT id FROM contents WHERE message <> '' AND message = ?)", text.Storable(q.Message))
	}
	if q.State != "" {
		add(inState(q.State))
	}
	if q.Backend != "" {
		add("l.backend = ?", q.Backend)
	}
	if q.Parcel != "" {
		add("d.parcel = ?", text.Storable(q.Parcel))
	}
	if q.Destinations != nil {
		add("d.lane IN (SELECT id FROM lanes WHERE destination IN ?)", q.Destinations)
	}
	if q.Reason != "" {
		literal := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text.Storable(q.Reason))
		add(`lower(d.last_error) LIKE lower(?) ESCAPE '\'`, "%"+literal+"%")
	}
	const at = "CASE WHEN d.settled_at > 0 THEN d.settled_at ELSE d.added_at END"
	if !q.From.IsZero() {
		add(at+" >= ?", stamp(q.From))
	}
	if !q.Until.IsZero() {
		add(at+" < ?", stamp(q.Until))
	}
	if q.Before > 0 {
		add("d.id < ?", q.Before)
	}
	return " FROM deliveries d JOIN lanes l ON l.id = d.lane WHERE " + strings.Join(conditions, " AND "), args
}
