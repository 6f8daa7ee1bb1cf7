package prefs

import (
	"gorm.io/gorm"

	"github.com/notifyd/notifyd/rulespec"
)

// A Cache keeps subscriptions that were read, within bounds. Its owner calls Forget for the filters that Changes
// names before the next Read; then Read returns the same as the store. It is for one goroutine. Two generations
// approximate an LRU cache (least recently used) at the cost of two maps.
type Cache struct {
	store      *Subscriptions
	entries    int // that one generation holds at most
	bytes      int
	young, old generation
}

// A generation is a map of subscriptions by filter; the value of a filter that reaches nobody is nil.
type generation struct {
	of    map[rulespec.FilterID]*Subscription
	bytes int
}

// NewCache makes a Cache with the given bounds on the number of subscriptions and on their bytes of memory.
func NewCache(store *Subscriptions, entries, bytes int) *Cache {
	c := &Cache{store: store, entries: max(1, entries/2), bytes: bytes / 2}
	c.young.of, c.old.of = map[rulespec.FilterID]*Subscription{}, map[rulespec.FilterID]*Subscription{}
	return c
}

// Len returns how many filters the Cache remembers, and Bytes roughly how many bytes of memory they take.
func (c *Cache) Len() int   { return len(c.young.of) + len(c.old.of) }
func (c *Cache) Bytes() int { return c.young.bytes + c.old.bytes }

// Forget drops the given filters from the Cache.
func (c *Cache) Forget(ids []rulespec.FilterID) {
	for _, id := range ids {
		c.young.drop(id)
		c.old.drop(id)
	}
}

// Read returns the subscriptions of filters in tx, by filter. Filters that are off, broken or reach nobody have none.
// The subscriptions belong to the Cache: the caller must not change them.
func (c *Cache) Read(tx *gorm.DB, ids []rulespec.FilterID) (map[rulespec.FilterID]*Subscription, error) {
	found := make(map[rulespec.FilterID]*Subscription, len(ids))
	var missing []rulespec.FilterID
	for _, id := range ids {
		if _, twice := found[id]; twice {
			continue
		}
		s, known := c.young.of[id]
		if !known {
			if s, known = c.old.of[id]; known { // it moves to the young generation
				c.old.drop(id)
				c.keep(id, s)
			} else {
				missing = append(missing, id)
			}
		}
		found[id] = s
	}
	read, err := c.store.load(tx, missing)
	if err != nil {
		return nil, err
	}
	for _, s := range read {
		found[s.Filter.ID] = s
	}
	for _, id := range missing {
		c.keep(id, found[id])
	}
	return found, nil
}

// keep stores a subscription. When the young generation is full it becomes the old one. The previous old one is
// dropped, with all subscriptions that were not read since.
func (c *Cache) keep(id rulespec.FilterID, s *Subscription) {
	if len(c.young.of) >= c.entries || c.young.bytes >= c.bytes {
		c.old, c.young = c.young, generation{of: map[rulespec.FilterID]*Subscription{}}
	}
	c.young.drop(id)
	c.young.of[id] = s
	c.young.bytes += s.size()
}

func (g *generation) drop(id rulespec.FilterID) {
	if s, known := g.of[id]; known {
		delete(g.of, id)
		g.bytes -= s.size()
	}
}

// size returns roughly the bytes of memory that a subscription takes.
func (s *Subscription) size() int {
	const entry, fields, destination = 50, 350, 200
	if s == nil {
		return entry
	}
	const muted = 150
	n := entry + fields + len(s.Sentence) + len(s.Filter.Name) + 2*len(s.User.Name)
	for i := range s.Destinations {
		n += destination + len(s.Destinations[i].Address) + 8*len(s.Destinations[i].Schedule.Weekdays)
	}
	for i := range s.User.Mutes { // the filters of a user share them, but may be read at different times
		n += muted + len(s.User.Mutes[i].Value) + len(s.User.Mutes[i].Label)
	}
	return n
}
