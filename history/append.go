package history

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/history/partitions"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// Append stores events, as part of the transaction tx, and gives the outcome of each. A message is kept once: a copy
// changes nothing, unless it proves more than the one before. Two messages that claim one id are both kept. Ids that
// two buses write differently are one id (bus.CommonID), and it is kept as it came first.
//
// The usual message costs one part of one statement. Only those whose id is taken are looked at again, one by one. On
// PostgreSQL a lock of the id then keeps other nodes from deciding about the same id at the same time.
func (s *Store) Append(tx *gorm.DB, events []*catalogue.Event) ([]Outcome, error) {
	return newAppending(tx, events, s.now(), &s.room).run()
}

func (a *appending) run() ([]Outcome, error) {
	for _, step := range []func() error{a.insertAll, a.dropRepeats, a.lockTaken, a.resolveTaken} {
		if err := step(); err != nil {
			a.room.Forget()
			return nil, fmt.Errorf("append to history: %w", err)
		}
	}
	if err := a.index(); err != nil {
		return nil, fmt.Errorf("index history: %w", err)
	}
	return a.outcomes, nil
}

// An appending is one call of Append under way. Its slices go by the position of the event.
type appending struct {
	tx       *gorm.DB
	room     *partitions.Room
	rows     []messageRow
	outcomes []Outcome
	unnamed  []bool   // the row is stored, but not its names
	taken    []int    // whose ids are taken, in the order of the ids
	copying  *copying // by COPY; nil: by INSERT
	numbered func()   // called when all have ids on PostgreSQL; may be nil
}

func newAppending(tx *gorm.DB, events []*catalogue.Event, now time.Time, room *partitions.Room) *appending {
	a := &appending{
		tx: tx, room: room, rows: make([]messageRow, len(events)), outcomes: make([]Outcome, len(events)),
		unnamed: make([]bool, len(events)),
	}
	for i, e := range events {
		a.rows[i], a.outcomes[i].Event = newRow(e, now), e
		a.judgeID(i)
	}
	return a
}

// judgeID keeps an event aside that comes with a derived id. An id that is derived from the content of the event itself
// stays: another history has kept it aside, and a forger gains no more by it than by the id it is made of.
func (a *appending) judgeID(i int) {
	r := &a.rows[i]
	switch base, derived := baseID(r.MsgID); {
	case derived && derivedID(base, r.ContentHash) == r.MsgID:
		r.ClaimedID, r.CommonID = base, ""
	case derived:
		a.keepAside(i)
	}
}

// keepAside gives an event a derived id, and its row too.
func (a *appending) keepAside(i int) {
	r := &a.rows[i]
	r.ClaimedID, r.CommonID = r.MsgID, ""
	a.rename(i, derivedID(r.MsgID, r.ContentHash))
}

// rename gives an event another id, and its row too.
func (a *appending) rename(i int, id string) {
	a.rows[i].MsgID = id
	a.outcomes[i].Event = a.outcomes[i].Event.WithID(id)
}

// batch is the number of rows that one statement inserts or deletes: SQLite accepts 32766 parameters in one,
// PostgreSQL 65535.
const batch = 500

// insertAll stores the events whose ids are free. Their ids in this history go up as they came, so that who reads on by
// them, such as a bridge, keeps the order of each sender.
func (a *appending) insertAll() error {
	order := make([]int, len(a.rows))
	for i := range order {
		order[i] = i
	}
	// in one order on all nodes: transactions that insert the same messages must not lock each other out
	slices.SortStableFunc(order, func(i, j int) int { return strings.Compare(a.rows[i].claim(), a.rows[j].claim()) })
	first := slices.CompactFunc(slices.Clone(order), func(i, j int) bool {
		return a.rows[i].claim() == a.rows[j].claim()
	})
	if isPostgres(a.tx) {
		if err := a.takeIDs(slices.Sorted(slices.Values(first))); err != nil {
			return err
		}
		if a.numbered != nil {
			a.numbered()
		}
	} else {
		slices.Sort(first) // one writer: it locks nobody out, and gives ids in the order of the rows
	}
	for part := range slices.Chunk(first, batch) {
		if err := a.insert(part); err != nil {
			return err
		}
	}
	a.taken = slices.DeleteFunc(order, func(i int) bool { return a.outcomes[i].Fate == Added })
	for _, i := range a.taken {
		a.rows[i].ID = 0
	}
	return nil
}

// takeIDs takes an id for each row that came names, in that order. Whoever has an id has the lock of a writer: see
// Settled. There is a partition for each id then.
func (a *appending) takeIDs(came []int) error {
	if len(came) == 0 {
		return nil
	}
	if err := a.tx.Exec("LOCK TABLE ONLY messages IN ROW EXCLUSIVE MODE").Error; err != nil {
		return err
	}
	var ids []int64
	const next = "SELECT nextval(pg_get_serial_sequence('messages', 'id')) FROM generate_series(1, ?)"
	if err := a.tx.Raw(next, len(came)).Scan(&ids).Error; err != nil {
		return err
	}
	slices.Sort(ids)
	for k, i := range came {
		a.rows[i].ID = ids[k]
	}
	return a.room.Cover(a.tx, ids[len(ids)-1])
}

// insert stores the rows that part names, and marks as added those whose ids are free. A row without an id in this
// history gets the next.
func (a *appending) insert(part []int) (err error) {
	if isPostgres(a.tx) {
		if a.rows[part[0]].ID == 0 {
			if err := a.takeIDs(part); err != nil {
				return err
			}
		}
		if part, err = a.claimIDs(part); err != nil || len(part) == 0 {
			return err
		}
	}
	return a.insertRows(part)
}

// insertRows stores the rows that part names; on SQLite those whose ids are free.
func (a *appending) insertRows(part []int) error {
	if a.copying != nil {
		return a.copyRows(part)
	}
	needed := a.columnsOf(part)
	if a.rows[part[0]].ID != 0 {
		needed = append(needed, messageColumn{"id", func(r *messageRow) any { return r.ID }, false})
	}
	row := tuple(len(needed))
	statement := "INSERT INTO messages (" + joinNames(needed) + ") VALUES " + row + strings.Repeat(", "+row, len(part)-1) +
		" ON CONFLICT DO NOTHING RETURNING id, msg_id"
	args := make([]any, 0, len(needed)*len(part))
	position := make(map[string]int, len(part))
	for _, i := range part {
		position[a.rows[i].MsgID] = i
		for _, c := range needed {
			args = append(args, c.of(&a.rows[i]))
		}
	}
	// not gorm's Scan, which also writes the statement out with all its payloads, for a log that is off
	stored, err := a.tx.Raw(statement, args...).Rows()
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
		a.rows[i].ID, a.outcomes[i].Fate, a.unnamed[i] = id, Added, true
		a.outcomes[i].source, a.outcomes[i].grown = a.rows[i].Source, a.rows[i].Size
	}
	return stored.Err()
}

// index adds the users and packages of the new messages to the indexes.
func (a *appending) index() error {
	if a.copying != nil {
		return a.copyNames()
	}
	var facts []any
	users, packages := nameRows{people: true, table: "message_users"}, nameRows{table: "message_packages"}
	for i, o := range a.outcomes {
		if !a.unnamed[i] {
			continue
		}
		e, row := o.Event, &a.rows[i]
		if packed := pack(e); packed != nil {
			facts = append(facts, row.ID, packed)
		}
		// the actor is found like the users concerned
		err := errors.Join(users.addPeople(a.tx, row, e), packages.add(a.tx, row, names(e.Packages)))
		if err != nil {
			return err
		}
	}
	return errors.Join(insertRows(a.tx, "INSERT INTO message_facts (message_id, facts) VALUES ", 2, facts),
		users.insert(a.tx), packages.insert(a.tx))
}
