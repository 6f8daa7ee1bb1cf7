package amqp

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestAckerTellsInOneGoWhatItCan(t *testing.T) {
	var told []string
	a := newAcker(func(tag uint64, multiple bool) error {
		told = append(told, fmt.Sprint(tag, multiple))
		return nil
	})
	for tag := range uint64(6) {
		a.begin(tag + 1)
	}
	step := func(want ...string) {
		t.Helper()
		told = nil
		if err := a.flush(); err != nil || !slices.Equal(told, want) {
			t.Fatalf("told %q, %v; want %q", told, err, want)
		}
	}
	for _, tag := range []uint64{0, 1, 6, 8, 1 << 60} { // a hostile broker's
		if a.begin(tag) {
			t.Fatalf("a delivery of tag %d is noted", tag)
		}
	}
	step()
	a.done(3)
	a.done(3) // once is enough
	step("3 false")
	a.done(1)
	a.settle(2)
	step("1 true") // 2 was rejected, 3 was told
	a.done(4)
	a.done(5)
	a.done(99) // never came
	step("5 true")
	if n := a.outstanding(); n != 1 {
		t.Errorf("%d are outstanding, want 1", n)
	}
	a.done(6)
	a.done(1) // long gone
	step("6 true")
}

func TestAckerGivesTheErrorOfTheConnection(t *testing.T) {
	lost := errors.New("lost")
	a := newAcker(func(uint64, bool) error { return lost })
	a.begin(1)
	a.begin(2)
	a.done(2)
	if err := a.flush(); err != lost {
		t.Errorf("flush = %v", err)
	}
}

// TestAckerByChance plays a broker, which closes the channel where a tag is unknown to it.
func TestAckerByChance(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		open, finished := map[uint64]bool{}, map[uint64]bool{} // at the broker; done with
		a := newAcker(func(tag uint64, multiple bool) error {
			if !open[tag] {
				t.Fatalf("tag %d is unknown", tag)
			}
			for other := range open {
				if other == tag || multiple && other < tag {
					if !finished[other] {
						t.Fatalf("%d is acknowledged and not done with", other)
					}
					delete(open, other)
				}
			}
			return nil
		})
		last := uint64(0)
		for range 100 {
			switch tag := random.Uint64N(last+1) + 1; random.IntN(4) {
			case 0:
				last++
				open[last] = true
				a.begin(last)
			case 1:
				if open[tag] {
					finished[tag] = true
					a.done(tag)
				}
			case 2:
				if last > 0 && open[last] && !finished[last] { // only the newest is rejected
					delete(open, last)
					a.settle(last)
				}
			case 3:
				a.flush()
			}
		}
		a.flush()
		for tag := range open {
			if finished[tag] {
				t.Fatalf("%d was never acknowledged", tag)
			}
		}
		if a.outstanding() != len(open) {
			t.Fatalf("%d are outstanding, want %d", a.outstanding(), len(open))
		}
	}
}
