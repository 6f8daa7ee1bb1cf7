package history

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// window reads the names of the next messages and judges by them. all is false when the time limit passed before the
// last.
func (w *scanner) window(ctx context.Context, size int) (seen []candidate, all bool, err error) {
	statement, args := w.statement(size)
	rows, err := w.store.reader.WithContext(ctx).Raw(statement, args...).Rows()
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	seen = make([]candidate, 0, size)
	var packed sql.RawBytes
	for rows.Next() {
		if len(seen)%32 == 0 && w.over() {
			return seen, false, nil
		}
		var c candidate
		if err := rows.Scan(&c.SentAt, &c.ID, &packed); err != nil {
			return seen, false, err
		}
		w.judge(&c, packed)
		seen = append(seen, c)
	}
	return seen, true, rows.Err()
}

// judge decides by the names of a message if they suffice; otherwise the candidate stays open.
func (w *scanner) judge(c *candidate, packed []byte) {
	if !w.facts.unpack(packed) {
		c.open = true
		return
	}
	w.facts.event.Time = time.UnixMicro(c.SentAt).UTC()
	matches, sure := w.Filter.Names(&w.facts.event)
	switch {
	case !matches:
	case !sure:
		c.named, c.open = true, true
	default:
		c.matches = true
		if len(w.out.Hits) < w.Hits {
			c.event = w.facts.take()
		}
	}
}

// statement returns the SQL for the next messages that have one of the keys, in their order and with their names.
func (w *scanner) statement(size int) (string, []any) {
	from := fromKeys(w.keys)
	where, args := []string{"k.sent_at >= ?"}, []any{w.Since.UnixMicro()}
	if from.column != "" {
		where = append(where, "k."+from.column+" IN ?")
		args = append(args, from.values)
	}
	if w.last != (Cursor{}) {
		where = append(where, "(k.sent_at, k."+from.id+") < (?, ?)")
		args = append(args, w.last.SentAt, w.last.ID)
	}
	if seen, values := w.seen(from); seen != "" {
		where, args = append(where, seen), append(args, values...)
	}
	args = append(args, size)
	condition := " WHERE " + strings.Join(where, " AND ")
	if !from.repeats {
		return "SELECT k.sent_at, k." + from.id + ", " + factsOf("k."+from.id) + " FROM " + from.table + " k" +
			condition + " ORDER BY k.sent_at DESC, k." + from.id + " DESC LIMIT ?", args
	}
	return "SELECT d.sent_at, d.id, " + factsOf("d.id") + " FROM (SELECT DISTINCT k.sent_at, k." + from.id + " AS id" +
		" FROM " + from.table + " k" + condition + " ORDER BY k.sent_at DESC, k." + from.id + " DESC LIMIT ?) d" +
		" ORDER BY d.sent_at DESC, d.id DESC", args
}

// seen is the condition that a message is among the sources, which the tables of names do not have.
func (w *scanner) seen(f from) (string, []any) {
	if f.table == "messages" {
		return w.Among.SQL("k.source")
	}
	condition, args := w.Among.SQL("n.source")
	if condition == "" {
		return "", nil
	}
	return "EXISTS (SELECT 1 FROM messages n WHERE n.id = k." + f.id + " AND " + condition + " LIMIT 1 OFFSET 0)", args
}

// factsOf looks the names of a message up. Of a join PostgreSQL believes that it has to look into every partition for
// each message, and would rather read all of them.
func factsOf(id string) string {
	return "(SELECT f.facts FROM message_facts f WHERE f.message_id = " + id + ") AS facts"
}

// A from is the table in which keys are looked up.
type from struct {
	table, id string
	column    string // "": all of it
	values    []string
	repeats   bool // a message may occur twice in it
}

// keyFields are the fields that an index has.
var keyFields = []string{"topic", "app", "kind", "actor", "user", "package"}

// fromKeys returns the table of keys. It returns the table of all messages where there are no keys, or where no one
// column has them all.
func fromKeys(keys map[string][]string) from {
	all := from{table: "messages", id: "id"}
	f := all
	for field, values := range keys {
		one := tableOf(field)
		if one.column == "" || f.column != "" && (one.table != f.table || one.column != f.column) {
			return all
		}
		one.values = f.values
		for _, value := range values {
			if field == "topic" {
				one.values = append(one.values, column(value))
			} else {
				one.values = append(one.values, key(value))
			}
		}
		f = one
	}
	slices.Sort(f.values)
	f.values = slices.Compact(f.values)
	f.repeats = f.id == "message_id" && len(f.values) > 1
	return f
}

func tableOf(field string) from {
	switch field {
	case "topic", "app", "kind":
		return from{table: "messages", id: "id", column: field}
	case "user", "actor":
		return from{table: "message_users", id: "message_id", column: "name"}
	case "package":
		return from{table: "message_packages", id: "message_id", column: "name"}
	}
	return from{}
}

// readWhole reads the open messages of part whole, and decides on them.
func (w *scanner) readWhole(ctx context.Context, part []candidate) error {
	open := make(map[int64]*candidate, wholeAtOnce)
	var ids []int64
	for i := range part {
		if c := &part[i]; c.open {
			open[c.ID] = c
			ids = append(ids, c.ID)
		}
	}
	rows, err := w.store.reader.WithContext(ctx).Raw(
		"SELECT m.id, m.msg_id, m.summary, m.link, m.source, m.topic, m.sent_at, m.payload, m.verdict, m.signer,"+
			" m.method, m.reason, m.marked, m.late, "+factsOf("m.id")+" FROM messages m WHERE m.id IN ?", ids).Rows()
	if err != nil {
		return err
	}
	defer rows.Close()
	var r rawRow
	for rows.Next() {
		err := rows.Scan(&r.id, &r.msgID, &r.summary, &r.link, &r.source, &r.topic, &r.sent, &r.payload, &r.verdict,
			&r.signer, &r.method, &r.reason, &r.marked, &r.late, &r.facts)
		if err != nil {
			return err
		}
		if c := open[r.id]; c != nil {
			w.match(c, &r)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return rows.Err()
}

// A rawRow is the row of a message that is read to decide on it. The memory is reused for the next row.
type rawRow struct {
	id, sent                                            int64
	msgID, summary, link, source, topic, payload, facts sql.RawBytes
	verdict, signer, method, reason                     sql.RawBytes
	marked, late                                        bool
}

// message decodes the message again. It may be kept.
func (r *rawRow) message() (*bus.Message, error) {
	return Record{
		MsgID: string(r.msgID), Source: string(r.source), Topic: string(r.topic), Time: time.UnixMicro(r.sent).UTC(),
		Payload: slices.Clone([]byte(r.payload)), Late: r.late, Standing: bus.Standing{
			Verdict: bus.Verdict(r.verdict), Signer: string(r.signer), Method: bus.Method(r.method),
			Reason: string(r.reason), Marked: r.marked,
		},
	}.Message()
}

// match decides on a message by all stored data. A message that can no longer be decoded does not match.
func (w *scanner) match(c *candidate, r *rawRow) {
	cut := len(r.summary) > maxText-utf8.UTFMax || len(r.link) > maxText-utf8.UTFMax // when it was stored
	show := len(w.out.Hits) < w.Hits
	if c.named && !cut {
		matches, sure := w.Filter.Prefilter(string(r.summary), string(r.link), r.payload)
		if sure && !(matches && show) {
			c.matches = matches
			return
		}
	}
	m, err := r.message()
	if err != nil {
		return
	}
	e := w.kept(r, m)
	if e == nil || cut {
		e = w.Describe(m)
	}
	if c.matches = w.Filter.Match(e); c.matches && show {
		c.event = e
	}
}

// kept builds the event of a message from its stored names and texts; nil when its names are not stored. To describe
// the message again would cost more, and could differ from the names by which it was found. So that is done only for
// what is not stored.
func (w *scanner) kept(r *rawRow, m *bus.Message) *catalogue.Event {
	if !w.facts.unpack(r.facts) {
		return nil
	}
	e := w.facts.take()
	e.Message = m
	e.SetProse(catalogue.Prose{Summary: string(r.summary), Link: string(r.link)})
	if w.Filter.Anew() {
		e.SetAnew(w.Describe(m))
	}
	return e
}
