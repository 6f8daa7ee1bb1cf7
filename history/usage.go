package history

import (
	"context"
	"maps"
	"sync"

	"github.com/notifyd/notifyd/history/retention"
)

// A usage is how many bytes of messages each source holds, as Size counts them. It is counted along with what is
// appended and deleted, and read anew by each round of Run: other nodes append and delete too.
type usage struct {
	mu     sync.Mutex
	source map[string]int64 // nil: not read yet
	total  int64
	grown  int64            // appended by this process since it was read
	during map[string]int64 // appended while it is being read; nil: it is not being read
}

// add counts what was appended, by source.
func (u *usage) add(bytes map[string]int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for source, n := range bytes {
		u.grown += n
		if u.source != nil {
			u.source[source] += n
			u.total += n
		}
		if u.during != nil {
			u.during[source] += n
		}
	}
}

// remove counts what was deleted of a source.
func (u *usage) remove(source string, bytes int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.source != nil {
		u.source[source] -= bytes
		u.total -= bytes
	}
}

// due reports whether this process has appended so many bytes since the last count, and begins to count them anew.
func (u *usage) due(bytes int64) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.grown < bytes {
		return false
	}
	u.grown = 0
	return true
}

// read counts anew. What is appended meanwhile may be counted twice, until the next time.
func (u *usage) read(sum func() (map[string]int64, error)) error {
	u.mu.Lock()
	u.during, u.grown = map[string]int64{}, 0
	u.mu.Unlock()
	found, err := sum()
	u.mu.Lock()
	defer u.mu.Unlock()
	if err == nil {
		for source, n := range u.during {
			found[source] += n
		}
		u.source, u.total = found, 0
		for _, n := range found {
			u.total += n
		}
	}
	u.during = nil
	return err
}

// An excess is what a source has to give up.
type excess struct {
	source string
	bytes  int64
}

// excess gives the source that has to give up messages next; none where all is within keep. When all together hold too
// much it is the source that holds most, whoever has grown. So a flood at one source costs that source its own oldest
// messages, and one that holds no more than an equal share loses none (max-min fairness: Bertsekas and Gallager, "Data
// Networks", 6.5.2).
func (u *usage) excess(keep Keep) (over excess, found bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	most, next := excess{}, int64(0)
	for source, n := range u.source {
		if n > most.bytes || n == most.bytes && source < most.source {
			most, next = excess{source, n}, most.bytes
		} else {
			next = max(next, n)
		}
	}
	over.source = most.source
	if keep.SourceBytes > 0 {
		over.bytes = most.bytes - keep.SourceBytes
	}
	if keep.Bytes > 0 {
		// down to the next one, and a little below, so that the two take turns
		down := most.bytes - next + turn
		over.bytes = max(over.bytes, min(u.total-keep.Bytes, down))
	}
	return over, over.bytes > 0
}

// turn is how many bytes a source gives up at once, of two that hold the same.
const turn = 64 << 10

// sums returns the bytes that each source holds. It reads an index of all messages: some milliseconds for each 100 000.
func (s *Store) sums(ctx context.Context) (map[string]int64, error) {
	var rows []struct {
		Source string
		Bytes  int64
	}
	err := s.reader.WithContext(ctx).Raw("SELECT source, sum(size) AS bytes FROM messages GROUP BY source").
		Scan(&rows).Error
	sums := make(map[string]int64, len(rows))
	for _, r := range rows {
		sums[r.Source] = r.Bytes
	}
	return sums, err
}

// BySource returns the bytes that each source holds, as far as they are known yet.
func (s *Store) BySource() map[string]int64 {
	s.usage.mu.Lock()
	defer s.usage.mu.Unlock()
	return maps.Clone(s.usage.source)
}

// spared is up to which place of each source all that is left is spared by rules.
type spared struct {
	mu     sync.Mutex
	rules  *retention.Rules
	places map[string]place
}

func (s *spared) of(rules *retention.Rules, source string) place {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rules != rules {
		return place{}
	}
	return s.places[source]
}

func (s *spared) note(rules *retention.Rules, source string, at place) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rules != rules {
		s.rules, s.places = rules, map[string]place{}
	}
	s.places[source] = at
}
