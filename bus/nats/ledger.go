package nats

import (
	"context"
	"sync"
	"time"
)

// A ledger knows the messages that were received and that the server does not count as acknowledged yet. Frames are
// done with in any order and by any goroutine, which must not wait: so done only notes that, and the session's own
// goroutine tells the server what due gives. What is done with while there is no session waits for the next.
//
// A message is known by its sequence number in the stream. That holds for one consumer: whoever makes another, or
// another stream of the same name, says so by of.
type ledger struct {
	more chan struct{} // has room for one: there is something due
	less chan struct{} // has room for one: something was done with

	mu      sync.Mutex
	session int // the number of the one that there is
	era     int // of the consumer
	open    map[uint64]entry
	working int       // how many of these were handed over
	told    []string  // the acknowledgements of what is done with, as long as the server was not told
	last    uint64    // the highest number that was handed over
	moved   time.Time // when a message was done with last, or handed over while none was

	stream, consumer time.Time // when they were made
}

// An entry is a message that is not done with.
type entry struct {
	ack    string // the subject of its acknowledgement; "": it is to come again, in another session
	handed bool   // it was handed over
}

func newLedger() *ledger {
	return &ledger{more: make(chan struct{}, 1), less: make(chan struct{}, 1), open: map[uint64]entry{}}
}

// begin begins a session and gives its number. What an earlier one has not handed over comes again.
func (l *ledger) begin() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.session++
	for sequence, e := range l.open {
		switch {
		case e.handed:
		case sequence > l.last:
			delete(l.open, sequence)
		default: // a consumer that is made anew must not begin behind it
			l.open[sequence] = entry{}
		}
	}
	return l.session
}

// arrive notes a message that has come in a session, perhaps again.
func (l *ledger) arrive(session int, sequence uint64, ack string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if session == l.session {
		l.open[sequence] = entry{ack, l.open[sequence].handed}
	}
}

// hand notes that a message is about to be handed over. False: it is already, and not done with.
func (l *ledger) hand(sequence uint64) (done func(), ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.open[sequence]
	if e.handed {
		return nil, false
	}
	if l.working == 0 {
		l.moved = time.Now()
	}
	e.handed = true
	l.open[sequence] = e
	l.working++
	l.last = max(l.last, sequence)
	era := l.era
	return func() { l.done(era, sequence) }, true
}

func (l *ledger) done(era int, sequence uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, open := l.open[sequence]
	if era != l.era || !open {
		return
	}
	l.forget(sequence)
	l.moved = time.Now()
	l.told = append(l.told, e.ack)
	for _, signal := range []chan struct{}{l.more, l.less} {
		select {
		case signal <- struct{}{}:
		default:
		}
	}
}

// drained waits until all that was handed over is done with. The error is ctx's.
func (l *ledger) drained(ctx context.Context) error {
	for l.handed() > 0 {
		select {
		case <-l.less:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (l *ledger) handed() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.working
}

// idle is how long messages that were handed over have waited without one of them being done with; 0 where none waits.
func (l *ledger) idle() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.working == 0 {
		return 0
	}
	return time.Since(l.moved)
}

// giveBack notes that a message was not handed over after all. The end of the session gives it back.
func (l *ledger) giveBack(sequence uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e, open := l.open[sequence]; open {
		l.forget(sequence)
		l.open[sequence] = entry{ack: e.ack}
	}
}

// settle notes that a message is not here any more, and that nobody is to be told.
func (l *ledger) settle(sequence uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget(sequence)
}

// forget takes an entry out. The caller holds mu.
func (l *ledger) forget(sequence uint64) {
	if l.open[sequence].handed {
		l.working--
	}
	delete(l.open, sequence)
}

// due gives what is to be acknowledged.
func (l *ledger) due() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	due := l.told
	l.told = nil
	return due
}

// waiting gives what is not done with.
func (l *ledger) waiting() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]string, 0, len(l.open))
	for _, e := range l.open {
		if e.ack != "" {
			all = append(all, e.ack)
		}
	}
	return all
}

// outstanding is how many messages are not done with.
func (l *ledger) outstanding() int { return len(l.waiting()) }

// next is the number of the first message that must come again, should the consumer be made anew, and when its stream
// was made; 0: none came yet.
func (l *ledger) next() (sequence uint64, stream time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last == 0 {
		return 0, l.stream
	}
	first := l.last + 1
	for sequence := range l.open {
		first = min(first, sequence)
	}
	return first, l.stream
}

// of says which consumer of which stream the numbers belong to, by when they were made. Another one knows nothing of
// what came before; of the same stream the numbers go on.
func (l *ledger) of(stream, consumer time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	same := l.stream.Equal(stream)
	if same && l.consumer.Equal(consumer) {
		return
	}
	l.stream, l.consumer = stream, consumer
	l.era++
	clear(l.open)
	l.working, l.told = 0, nil
	if !same {
		l.last = 0
	}
}
