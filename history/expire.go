package history

import (
	"context"
	"math"
	"time"
)

// expire.go deletes by age. What no rule decides of, and what rules keep longer, is found by its source, in the order
// of reception. What a rule keeps shorter is found by the kinds, topics or sources that it fits. So an index leads to
// what goes, and of what stays only that is passed which is kept longer than its neighbours. How far a round came is
// kept for the next one.

// A stream is the messages with one value of a column, in the order of an index.
type stream struct{ column, value string }

// order is the column of time in that order.
func (s stream) order() string {
	if s.column == "source" {
		return "received_at"
	}
	return "sent_at"
}

// A place is one in the order of a stream.
type place struct{ at, id int64 }

// An agingRow is a message that may have to go.
type agingRow struct {
	ID, At, ReceivedAt, Size int64 // At is the time in the order of its stream
	Source, Kind, Topic      string
}

func (m agingRow) place() place { return place{m.At, m.ID} }

// unbounded is a time after that of all messages.
const unbounded = math.MaxInt64

// next reads the messages of a stream that follow a place and are older than a time, at most limit.
func (s *Store) next(ctx context.Context, of stream, after place, before int64, limit int) ([]agingRow, error) {
	var found []agingRow
	order := of.order()
	err := s.reader.WithContext(ctx).Raw("SELECT id, "+order+" AS at, received_at, size, source, kind, topic FROM messages"+
		" WHERE "+of.column+" = ? AND ("+order+", id) > (?, ?) AND "+order+" < ? ORDER BY "+order+", id LIMIT ?",
		of.value, after.at, after.id, before, limit).Scan(&found).Error
	return found, err
}

// A keeper holds what a Keep says of ages and rules, and what one round knows of those before.
type keeper struct {
	s     *Store
	keep  Keep
	slack time.Duration // how much longer than Age messages may be kept, until their partition goes
	walks map[walkKey]*walk
	tally *tally
	// remove deletes; a preview only counts. It returns the number of those that are gone.
	remove  func(ctx context.Context, why string, doomed []agingRow) (int64, error)
	deleted int64
}

// A walk goes through a stream for those messages that an age is over for.
type walk struct {
	after place // what comes before it is looked at
	again int64 // when it has to do so again, since something before after is due then
}

type walkKey struct {
	stream
	age time.Duration
}

func newKeeper(s *Store, keep Keep, tally *tally) *keeper {
	k := &keeper{s: s, keep: keep, slack: s.slack(keep), walks: map[walkKey]*walk{}, tally: tally}
	k.remove = func(ctx context.Context, why string, doomed []agingRow) (int64, error) {
		return s.delete(ctx, keep, why, doomed)
	}
	return k
}

// keeperOf gives the keeper of this Keep, the same for each round.
func (s *Store) keeperOf(keep Keep) *keeper {
	if s.keeper == nil || s.keeper.keep != keep {
		s.keeper = newKeeper(s, keep, &s.tally)
	}
	s.keeper.deleted = 0
	return s.keeper
}

// take deletes messages, and reports whether all of them are gone.
func (k *keeper) take(ctx context.Context, why string, doomed []agingRow) (all bool, err error) {
	if len(doomed) == 0 {
		return true, nil
	}
	n, err := k.remove(ctx, why, doomed)
	k.deleted += n
	return n == int64(len(doomed)), err
}

// expire deletes what is too old, the shortest age first.
func (k *keeper) expire(ctx context.Context) error {
	seen := map[walkKey]*walk{}
	for _, age := range k.keep.ages() {
		err := k.eachStream(ctx, age, func(of stream) error {
			key := walkKey{of, age}
			if seen[key] != nil { // another rule has led to it
				return nil
			}
			seen[key] = k.walks[key]
			if seen[key] == nil {
				seen[key] = &walk{}
			}
			return k.goOn(ctx, key, seen[key])
		})
		if err != nil {
			return err
		}
	}
	k.walks = seen
	return nil
}

// eachStream calls do with the streams in which messages of that age are.
func (k *keeper) eachStream(ctx context.Context, age time.Duration, do func(stream) error) error {
	if age >= k.keep.age(-1) {
		return k.sources(do)
	}
	for i := range k.keep.Rules.Len() {
		if k.keep.age(i) == age {
			if err := k.streamsOf(ctx, i, do); err != nil {
				return err
			}
		}
	}
	return nil
}

func (k *keeper) sources(do func(stream) error) error {
	for source := range k.s.BySource() {
		if err := do(stream{"source", source}); err != nil {
			return err
		}
	}
	return nil
}

// streamsOf calls do with the streams in which the messages of a rule are.
func (k *keeper) streamsOf(ctx context.Context, rule int, do func(stream) error) error {
	column, fits := "kind", k.keep.Rules.MatchesKind
	switch r := k.keep.Rules.At(rule); {
	case r.Kind != "":
	case r.Topic != "":
		column, fits = "topic", k.keep.Rules.MatchesTopic
	default:
		return do(stream{"source", r.Source})
	}
	for last := ""; ; {
		values, err := k.s.values(ctx, column, last)
		if err != nil || len(values) == 0 {
			return err
		}
		for _, value := range values {
			if !fits(rule, value) {
				continue
			}
			if err := do(stream{column, value}); err != nil {
				return err
			}
		}
		last = values[len(values)-1]
	}
}

// values gives the next values of an indexed column, in order.
func (s *Store) values(ctx context.Context, column, after string) (values []string, err error) {
	err = s.reader.WithContext(ctx).Raw(distinct(column, " WHERE "+column+" > ?")+
		" SELECT v FROM t WHERE v IS NOT NULL LIMIT 500", after).Scan(&values).Error
	return values, err
}

// walked is the number of messages that a walk reads at a time.
const walked = 1000

// goOn deletes the messages of a stream for which an age is over.
func (k *keeper) goOn(ctx context.Context, key walkKey, w *walk) error {
	now, over := k.s.now().UnixMicro(), key.age.Microseconds()
	if key.age == k.keep.Age {
		over += k.slack.Microseconds()
	}
	if now >= w.again {
		*w = walk{again: now + over} // what arrives from now on is not due before
	}
	before := now - over
	for {
		found, err := k.s.next(ctx, key.stream, w.after, before, walked)
		if err != nil || len(found) == 0 {
			return err
		}
		var doomed []agingRow
		for _, m := range found {
			w.after = m.place()
			switch age := k.ageOf(m); {
			case age > key.age:
			case m.ReceivedAt < before:
				doomed = append(doomed, m)
			default: // it was sent long before it was received
				w.again = min(w.again, m.ReceivedAt+over-(key.age-age).Microseconds()+1)
			}
		}
		all, err := k.take(ctx, byAge, doomed)
		if err != nil {
			return err
		}
		if !all {
			w.again = 0
		}
		if len(found) < walked {
			return nil
		}
	}
}

func (k *keeper) ageOf(m agingRow) time.Duration {
	return k.keep.age(k.which(m))
}

// due reports whether a message is too old.
func (k *keeper) due(m agingRow) bool {
	age := k.ageOf(m)
	return age != forever && m.ReceivedAt < k.s.now().Add(-age).UnixMicro()
}
