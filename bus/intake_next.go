package bus

import "context"

// The router's time is shared out in units of cost: a byte costs one, and a frame frameCost beside its bytes, since a
// small one is work too. Charge adds what a message has cost beyond that.
const (
	frameCost = 2 << 10
	// quantum is what a source may cost in one round.
	quantum = 32 << 10
	// batchCost is what a batch costs, about: a tenth of a second of the router's time where messages are hostile.
	batchCost = 1 << 20
	// maxDebt bounds what a source pays back later.
	maxDebt = 16 << 20
	// maxCredit is enough for the largest frame.
	maxCredit = MaxPayload + MaxTopic + frameCost
)

// Next waits for frames and takes a batch of them. false: none come any more, since the Intake is closed and empty, or
// since ctx has ended.
//
// A batch is made of rounds. In each round every source gets an equal credit and gives frames for it, whose cost is
// taken off. What is left of a credit is kept for the next round while the source has frames, so that a large frame
// comes after some rounds (deficit round robin). Once the batch has its size, the round is finished with frames that
// cost no more than one credit. So a frame of ordinary size, first in its queue, is in the next batch, whatever floods
// the others: unless so many sources flood that one round of them fills a batch.
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
	var cost int64
	for in.frames > 0 && len(batch) < in.config.Batch && cost < batchCost {
		for range in.order {
			q := in.order[in.at]
			in.at = (in.at + 1) % len(in.order)
			batch, cost = in.serve(q, batch, cost)
			if len(batch) == in.config.Batch {
				break
			}
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
		cost := q.frames[0].cost()
		if cost > q.credit || spent >= batchCost && cost > quantum {
			return batch, spent
		}
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

// Charge notes that f, which Next has given, has cost so much more than its bytes tell: its source pays in its next
// rounds (surplus round robin, Adiseshu, Parulkar and Varghese 1996).
func (in *Intake) Charge(f Frame, cost int64) {
	in.mu.Lock()
	defer in.mu.Unlock()
	q := in.queue(f)
	q.credit = max(q.credit-cost, -maxDebt)
}

func (f *Frame) cost() int64 { return int64(len(f.Topic)+len(f.Payload)) + frameCost }
