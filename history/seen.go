package history

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// A Seen is when the newest message of a topic was sent.
type Seen struct {
	Topic string
	Last  time.Time
}

// Topics gives the topics that there are messages of, in order, at most limit. It jumps from one to the next in the
// index (a loose index scan), so its time grows with the topics and not with the messages.
func (s *Store) Topics(ctx context.Context, limit int) ([]Seen, error) {
	var rows []struct {
		Topic string
		Last  int64
	}
	err := s.reader.WithContext(ctx).Raw(`
		WITH RECURSIVE t(topic) AS (
			SELECT min(topic) FROM messages
			UNION ALL
			SELECT (SELECT min(topic) FROM messages WHERE topic > t.topic) FROM t WHERE t.topic IS NOT NULL
		)
		SELECT topic, (SELECT max(sent_at) FROM messages m WHERE m.topic = t.topic) AS last
		FROM t WHERE topic IS NOT NULL LIMIT ?`, limit).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read topics: %w", err)
	}
	seen := make([]Seen, len(rows))
	for i, r := range rows {
		seen[i] = Seen{r.Topic, time.UnixMicro(r.Last).UTC()}
	}
	return seen, nil
}

// Began gives the time of the oldest message; zero where there is none.
func (s *Store) Began(ctx context.Context) (time.Time, error) {
	var first int64
	err := s.reader.WithContext(ctx).Raw("SELECT coalesce(min(sent_at), 0) FROM messages").Scan(&first).Error
	if err != nil {
		return time.Time{}, fmt.Errorf("read begin of history: %w", err)
	}
	if first == 0 {
		return time.Time{}, nil
	}
	return time.UnixMicro(first).UTC(), nil
}

// CountTopics counts the messages of topics that were sent after a time and until another. It stops at most, which
// bounds its work.
func (s *Store) CountTopics(ctx context.Context, topics []string, after, until time.Time, most int) (int, error) {
	total := 0
	for part := range slices.Chunk(topics, 500) {
		var n int
		err := s.reader.WithContext(ctx).Raw(`SELECT count(*) FROM (
			SELECT 1 FROM messages WHERE topic IN ? AND sent_at > ? AND sent_at <= ? LIMIT ?) AS found`,
			part, after.UnixMicro(), until.UnixMicro(), most-total).Scan(&n).Error
		if err != nil {
			return 0, fmt.Errorf("count messages: %w", err)
		}
		if total += n; total >= most {
			break
		}
	}
	return total, nil
}
