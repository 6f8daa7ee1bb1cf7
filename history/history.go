// Package history keeps every message, searchable: the source of preview, explanation and replay.
package history

import "time"

// A Query selects messages. Zero fields do not restrict; the fields that are set all hold.
type Query struct {
	Since, Until time.Time // Since inclusive, Until exclusive
	Topic        string    // the whole topic, or a prefix when it ends in "."
	App          string
	User         string
	Package      string
	Before       int64 // id: only older ones, for paging; 0: from the newest
	Limit        int   // at most this many; bounded by the store
}
