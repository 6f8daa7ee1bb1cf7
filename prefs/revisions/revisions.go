// Package revisions remembers what filters were called and what they said, for each time that this changed. A delivery
// refers to the revision that matched, so that "why did I get this" is answered by what was true then, in the mail, on
// the pages and in the API, also when the filter was changed or deleted since.
package revisions

import (
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
)

// A Said is what a filter is called and says.
type Said struct {
	Filter, User          uint64
	Name, Rules, Sentence string // Sentence is the rules in words; "": they are put into words later
}

// inStatement bounds the rows of one statement.
const inStatement = 400

// Keep notes what a filter says now, in the transaction that changes it. Where it said the same before, nothing is
// noted.
func Keep(tx *gorm.DB, now int64, s Said) error {
	var found []row
	err := tx.Where("filter_id = ? AND ended_at = 0", s.Filter).Order("id").Find(&found).Error
	if err != nil {
		return fmt.Errorf("read what a filter said: %w", err)
	}
	for _, r := range found {
		if r.Name == s.Name && r.Rules == s.Rules && (r.Sentence == s.Sentence || s.Sentence == "") {
			return nil
		}
		if r.Name == s.Name && r.Rules == s.Rules && r.Sentence == "" {
			return say(tx, r.ID, s.Sentence)
		}
	}
	if err := End(tx, now, s.Filter); err != nil {
		return err
	}
	made := row{FilterID: s.Filter, UserID: s.User, Name: s.Name, Rules: s.Rules, Sentence: s.Sentence, MadeAt: now}
	if err := tx.Create(&made).Error; err != nil {
		return fmt.Errorf("note what a filter says: %w", err)
	}
	return nil
}

// say gives a revision its sentence.
func say(tx *gorm.DB, id int64, sentence string) error {
	err := tx.Exec("UPDATE filter_revisions SET sentence = ? WHERE id = ? AND sentence = ''", sentence, id).Error
	if err != nil {
		return fmt.Errorf("note what a filter says: %w", err)
	}
	return nil
}

// End notes that a filter says nothing any more, since it is deleted.
func End(tx *gorm.DB, now int64, filter uint64) error {
	err := tx.Exec("UPDATE filter_revisions SET ended_at = ? WHERE filter_id = ? AND ended_at = 0", now, filter).Error
	if err != nil {
		return fmt.Errorf("note that a filter has changed: %w", err)
	}
	return nil
}

// Forget deletes what the filters of a person ever said, in the transaction that deletes the person.
func Forget(tx *gorm.DB, user uint64) error {
	if err := tx.Exec("DELETE FROM filter_revisions WHERE user_id = ?", user).Error; err != nil {
		return fmt.Errorf("forget what filters said: %w", err)
	}
	return nil
}

// slack is how far the clocks of nodes may differ, and how long a change of a filter takes to reach the router.
const slack = time.Hour

// Prune deletes the revisions that ended before the oldest delivery that is kept was added: nothing refers to them.
func Prune(tx *gorm.DB, now time.Time) error {
	oldest, before := int64(0), now.Add(-slack).UnixMicro()
	if err := tx.Raw("SELECT added_at FROM deliveries ORDER BY id LIMIT 1").Scan(&oldest).Error; err != nil {
		return fmt.Errorf("find the oldest delivery: %w", err)
	}
	if oldest > 0 {
		before = min(before, oldest-slack.Microseconds())
	}
	if err := tx.Exec("DELETE FROM filter_revisions WHERE ended_at > 0 AND ended_at < ?", before).Error; err != nil {
		return fmt.Errorf("delete what filters said: %w", err)
	}
	return nil
}

// A Current is how a filter is now.
type Current struct {
	ID       int64
	Sentence string // "": it was never put into words
}

// Of returns how filters are now. One that nobody has noted has none. say gives the sentence of one that was never put
// into words: in a transaction, as that of the router, it is noted, and so stays; a mere reader only hears it.
func Of(tx *gorm.DB, filters []uint64, sentence func(filter uint64) string) (map[uint64]Current, error) {
	now := make(map[uint64]Current, len(filters))
	_, writes := tx.Statement.ConnPool.(gorm.TxCommitter)
	for part := range slices.Chunk(filters, inStatement) {
		var found []row
		err := tx.Select("id", "filter_id", "sentence").Where("filter_id IN ? AND ended_at = 0", part).Order("id").
			Find(&found).Error
		if err != nil {
			return nil, fmt.Errorf("read what filters say: %w", err)
		}
		for _, r := range found {
			if r.Sentence == "" {
				if r.Sentence = sentence(r.FilterID); r.Sentence != "" && writes {
					if err := say(tx, r.ID, r.Sentence); err != nil {
						return nil, err
					}
				}
			}
			now[r.FilterID] = Current{r.ID, r.Sentence}
		}
	}
	return now, nil
}
