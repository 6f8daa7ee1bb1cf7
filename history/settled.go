package history

import (
	"context"
	"fmt"
	"time"
)

// Settled returns an id of which is certain that no message with it, or with a smaller one, will appear any more: who
// reads up to it, and later goes on behind it, misses none. SQLite has one writer, so ids appear in their order. With
// PostgreSQL several processes write at a time, and one may commit a larger id before another a smaller one. So Settled
// looks who is writing when the largest id is seen, and waits until these have ended. It waits for nobody who begins
// later, and not for ever: some client may leave a transaction open.
func (s *Store) Settled(ctx context.Context) (int64, error) {
	read := s.reader.WithContext(ctx)
	var last int64
	if err := read.Raw("SELECT coalesce(max(id), 0) FROM messages").Scan(&last).Error; err != nil {
		return 0, fmt.Errorf("read the last message: %w", err)
	}
	if !isPostgres(s.writer) {
		return last, nil
	}
	// Who inserts has the lock of a writer of the whole table before it takes an id, and until it has committed.
	const lock = " FROM pg_locks WHERE locktype = 'relation' AND relation = 'messages'::regclass" +
		" AND database = (SELECT oid FROM pg_database WHERE datname = current_database())" +
		" AND mode = 'RowExclusiveLock' AND granted"
	var writers []string
	if err := read.Raw("SELECT virtualtransaction" + lock).Scan(&writers).Error; err != nil {
		return 0, fmt.Errorf("read who writes messages: %w", err)
	}
	patience := time.NewTimer(s.patience)
	defer patience.Stop()
	for wait := time.Millisecond; len(writers) > 0; wait = min(2*wait, 100*time.Millisecond) {
		select {
		case <-patience.C:
			return 0, fmt.Errorf("a transaction that writes messages has been open for %v: the database's pg_stat_activity says "+
				"whose it is", s.patience)
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(wait):
		}
		var left []string
		err := read.Raw("SELECT virtualtransaction"+lock+" AND virtualtransaction IN ?", writers).Scan(&left).Error
		if err != nil {
			return 0, fmt.Errorf("read who writes messages: %w", err)
		}
		writers = left
	}
	return last, nil
}

// Newest returns the largest id that is visible; one with a smaller id may still appear, see Settled.
func (s *Store) Newest(ctx context.Context) (last int64, err error) {
	err = s.reader.WithContext(ctx).Raw("SELECT coalesce(max(id), 0) FROM messages").Scan(&last).Error
	if err != nil {
		return 0, fmt.Errorf("read the last message: %w", err)
	}
	return last, nil
}

// A Heading is what is known of a message without reading all of it.
type Heading struct {
	ID       int64
	Size     int64
	Source   string
	Topic    string
	Received time.Time
	Late     bool
	Marked   bool
	// Refuted says that a proved message has the id that the sender gave to this one, which is not proved.
	Refuted bool
}

// Headings returns messages in the order of their ids: the first of those after one id, up to another.
func (s *Store) Headings(ctx context.Context, after, until int64, limit int) ([]Heading, error) {
	var rows []messageRow
	err := s.reader.WithContext(ctx).
		Select("id", "size", "source", "topic", "received_at", "late", "marked", "claimed_id", "verdict").
		Where("id > ? AND id <= ?", after, until).Order("id").Limit(limit).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read headings: %w", err)
	}
	refuted, err := s.refuted(ctx, rows)
	if err != nil {
		return nil, fmt.Errorf("read headings: %w", err)
	}
	headings := make([]Heading, len(rows))
	for i, r := range rows {
		headings[i] = Heading{
			ID: r.ID, Size: r.Size, Source: r.Source, Topic: r.Topic, Received: time.UnixMicro(r.ReceivedAt).UTC(), Late: r.Late,
			Marked: r.Marked, Refuted: refuted[r.ClaimedID] && !r.proved(),
		}
	}
	return headings, nil
}

// refuted gives the ids that rows claim and that proved messages have.
func (s *Store) refuted(ctx context.Context, rows []messageRow) (map[string]bool, error) {
	var claimed []string
	for _, r := range rows {
		if r.ClaimedID != "" && !r.proved() {
			claimed = append(claimed, r.ClaimedID)
		}
	}
	if len(claimed) == 0 {
		return nil, nil
	}
	var holders []messageRow
	err := s.reader.WithContext(ctx).Select("msg_id", "verdict").Where(idIn(s.reader), claimed).Find(&holders).Error
	refuted := map[string]bool{}
	for _, h := range holders {
		refuted[h.MsgID] = h.proved()
	}
	return refuted, err
}

// Records returns messages by their ids in this history, in the order of ids. It leaves out those that are deleted.
func (s *Store) Records(ctx context.Context, ids []int64) ([]Record, error) {
	records, err := load(s.reader.WithContext(ctx), ids)
	if err != nil {
		return nil, fmt.Errorf("read messages: %w", err)
	}
	return records, nil
}
