package outbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/internal/text"
)

// pairs.go drops what says that a thing has begun once its end is owed to the same destination. A beginning is held for
// a while by its due time; here only its end looks for it. Both look under the lock of their queue, so that it does not
// matter which node has which, or which comes first.

// A Pair ties what says that a thing has begun to what says that it has ended. The beginning is dropped, as by a Gate,
// when the end is added while the beginning waits and was never tried; and when the end is there already.
type Pair struct {
	Thing string        // what has begun or ended; "": there is no pair
	Ends  bool          // it has ended
	Keep  time.Duration // how long an end that comes first waits for its beginning
}

// overtaken is why a beginning is dropped.
const overtaken = "finished followed"

// A pairRow is a beginning that waits for its end, by its message; or an end, where Message is "".
type pairRow struct {
	Destination string `gorm:"primaryKey"`
	Thing       string `gorm:"primaryKey"`
	Message     string `gorm:"primaryKey"`
	HappenedAt  int64  `gorm:"not null"`
	EndsAt      int64  `gorm:"not null;index:idx_pairs_ends_at"` // then nobody needs it any more
}

// TableName is for gorm.
func (pairRow) TableName() string { return "pairs" }

// keepBeginning bounds how long it is known of a beginning that it waits: held by its owner, say, or in a digest.
const keepBeginning = 8 * 24 * time.Hour

// A pairKey names a thing at a destination. The name of a thing may be long, so that it is stored as a hash.
type pairKey struct{ destination, thing string }

func (s stored) pairKey() pairKey {
	sum := sha256.Sum256([]byte(s.Pair.Thing))
	return pairKey{text.Storable(s.Destination), hex.EncodeToString(sum[:16])}
}

// pair drops the beginnings whose ends are there, among what was just stored and what waited.
func (o *Outbox) pair(tx *gorm.DB, fresh []stored, now time.Time) error {
	paired := map[pairKey][]pairRow{}
	for _, s := range fresh {
		if s.Pair.Thing != "" {
			paired[s.pairKey()] = nil
		}
	}
	if len(paired) == 0 {
		return nil
	}
	if err := readPairs(tx, paired); err != nil {
		return err
	}
	dropped := map[string][]string{} // destination to messages
	for _, s := range fresh {
		if s.Pair.Thing == "" {
			continue
		}
		key := s.pairKey()
		left, gone := s.meet(key, paired[key], now)
		paired[key] = left
		dropped[key.destination] = append(dropped[key.destination], gone...)
	}
	for _, destination := range slices.Sorted(maps.Keys(dropped)) {
		if err := o.silenceWaiting(tx, destination, dropped[destination], overtaken); err != nil {
			return err
		}
	}
	return writePairs(tx, paired)
}

// meet gives what is known of a thing once s is there, and the messages that are dropped. What has begun after an end
// is a new beginning.
func (s stored) meet(key pairKey, known []pairRow, now time.Time) (left []pairRow, dropped []string) {
	mine := pairRow{Destination: key.destination, Thing: key.thing, Message: text.Storable(s.Message),
		HappenedAt: stamp(s.Notice.Time), EndsAt: stamp(now.Add(keepBeginning))}
	if s.Notice.Time.IsZero() {
		mine.HappenedAt = stamp(now)
	}
	if s.Pair.Ends {
		mine.Message, mine.EndsAt = "", stamp(now.Add(s.Pair.Keep))
	}
	over := false
	for _, k := range known {
		switch {
		case s.Pair.Ends && k.Message == "":
			mine.HappenedAt, mine.EndsAt = max(mine.HappenedAt, k.HappenedAt), max(mine.EndsAt, k.EndsAt)
		case s.Pair.Ends && k.HappenedAt <= mine.HappenedAt:
			dropped = append(dropped, k.Message)
		default:
			over = over || !s.Pair.Ends && k.Message == "" && k.HappenedAt >= mine.HappenedAt && k.EndsAt > stamp(now)
			left = append(left, k)
		}
	}
	if over {
		return left, append(dropped, mine.Message)
	}
	return append(left, mine), dropped
}

func readPairs(tx *gorm.DB, paired map[pairKey][]pairRow) error {
	for part := range slices.Chunk(slices.Collect(maps.Keys(paired)), chunk) {
		var rows []pairRow
		err := tx.Where("(destination, thing) IN "+pairTuples(part), pairArgs(part)...).
			Order("destination, thing, happened_at, message").Find(&rows).Error
		if err != nil {
			return fmt.Errorf("read pairs: %w", err)
		}
		for _, r := range rows {
			key := pairKey{r.Destination, r.Thing}
			paired[key] = append(paired[key], r)
		}
	}
	return nil
}

// writePairs stores what is known of things now, instead of what was.
func writePairs(tx *gorm.DB, paired map[pairKey][]pairRow) error {
	for part := range slices.Chunk(slices.Collect(maps.Keys(paired)), chunk) {
		err := tx.Exec("DELETE FROM pairs WHERE (destination, thing) IN "+pairTuples(part), pairArgs(part)...).Error
		if err != nil {
			return fmt.Errorf("store pairs: %w", err)
		}
		var rows []pairRow
		for _, key := range part {
			rows = append(rows, paired[key]...)
		}
		if len(rows) == 0 {
			continue
		}
		if err := tx.CreateInBatches(rows, chunk).Error; err != nil {
			return fmt.Errorf("store pairs: %w", err)
		}
	}
	return nil
}

func pairTuples(keys []pairKey) string {
	return "(VALUES " + strings.TrimSuffix(strings.Repeat("(?, ?), ", len(keys)), ", ") + ")"
}

func pairArgs(keys []pairKey) []any {
	var args []any
	for _, key := range keys {
		args = append(args, key.destination, key.thing)
	}
	return args
}

// silenceWaiting drops what waits of messages for a destination and was never tried.
func (o *Outbox) silenceWaiting(tx *gorm.DB, destination string, messages []string, why string) error {
	for part := range slices.Chunk(messages, chunk) {
		err := tx.Exec(`UPDATE deliveries SET state = ?, settled_at = ?, last_error = ?
			WHERE lane IN (SELECT id FROM lanes WHERE destination = ?) AND settled_at = 0 AND content IN
			(SELECT id FROM contents WHERE message <> '' AND message IN ?) AND state = ? AND parcel = ''`, Dead, stamp(o.now()), silenced+why, destination, part, Waiting).Error
		if err != nil {
			return fmt.Errorf("silence deliveries: %w", err)
		}
	}
	return nil
}

// prunePairs forgets ends whose time is over, and beginnings that wait no more or for very long.
func (o *Outbox) prunePairs(ctx context.Context) error {
	if err := o.writer.WithContext(ctx).Exec("DELETE FROM pairs WHERE ends_at < ?", stamp(o.now())).Error; err != nil {
		return fmt.Errorf("delete pairs: %w", err)
	}
	return nil
}
