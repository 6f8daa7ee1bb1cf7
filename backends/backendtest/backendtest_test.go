package backendtest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/backendtest"
)

// shelf is the least backend that fulfils the contract: it puts parcels on a shelf.
type shelf struct {
	mu       sync.Mutex
	receipts []backendtest.Receipt
	down     bool
	stalled  bool
}

func (s *shelf) Send(ctx context.Context, p backends.Parcel) error {
	s.mu.Lock()
	down, stalled := s.down, s.stalled
	s.mu.Unlock()
	if stalled {
		<-ctx.Done()
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("put on the shelf: %w", err)
	}
	if down {
		return fmt.Errorf("put on the shelf: %w", backends.ErrUnavailable)
	}
	if p.To == "nobody" {
		return fmt.Errorf("put on the shelf: %w", backends.ErrGone)
	}
	text := ""
	for _, n := range p.Notices {
		text += n.Tag() + n.Title + " " + n.Text + " "
		for _, w := range n.Why {
			text += w.Filter
		}
	}
	s.put(backendtest.Receipt{To: p.To, ID: p.ID, Text: text})
	return nil
}

func (s *shelf) put(r backendtest.Receipt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.receipts = append(s.receipts, r)
}

func (s *shelf) received() []backendtest.Receipt {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]backendtest.Receipt(nil), s.receipts...)
}

func (s *shelf) set(f func()) func() {
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		f()
	}
}

func fixture(s *shelf) backendtest.Fixture {
	return backendtest.Fixture{
		Backend: s, To: "alice", Refused: "nobody", Secrets: []string{"sesame"}, Whole: true,
		Info: backends.Info{
			Name: "shelf", Title: "Shelf", Doc: "A shelf.", AddressTitle: "Name",
			CheckAddress: func(a string) (string, error) {
				if a == "" || len(a) > 10 || strings.Trim(a, "abcdefghijklmnopqrstuvwxyz") != "" {
					return "", errors.New("a name is up to ten letters")
				}
				return a, nil
			},
		},
		Received: s.received,
		Down:     s.set(func() { s.down = true }), Up: s.set(func() { s.down = false }),
		Stall: s.set(func() { s.stalled = true }),
	}
}

func TestKitOnTheLeastBackend(t *testing.T) {
	backendtest.Run(t, func(t *testing.T) backendtest.Fixture { return fixture(&shelf{}) })
}

func TestHostileNoticesAreHostile(t *testing.T) {
	seen := map[string]bool{}
	for name, n := range backendtest.Hostile() {
		if n.Title == "" || seen[n.Title] {
			t.Errorf("%s: the title %.20q is empty or used twice", name, n.Title)
		}
		seen[n.Title] = true
	}
	if len(seen) < 20 {
		t.Errorf("only %d hostile notices", len(seen))
	}
}
