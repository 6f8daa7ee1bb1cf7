package history

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/history/partitions"
)

// partitioned.go deletes by age on PostgreSQL, whole partitions, and has PostgreSQL look after what changes much.

// dropWithin is how long one round tries to drop partitions that others use.
const dropWithin = 2 * time.Minute

// expirePartitions makes partitions ahead, and drops those that are too old. It returns the number of messages that are
// gone.
func (s *Store) expirePartitions(ctx context.Context, keep Keep) (deleted int64, err error) {
	if !isPostgres(s.writer) {
		return 0, nil
	}
	err = partitions.Advance(s.writer.WithContext(ctx), s.now(), partitions.Width(keep.longest()))
	if err != nil {
		return 0, err
	}
	if keep.Age > 0 {
		deleted, err = s.dropPartitions(ctx, keep)
	}
	return deleted, errors.Join(err, s.cleanIDs(ctx))
}

// slack is how much longer than Keep.Age messages are kept that go by partitions. What is older than that is deleted
// row by row: it is in a partition that is wider, from before this version or a shorter Age. Where a rule keeps
// anything longer than Age, no partition is all too old at once, and each row goes as on SQLite.
func (s *Store) slack(keep Keep) time.Duration {
	width := partitions.Width(keep.Age)
	if !isPostgres(s.writer) || width == 0 || keep.spares() {
		return 0
	}
	return width + width/4 // rounds are not exact
}

// dropBefore gives the time before which all messages of a partition must have been received for it to go.
func (s *Store) dropBefore(keep Keep) time.Time {
	if keep.spares() {
		return time.UnixMicro(1) // there must be none
	}
	return s.now().Add(-keep.Age)
}

// wouldDrop gives the id up to which messages would go with their partitions.
func (s *Store) wouldDrop(ctx context.Context, keep Keep) (end int64, err error) {
	if !isPostgres(s.writer) || keep.Age == 0 {
		return 0, nil
	}
	old, err := partitions.OldOnes(s.reader.WithContext(ctx), s.dropBefore(keep))
	if len(old) > 0 {
		end = old[len(old)-1].End()
	}
	return end, err
}

// oldestPartition gives the number of the first partition, counted from 1; 0 where that is not known.
func (s *Store) oldestPartition(ctx context.Context) int64 {
	if !isPostgres(s.writer) {
		return 0
	}
	all, err := partitions.List(s.reader.WithContext(ctx))
	if err != nil || len(all) == 0 {
		return 0
	}
	return all[0].Number + 1
}

// outdated reports whether another node has dropped a partition since all was counted: there is less than usage says.
func (s *Store) outdated(ctx context.Context) bool {
	counted := s.oldest.Load()
	if counted == 0 {
		return false
	}
	now := s.oldestPartition(ctx)
	return now != 0 && now != counted
}

// dropPartitions drops the partitions whose messages are all too old. It returns the number of messages. Their ids
// stay, for cleanIDs.
func (s *Store) dropPartitions(ctx context.Context, keep Keep) (deleted int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, dropWithin)
	defer cancel()
	before := s.dropBefore(keep)
	old, err := partitions.OldOnes(s.reader.WithContext(ctx), before)
	for _, p := range old {
		var gone []goneGroup
		drop := partitions.Drop{
			Partition: p, Before: before,
			Count: func(tx *gorm.DB, table string) (err error) {
				gone, err = groupsOf(tx, table, keep)
				return err
			},
			Locked: func(tx *gorm.DB, table string) error {
				all := int64(0)
				for _, g := range gone {
					all += g.Messages
				}
				return countLostOf(tx, table, all)
			},
		}
		dropped, err := drop.Run(ctx, s.writer)
		if err != nil || !dropped {
			return deleted, err
		}
		for _, g := range gone {
			deleted += s.forgetGroup(keep, g)
		}
	}
	return deleted, err
}

// A goneGroup is the messages of a partition that agree in what rules look at.
type goneGroup struct {
	Source, Kind, Topic string
	Messages, Bytes     int64
}

func groupsOf(tx *gorm.DB, table string, keep Keep) (groups []goneGroup, err error) {
	by := "source"
	if keep.Rules.Len() > 0 {
		by = "source, kind, topic"
	}
	err = tx.Raw("SELECT " + by + ", count(*) AS messages, sum(size) AS bytes FROM " + table + " GROUP BY " + by).
		Scan(&groups).Error
	return groups, err
}

// forgetGroup is forget for what went with a partition. What sources hold, and what rules decide of, is counted anew
// after it: what was too old was no part of the tally.
func (s *Store) forgetGroup(keep Keep, g goneGroup) int64 {
	rule := keep.Rules.Which(g.Source, g.Kind, g.Topic)
	s.tally.drop()
	s.pruned.add(keep.Rules, rule, byAge, g.Messages, g.Bytes)
	s.deleted.Add(g.Messages)
	return g.Messages
}

// minReclaim is for how many bytes a reclaim is worth its time at least.
const minReclaim = 16 << 20

// reclaim lets PostgreSQL use again what deleted messages took, whenever that is an eighth of what is kept. Autovacuum
// looks once a minute, in which a flood writes gigabytes. SQLite needs none of this.
func (s *Store) reclaim(ctx context.Context, keep Keep) error {
	if !isPostgres(s.writer) || s.freed.Load() < max(keep.Bytes/8, minReclaim) {
		return nil
	}
	s.freed.Store(0)
	if err := s.vacuum(ctx, "VACUUM (SKIP_LOCKED, TRUNCATE false) "+vacuumed); err != nil {
		return fmt.Errorf("reclaim the space of deleted messages: %w", err)
	}
	return nil
}

// Refresh has PostgreSQL look through what a loading has added, as autovacuum would some minutes later: until then it
// counts by reading each row, and knows nothing of how frequent names are. SQLite needs none of this.
func (s *Store) Refresh(ctx context.Context) error {
	if !isPostgres(s.writer) {
		return nil
	}
	if err := s.vacuum(ctx, "VACUUM (ANALYZE, SKIP_LOCKED, TRUNCATE false) "+vacuumed); err != nil {
		return fmt.Errorf("look through the history: %w", err)
	}
	return nil
}

// vacuumed are the tables of messages.
const vacuumed = "messages, message_facts, message_users, message_packages"

// vacuumWithin is the longest time of a VACUUM, which takes longer than the database gives other statements.
const vacuumWithin = time.Hour

func (s *Store) vacuum(ctx context.Context, statement string) error {
	ctx, cancel := context.WithTimeout(ctx, vacuumWithin)
	defer cancel()
	return s.writer.WithContext(ctx).Exec(statement).Error
}
