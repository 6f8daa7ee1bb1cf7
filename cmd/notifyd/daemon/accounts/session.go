package accounts

import (
	"errors"
	"time"

	"github.com/notifyd/notifyd/prefs/accounts"
)

// Session is how long somebody stays signed in.
type Session struct {
	Idle time.Duration `yaml:"idle"` // without use
	Life time.Duration `yaml:"life"` // in all
}

// Bounds are the same for package accounts.
func (s Session) Bounds() accounts.Bounds { return accounts.Bounds(s) }

// longest is how long a session may last at most: a browser that was given away or lost is not signed in for ever.
const longest = 400 * 24 * time.Hour

func (s Session) check() error {
	switch {
	case s.Idle < time.Hour:
		return errors.New("session.idle: at least 1h: who reads a page for a while would be signed out")
	case s.Life < s.Idle || s.Life > longest:
		return errors.New("session.life: from session.idle to 9600h")
	}
	return nil
}
