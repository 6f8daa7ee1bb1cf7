package history

import (
	"context"
	"database/sql"
	"fmt"
	"hash/maphash"
	"strconv"
	"strings"
)

// A bare is a loading into an SQLite file whose indexes are set aside, and which nobody else uses. Nothing tells then
// whether an id is taken but what it remembers of each message: two hashes. An exact copy is known by them. All else
// that may have the id of another message waits until the indexes are there again, also where two hashes are the same
// by chance.
type bare struct {
	store   *Store
	conn    *sql.Conn
	known   map[uint64]uint64 // of the claim: what print gives; 0: of a message that cannot be compared
	seed    maphash.Seed
	next    int64 // id
	waiting []*Ready
	held    int64 // bytes of them

	statements map[string]*sql.Stmt
}

// barePragmas are for a connection that loads. In mode WAL a process that is killed loses nothing that is committed
// with synchronous=1; a power cut may lose the last of it, which is imported again.
const barePragmas = "PRAGMA foreign_keys = 0; PRAGMA synchronous = 1; PRAGMA cache_size = -131072"

// usualPragmas are those of migrations.
const usualPragmas = "PRAGMA foreign_keys = 1; PRAGMA synchronous = 2; PRAGMA cache_size = -65536"

// NewBareLoader makes a Loader for an SQLite file whose indexes are set aside (migrations.DB.SetAside). It reads what
// is there.
func (s *Store) NewBareLoader(ctx context.Context) (*Loader, error) {
	b := &bare{store: s, known: map[uint64]uint64{}, seed: maphash.MakeSeed(), statements: map[string]*sql.Stmt{}}
	if err := b.read(ctx); err != nil {
		return nil, fmt.Errorf("read what is kept: %w", err)
	}
	pool, err := s.writer.DB()
	if err != nil {
		return nil, fmt.Errorf("load history: %w", err)
	}
	if b.conn, err = pool.Conn(ctx); err != nil {
		return nil, fmt.Errorf("load history: %w", err)
	}
	if _, err := b.conn.ExecContext(ctx, barePragmas); err != nil {
		return nil, fmt.Errorf("load history: %w", err)
	}
	return &Loader{store: s, bare: b}, nil
}

// read reads the ids of all messages that are kept.
func (b *bare) read(ctx context.Context) error {
	tx := b.store.reader.WithContext(ctx)
	if err := tx.Raw("SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'messages'").Scan(&b.next).
		Error; err != nil {
		return err
	}
	rows, err := tx.Raw("SELECT msg_id, common_id, content_hash, verdict FROM messages").Rows()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var r messageRow
		if err := rows.Scan(&r.MsgID, &r.CommonID, &r.ContentHash, &r.Verdict); err != nil {
			return err
		}
		b.known[b.hash(r.claim())] = r.print()
		if r.MsgID != r.claim() {
			b.known[b.hash(r.MsgID)] = r.print()
		}
	}
	return rows.Err()
}

func (b *bare) hash(id string) uint64 { return maphash.String(b.seed, id) }

// print is a part of the content hash, and what the message proves in its last bits; 0 where there is no hash.
func (r *messageRow) print() uint64 {
	if len(r.ContentHash) < 15 {
		return 0
	}
	n, err := strconv.ParseUint(r.ContentHash[:15], 16, 64)
	if err != nil {
		return 0
	}
	n = n << 4
	if r.provesMore(&messageRow{}) {
		n |= 1
		if r.proved() {
			n |= 2
		}
	}
	return n | 4
}

// append stores the messages whose ids are free, and sets those aside whose ids may be taken.
func (b *bare) append(ctx context.Context, all []*Ready) (loaded Loaded, err error) {
	fresh := make([]*Ready, 0, len(all))
	for _, r := range all {
		claim := b.hash(r.row.claim())
		old, taken := b.known[claim]
		if !taken && r.row.MsgID != r.row.CommonID && r.row.CommonID != "" {
			old, taken = b.known[b.hash(r.row.MsgID)]
		}
		print := r.row.print()
		switch {
		case !taken && !isDerived(r.row.MsgID):
			b.known[claim] = print
			r.row.ID = b.next
			b.next++
			fresh = append(fresh, r)
			loaded.Added++
			loaded.Bytes += r.row.Size
		case taken && old>>4 == print>>4 && old != 0 && print&3 <= old&3:
			loaded.Known++
		default:
			b.waiting = append(b.waiting, r)
			b.held += int64(len(r.row.Payload))
		}
	}
	if len(fresh) == 0 {
		return loaded, nil
	}
	if _, err := b.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return Loaded{}, fmt.Errorf("load history: %w", err)
	}
	if err := b.insert(ctx, fresh); err != nil {
		_, _ = b.conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		return Loaded{}, fmt.Errorf("load history: %w", err)
	}
	if _, err := b.conn.ExecContext(ctx, "COMMIT"); err != nil {
		return Loaded{}, fmt.Errorf("load history: %w", err)
	}
	return loaded, nil
}

// maxWaiting bounds the messages that wait, and so what they take in memory.
const (
	maxWaiting      = 20_000
	maxWaitingBytes = 64 << 20
)

// Full reports that so many messages wait that End is to be called, and a new Loader to go on.
func (l *Loader) Full() bool {
	return l.bare != nil && (len(l.bare.waiting) >= maxWaiting || l.bare.held >= maxWaitingBytes)
}

// insert stores messages with their names.
func (b *bare) insert(ctx context.Context, fresh []*Ready) error {
	ctx = context.WithoutCancel(ctx) // which costs a goroutine for each statement
	messages := b.rows(ctx, "INSERT INTO messages (id, "+joinNames(columns)+") VALUES ", len(columns)+1)
	facts := b.rows(ctx, "INSERT INTO message_facts (message_id, facts) VALUES ", 2)
	people := b.rows(ctx, "INSERT INTO message_users (name, sent_at, message_id, category, is_user, is_actor) VALUES ", 6)
	packages := b.rows(ctx, "INSERT INTO message_packages (name, sent_at, message_id, category) VALUES ", 4)
	for _, r := range fresh {
		messages.add(r.row.ID)
		for _, c := range columns {
			messages.add(c.of(&r.row))
		}
		messages.flush(false)
		if r.facts != nil {
			facts.add(r.row.ID, r.facts)
			facts.flush(false)
		}
		for _, p := range r.people {
			people.add(p.name, r.row.SentAt, r.row.ID, r.row.Category, p.isUser, p.isActor)
			people.flush(false)
		}
		for _, name := range r.packages {
			packages.add(name, r.row.SentAt, r.row.ID, r.row.Category)
			packages.flush(false)
		}
	}
	for _, rows := range []*bareRows{messages, facts, people, packages} {
		if err := rows.flush(true); err != nil {
			return err
		}
	}
	return nil
}

// atOnce is the number of rows of one statement of a loading. The statements are prepared.
const atOnce = 50

// A bareRows stores rows of one table.
type bareRows struct {
	bare    *bare
	ctx     context.Context
	insert  string
	columns int
	values  []any
	err     error
}

func (b *bare) rows(ctx context.Context, insert string, columns int) *bareRows {
	return &bareRows{bare: b, ctx: ctx, insert: insert, columns: columns, values: make([]any, 0, atOnce*columns)}
}

func (r *bareRows) add(values ...any) { r.values = append(r.values, values...) }

// flush stores the rows, where there are enough for a statement or all are to be stored; after an error none.
func (r *bareRows) flush(all bool) error {
	if r.err == nil && (len(r.values) == atOnce*r.columns || all && len(r.values) > 0) {
		r.err = r.bare.run(r.ctx, r.insert, r.columns, r.values)
		r.values = r.values[:0]
	}
	return r.err
}

// run runs the prepared statement for so many rows.
func (b *bare) run(ctx context.Context, insert string, columns int, values []any) error {
	key := insert + strconv.Itoa(len(values)/columns)
	statement := b.statements[key]
	if statement == nil {
		row := tuple(columns)
		text := insert + row + strings.Repeat(", "+row, len(values)/columns-1)
		var err error
		if statement, err = b.conn.PrepareContext(ctx, text); err != nil {
			return err
		}
		b.statements[key] = statement
	}
	_, err := statement.ExecContext(ctx, values...)
	return err
}

// close gives the connection back as it was.
func (b *bare) close() error {
	for _, s := range b.statements {
		_ = s.Close()
	}
	_, err := b.conn.ExecContext(context.Background(), usualPragmas)
	if closed := b.conn.Close(); err == nil {
		err = closed
	}
	return err
}
