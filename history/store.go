package history

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// A Store keeps the history in a database with the current schema. It is safe for concurrent use.
type Store struct {
	writer, reader *gorm.DB
	now            func() time.Time
}

// NewStore makes a store on the two pools of a migrations.DB.
func NewStore(writer, reader *gorm.DB, now func() time.Time) *Store {
	return &Store{writer: writer, reader: reader, now: now}
}

// batch is the number of rows that one statement inserts or deletes: SQLite accepts 32766 parameters in one,
// PostgreSQL 65535.
const batch = 500

// Append stores events, as part of the transaction tx, and reports for each whether it is new. It is false for a
// message that is stored already, or that is repeated in events. All copies of one message have one ID.
func (s *Store) Append(tx *gorm.DB, events []*catalogue.Event) (added []bool, err error) {
	added = make([]bool, len(events))
	now := s.now()
	rows := make([]messageRow, len(events))
	order := make([]int, len(events))
	for i, e := range events {
		rows[i], order[i] = newRow(e, now), i
	}
	// in one order on all nodes: transactions that insert the same messages must not lock each other out
	slices.SortStableFunc(order, func(a, b int) int { return strings.Compare(rows[a].MsgID, rows[b].MsgID) })
	order = slices.CompactFunc(order, func(a, b int) bool { return rows[a].MsgID == rows[b].MsgID })
	for part := range slices.Chunk(order, batch) {
		if err := insert(tx, rows, part, added); err != nil {
			return nil, fmt.Errorf("append to history: %w", err)
		}
	}
	if err := s.index(tx, events, rows, added); err != nil {
		return nil, fmt.Errorf("index history: %w", err)
	}
	return added, nil
}

const columns = "msg_id, source, topic, app, kind, title, summary, link, sent_at, received_at, size, payload, " +
	"claimed_id, content_hash, verdict, signer, method, reason, marked, late"

var columnCount = strings.Count(columns, ",") + 1

// insert stores the rows that part names, sets the ids of those that are new, and marks them in added.
func insert(tx *gorm.DB, rows []messageRow, part []int, added []bool) error {
	row := "(" + strings.TrimSuffix(strings.Repeat("?, ", columnCount), ", ") + ")"
	statement := "INSERT INTO messages (" + columns + ") VALUES " + strings.Repeat(row+", ", len(part)-1) + row +
		" ON CONFLICT (msg_id) DO NOTHING RETURNING id, msg_id"
	args := make([]any, 0, columnCount*len(part))
	position := make(map[string]int, len(part))
	for _, i := range part {
		r := &rows[i]
		position[r.MsgID] = i
		args = append(args, r.MsgID, r.Source, r.Topic, r.App, r.Kind, r.Title, r.Summary, r.Link,
			r.SentAt, r.ReceivedAt, r.Size, r.Payload,
			r.ClaimedID, r.ContentHash, r.Verdict, r.Signer, r.Method, r.Reason, r.Marked, r.Late)
	}
	// not gorm's Scan, which also writes the statement out with all its payloads, for a log that is off
	stored, err := tx.Raw(statement, args...).Rows()
	if err != nil {
		return err
	}
	defer stored.Close()
	for stored.Next() {
		var id int64
		var msgID string
		if err := stored.Scan(&id, &msgID); err != nil {
			return err
		}
		i := position[msgID]
		rows[i].ID, added[i] = id, true
	}
	return stored.Err()
}

// index adds the users and packages of the new messages to the indexes.
func (s *Store) index(tx *gorm.DB, events []*catalogue.Event, rows []messageRow, added []bool) error {
	var users []messageUserRow
	var packages []messagePackageRow
	var facts []messageFactsRow
	for i, e := range events {
		if !added[i] {
			continue
		}
		if packed := pack(e); packed != nil {
			facts = append(facts, messageFactsRow{MessageID: rows[i].ID, Facts: packed})
		}
		for _, name := range names(append([]string{e.Actor}, e.Users...)) { // the actor is one of the users concerned
			users = append(users, messageUserRow{Name: name, SentAt: rows[i].SentAt, MessageID: rows[i].ID})
		}
		for _, name := range names(e.Packages) {
			packages = append(packages, messagePackageRow{Name: name, SentAt: rows[i].SentAt, MessageID: rows[i].ID})
		}
	}
	return errors.Join(store(tx, facts), store(tx, users), store(tx, packages))
}

// store inserts rows; the list may be empty.
func store[R any](tx *gorm.DB, rows []R) error {
	if len(rows) == 0 {
		return nil
	}
	return tx.CreateInBatches(rows, batch).Error
}

// Get returns the message with that id on the bus, or ErrNotFound.
func (s *Store) Get(ctx context.Context, msgID string) (Record, error) {
	var row messageRow
	err := s.reader.WithContext(ctx).Where("msg_id = ?", key(msgID)).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return Record{}, ErrNotFound
	}
	if err != nil {
		return Record{}, fmt.Errorf("read message: %w", err)
	}
	return row.record(), nil
}

// Size returns how much is stored. It reads an index of all messages: some milliseconds for each 100 000.
func (s *Store) Size(ctx context.Context) (Size, error) {
	var size Size
	err := s.reader.WithContext(ctx).Raw("SELECT count(*) AS messages, coalesce(sum(size), 0) AS bytes FROM messages").
		Scan(&size).Error
	if err != nil {
		return Size{}, fmt.Errorf("read size of history: %w", err)
	}
	return size, nil
}
