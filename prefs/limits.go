package prefs

import (
	"context"
	"time"

	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs/accounts"
)

// limits.go is how much comes to a destination at once.

// CheckCap returns the mistake in a person's own cap as an *Error. most is the most notices that the site allows at
// once; 0: any number.
func CheckCap(c outbox.Cap, most int) error {
	switch {
	case c == outbox.Cap{}:
		return nil // that of the site
	case c.Count < 1:
		return problem("cap", "%d is no number of notices; one is at least 1", c.Count)
	case most > 0 && c.Count > most:
		return problem("cap", "%d is more than the %d that this site sends at once", c.Count, most)
	case c.Window < outbox.MinCapWindow || c.Window > outbox.MaxCapWindow:
		return problem("cap", "%s is not between a minute and a day", c.Window)
	case c.Window%time.Second != 0:
		return problem("cap", "%s is no whole number of seconds", c.Window)
	}
	return nil
}

// SetCap sets how much a destination gets at once; the zero Cap: as much as the site says. What waits already keeps its
// time. A mistake is an *Error.
func (s *Destinations) SetCap(ctx context.Context, userID, id uint, c outbox.Cap) error {
	if err := CheckCap(c, s.capMost()); err != nil {
		return err
	}
	return s.set(ctx, userID, id, accounts.DestinationCap,
		map[string]any{"cap_count": c.Count, "cap_window": c.Window.Microseconds()})
}
