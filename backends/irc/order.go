package irc

import (
	"cmp"
	"errors"
	"sync"
	"time"

	"github.com/notifyd/notifyd/backends"
)

// In the morning the digests of two hundred people are due at once, and a network takes a line a second, and perhaps
// one new conversation a minute. Then the worst news goes first. The outbox hands parcels over by their time, a few at
// once. So a parcel that finds the network busy, or costs a conversation, gets a place in a list, by its severity, and
// comes again when its turn may be there (backends.Wait). Account mail and what is critical does not queue.

// The ranks of parcels.
const (
	rankAccount  = 6 // a code that somebody waits for
	rankCritical = 5
	rankInfo     = 2
)

var ranks = map[string]int{"critical": rankCritical, "error": 4, "warning": 3, "info": rankInfo, "debug": 1}

// rankOf gives the rank of the worst notice of a parcel. What is not proved is never critical.
func rankOf(p backends.Parcel) int {
	worst := 0
	for _, n := range p.Notices {
		rank := cmp.Or(ranks[n.Severity], rankInfo)
		if isAccount(n) {
			rank = rankAccount
		}
		if n.Standing != "" {
			rank = min(rank, rankInfo)
		}
		worst = max(worst, rank)
	}
	return worst
}

const (
	gatherFor  = time.Second     // since the last that came: others that are due then have come
	gatherMost = 5 * time.Second // where they do not end
	maxAtOnce  = 2               // parcels that send, or wait for the one that does
	leastStep  = 500 * time.Millisecond
	placeGrace = 15 * time.Second // a parcel that does not come back is not waited for: it was cancelled, or held
	maxPlaces  = 10_000
	maxWaiting = 10 * time.Minute
)

var errInTurn = errors.New("others are first on this network")

// A place is one parcel that waits for its turn.
type place struct {
	rank    int
	number  int // of equals the first that came
	since   time.Time
	due     time.Time // when it was told to come again
	costing bool      // it begins a conversation
}

// places are the parcels that wait, by folded nick.
type places struct {
	mu     sync.Mutex
	all    map[string]*place
	number int
	newest time.Time     // when the last one came
	going  int           // parcels that were let through and are not done
	each   time.Duration // that one takes, on average
}

// admit lets a parcel through, or says when to come again. done is called when the parcel is sent.
func (n *network) admit(nick string, p backends.Parcel) (done func(), err error) {
	rank, folded := rankOf(p), n.casing().fold(nick)
	var wait time.Duration
	var ok bool
	if rank >= rankCritical {
		wait, ok = n.openings.reserve(folded)
	} else {
		wait, ok = n.order.ask(folded, rank, len(p.Notices) > 1, n.openings)
	}
	if !ok {
		return nil, inTurn(wait)
	}
	leave := n.order.enter(n.openings.now)
	return func() { n.openings.release(folded); leave() }, nil
}

func inTurn(wait time.Duration) error {
	return &backends.Wait{For: min(max(wait, leastStep), maxWaiting), Hold: backends.HeldInTurn, Err: errInTurn}
}

// enter counts a parcel that was let through.
func (l *places) enter(now func() time.Time) (leave func()) {
	begun := now()
	l.mu.Lock()
	l.going++
	l.mu.Unlock()
	return sync.OnceFunc(func() {
		l.mu.Lock()
		l.going--
		l.each = (3*l.each + now().Sub(begun)/maxAtOnce) / 4
		l.mu.Unlock()
	})
}

// ask reports whether a parcel may go now; else in how long it may come again.
func (l *places) ask(nick string, rank int, digest bool, o *openings) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, costing := o.now(), o.costs(nick)
	mine := l.all[nick]
	if mine == nil {
		if !digest && !costing && l.going < maxAtOnce && len(l.all) == 0 {
			return o.reserve(nick)
		}
		if mine = l.sit(nick, now); mine == nil {
			return maxWaiting, false
		}
	}
	mine.rank, mine.costing = max(mine.rank, rank), costing
	if now.Sub(l.newest) < gatherFor && now.Sub(mine.since) < gatherMost {
		mine.due = now.Add(gatherFor)
		return gatherFor, false
	}
	ahead, conversations := l.before(mine)
	if ahead == 0 && l.going < maxAtOnce {
		if wait, ok = o.reserve(nick); ok {
			delete(l.all, nick)
			return 0, true
		}
	} else if wait = time.Duration(ahead) * l.each; costing {
		wait = max(wait, o.when(conversations))
	}
	wait = min(max(wait, l.each/2, leastStep), maxWaiting)
	mine.due = now.Add(wait)
	return wait, false
}

// sit makes a place at the end of those of its rank; nil where there are too many.
func (l *places) sit(nick string, now time.Time) *place {
	if l.all == nil {
		l.all = map[string]*place{}
	}
	if len(l.all) >= maxPlaces {
		return nil
	}
	l.number++
	l.newest = now
	mine := &place{number: l.number, since: now, due: now}
	l.all[nick] = mine
	return mine
}

// before counts who goes before a parcel: all that are worse or came earlier, unless it costs nothing what they wait
// for; and how many of them begin a conversation. Those that should be back for long are forgotten: the outbox hands
// over by time, so who was due well before this one does not come.
func (l *places) before(mine *place) (ahead, conversations int) {
	for nick, other := range l.all {
		switch {
		case other == mine:
		case other.due.Add(placeGrace).Before(mine.due):
			delete(l.all, nick)
		case other.rank > mine.rank || other.rank == mine.rank && other.number < mine.number:
			if other.costing {
				conversations++
			}
			if other.costing && !mine.costing {
				continue // it waits for the server's clock; this one need not
			}
			ahead++
		}
	}
	return ahead, conversations
}
