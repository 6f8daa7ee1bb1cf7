package history

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/history/readers"
)

// A search reads one index in the order of time, the one with the fewest entries, and checks the other conditions
// message by message, a window at a time. maxScan bounds how many messages it reads before it returns the matches so
// far, with a Next to continue from.
const (
	window  = 500
	maxScan = 10000
)

// Search returns the messages that a query selects, the newest first.
func (s *Store) Search(ctx context.Context, q Query) (Page, error) {
	var page Page
	err := s.reader.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		ids, next, err := find(tx, q)
		if err != nil {
			return err
		}
		parts, err := parts(tx, ids)
		if err != nil || len(parts) == 0 {
			page.Next = next
			return err
		}
		if page.Next = next; len(parts) > 1 { // a shorter page: 50 messages may have 400 MB
			page.Next = parts[0][len(parts[0])-1]
		}
		page.Records, err = load(tx, parts[0])
		return err
	})
	if err != nil {
		return Page{}, fmt.Errorf("search history: %w", err)
	}
	return page, nil
}

// find returns the ids of the first messages that q selects, and the position to continue from.
func find(tx *gorm.DB, q Query) (ids []int64, next int64, err error) {
	last, err := start(tx, q)
	if err != nil {
		return nil, 0, err
	}
	by, err := lead(tx, q)
	if err != nil {
		return nil, 0, err
	}
	limit := limitOf(q)
	for scanned := 0; scanned < maxScan; scanned += window {
		read, err := readWindow(tx, q, by, last)
		if err != nil {
			return nil, 0, err
		}
		if len(read) == 0 {
			return ids, 0, nil
		}
		matching, err := match(tx, q, by, read)
		if err != nil {
			return nil, 0, err
		}
		for _, id := range matching {
			if ids = append(ids, id); len(ids) == limit {
				return ids, id, nil
			}
		}
		if len(read) < window {
			return ids, 0, nil
		}
		last = &read[len(read)-1]
	}
	return ids, last.ID, nil
}

// start returns the cursor of q.Before, nil for the newest.
func start(tx *gorm.DB, q Query) (*Cursor, error) {
	if q.Before == 0 {
		return nil, nil
	}
	var sent []int64
	seen, args := seen(q.Among)
	err := tx.Raw("SELECT sent_at FROM messages WHERE id = ?"+seen, append([]any{q.Before}, args...)...).Scan(&sent).Error
	if err == nil && len(sent) == 0 {
		sent, err = sentBefore(tx, q)
	}
	if err != nil || len(sent) == 0 { // all before it have gone too
		return &Cursor{}, err
	}
	return &Cursor{SentAt: slices.Max(sent), ID: q.Before}, nil
}

// sentBefore gives when the messages were sent that were received just before one that has gone: a rule keeps it for a
// shorter time. Some of them may have been sent long before, so the newest of several says about where it stood.
func sentBefore(tx *gorm.DB, q Query) (sent []int64, err error) {
	seen, args := seen(q.Among)
	err = tx.Raw("SELECT sent_at FROM messages WHERE id < ?"+seen+" ORDER BY id DESC LIMIT 100",
		append([]any{q.Before}, args...)...).Scan(&sent).Error
	return sent, err
}

// seen ends a condition on messages: only what may be seen.
func seen(among readers.Sources) (string, []any) {
	condition, args := among.SQL("source")
	if condition == "" {
		return "", nil
	}
	return " AND " + condition, args
}

// lead gives the index to read: that of the user, the package, the topic or the application, or time alone.
func lead(tx *gorm.DB, q Query) (lookup, error) {
	one := func(name string) []string {
		if name == "" {
			return nil
		}
		return []string{name}
	}
	topic := q.Topic
	if !whole(topic) {
		topic = ""
	}
	s := &selecting{Selection: Selection{Since: q.Since, Until: q.Until}, by: everything, sizes: map[string]estimate{}}
	s.needs = lookups(one(q.User), nil, one(q.Package), one(topic), nil)
	if q.App != "" {
		s.needs = append(s.needs, lookup{table: "messages", id: "id", column: "app", index: "idx_messages_app",
			names: one(key(q.App))})
	}
	for i := range s.needs {
		s.needs[i].also = "" // who did it is found like the users
	}
	err := s.choose(tx)
	return s.by, err
}

// readWindow reads the next window of an index.
func readWindow(tx *gorm.DB, q Query, by lookup, last *Cursor) ([]Cursor, error) {
	where, args := []string{"1 = 1"}, []any{}
	add := func(condition string, values ...any) {
		where, args = append(where, condition), append(args, values...)
	}
	if by.column != "" {
		add(by.column+" = ?", by.names[0])
	}
	if !q.Since.IsZero() {
		add("sent_at >= ?", q.Since.UnixMicro())
	}
	if !q.Until.IsZero() {
		add("sent_at < ?", q.Until.UnixMicro())
	}
	if last != nil {
		add("(sent_at, "+by.id+") < (?, ?)", last.SentAt, last.ID)
	}
	var read []Cursor
	err := tx.Raw("SELECT sent_at, "+by.id+" AS id FROM "+by.table+" WHERE "+strings.Join(where, " AND ")+
		" ORDER BY sent_at DESC, "+by.id+" DESC LIMIT ?", append(args, window)...).Scan(&read).Error
	return read, err
}

func whole(topic string) bool { return topic != "" && !strings.HasSuffix(topic, ".") }

// match returns the ids, in their order, of the messages in read that meet the conditions that the index does not
// answer.
func match(tx *gorm.DB, q Query, by lookup, read []Cursor) ([]int64, error) {
	ids := make([]int64, len(read))
	for i, c := range read {
		ids[i] = c.ID
	}
	var where []string
	var args []any
	add := func(open bool, condition string, values ...any) {
		if open {
			where, args = append(where, condition), append(args, values...)
		}
	}
	has := func(table, name string) {
		add(name != "" && by.table != table, "EXISTS (SELECT 1 FROM "+table+" n WHERE n.name = ? AND n.sent_at = m.sent_at"+
			" AND n.message_id = m.id LIMIT 1 OFFSET 0)", key(name)) // see selecting.has
	}
	has("message_users", q.User)
	has("message_packages", q.Package)
	add(whole(q.Topic) && by.column != "topic", "m.topic = ?", column(q.Topic))
	add(q.Topic != "" && !whole(q.Topic), "substr(m.topic, 1, length(CAST(? AS text))) = ?", column(q.Topic),
		column(q.Topic))
	add(q.App != "" && by.column != "app", "m.app = ?", key(q.App))
	if condition, values := q.Among.SQL("m.source"); condition != "" {
		add(true, condition, values...)
	}
	if len(where) == 0 {
		return ids, nil
	}
	var matching []int64
	err := tx.Raw("SELECT m.id FROM messages m WHERE m.id IN ? AND "+strings.Join(where, " AND "),
		append([]any{ids}, args...)...).Scan(&matching).Error
	if err != nil {
		return nil, err
	}
	matches := make(map[int64]bool, len(matching))
	for _, id := range matching {
		matches[id] = true
	}
	return slices.DeleteFunc(ids, func(id int64) bool { return !matches[id] }), nil
}

// load reads whole messages, in the order of ids.
func load(tx *gorm.DB, ids []int64) ([]Record, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []messageRow
	if err := tx.Where("id IN ?", ids).Find(&rows).Error; err != nil {
		return nil, err
	}
	found := make(map[int64]Record, len(rows))
	for _, r := range rows {
		found[r.ID] = r.record()
	}
	records := make([]Record, 0, len(ids))
	for _, id := range ids {
		if r, ok := found[id]; ok {
			records = append(records, r)
		}
	}
	return records, nil
}

func limitOf(q Query) int {
	if q.Limit <= 0 || q.Limit > MaxLimit {
		return MaxLimit
	}
	return q.Limit
}
