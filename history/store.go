package history

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history/partitions"
	"github.com/notifyd/notifyd/history/readers"
)

// A Store keeps the history in a database with the current schema. It is safe for concurrent use.
type Store struct {
	writer, reader *gorm.DB
	now            func() time.Time
	usage          usage
	keeper         *keeper              // of Run, for what it keeps by now
	tally          tally                // of the bytes that each rule of Run decides of
	spared         spared               // by Committed
	pruned         prunedCounts         // since the start
	keep           atomic.Pointer[Keep] // of the last Run; nil before
	deleted        atomic.Int64         // messages that were pruned, and that Run has not logged yet
	freed          atomic.Int64         // bytes that were pruned since the last reclaim
	elsewhere      func() bool          // another process deletes; nil: none does
	reread         chan struct{}        // has room for one: Run is to count anew
	patience       time.Duration        // how long Settled waits
	room           partitions.Room      // for which ids there are partitions
	oldest         atomic.Int64         // the first of the partitions that usage counts, from 1 on; 0: not known
}

// NewStore makes a store on the two pools of a migrations.DB.
func NewStore(writer, reader *gorm.DB, now func() time.Time) *Store {
	return &Store{writer: writer, reader: reader, now: now, reread: make(chan struct{}, 1), patience: 30 * time.Second}
}

// Get returns the message with that id on a bus, or ErrNotFound: also for one that is not among the sources.
func (s *Store) Get(ctx context.Context, msgID string, among readers.Sources) (Record, error) {
	var row messageRow
	err := s.reader.WithContext(ctx).Where(idIn(s.reader), []string{key(msgID)}).Take(&row).Error
	if common := bus.CommonID(msgID); common != "" && errors.Is(err, gorm.ErrRecordNotFound) {
		err = s.reader.WithContext(ctx).Where(commonIn(s.reader), []string{common}).Take(&row).Error
	}
	if errors.Is(err, gorm.ErrRecordNotFound) || err == nil && !among.Has(row.Source) {
		return Record{}, ErrNotFound
	}
	if err != nil {
		return Record{}, fmt.Errorf("read message: %w", err)
	}
	return row.record(), nil
}

// Size returns how much is stored. It reads an index of all messages: some milliseconds for each 100 000.
func (s *Store) Size(ctx context.Context) (Size, error) {
	var size Size
	err := s.reader.WithContext(ctx).Raw("SELECT count(*) AS messages, coalesce(sum(size), 0) AS bytes FROM messages").
		Scan(&size).Error
	if err != nil {
		return Size{}, fmt.Errorf("read size of history: %w", err)
	}
	return size, nil
}
