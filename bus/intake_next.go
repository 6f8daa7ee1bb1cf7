package bus

import (
	"context"
	"time"
)

// The router's time is shared out in units of cost, which are 100 ns, about. A frame costs its bytes, since reading a
// hostile one takes up to 100 ns a byte, and frameCost, since storing even a small one is work. What the router says
// that frames have cost it beyond their bytes (Charge) is added.
const (
	costTime  = 100 * time.Nanosecond
	frameCost = 2 << 10
	// quantum is what a source may cost in one round.
	quantum = 32 << 10
	// batchCost is what a batch costs, about: a tenth of a second.
	batchCost = 1 << 20
	// maxDebt bounds what a source pays back later.
	maxDebt = 16 << 20
	// maxCredit is enough for the largest frame.
	maxCredit = MaxPayload + MaxTopic + frameCost
)

// A tally is what the frames of one source cost that the last batch had.
type tally struct {
	frames   int64
	bytes    int64
	expected int64         // cost beyond bytes and frameCost that was taken off the credit
	spent    time.Duration // as charged
}

// Next waits for frames and takes a batch of them. false: none come any more, since the Intake is closed and empty, or
// since ctx has ended.
//
// A batch is made of rounds. In each round every source gets an equal credit and gives frames for it, whose cost is
// taken off. What is left of a credit is kept for the next round while the source has frames, so that a large frame
// comes after some rounds (deficit round robin). Once the batch has half its size no more such frames are taken. It
// ends with the round in which it gets its size, or in which nobody gives anything. So a frame of ordinary size that is
// first in its queue is in the next batch, whatever floods the others: unless so many sources flood that one round of
// them fills a batch.
func (in *Intake) Next(ctx context.Context) (batch []Frame, open bool) {
	for ctx.Err() == nil {
		in.mu.Lock()
		batch, closed := in.batch(), in.closed
		in.mu.Unlock()
		if len(batch) > 0 || closed {
			return batch, len(batch) > 0
		}
		select {
		case <-in.more:
		case <-ctx.Done():
		}
	}
	return nil, false
}

// batch takes what is there, at most one batch of it.
func (in *Intake) batch() (batch []Frame) {
	for _, q := range in.order {
		q.settle()
	}
	var cost int64
	for in.frames > 0 && len(batch) < in.config.Batch && cost < batchCost {
		before := cost
		for range in.order {
			q := in.order[in.at]
			in.at = (in.at + 1) % len(in.order)
			batch, cost = in.serve(q, batch, cost)
			if len(batch) == in.config.Batch {
				break
			}
		}
		if cost == before && len(batch) > 0 {
			break // the others must save for what is large, or pay debts; who has something in the batch need not wait
		}
	}
	in.letIn()
	return batch
}

// serve gives q its credit of one round, and moves frames to the batch as far as it reaches. spent is what the batch
// costs so far.
func (in *Intake) serve(q *queue, batch []Frame, spent int64) ([]Frame, int64) {
	q.credit = min(q.credit+quantum, maxCredit)
	for len(q.frames) > 0 && len(batch) < in.config.Batch {
		cost := q.cost(q.frames[0])
		if cost > q.credit || spent >= batchCost/2 && cost > quantum {
			return batch, spent
		}
		q.last.frames++
		q.last.bytes += q.frames[0].bytes()
		q.last.expected += q.extra
		batch = append(batch, q.frames[0])
		q.frames[0] = Frame{} // its payload can go as soon as the router is done with it
		q.frames = q.frames[1:]
		in.frames--
		q.credit -= cost
		spent += cost
	}
	if len(q.frames) == 0 {
		q.credit = min(q.credit, 0) // credit is not saved, debts are kept
	}
	return batch, spent
}

// cost is what f is expected to cost.
func (q *queue) cost(f Frame) int64 { return min(f.bytes()+frameCost+q.extra, maxCredit) }

// Charge notes that frames of the last batch have cost the router so much of its time. A source whose frames cost more
// than their bytes tell pays for it in its next rounds (surplus round robin, Adiseshu, Parulkar and Varghese 1996), and
// is expected to go on like this, so that a batch of such frames is small.
func (in *Intake) Charge(source string, late bool, spent time.Duration) {
	in.mu.Lock()
	defer in.mu.Unlock()
	q := in.queues[flow{source, late}]
	if q == nil {
		q = in.queues[flow{}] // that of sources that share one, or the source is forgotten
	}
	if q != nil {
		q.last.spent += spent
	}
}

// settle takes what the last batch has really cost off the credit.
func (q *queue) settle() {
	last := q.last
	if last.frames == 0 {
		return
	}
	q.last = tally{}
	extra := max(0, int64(last.spent/costTime)-last.bytes)
	q.credit = min(max(q.credit+last.expected-extra, -maxDebt), maxCredit)
	if len(q.frames) == 0 {
		q.credit = min(q.credit, 0)
	}
	q.extra += (extra/last.frames - q.extra) * last.frames / (last.frames + 16) // a moving average
}

func (f *Frame) bytes() int64 { return int64(len(f.Topic) + len(f.Payload)) }
