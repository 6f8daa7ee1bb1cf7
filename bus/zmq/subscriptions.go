package zmq

import (
	"cmp"
	"slices"
)

// subscriptions are the prefixes of all peers. Finding those who want a topic looks up its beginnings, one for each
// length that a prefix has, so that its cost follows who wants it, and not how much the peers have subscribed to. The
// Publisher's lock guards them.
type subscriptions struct {
	byPrefix map[string][]*peer
	count    map[int]int // prefixes by length
	lengths  []int       // those with a count, sorted
}

func newSubscriptions() subscriptions {
	return subscriptions{byPrefix: map[string][]*peer{}, count: map[int]int{}}
}

// each calls visit with the peers that want topic, with one that has several prefixes of it several times.
func (s *subscriptions) each(topic string, visit func(*peer)) {
	for _, n := range s.lengths {
		if n > len(topic) {
			return
		}
		for _, q := range s.byPrefix[topic[:n]] {
			visit(q)
		}
	}
}

func (s *subscriptions) add(q *peer, prefix string) {
	if len(s.byPrefix[prefix]) == 0 {
		if s.count[len(prefix)]++; s.count[len(prefix)] == 1 {
			at, _ := slices.BinarySearch(s.lengths, len(prefix))
			s.lengths = slices.Insert(s.lengths, at, len(prefix))
		}
	}
	s.byPrefix[prefix] = append(s.byPrefix[prefix], q)
}

func (s *subscriptions) remove(q *peer, prefix string) {
	peers := s.byPrefix[prefix]
	i := slices.Index(peers, q)
	if i < 0 {
		return
	}
	if peers = slices.Delete(peers, i, i+1); len(peers) > 0 {
		s.byPrefix[prefix] = peers
		return
	}
	delete(s.byPrefix, prefix)
	if s.count[len(prefix)]--; s.count[len(prefix)] == 0 {
		delete(s.count, len(prefix))
		at, _ := slices.BinarySearch(s.lengths, len(prefix))
		s.lengths = slices.Delete(s.lengths, at, at+1)
	}
}

// removePeer removes all prefixes of a peer that is gone.
func (s *subscriptions) removePeer(q *peer) {
	for prefix := range q.prefixes {
		s.remove(q, prefix)
	}
}

// maxLosers is of how many peers that are gone it is remembered what they lost.
const maxLosers = 100

// A loser is a peer that has lost messages.
type loser struct {
	name string
	lost uint64
}

// takeLosers gives the peers that have lost messages since the last call, those with most first.
func (p *Publisher) takeLosers() (all []loser) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, lost := range p.losers {
		all = append(all, loser{name, lost})
	}
	clear(p.losers)
	for _, q := range p.peers {
		if q.lost > 0 {
			all = append(all, loser{q.name, q.lost})
			q.lost = 0
		}
	}
	slices.SortFunc(all, func(a, b loser) int { return cmp.Or(cmp.Compare(b.lost, a.lost), cmp.Compare(a.name, b.name)) })
	return all
}
