package history

import (
	"cmp"
	"slices"
	"strings"

	"gorm.io/gorm"
)

// A lookup is a condition of a Selection that an index answers, in the order of time: names in a column of messages, or
// in a table of names.
type lookup struct {
	table, id, column string
	also              string // a column that must be true
	index             string // on SQLite
	names             []string
}

// A selecting is a Selection with the index that it is read by. Every other condition is a probe of another index, by
// its whole key (name, time, id): it costs the same for each entry, however many messages a name has, and no row is
// read for it. The tables of names have the category beside each entry, which costs no probe.
type selecting struct {
	Selection
	needs, lacks []lookup // all of these, none of those
	among        []string // nil, or what the category is one of: that of the topics
	by           lookup   // one of needs, or all messages by time
	after        *Cursor  // only what follows it in the order
	postgres     bool
	nothing      bool                // no message can match
	sizes        map[string]estimate // by lookup
}

// An estimate is about how many entries a lookup has in the window.
type estimate struct {
	entries float64
	exact   bool
}

// everything reads every message, in the order of time.
var everything = lookup{table: "messages", id: "id", index: "idx_messages_time"}

// lookups are the conditions that an index answers.
func lookups(users, actors, packages, topics, categories []string) (all []lookup) {
	add := func(l lookup, names []string, form func(string) string) {
		for _, name := range names {
			if name = form(name); !slices.Contains(l.names, name) {
				l.names = append(l.names, name)
			}
		}
		if len(names) > 0 {
			all = append(all, l)
		}
	}
	people := lookup{table: "message_users", id: "message_id", column: "name", index: "sqlite_autoindex_message_users_1"}
	concerned, active := people, people
	concerned.also, active.also = "is_user", "is_actor"
	add(lookup{table: "message_packages", id: "message_id", column: "name", index: "sqlite_autoindex_message_packages_1"},
		packages, key)
	add(concerned, users, key)
	add(active, actors, key)
	add(lookup{table: "messages", id: "id", column: "topic", index: "idx_messages_topic"}, topics, column)
	add(lookup{table: "messages", id: "id", column: "category", index: "idx_messages_category"}, categories, column)
	return all
}

// newSelecting prepares a selection, which is not given an index yet. A message has one topic and one category, and the
// topic says which category: so these conditions are decided here as far as they can be.
func newSelecting(tx *gorm.DB, sel Selection) *selecting {
	q := &selecting{Selection: sel, by: everything, postgres: isPostgres(tx), sizes: map[string]estimate{}}
	if sel.After != (Cursor{}) {
		q.after = &sel.After
	}
	topics, categories := sel.Topics, sel.Categories
	without := func(c Choice) []string {
		return slices.DeleteFunc(slices.Clone(c.Any), func(name string) bool { return slices.Contains(c.None, name) })
	}
	if len(topics.Any) > 0 {
		topics = Choice{Any: slices.DeleteFunc(without(topics), func(topic string) bool {
			category := Category(topic)
			return len(categories.Any) > 0 && !slices.Contains(categories.Any, category) ||
				slices.Contains(categories.None, category)
		})}
		for _, topic := range topics.Any {
			q.among = append(q.among, column(Category(topic)))
		}
		q.nothing, categories = len(topics.Any) == 0, Choice{}
	}
	if len(categories.Any) > 0 {
		categories = Choice{Any: without(categories)}
		q.nothing = len(categories.Any) == 0
	}
	q.needs = lookups(sel.Users.Any, sel.Actors.Any, sel.Packages.Any, topics.Any, categories.Any)
	q.lacks = lookups(sel.Users.None, sel.Actors.None, sel.Packages.None, topics.None, categories.None)
	return q
}

// The cost of a step, as measured: an entry that is read, and a probe of another index.
const entryCost, probeCost = 1, 10

// choose finds the index by which the selection costs least to read whole.
func (q *selecting) choose(tx *gorm.DB) error {
	if len(q.needs) == 0 || q.nothing {
		return nil
	}
	if q.by = q.needs[0]; len(q.needs) == 1 {
		return nil
	}
	least := 0.0
	for i, l := range q.needs {
		e, err := q.estimate(tx, l)
		if err != nil {
			return err
		}
		cost := e.entries * float64(entryCost+probeCost*q.probes(l))
		if i == 0 || cost < least {
			least, q.by = cost, l
		}
		if e.exact && e.entries < fewEntries {
			q.by = l
			return nil
		}
	}
	return nil
}

// probes is how many probes an entry needs when the selection is read by l.
func (q *selecting) probes(l lookup) (n int) {
	for _, other := range q.needs {
		if !other.same(l) && (other.column != "category" || l.table == "messages") {
			n++
		}
	}
	return n
}

func (l lookup) same(other lookup) bool {
	return l.table == other.table && l.column == other.column && l.also == other.also && slices.Equal(l.names, other.names)
}

// These bound an estimate, which reads the newest entries of each name; from how far back they reach follows how many
// there are in all.
const (
	sampled    = 4000 // entries of all names of a lookup together
	leastOf    = 100  // of each at least
	fewEntries = 200  // so few that nothing else has to be looked at
)

func (q *selecting) estimate(tx *gorm.DB, l lookup) (e estimate, err error) {
	id := strings.Join(append([]string{l.table, l.column}, l.names...), "\x00")
	if e, known := q.sizes[id]; known {
		return e, nil
	}
	most := max(sampled/len(l.names), leastOf)
	var parts []string
	var args []any
	for _, name := range l.names {
		where, values := q.window("k")
		parts = append(parts, "SELECT count(*) AS entries, coalesce(min(p.sent_at), 0) AS oldest"+
			" FROM (SELECT k.sent_at FROM "+l.table+" k WHERE "+strings.Join(where, " AND ")+" AND k."+l.column+" = ? ORDER BY k.sent_at DESC LIMIT ?) p")
		args = append(append(args, values...), name, most)
	}
	var found []struct{ Entries, Oldest int64 }
	if err := tx.Raw(strings.Join(parts, " UNION ALL "), args...).Scan(&found).Error; err != nil {
		return e, err
	}
	e.exact = true
	var from, to int64
	for _, f := range found {
		if int(f.Entries) < most {
			e.entries += float64(f.Entries)
			continue
		}
		if e.exact {
			if from, to, err = q.span(tx); err != nil {
				return e, err
			}
		}
		e.exact = false
		e.entries += float64(f.Entries) * float64(max(to-from, 1)) / float64(max(to-f.Oldest, 1))
	}
	q.sizes[id] = e
	return e, nil
}

// span gives the first and the last time of the window in which there may be messages.
func (q *selecting) span(tx *gorm.DB) (from, to int64, err error) {
	var found struct{ First, Last int64 }
	err = tx.Raw("SELECT coalesce((SELECT min(sent_at) FROM messages), 0) AS first," +
		" coalesce((SELECT max(sent_at) FROM messages), 0) AS last").Scan(&found).Error
	from, to = found.First, found.Last
	if !q.Since.IsZero() {
		from = max(from, q.Since.UnixMicro())
	}
	if !q.Until.IsZero() {
		to = min(to, q.Until.UnixMicro())
	}
	return from, cmp.Or(to, from), err
}

// chooseIndex prepares a selection and finds the index that it is read by.
func chooseIndex(tx *gorm.DB, sel Selection) (*selecting, error) {
	q := newSelecting(tx, sel)
	return q, q.choose(tx)
}
