package history

import (
	"strings"

	"gorm.io/gorm"
)

// A lookup is a condition of a Selection that an index answers: names in a column of messages, or in a table of names.
type lookup struct {
	table, id, column, also string
	names                   []string
}

// A selecting is a Selection with the index that it is read by.
type selecting struct {
	Selection
	by    lookup
	after *Cursor // only what follows it in the order
}

// closeEnough is how many entries of an index chooseIndex counts, to find the one with the fewest.
const closeEnough = 5000

// lookups are the conditions that an index answers.
func (sel Selection) lookups() (all []lookup) {
	add := func(table, id, column, also string, names []string, form func(string) string) {
		if len(names) == 0 {
			return
		}
		l := lookup{table: table, id: id, column: column, also: also}
		for _, name := range names {
			l.names = append(l.names, form(name))
		}
		all = append(all, l)
	}
	add("message_packages", "message_id", "name", "", sel.Packages.Any, key)
	add("message_users", "message_id", "name", "is_user", sel.Users.Any, key)
	add("message_users", "message_id", "name", "is_actor", sel.Actors.Any, key)
	add("messages", "id", "topic", "", sel.Topics.Any, column)
	add("messages", "id", "category", "", sel.Categories.Any, column)
	return all
}

// chooseIndex finds the index with the fewest entries for sel. Where all have many, it is the first of lookups.
func chooseIndex(tx *gorm.DB, sel Selection) (*selecting, error) {
	q := &selecting{Selection: sel, by: lookup{table: "messages", id: "id"}}
	if sel.After != (Cursor{}) {
		q.after = &sel.After
	}
	all := sel.lookups()
	if len(all) == 0 {
		return q, nil
	}
	q.by = all[0]
	if len(all) == 1 {
		return q, nil
	}
	least := closeEnough
	for _, l := range all {
		n := 0
		statement, args := l.size(sel, least)
		if err := tx.Raw(statement, args...).Scan(&n).Error; err != nil {
			return nil, err
		}
		if n < least {
			least, q.by = n, l
		}
		if n == 0 {
			break
		}
	}
	return q, nil
}

// size counts the entries for the names, at most so many of each. The order keeps PostgreSQL to the index.
func (l lookup) size(sel Selection, most int) (string, []any) {
	var parts []string
	var all []any
	for _, name := range l.names {
		where, args := sel.window("k")
		parts = append(parts, "SELECT * FROM (SELECT k.sent_at FROM "+l.table+" k WHERE "+strings.Join(where, " AND ")+
			" AND k."+l.column+" = ? ORDER BY k.sent_at LIMIT ?) p")
		all = append(append(all, args...), name, most)
	}
	return "SELECT count(*) FROM (" + strings.Join(parts, " UNION ALL ") + ") n", all
}

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
	for _, l := range q.lookups() {
		if l.table == q.by.table && l.column == q.by.column && l.also == q.by.also {
			continue
		}
		add(q.has(l), l.names)
	}
	none := Selection{Users: Choice{Any: q.Users.None}, Actors: Choice{Any: q.Actors.None},
		Packages: Choice{Any: q.Packages.None}, Topics: Choice{Any: q.Topics.None},
		Categories: Choice{Any: q.Categories.None}}
	for _, l := range none.lookups() {
		add("NOT "+q.has(l), l.names)
	}
	return where, args
}

// has is the condition that a message, by its row in the table that is read, has one of the names of l.
func (q *selecting) has(l lookup) string {
	switch {
	case l.table == "messages" && q.by.table == "messages":
		return "(k." + l.column + " IN ?)"
	case l.table == "messages":
		return "EXISTS (SELECT 1 FROM messages m WHERE m.id = k.message_id AND m." + l.column + " IN ?)"
	}
	also := ""
	if l.also != "" {
		also = " AND n." + l.also
	}
	return "EXISTS (SELECT 1 FROM " + l.table + " n WHERE n.message_id = k." + q.by.id + " AND n.name IN ?" + also + ")"
}

func (q *selecting) count() (string, []any) {
	where, args := q.conditions()
	what := "count(*)"
	if q.by.column != "" {
		where, args = append(where, "k."+q.by.column+" IN ?"), append(args, q.by.names)
		if q.by.id == "message_id" && len(q.by.names) > 1 {
			what = "count(DISTINCT k.message_id)"
		}
	}
	return "SELECT " + what + " FROM " + q.by.table + " k WHERE " + strings.Join(where, " AND "), args
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
		parts = append(parts, "SELECT * FROM (SELECT k.sent_at, k."+q.by.id+" AS id FROM "+q.by.table+" k WHERE "+
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
