// Package limit bounds what one visitor takes from all others: requests by rate, and open connections.
//
// A visitor without an account is known by an address, and addresses are cheap: whoever has an IPv6 /48 has 65,536
// networks of the size that one household gets. So a rate is counted by network, and the network widens where it must.
// Each IPv6 /64 and each IPv4 address has an allowance of its own, as long as few of a wider network come. Where more
// than sixteen at a time come from one /56, that /56 shares one allowance, and likewise a /48, and of IPv4 a /24. When
// fewer come, each is counted by itself again.
//
// A limiter keeps a bounded number of keys, the least recently used go first (LRU). So newcomers are never locked out:
// somebody who comes from very many networks gets forgotten, and does not use up the table for others.
//
// It is a token bucket for each key (golang.org/x/time/rate). Package web asks before a request costs anything:
//
//	posts := limit.New(time.Now, 200*time.Millisecond, 120)
//	if !posts.AllowFrom(limit.Client(r, trusts)) { ... 429 ... }
package limit

import (
	"container/list"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	mostKeys = 20_000
	crowd    = 16 // networks at a time, of which more share the allowance of the wider one
	wider    = 4  // how many times the allowance of one key a wider network has
)

// A Limiter bounds the rate of each key. It is safe for concurrent use.
type Limiter struct {
	every time.Duration // the time until one more is allowed
	burst int
	most  int // keys
	now   func() time.Time

	mu     sync.Mutex
	keys   map[key]*entry
	recent *list.List // of *entry, the most recently used first; a network is before those within it
}

// A key is a network or a name.
type key struct {
	network netip.Prefix
	name    string
}

type entry struct {
	key
	rate   *rate.Limiter
	place  *list.Element
	within *entry          // the wider network; nil: none
	below  map[*entry]bool // the networks within it that have come
	shared bool            // all below share the allowance
}

// New makes a Limiter that allows burst at once and then one more each time that every has passed.
func New(now func() time.Time, every time.Duration, burst int) *Limiter {
	return &Limiter{every: every, burst: burst, most: mostKeys, now: now, keys: map[key]*entry{}, recent: list.New()}
}

// Allow takes one from the allowance of a name, such as that of a user.
func (l *Limiter) Allow(name string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.find(key{name: name}, nil, 1)
	l.use(e)
	return e.rate.AllowN(l.now(), 1)
}

// AllowFrom takes one from the allowance of the network that an address is in.
func (l *Limiter) AllowFrom(addr netip.Addr) bool {
	networks := widths(addr)
	if len(networks) == 0 { // not an address: all of these are one
		return l.Allow("")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	var path []*entry
	var at *entry
	for i, network := range networks {
		times := wider
		if i == len(networks)-1 {
			times = 1
		}
		if at != nil && l.crowded(at, key{network: network}, now) {
			break
		}
		at = l.find(key{network: network}, at, times)
		path = append(path, at)
	}
	for i := len(path) - 1; i >= 0; i-- { // so that what is wider is forgotten later
		l.use(path[i])
	}
	return at.rate.AllowN(now, 1)
}

// crowded reports whether all networks within e share its allowance, of which next is one. Networks that have their
// whole allowance back do not count any more.
func (l *Limiter) crowded(e *entry, next key, now time.Time) bool {
	if e.shared {
		if !l.rested(e, now) {
			return true
		}
		e.shared = false
	}
	if known := l.keys[next]; known != nil || len(e.below) < crowd {
		return false
	}
	for child := range e.below {
		if l.idle(child, now) {
			l.drop(child)
		}
	}
	e.shared = len(e.below) >= crowd
	return e.shared
}

// idle reports whether nothing is counted against a network, nor against those within it.
func (l *Limiter) idle(e *entry, now time.Time) bool {
	for child := range e.below {
		if !l.idle(child, now) {
			return false
		}
	}
	return l.rested(e, now)
}

func (l *Limiter) rested(e *entry, now time.Time) bool {
	return e.rate.TokensAt(now) >= float64(e.rate.Burst())
}

// find returns the entry of a key, and makes it where it is missing.
func (l *Limiter) find(k key, within *entry, times int) *entry {
	if e := l.keys[k]; e != nil {
		return e
	}
	for len(l.keys) >= l.most {
		l.drop(l.recent.Back().Value.(*entry))
	}
	every := rate.Every(l.every) * rate.Limit(times)
	e := &entry{key: k, rate: rate.NewLimiter(every, l.burst*times), within: within}
	if within != nil {
		if l.keys[within.key] == nil { // the table is so small that its own network was forgotten for it
			e.within = nil
		} else {
			if within.below == nil {
				within.below = map[*entry]bool{}
			}
			within.below[e] = true
		}
	}
	e.place = l.recent.PushFront(e)
	l.keys[k] = e
	return e
}

// use makes an entry the most recently used.
func (l *Limiter) use(e *entry) { l.recent.MoveToFront(e.place) }

// drop forgets an entry, and those within it.
func (l *Limiter) drop(e *entry) {
	for child := range e.below {
		l.drop(child)
	}
	if e.within != nil {
		delete(e.within.below, e)
	}
	l.recent.Remove(e.place)
	delete(l.keys, e.key)
}
