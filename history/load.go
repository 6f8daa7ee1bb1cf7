package history

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/gorm"

	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// load.go appends the messages of an archive, by the million. What Append keeps, this keeps: each message once, two
// that claim one id both. Only the way differs: what needs no database is made ready by many goroutines, messages go in
// by the thousand, and one that is new goes in without a question to the database where that can be.

// A Ready is a message that is made ready to be appended.
type Ready struct {
	event    *catalogue.Event
	row      messageRow
	facts    []byte // nil: too many
	people   []person
	packages []string
}

// MakeReady makes a message ready, in any goroutine.
func (s *Store) MakeReady(e *catalogue.Event) *Ready {
	return &Ready{event: e, row: newRow(e, s.now()), facts: pack(e), people: peopleOf(e), packages: names(e.Packages)}
}

// ID is the id of the message on the bus.
func (r *Ready) ID() string { return r.event.ID }

// Size is how many bytes it adds, as the bounds of Keep count them.
func (r *Ready) Size() int64 { return r.row.Size }

// A Loader appends an archive. Only one goroutine at a time uses it.
type Loader struct {
	store *Store
	bare  *bare // nil: all indexes are there
}

// Loaded is what became of messages.
type Loaded struct {
	Added     int
	Known     int   // copies of messages that are kept
	Upgraded  int   // copies that prove more, which were put in the place of those that were kept
	Conflicts int   // of Added: those that claim the id of another message
	Bytes     int64 // of those added
}

func (l *Loaded) add(more Loaded) {
	l.Added, l.Known, l.Upgraded = l.Added+more.Added, l.Known+more.Known, l.Upgraded+more.Upgraded
	l.Conflicts, l.Bytes = l.Conflicts+more.Conflicts, l.Bytes+more.Bytes
}

// NewLoader makes a Loader that works beside others.
func (s *Store) NewLoader() *Loader { return &Loader{store: s} }

// Append stores messages in one transaction, or in several where ids are taken.
func (l *Loader) Append(ctx context.Context, all []*Ready) (Loaded, error) {
	if l.bare != nil {
		return l.bare.append(ctx, all)
	}
	if isPostgres(l.store.writer) && len(all) >= worthTwo {
		return l.store.appendTwice(ctx, all)
	}
	return l.store.appendReady(ctx, all, nil)
}

// worthTwo is how many messages are stored by two transactions. Tests change it.
var worthTwo = 2000

// inTwo parts messages in two, in their order, so that those that claim one id stay together: the first of them keeps
// it, not the faster.
func inTwo(all []*Ready) (first, second []*Ready) {
	half := len(all) / 2
	first = slices.Clone(all[:half])
	claimed := make(map[string]bool, half)
	for _, r := range first {
		claimed[r.row.claim()] = true
	}
	for _, r := range all[half:] {
		if claimed[r.row.claim()] {
			first = append(first, r)
		} else {
			second = append(second, r)
		}
	}
	return first, second
}

// appendTwice is appendReady by two transactions at once, so that two processors of the server have work. They are to
// each other as those of two nodes; but the second takes its ids after the first, so that ids go up as messages came.
func (s *Store) appendTwice(ctx context.Context, all []*Ready) (loaded Loaded, err error) {
	var first Loaded
	var failed error
	var once sync.Once
	var group sync.WaitGroup
	numbered := make(chan struct{})
	taken := func() { once.Do(func() { close(numbered) }) }
	one, two := inTwo(all)
	group.Go(func() {
		defer taken()
		first, failed = s.appendReady(ctx, one, taken)
	})
	<-numbered
	if len(two) > 0 {
		loaded, err = s.appendReady(ctx, two, nil)
	}
	group.Wait()
	loaded.add(first)
	return loaded, errors.Join(failed, err)
}

// appendReady appends messages as Append does. It calls numbered when those have ids that need some; nil is allowed.
func (s *Store) appendReady(ctx context.Context, all []*Ready, numbered func()) (loaded Loaded, err error) {
	a := &appending{
		room: &s.room, rows: make([]messageRow, len(all)), outcomes: make([]Outcome, len(all)),
		unnamed: make([]bool, len(all)), numbered: numbered,
	}
	for i, r := range all {
		a.rows[i], a.outcomes[i].Event = r.row, r.event
		a.judgeID(i)
	}
	var outcomes []Outcome
	err = s.writer.WithContext(ctx).Connection(func(on *gorm.DB) error {
		conn, _ := on.Statement.ConnPool.(*sql.Conn)
		return on.Transaction(func(tx *gorm.DB) (err error) {
			if a.tx = tx; isPostgres(tx) {
				a.copying = &copying{ctx, conn, all}
				// what a crash of the server takes back is imported again
				if err := tx.Exec("SET LOCAL synchronous_commit = off").Error; err != nil {
					return err
				}
			}
			outcomes, err = a.run()
			return err
		})
	})
	if err != nil {
		return Loaded{}, err
	}
	for _, o := range outcomes {
		switch o.Fate {
		case Added, Doubted:
			loaded.Added++
			loaded.Bytes += o.grown
		case Upgraded:
			loaded.Upgraded++
		default:
			loaded.Known++
		}
		if o.Conflict.Kind != NoConflict {
			loaded.Conflicts++
		}
	}
	return loaded, nil
}

// End ends a loading. restore makes the indexes again; then it is decided about the messages that have waited for them.
func (l *Loader) End(ctx context.Context, restore func(context.Context) error) (loaded Loaded, err error) {
	if l.bare == nil {
		return loaded, nil
	}
	waiting := l.bare.waiting
	err = l.bare.close()
	l.bare = nil
	if err = errors.Join(err, restore(ctx)); err != nil {
		return loaded, err
	}
	for len(waiting) > 0 {
		n := min(batch, len(waiting))
		more, err := l.store.appendReady(ctx, waiting[:n], nil)
		if err != nil {
			return loaded, err
		}
		loaded.add(more)
		waiting = waiting[n:]
	}
	return loaded, nil
}

// A copying stores rows by COPY, for which PostgreSQL parses no statement and gives no answer for each row.
type copying struct {
	ctx  context.Context
	conn *sql.Conn // in the transaction
	all  []*Ready
}

func (c *copying) rows(table string, columns []string, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	return c.conn.Raw(func(conn any) error {
		_, err := conn.(*stdlib.Conn).Conn().CopyFrom(c.ctx, pgx.Identifier{table}, columns, pgx.CopyFromRows(rows))
		return err
	})
}

// copyRows stores the rows that part names, whose ids are claimed.
func (a *appending) copyRows(part []int) error {
	slices.SortFunc(part, func(i, j int) int { return cmp.Compare(a.rows[i].ID, a.rows[j].ID) })
	names, rows := []string{"id"}, make([][]any, len(part))
	for _, c := range columns {
		names = append(names, c.name)
	}
	for k, i := range part {
		rows[k] = append(make([]any, 0, len(names)), a.rows[i].ID)
		for _, c := range columns {
			rows[k] = append(rows[k], c.of(&a.rows[i]))
		}
		a.outcomes[i].Fate, a.unnamed[i] = Added, true
		a.outcomes[i].source, a.outcomes[i].grown = a.rows[i].Source, a.rows[i].Size
	}
	return a.copying.rows("messages", names, rows)
}

// copyNames is index.
func (a *appending) copyNames() error {
	var facts, people, packages [][]any
	for i, r := range a.copying.all {
		if !a.unnamed[i] {
			continue
		}
		id, at, category := a.rows[i].ID, a.rows[i].SentAt, a.rows[i].Category
		if r.facts != nil {
			facts = append(facts, []any{id, r.facts})
		}
		for _, p := range r.people {
			people = append(people, []any{p.name, at, id, category, p.isUser, p.isActor})
		}
		for _, name := range r.packages {
			packages = append(packages, []any{name, at, id, category})
		}
	}
	named := []string{"name", "sent_at", "message_id", "category"}
	return errors.Join(a.copying.rows("message_facts", []string{"message_id", "facts"}, facts),
		a.copying.rows("message_users", append(named, "is_user", "is_actor"), people),
		a.copying.rows("message_packages", named[:4:4], packages))
}
