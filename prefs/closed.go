package prefs

import (
	"gorm.io/gorm"
)

// OnClosed names what ends what is still owed to destinations (by Key) that are deleted, switched off, stopped by a link
// or refused. It runs in the transaction that closes them, as its last step: either both are done or neither, so that
// nobody who was told "nothing more is sent" gets the digest that was waiting. Call it before the Store is used.
func (s *Store) OnClosed(end func(tx *gorm.DB, destinations []string, why string) error) { s.end = end }

// closed is called by every change after which nothing may go to the destinations.
func (s *Store) closed(tx *gorm.DB, why string, ids ...uint) error {
	if s.end == nil || len(ids) == 0 {
		return nil
	}
	keys := make([]string, len(ids))
	for i, id := range ids {
		keys[i] = Key(id)
	}
	return s.end(tx, keys, why)
}
