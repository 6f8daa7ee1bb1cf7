package outbox

import "context"

// A Taken is a parcel that Take has claimed.
type Taken struct {
	claim
	Messages []string
}

// Take claims parcels of a backend, for tests of other rooms' rules with this one.
func (o *Outbox) Take(ctx context.Context, backend string, limit int) ([]Taken, error) {
	claims, err := o.claim(ctx, backend, limit, nil)
	taken := make([]Taken, len(claims))
	for i, c := range claims {
		taken[i].claim = c
		for _, r := range c.rows {
			taken[i].Messages = append(taken[i].Messages, r.Message)
		}
	}
	return taken, err
}

// Finish writes down what a backend has said of a parcel.
func (o *Outbox) Finish(ctx context.Context, t Taken, err error) error {
	return o.complete(ctx, []completion{o.classify(t.claim, err, false)})
}

// Keys are the messages of a parcel, each with its destination.
func (t Taken) Keys() []string {
	var keys []string
	for _, message := range t.Messages {
		keys = append(keys, message+" "+t.queue.destination)
	}
	return keys
}
