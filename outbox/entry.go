package outbox

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
)

// An Entry is a stored delivery as pages and commands show it.
type Entry struct {
	ID          int64
	Message     string
	Destination string
	Backend     string
	Address     string // for its owner only
	Manage      string // as in Delivery; for its owner only
	Notice      backends.Notice
	Reasons     []Reason // as in Delivery; what they say stands in Notice.Why
	Broken      bool     // the stored notice cannot be read: Notice only says so
	Together    bool
	State       State
	Parcel      string // "" before the first attempt
	AddedAt     time.Time
	DueAt       time.Time // of the next attempt while Waiting
	Hold        string    // why not earlier: see Delivery
	FinishedAt  time.Time // when it became Done or Dead; else zero
	Attempts    int       // failed ones
	LastError   string    // without addresses; "" when all is well
}

// Withdrawn reports whether it is dead because its message turned out not to be true: nobody can send it again.
func (e Entry) Withdrawn() bool { return e.State == Dead && strings.HasPrefix(e.LastError, withdrawn) }

// Silenced reports whether it is dead because its owner did not want it any more: see Gate.
func (e Entry) Silenced() bool { return e.State == Dead && strings.HasPrefix(e.LastError, silenced) }

// Elsewhere reports whether it is dead because another destination of its owner got it instead: see Reroute.
func (e Entry) Elsewhere() bool { return e.State == Dead && strings.HasPrefix(e.LastError, elsewhere) }

// A Depth is how many deliveries of a backend are in a state.
type Depth struct {
	Backend string
	State   State
	Count   int
	Oldest  time.Time // the earliest due time among them
}

// Depth counts what is waiting, claimed and dead, by backend and state.
func (o *Outbox) Depth(ctx context.Context) ([]Depth, error) {
	var found []struct {
		Backend string
		State   State
		Count   int
		Oldest  int64
	}
	err := o.reader.WithContext(ctx).Raw(`SELECT l.backend, d.state, count(*) AS count, min(d.due_at) AS oldest
		FROM deliveries d JOIN lanes l ON l.id = d.lane WHERE d.settled_at = 0 GROUP BY l.backend, d.state
		UNION ALL SELECT l.backend, d.state, count(*), min(d.due_at)
		FROM deliveries d JOIN lanes l ON l.id = d.lane WHERE d.state = 'dead' GROUP BY l.backend, d.state
		ORDER BY backend, state`).Scan(&found).Error
	if err != nil {
		return nil, fmt.Errorf("count deliveries: %w", err)
	}
	list := make([]Depth, 0, len(found))
	for _, f := range found {
		list = append(list, Depth{f.Backend, f.State, f.Count, unstamp(f.Oldest)})
	}
	return list, nil
}

// entries turns rows into entries. A row whose notice is broken is among them: its owner sees that something failed.
func (o *Outbox) entries(tx *gorm.DB, rows []row) ([]Entry, error) {
	if err := o.explain(tx, rows); err != nil {
		return nil, err
	}
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
			Manage: r.Manage, Notice: n, Reasons: r.reasons(), Broken: err != nil, Together: r.Together, State: r.State,
			Parcel: r.Parcel, AddedAt: unstamp(r.AddedAt), DueAt: unstamp(r.DueAt), FinishedAt: unstamp(r.FinishedAt),
			Attempts: int(r.Attempts), LastError: r.LastError, Hold: r.Hold,
		})
	}
	return list, nil
}

// explain asks once what the references of rows say, and which pages go with them.
func (o *Outbox) explain(tx *gorm.DB, rows []row) error {
	if o.cfg.Explain == nil {
		return nil
	}
	var asked []Unexplained
	var of []*row
	for i := range rows {
		if r := &rows[i]; !strings.HasPrefix(r.Destination, Account) {
			asked, of = append(asked, Unexplained{r.Destination, r.reasons()}), append(of, r)
		}
	}
	if len(asked) == 0 {
		return nil
	}
	answers, err := o.cfg.Explain(tx, asked)
	if err != nil {
		return fmt.Errorf("say why somebody gets it: %w", err)
	}
	for i, answer := range answers[:min(len(answers), len(of))] {
		of[i].why, of[i].Manage = answer.Why, cmp.Or(of[i].Manage, answer.Manage)
	}
	return nil
}

// explainClaims explains all rows of claims at once, and reads their notices: each text once.
func (o *Outbox) explainClaims(tx *gorm.DB, claims []claim) error {
	var all []row
	for _, c := range claims {
		all = append(all, c.rows...)
	}
	if err := o.explain(tx, all); err != nil {
		return err
	}
	known := map[int64]row{}
	for _, c := range claims {
		for i := range c.rows {
			r := all[0]
			all = all[1:]
			same, ok := known[r.own()]
			if !ok {
				same = r
				same.read()
				known[r.own()] = same
			}
			n := r.dressed(*same.decoded)
			c.rows[i].why, c.rows[i].Manage, c.rows[i].decoded, c.rows[i].undecoded = r.why, r.Manage, &n, same.undecoded
		}
	}
	return nil
}

// whole is a table that has for each delivery what stands with its queue and its message too.
const whole = `(SELECT d.id, d.content, d.lane, d.variant, d.due_at, d.added_at, d.settled_at, d.attempts, d.failed_at,
	d.relations, d.together, d.state, d.parcel, d.reasons, d.hold, d.manage, d.last_error, c.message, l.destination,
	l.backend, l.address, COALESCE(v.notice, c.notice) AS notice
	FROM deliveries d JOIN lanes l ON l.id = d.lane JOIN contents c ON c.id = d.content
	LEFT JOIN contents v ON v.id = d.variant) AS whole `

// readRows gives the rows of whole that the rest of a statement selects: "WHERE id = ? ORDER BY id".
func readRows(tx *gorm.DB, rest string, args ...any) ([]row, error) {
	var list []row
	err := eachRow(tx.Raw("SELECT * FROM "+whole+rest, args...), func(rows *sql.Rows) error {
		r, err := scanRow(rows)
		list = append(list, r)
		return err
	})
	return list, err
}

func scanRow(rows *sql.Rows) (r row, err error) {
	err = rows.Scan(&r.ID, &r.Content, &r.Queue, &r.Variant, &r.DueAt, &r.AddedAt, &r.FinishedAt, &r.Attempts, &r.FailedAt,
		&r.Relations, &r.Together, &r.State, &r.Parcel, &r.Reasons, &r.Hold, &r.Manage, &r.LastError, &r.Message,
		&r.Destination, &r.Backend, &r.Address, &r.Notice)
	return r, err
}

// eachRow calls scan for each row of a query that may have thousands. gorm's Scan would also format the statement with
// all its values, for a log that is off.
func eachRow(query *gorm.DB, scan func(rows *sql.Rows) error) error {
	rows, err := query.Rows()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// contentIDs gives the contents of messages, by message.
func contentIDs(tx *gorm.DB, messages []string) (map[string]int64, error) {
	ids := map[string]int64{}
	query := tx.Raw("SELECT message, id FROM contents WHERE message <> '' AND message IN ?", messages)
	err := eachRow(query, func(rows *sql.Rows) error {
		var message string
		var id int64
		err := rows.Scan(&message, &id)
		ids[message] = id
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find messages: %w", err)
	}
	return ids, nil
}
