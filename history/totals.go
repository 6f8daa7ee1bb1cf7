package history

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

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
	tx := s.reader.WithContext(ctx)
	q := newSelecting(tx, sel) // read by time: what is added up stands in the messages alone
	where, args := q.conditions()
	var totals []Total
	err := q.ask(tx, &totals, "SELECT "+expression+" AS name, count(*) AS messages, sum(k.size) AS bytes"+
		" FROM messages k WHERE "+strings.Join(where, " AND ")+" GROUP BY 1 ORDER BY 1", args)
	if err != nil {
		return nil, fmt.Errorf("add up messages: %w", err)
	}
	return totals, nil
}

// Categories returns the categories that there are messages of, sorted.
func (s *Store) Categories(ctx context.Context) (all []string, err error) {
	err = s.reader.WithContext(ctx).Raw(distinct("category", "") + " SELECT v FROM t WHERE v IS NOT NULL").Scan(&all).Error
	if err != nil {
		return nil, fmt.Errorf("read categories: %w", err)
	}
	return all, nil
}

// distinct begins a statement with t(v), the values of an indexed column in order, and NULL behind them; where says
// which it begins with. It jumps from one to the next in the index (a loose index scan), so its time grows with the
// values and not with the messages.
func distinct(column, where string) string {
	least := "SELECT min(" + column + ") FROM messages"
	return "WITH RECURSIVE t(v) AS (" + least + where + " UNION ALL SELECT (" + least + " WHERE " + column +
		" > t.v) FROM t WHERE t.v IS NOT NULL)"
}

// Place returns where the message with that id on a bus stands in the order of time, or ErrNotFound: for
// Selection.After.
func (s *Store) Place(ctx context.Context, msgID string) (Cursor, error) {
	tx := s.reader.WithContext(ctx)
	var row messageRow
	err := tx.Select("id", "sent_at").Where(idIn(tx), []string{key(msgID)}).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return Cursor{}, ErrNotFound
	}
	if err != nil {
		return Cursor{}, fmt.Errorf("read place of a message: %w", err)
	}
	return Cursor{SentAt: row.SentAt, ID: row.ID}, nil
}

// A Seen is when the newest message of a topic was sent.
type Seen struct {
	Topic string
	Last  time.Time
}

// Topics gives the topics that there are messages of, in order, at most limit.
func (s *Store) Topics(ctx context.Context, limit int) ([]Seen, error) {
	var rows []struct {
		Topic string
		Last  int64
	}
	err := s.reader.WithContext(ctx).Raw(distinct("topic", "")+
		" SELECT v AS topic, (SELECT max(sent_at) FROM messages m WHERE m.topic = t.v) AS last"+
		" FROM t WHERE v IS NOT NULL LIMIT ?", limit).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read topics: %w", err)
	}
	seen := make([]Seen, len(rows))
	for i, r := range rows {
		seen[i] = Seen{r.Topic, time.UnixMicro(r.Last).UTC()}
	}
	return seen, nil
}

// A Minute is one in which messages were sent, counted from the begin of 1970.
type Minute struct {
	At       int64
	Messages int
}

// TopicMinutes counts the messages of topics by the minute in which they were sent, in order. It reads an index alone.
func (s *Store) TopicMinutes(ctx context.Context, topics []string, after time.Time) ([]Minute, error) {
	return s.minutes(ctx, "topic", "sent_at", topics, after)
}

// SourceMinutes is TopicMinutes for sources, by the minute in which their messages were received.
func (s *Store) SourceMinutes(ctx context.Context, sources []string, after time.Time) ([]Minute, error) {
	return s.minutes(ctx, "source", "received_at", sources, after)
}

func (s *Store) minutes(ctx context.Context, of, when string, names []string, after time.Time) ([]Minute, error) {
	var all []Minute
	err := s.reader.WithContext(ctx).Raw("SELECT "+when+" / 60000000 AS at, count(*) AS messages FROM messages"+
		" WHERE "+of+" IN ? AND "+when+" > ? GROUP BY 1 ORDER BY 1", names, after.UnixMicro()).Scan(&all).Error
	if err != nil {
		return nil, fmt.Errorf("count messages by the minute: %w", err)
	}
	return all, nil
}

// Hours gives the hours in which any message was sent, counted from the begin of 1970, in order. It reads an index.
func (s *Store) Hours(ctx context.Context, after time.Time) ([]int64, error) {
	var all []int64
	err := s.reader.WithContext(ctx).Raw("SELECT sent_at / 3600000000 AS hour FROM messages WHERE sent_at > ?"+
		" GROUP BY 1 ORDER BY 1", after.UnixMicro()).Scan(&all).Error
	if err != nil {
		return nil, fmt.Errorf("read the hours with messages: %w", err)
	}
	return all, nil
}
