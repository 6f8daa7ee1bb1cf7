// Package returned keeps what came back of what was sent to a destination, and says when that ends it.
//
// One report that there is no such mailbox ends an address, and so does one complaint. A full mailbox or a way that
// fails ends it after days of nothing else: see Rule. A content that was refused, or a sender, never does. The same
// report counts once, however often it comes.
//
// Nobody reports that a mail was delivered. So a parcel counts as delivered when a later one has come back already and
// it has not: reports of one mailbox take about as long. A day with such a parcel ends the days of failures.
package returned

import (
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/notifyd/notifyd/internal/text"
)

// These are the kinds that count. A backend may give others, which are kept and end nothing.
const (
	Hard      = "hard"
	Soft      = "soft"
	Full      = "full"
	Complaint = "complaint"
)

// Keep is how long events are kept.
const Keep = 90 * day

// An Event is something that came back.
type Event struct {
	Parcel string // which parcel, by a tag
	Kind   string
	Words  string // why, for people
	At     time.Time
}

// A Sent is a parcel that went to the destination.
type Sent struct {
	Parcel string // its tag
	At     time.Time
}

// A Rule says when failures end an address.
type Rule struct {
	Days     int // that failures last, with no success between
	Failures int // parcels that have failed in this time
}

// An Outcome is what an Event did.
type Outcome struct {
	Again   bool   // it was known already, and nothing changed
	Off     string // why the destination is off from now on; "": it is not
	Forever bool   // there is no such mailbox: it lets nobody in any more
}

const (
	maxEvents = 1000 // that are looked at of a destination
	maxWords  = 300
	day       = 24 * time.Hour
)

// Judge is pure: it says what all that came back of a destination means, with the parcels that went there.
func (r Rule) Judge(events []Event, sent []Sent, now time.Time) Outcome {
	for _, e := range events {
		switch e.Kind {
		case Hard:
			return Outcome{Off: "it does not exist: " + e.Words, Forever: true}
		case Complaint:
			return Outcome{Off: "its reader called a mail unwanted"}
		}
	}
	failed, first, last := r.failing(events, sent)
	if failed == 0 || failed < r.Failures || now.Sub(first) < time.Duration(r.Days)*day {
		return Outcome{}
	}
	return Outcome{Off: fmt.Sprintf("nothing reached it for %d days: %s", int(now.Sub(first)/day), last)}
}

// failing counts the parcels that have failed since the last day with a success: how many, since when, and the last
// words.
func (r Rule) failing(events []Event, sent []Sent) (count int, first time.Time, words string) {
	went := map[string]time.Time{}
	for _, s := range sent {
		went[s.Parcel] = s.At
	}
	back := map[string]Event{}
	for _, e := range events {
		if e.Kind != Soft && e.Kind != Full {
			continue
		}
		if at, known := went[e.Parcel]; known {
			e.At = at
		}
		back[e.Parcel] = e
	}
	var latest Event
	for _, e := range back {
		if e.At.After(latest.At) {
			latest = e
		}
	}
	var success time.Time // the last
	for _, s := range sent {
		if _, failed := back[s.Parcel]; !failed && s.At.Before(latest.At.Truncate(day)) && s.At.After(success) {
			success = s.At
		}
	}
	for _, e := range back {
		if !e.At.After(success) {
			continue
		}
		if count++; first.IsZero() || e.At.Before(first) {
			first = e.At
		}
	}
	return count, first, latest.Words
}

type row struct {
	ID            uint   `gorm:"primaryKey"`
	DestinationID uint   `gorm:"not null;uniqueIndex:idx_returned_mail_once,priority:1"`
	Parcel        string `gorm:"not null;uniqueIndex:idx_returned_mail_once,priority:2"`
	Kind          string `gorm:"not null;uniqueIndex:idx_returned_mail_once,priority:3"`
	Words         string `gorm:"not null"`
	At            int64  `gorm:"not null"`
}

func (row) TableName() string { return "returned_mail" }

// Models returns a value of each gorm model, for the test that models and schema agree.
func Models() []any { return []any{&row{}} }

// Note stores an event of a destination. again says that it was known.
func Note(tx *gorm.DB, destination uint, e Event) (again bool, err error) {
	r := row{DestinationID: destination, Parcel: e.Parcel, Kind: e.Kind, At: e.At.UnixMicro(),
		Words: text.CutBytes(text.OneLine(text.Storable(e.Words)), maxWords)}
	done := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&r)
	if done.Error != nil {
		return false, fmt.Errorf("note returned mail: %w", done.Error)
	}
	return done.RowsAffected == 0, nil
}

// Of gives the last events of a destination, newest first.
func Of(tx *gorm.DB, destination uint) ([]Event, error) {
	var rows []row
	err := tx.Where("destination_id = ?", destination).Order("id DESC").Limit(maxEvents).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read returned mail: %w", err)
	}
	events := make([]Event, len(rows))
	for i, r := range rows {
		events[i] = Event{Parcel: r.Parcel, Kind: r.Kind, Words: r.Words, At: time.UnixMicro(r.At).UTC()}
	}
	return events, nil
}

// Forget deletes all events of a destination, which begins anew.
func Forget(tx *gorm.DB, destination uint) error {
	if err := tx.Where("destination_id = ?", destination).Delete(&row{}).Error; err != nil {
		return fmt.Errorf("forget returned mail: %w", err)
	}
	return nil
}

// Prune deletes the events from before a time.
func Prune(tx *gorm.DB, before time.Time) error {
	if err := tx.Where("at < ?", before.UnixMicro()).Delete(&row{}).Error; err != nil {
		return fmt.Errorf("prune returned mail: %w", err)
	}
	return nil
}

// A Count is how many events of a kind came back since a time, of how many destinations.
type Count struct {
	Kind         string
	Mails        int
	Destinations int
}

// Counts counts what came back since a time, by kind.
func Counts(tx *gorm.DB, since time.Time) ([]Count, error) {
	var all []Count
	err := tx.Raw("SELECT kind, count(*) AS mails, count(DISTINCT destination_id) AS destinations FROM returned_mail "+
		"WHERE at >= ? GROUP BY kind", since.UnixMicro()).Scan(&all).Error
	slices.SortFunc(all, func(a, b Count) int { return b.Mails - a.Mails })
	if err != nil {
		return nil, fmt.Errorf("count returned mail: %w", err)
	}
	return all, nil
}
