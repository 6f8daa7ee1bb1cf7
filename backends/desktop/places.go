package desktop

import "sync"

// places shares the streams of this process out. When all are taken, a newcomer gets the place of the feed that has
// most, if that has at least two more: its oldest stream ends, and its agent comes back or does without.
type places struct {
	most int

	mu    sync.Mutex
	taken map[string][]*place // by address, the oldest first
	all   int
}

// A place is the right to a stream.
type place struct {
	address string
	lost    chan struct{} // closed when the stream has to end
}

func newPlaces(most int) places { return places{most: most, taken: map[string][]*place{}} }

// take returns a place for a stream of a feed, or nil.
func (p *places) take(address string) *place {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.taken[address]) >= perAddress || p.all >= p.most && !p.free(address) {
		return nil
	}
	made := &place{address: address, lost: make(chan struct{})}
	p.taken[address] = append(p.taken[address], made)
	p.all++
	return made
}

// free ends the oldest stream of the feed that has most, and reports whether there is one.
func (p *places) free(address string) bool {
	greediest, most := "", 0
	for other, streams := range p.taken {
		if len(streams) > most {
			greediest, most = other, len(streams)
		}
	}
	if most < len(p.taken[address])+2 {
		return false
	}
	oldest := p.taken[greediest][0]
	close(oldest.lost)
	p.remove(oldest)
	return true
}

// give gives a place back.
func (p *places) give(at *place) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.remove(at)
}

func (p *places) remove(at *place) {
	streams := p.taken[at.address]
	for i, s := range streams {
		if s == at {
			p.all--
			p.taken[at.address] = append(streams[:i:i], streams[i+1:]...)
			break
		}
	}
	if len(p.taken[at.address]) == 0 {
		delete(p.taken, at.address)
	}
}
