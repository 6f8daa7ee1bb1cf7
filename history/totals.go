package history

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"gorm.io/gorm"
)

// A Total is how many messages have a name in common, and their bytes as Size counts them.
type Total struct {
	Name            string
	Messages, Bytes int64
}

// totalled gives what messages are added up by.
var totalled = map[string]string{
	"topic": "k.topic", "category": "k.category", "app": "k.app", "kind": "k.kind", "source": "k.source",
	"verdict": "k.verdict", "day": "k.sent_at / 86400000000",
}

// TotalsBy are the names that Totals knows.
func TotalsBy() []string {
	return []string{"topic", "category", "app", "kind", "source", "verdict", "day"}
}

// Totals adds up the messages that sel selects by one of TotalsBy, in the order of their names. A day is that of
// sending, in UTC, as a number of days since 1970. It reads all those messages: some seconds for each million.
func (s *Store) Totals(ctx context.Context, sel Selection, by string) ([]Total, error) {
	expression, known := totalled[by]
	if !known {
		return nil, fmt.Errorf("messages are not added up by %q", by)
	}
	q := selecting{Selection: sel, by: lookup{table: "messages", id: "id"}}
	where, args := q.conditions()
	var totals []Total
	err := s.reader.WithContext(ctx).Raw("SELECT "+expression+" AS name, count(*) AS messages, sum(k.size) AS bytes"+
		" FROM messages k WHERE "+strings.Join(where, " AND ")+" GROUP BY 1 ORDER BY 1", args...).Scan(&totals).Error
	if err != nil {
		return nil, fmt.Errorf("add up messages: %w", err)
	}
	return totals, nil
}

// Categories returns the categories that there are messages of, sorted. It looks up each in the index.
func (s *Store) Categories(ctx context.Context) ([]string, error) {
	var all []string
	for last, first := "", true; ; first = false {
		compare := ">"
		if first {
			compare = ">="
		}
		var next *string
		err := s.reader.WithContext(ctx).Raw("SELECT min(category) FROM messages WHERE category "+compare+" ?", last).
			Scan(&next).Error
		if err != nil {
			return nil, fmt.Errorf("read categories: %w", err)
		}
		if next == nil {
			return all, nil
		}
		last, all = *next, append(all, *next)
	}
}

// Place returns where the message with that id on a bus stands in the order of time, or ErrNotFound: for
// Selection.After.
func (s *Store) Place(ctx context.Context, msgID string) (Cursor, error) {
	var row messageRow
	err := s.reader.WithContext(ctx).Select("id", "sent_at").Where("msg_id = ?", key(msgID)).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return Cursor{}, ErrNotFound
	}
	if err != nil {
		return Cursor{}, fmt.Errorf("read place of a message: %w", err)
	}
	return Cursor{SentAt: row.SentAt, ID: row.ID}, nil
}
