package zmq

import "github.com/notifyd/notifyd/bus"

// publishAll publishes frames that are within the bounds, in their order. Most subscribers of a gateway want
// everything. Each of them is given what goes into one write as one item, whose bytes they share: with a thousand
// subscribers it is the queueing, message by message and peer by peer, that would cost most.
func (p *Publisher) publishAll(frames []bus.Frame) {
	var wires []*parcel
	size := 0
	for i, f := range frames {
		wire := encodeMessage(f.Topic, f.Payload)
		if size > 0 && size+len(wire) > writeAtOnce {
			p.publishTogether(frames[i-len(wires):i], wires)
			wires, size = nil, 0
		}
		wires, size = append(wires, &parcel{wire: wire, count: 1}), size+len(wire)
	}
	if len(wires) > 0 {
		p.publishTogether(frames[len(frames)-len(wires):], wires)
	}
}

// publishTogether publishes frames, whose bytes on the wire are given, as one item where a peer wants all of them and
// has room for all.
func (p *Publisher) publishTogether(frames []bus.Frame, wires []*parcel) {
	whole := joined(wires)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, peer := range p.wanted.byPrefix[""] {
		if peer.queue.put(whole) {
			p.counts.Queued += uint64(len(wires))
			continue
		}
		for _, wire := range wires {
			p.give(peer, wire)
		}
	}
	for i, f := range frames {
		p.counts.Published++
		p.wanted.each(f.Topic, func(peer *peer) {
			if peer.seen != p.counts.Published && peer.prefixes[""] == 0 {
				peer.seen = p.counts.Published
				p.give(peer, wires[i])
			}
		})
	}
}

// joined makes one parcel of several.
func joined(all []*parcel) *parcel {
	if len(all) == 1 {
		return all[0]
	}
	size := 0
	for _, p := range all {
		size += len(p.wire)
	}
	whole := &parcel{wire: make([]byte, 0, size)}
	for _, p := range all {
		whole.wire = append(whole.wire, p.wire...)
		whole.count += p.count
	}
	return whole
}
