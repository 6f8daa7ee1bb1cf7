package history

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"
)

// window gives the conditions on the time.
func (sel Selection) window(table string) (where []string, args []any) {
	where = []string{"1 = 1"}
	if !sel.Since.IsZero() {
		where, args = append(where, table+".sent_at >= ?"), append(args, sel.Since.UnixMicro())
	}
	if !sel.Until.IsZero() {
		where, args = append(where, table+".sent_at <= ?"), append(args, sel.Until.UnixMicro())
	}
	return where, args
}

// conditions gives all conditions but that of the index.
func (q *selecting) conditions() (where []string, args []any) {
	where, args = q.window("k")
	add := func(condition string, values ...any) {
		where, args = append(where, condition), append(args, values...)
	}
	if q.by.also != "" {
		add("k." + q.by.also)
	}
	if q.after != nil {
		add("(k.sent_at, k."+q.by.id+") "+q.beyond()+" (?, ?)", q.after.SentAt, q.after.ID)
	}
	if q.UpTo != 0 {
		add("k."+q.by.id+" <= ?", q.UpTo)
	}
	named := q.by.table != "messages"
	if condition, values := q.fromSources(named); condition != "" {
		add(condition, values...)
	}
	if named && q.among != nil {
		add("k.category IN ?", q.among)
	}
	for _, l := range q.needs {
		switch {
		case l.same(q.by):
		case named && l.column == "category":
			add("k.category IN ?", l.names)
		default:
			add(q.has(l), l.names)
		}
	}
	for _, l := range q.lacks {
		if named && l.column == "category" {
			add("k.category NOT IN ?", l.names)
		} else {
			add("NOT "+q.has(l), l.names)
		}
	}
	return where, args
}

// fromSources is the condition that a message is among the sources. The tables of names do not have the source.
func (q *selecting) fromSources(named bool) (string, []any) {
	if !named {
		return q.Among.SQL("k.source")
	}
	condition, args := q.Among.SQL("n.source")
	if condition == "" {
		return "", nil
	}
	return "EXISTS (SELECT 1 FROM messages n WHERE n.id = k." + q.by.id + " AND " + condition + " LIMIT 1 OFFSET 0)", args
}

// has is the condition that a message has one of the names of l. With OFFSET 0 PostgreSQL looks each message up, and
// never makes a join of it, which would read all that the names have.
func (q *selecting) has(l lookup) string {
	also := ""
	if l.also != "" {
		also = " AND n." + l.also
	}
	return "EXISTS (SELECT 1 FROM " + q.from(l, "n") + " WHERE n." + l.column + " IN ? AND n.sent_at = k.sent_at AND n." +
		l.id + " = k." + q.by.id + also + " LIMIT 1 OFFSET 0)"
}

// from names the table of a lookup, and on SQLite its index: without statistics it takes any that begins with as many
// columns, and with them that of the message.
func (q *selecting) from(l lookup, as string) string {
	if l.column == "" || q.postgres {
		return l.table + " " + as
	}
	return l.table + " " + as + " INDEXED BY " + l.index
}

// closeNames is the number of names up to which count asks of each message whether an earlier name has it.
const closeNames = 8

// count counts the entries of each name, and a message that has several of them once.
func (q *selecting) count() (string, []any) {
	where, args := q.conditions()
	from, names := " FROM "+q.from(q.by, "k")+" WHERE "+strings.Join(where, " AND "), q.by.names
	switch {
	case q.by.column == "":
		return "SELECT count(*)" + from, args
	case q.by.table == "messages" || len(names) == 1:
		return "SELECT count(*)" + from + " AND k." + q.by.column + " IN ?", append(args, names)
	case len(names) > closeNames:
		return "SELECT count(DISTINCT k." + q.by.id + ")" + from + " AND k." + q.by.column + " IN ?", append(args, names)
	}
	var parts []string
	var all []any
	for i, name := range names {
		part := "(SELECT count(*)" + from + " AND k." + q.by.column + " = ?"
		all = append(append(all, args...), name)
		if i > 0 {
			part, all = part+" AND NOT "+q.has(q.by), append(all, names[:i])
		}
		parts = append(parts, part+")")
	}
	return "SELECT " + strings.Join(parts, " + "), all
}

// page reads the index once for each name, each in the order of time, and merges the beginnings: an index that is read
// for several names at once is not in the order of time, and the database would sort all of it.
func (q *selecting) page(skip int64, limit int) (string, []any) {
	direction := "DESC"
	if q.OldestFirst {
		direction = "ASC"
	}
	names := q.by.names
	if q.by.column == "" {
		names = []string{""}
	}
	var parts []string
	var all []any
	for _, name := range names {
		where, args := q.conditions()
		if q.by.column != "" {
			where, args = append(where, "k."+q.by.column+" = ?"), append(args, name)
		}
		parts = append(parts, "SELECT * FROM (SELECT k.sent_at, k."+q.by.id+" AS id FROM "+q.from(q.by, "k")+" WHERE "+
			strings.Join(where, " AND ")+" ORDER BY k.sent_at "+direction+", k."+q.by.id+" "+direction+" LIMIT ?) p")
		all = append(append(all, args...), skip+int64(limit))
	}
	order := " ORDER BY sent_at " + direction + ", id " + direction + " LIMIT ? OFFSET ?"
	return strings.Join(parts, " UNION ") + order, append(all, limit, skip)
}

func (q *selecting) beyond() string {
	if q.OldestFirst {
		return ">"
	}
	return "<"
}

// ask runs a statement of q; one that can select nothing is not asked.
func (q *selecting) ask(tx *gorm.DB, found any, statement string, args []any) error {
	if q.nothing {
		return nil
	}
	return tx.Raw(statement, args...).Scan(found).Error
}

// CountSelected counts the messages that sel selects. It reads the entries of one index: of those that need nothing
// else it reads ten millions a second, and a tenth of that where each is looked up elsewhere. ctx bounds it.
//
// Names that messages must not have are counted and taken away: of what is left there are usually many more, and each
// would have to be looked up.
func (s *Store) CountSelected(ctx context.Context, sel Selection) (int64, error) {
	tx := s.reader.WithContext(ctx)
	q := newSelecting(tx, sel)
	lacks := q.lacks
	q.lacks = nil
	n, err := q.total(tx)
	for i := 0; i < len(lacks) && err == nil && n > 0; i++ {
		one := *q
		one.needs, one.lacks = append(slices.Clone(q.needs), lacks[i]), lacks[:i]
		var out int64
		out, err = one.total(tx)
		n -= out
	}
	if err != nil {
		return 0, fmt.Errorf("count messages: %w", err)
	}
	return max(n, 0), nil // a message may come between two statements
}

func (q *selecting) total(tx *gorm.DB) (n int64, err error) {
	if err := q.choose(tx); err != nil {
		return 0, err
	}
	statement, args := q.count()
	return n, q.ask(tx, &n, statement, args)
}
