package mute

import (
	"maps"
	"slices"
	"time"
)

// A Silencer decides about the messages of a batch, one after the other. A mute that a message of the batch has ended
// silences nothing that comes after it.
type Silencer struct {
	now      time.Time
	facts    Facts
	ended    map[uint]bool
	counted  map[uint]bool // for this message
	silenced map[uint]int
}

// NewSilencer makes a Silencer for a batch.
func NewSilencer(now time.Time) *Silencer {
	return &Silencer{now: now, ended: map[uint]bool{}, counted: map[uint]bool{}, silenced: map[uint]int{}}
}

// Begin goes on to another message. ends are mutes of anybody that the message may end; those that the list of Passes
// has need not be among them.
func (s *Silencer) Begin(f Facts, ends []Mute) {
	s.facts = f
	clear(s.counted)
	for i := range ends {
		if ends[i].Ender(&f) && ends[i].On(s.now) {
			s.ended[ends[i].ID] = true
		}
	}
}

// Passes reports whether what a filter says of the message comes through the mutes of its owner.
func (s *Silencer) Passes(list []Mute, filter uint64) bool {
	if s == nil {
		return true
	}
	for i := range list {
		m := &list[i]
		switch {
		case s.ended[m.ID]:
		case m.Ender(&s.facts) && m.On(s.now):
			s.ended[m.ID] = true
		case m.SilencesFilter(filter, &s.facts, s.now):
			if !s.counted[m.ID] {
				s.counted[m.ID] = true
				s.silenced[m.ID]++
			}
			return false
		}
	}
	return true
}

// Silenced is how many messages each mute has silenced, whole or for one of its owner's filters.
func (s *Silencer) Silenced() map[uint]int { return s.silenced }

// Ended are the mutes that the messages have ended, ascending.
func (s *Silencer) Ended() []uint { return slices.Sorted(maps.Keys(s.ended)) }
