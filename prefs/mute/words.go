package mute

import (
	"strconv"
	"strings"
	"time"

	"github.com/notifyd/notifyd/internal/text"
)

// Of says in words what it is of: "the package bash".
func (m *Mute) Of() string {
	name := text.ElideRunes(text.OneLine(m.Value), 80)
	if label := text.ElideRunes(text.OneLine(m.Label), 80); label != "" {
		name = label
	}
	switch m.Kind {
	case Object:
		return name
	case Package:
		return "the package " + name
	case Topic:
		return "the kind of message " + name
	case Person:
		return "what " + name + " does"
	case Filter:
		return "the filter " + name
	case App:
		return "the application " + name
	}
	return name
}

// Until says when it ends, by a clock in a zone: "until Monday 7 March 2026, 07:00", "until it is solved, ...".
func (m *Mute) Until(zone *time.Location) string {
	words := "until " + m.Ends.In(zone).Format("Monday 2 January 2006, 15:04")
	if m.UntilSolved {
		return "until it is solved, and " + words + " at the latest"
	}
	return words
}

// Through says what still comes through.
func (m *Mute) Through() string {
	if m.Errors {
		return "errors still come through"
	}
	return "errors are silenced too"
}

// Reason is why a notice was silenced, as it is stored with the notice: it names the mute. See ByReason.
func (m *Mute) Reason() string {
	return m.Key() + " you have muted " + m.Of()
}

// Key begins the Reasons of a mute, and of no other.
func (m *Mute) Key() string { return reason + strconv.FormatUint(uint64(m.ID), 10) + ":" }

// reason begins a Reason.
const reason = "mute "

// ByReason returns the id of the mute that a Reason names; 0: it is none.
func ByReason(why string) uint {
	id, _, found := strings.Cut(strings.TrimPrefix(why, reason), ":")
	n, err := strconv.ParseUint(id, 10, 32)
	if !found || err != nil || !strings.HasPrefix(why, reason) {
		return 0
	}
	return uint(n)
}
