package nats

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

var (
	firstStream   = time.Unix(1, 0)
	firstConsumer = time.Unix(2, 0)
)

// hand hands a message over, which must not be known.
func hand(t *testing.T, l *ledger, session int, sequence uint64, ack string) (done func()) {
	t.Helper()
	l.arrive(session, sequence, ack)
	done, ok := l.hand(sequence)
	if !ok {
		t.Fatalf("message %d is known", sequence)
	}
	return done
}

func TestLedgerAcknowledgesOverTheNextSession(t *testing.T) {
	l := newLedger()
	l.of(firstStream, firstConsumer)
	one := l.begin()
	done := hand(t, l, one, 5, "a5")
	l.arrive(one, 6, "a6") // and is not handed over
	two := l.begin()
	l.arrive(one, 7, "a7") // too late
	if w := l.waiting(); !slices.Equal(w, []string{"a5"}) {
		t.Errorf("%q is in progress", w)
	}
	l.arrive(two, 5, "b5") // again, since it was not acknowledged
	if _, ok := l.hand(5); ok {
		t.Error("a message is handed over twice")
	}
	done()
	done() // once is enough
	if due := l.due(); !slices.Equal(due, []string{"b5"}) {
		t.Errorf("%q is acknowledged, want b5", due)
	}
	hand(t, l, two, 5, "b5") // done with, and comes again: nobody here knows it any more
}

func TestLedgerOfAnotherConsumer(t *testing.T) {
	l := newLedger()
	l.of(firstStream, firstConsumer)
	session := l.begin()
	old := hand(t, l, session, 5, "a5")
	hand(t, l, session, 6, "a6")()
	if next, _ := l.next(); next != 5 {
		t.Errorf("a new consumer begins with %d, want 5", next)
	}
	l.of(firstStream, firstConsumer.Add(1))
	fresh := hand(t, l, l.begin(), 5, "c5")
	count(t, l)
	old()
	count(t, l)
	if due := l.due(); len(due) > 0 {
		t.Errorf("%q is acknowledged, of a consumer that is gone", due)
	}
	fresh()
	if next, stream := l.next(); next != 7 || !stream.Equal(firstStream) {
		t.Errorf("a new consumer begins with %d, want 7", next)
	}
	l.of(firstStream.Add(1), firstConsumer)
	if next, _ := l.next(); next != 0 {
		t.Errorf("in another stream a consumer begins with %d", next)
	}
}

// TestLedgerOfWhatWasGivenBack: a consumer that is made anew begins with what was given back, in whatever session that
// was, until it has come again.
func TestLedgerOfWhatWasGivenBack(t *testing.T) {
	l := newLedger()
	l.of(firstStream, firstConsumer)
	one := l.begin()
	hand(t, l, one, 4, "a4")()
	hand(t, l, one, 5, "a5")
	l.giveBack(5) // the session has ended while it waited for room
	two := l.begin()
	hand(t, l, two, 6, "b6")() // comes before it
	if next, _ := l.next(); next != 5 || l.outstanding() != 0 {
		t.Errorf("a new consumer begins with %d, want 5; %d are not done with", next, l.outstanding())
	}
	l.arrive(two, 5, "b5") // and is not handed over
	l.begin()
	if next, _ := l.next(); next != 5 {
		t.Errorf("a new consumer begins with %d, want 5", next)
	}
	hand(t, l, 3, 5, "c5")()
	if next, _ := l.next(); next != 7 {
		t.Errorf("a new consumer begins with %d, want 7", next)
	}
}

// count checks how many messages a ledger counts as handed over.
func count(t *testing.T, l *ledger) {
	t.Helper()
	n := 0
	for _, e := range l.open {
		if e.handed {
			n++
		}
	}
	if l.handed() != n {
		t.Fatalf("%d are counted as handed over, want %d", l.handed(), n)
	}
}

// TestLedgerByChance: each message is acknowledged in the end, and none before its frame was done with.
func TestLedgerByChance(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		l, session := newLedger(), 0
		l.of(firstStream, firstConsumer)
		server, frames := map[uint64]bool{}, map[uint64]func(){} // what the server waits for; what is being worked on
		finished := map[uint64]bool{}
		for sequence := range uint64(20) {
			server[sequence+1] = true
		}
		acknowledge := func() {
			for _, ack := range l.due() {
				sequence := uint64(ack[0])
				if !finished[sequence] {
					t.Fatalf("%d is acknowledged and not done with", sequence)
				}
				delete(server, sequence)
			}
		}
		for step := 0; len(server) > 0; step++ {
			sequence := random.Uint64N(20) + 1
			switch random.IntN(6) {
			case 0:
				session = l.begin()
			case 1, 2:
				if server[sequence] {
					l.arrive(session, sequence, string(rune(sequence)))
					if done, ok := l.hand(sequence); ok {
						if frames[sequence] != nil {
							t.Fatalf("%d is handed over twice", sequence)
						}
						frames[sequence] = done
					}
				}
			case 3:
				if done := frames[sequence]; done != nil {
					delete(frames, sequence)
					finished[sequence] = true
					done()
				}
			case 4:
				acknowledge()
			case 5:
				if frames[sequence] != nil {
					delete(frames, sequence)
					l.giveBack(sequence)
				}
			}
			count(t, l)
			if step > 100_000 {
				t.Fatalf("%d are never acknowledged", len(server))
			}
		}
	}
}

func TestLedgerDrained(t *testing.T) {
	l := newLedger()
	session := l.begin()
	done := hand(t, l, session, 1, "a1")
	l.arrive(session, 2, "a2") // waits, and was not handed over
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.drained(over); err == nil {
		t.Error("drained, although a message is worked on")
	}
	go done()
	if err := l.drained(t.Context()); err != nil {
		t.Error(err)
	}
}
