package history

import (
	"context"
	"fmt"
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
