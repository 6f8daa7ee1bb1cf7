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

// window reads the names of the next messages, and asks Names about them; all is false when time was over before the last.
func (w *sifting) window(ctx context.Context, size int) (seen []glance, all bool, err error) {
	statement, args := w.statement(size)
	rows, err := w.store.reader.WithContext(ctx).Raw(statement, args...).Rows()
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	seen = make([]glance, 0, size)
	var packed sql.RawBytes
	for rows.Next() {
		if len(seen)%32 == 0 && w.over() {
			return seen, false, nil
		}
		var g glance
		if err := rows.Scan(&g.SentAt, &g.ID, &packed); err != nil {
			return seen, false, err
		}
		w.glance(&g, packed)
		seen = append(seen, g)
	}
	return seen, true, rows.Err()
}

// glance decides by the names of a message, as far as they tell.
func (w *sifting) glance(g *glance, packed []byte) {
	if !w.facts.unpack(packed) {
		g.ask = true
		return
	}
	w.facts.event.Time = time.UnixMicro(g.SentAt).UTC()
	if w.Names != nil && !w.Names(&w.facts.event) {
		return
	}
	if g.known, g.ask = true, w.Whole != nil; g.ask {
		return
	}
	g.fits = true
	if len(w.out.Hits) < w.Hits {
		g.event = w.facts.take()
	}
}

// statement gives the next messages that have one of the keys: in their order, with their names.
func (w *sifting) statement(size int) (string, []any) {
	from := fromKeys(w.Keys)
	where, args := []string{"k.sent_at >= ?"}, []any{w.Since.UnixMicro()}
	if from.column != "" {
		where = append(where, "k."+from.column+" IN ?")
		args = append(args, from.values)
	}
	if w.last != (Spot{}) {
		where = append(where, "(k.sent_at, k."+from.id+") < (?, ?)")
		args = append(args, w.last.SentAt, w.last.ID)
	}
	args = append(args, size)
	condition := " WHERE " + strings.Join(where, " AND ")
	if !from.repeats {
		return "SELECT k.sent_at, k." + from.id + ", f.facts FROM " + from.table + " k LEFT JOIN message_facts f ON f.message_id = k." +
			from.id + condition + " ORDER BY k.sent_at DESC, k." + from.id + " DESC LIMIT ?", args
	}
	return "SELECT d.sent_at, d.id, f.facts FROM (SELECT DISTINCT k.sent_at, k." + from.id + " AS id FROM " + from.table + " k" + condition +
		" ORDER BY k.sent_at DESC, k." + from.id + " DESC LIMIT ?) d LEFT JOIN message_facts f ON f.message_id = d.id" +
		" ORDER BY d.sent_at DESC, d.id DESC", args
}

// A from is the table that keys are looked up in.
type from struct {
	table, id string
	column    string // "": all of it
	values    []string
	repeats   bool // a message may stand in it twice
}

// fromKeys gives the table of keys, or that of all messages where there are none, or no one table has them all.
func fromKeys(keys []Key) from {
	all := from{table: "messages", id: "id"}
	if len(keys) == 0 {
		return all
	}
	f := tableOf(keys[0].Field)
	for _, k := range keys {
		if other := tableOf(k.Field); other.table != f.table || other.column != f.column || f.column == "" {
			return all
		}
		value := key(k.Value)
		if k.Field == "topic" {
			value = column(k.Value)
		}
		f.values = append(f.values, value)
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

// askAll reads those of part whole that are to be asked, and decides on them.
func (w *sifting) askAll(ctx context.Context, part []glance) error {
	open := make(map[int64]*glance, asked)
	var ids []int64
	for i := range part {
		if g := &part[i]; g.ask {
			open[g.ID] = g
			ids = append(ids, g.ID)
		}
	}
	rows, err := w.store.reader.WithContext(ctx).Raw("SELECT m.id, m.summary, m.link, m.source, m.topic, m.received_at, m.payload, f.facts FROM messages m"+
		" LEFT JOIN message_facts f ON f.message_id = m.id WHERE m.id IN ?", ids).Rows()
	if err != nil {
		return err
	}
	defer rows.Close()
	var r rawRow
	for rows.Next() {
		if err := rows.Scan(&r.id, &r.summary, &r.link, &r.source, &r.topic, &r.received, &r.payload, &r.facts); err != nil {
			return err
		}
		if g := open[r.id]; g != nil {
			w.ask(g, &r)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return rows.Err()
}

// A rawRow is what is read of a message to decide on it, in memory that the next one is read into.
type rawRow struct {
	id, received                                 int64
	summary, link, source, topic, payload, facts sql.RawBytes
}

// ask decides on a message by all that is kept of it. One that can no longer be decoded does not fit.
func (w *sifting) ask(g *glance, r *rawRow) {
	cut := len(r.summary) > maxText-utf8.UTFMax || len(r.link) > maxText-utf8.UTFMax // when it was stored
	show := len(w.out.Hits) < w.Hits
	if w.Rough != nil && g.known && !cut {
		if fits, sure := w.Rough(string(r.summary), string(r.link), r.payload); sure && !(fits && show) {
			g.fits = fits
			return
		}
	}
	m, err := bus.Decode(bus.Frame{Source: string(r.source), Topic: string(r.topic), Payload: slices.Clone([]byte(r.payload))}, time.UnixMicro(r.received).UTC())
	if err != nil {
		return
	}
	e := w.kept(r, m)
	if e == nil || cut {
		e = w.Describe(m)
	}
	if !g.known && w.Names != nil && !w.Names(e) {
		return
	}
	if g.fits = w.Whole == nil || w.Whole(e); g.fits && show {
		g.event = e
	}
}

// kept makes the event of a message of what is kept of it; nil when its facts are not. Saying anew what it means costs
// more, and could differ from what its names were found by.
func (w *sifting) kept(r *rawRow, m *bus.Message) *catalogue.Event {
	if !w.facts.unpack(r.facts) {
		return nil
	}
	e := w.facts.take()
	e.Message = m
	e.SetProse(catalogue.Prose{Summary: string(r.summary), Link: string(r.link)})
	return e
}
