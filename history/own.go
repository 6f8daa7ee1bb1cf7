package history

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// An Own is a message that notifyd itself is going to say on the bus. It is stored in the transaction that it tells of,
// so that nothing is said that did not happen, and nothing that happened is left unsaid (a transactional outbox:
// Richardson, "Microservices Patterns", chapter 3).
type Own struct {
	ID      int64
	Event   string // such as "source.silent"
	Subject string // what it is about: while it waits, others of the same event and subject are added to it
	Body    string // JSON; of those that are added the first counts
	Times   int64  // how many were added up
	Made    time.Time
}

// An ownRow is a row of the table own_messages.
type ownRow struct {
	ID      int64  `gorm:"primaryKey;autoIncrement"`
	Event   string `gorm:"not null;uniqueIndex:idx_own_messages_subject,priority:1"`
	Subject string `gorm:"not null;uniqueIndex:idx_own_messages_subject,priority:2"`
	Body    string `gorm:"not null"`
	Times   int64  `gorm:"not null"`
	MadeAt  int64  `gorm:"not null"`
	Batch   int64  `gorm:"not null;uniqueIndex:idx_own_messages_subject,priority:3"`
}

func (ownRow) TableName() string { return "own_messages" }

// AddOwn stores messages, as part of tx. It needs no more than its Event, Subject and Body of each.
func (s *Store) AddOwn(tx *gorm.DB, all []Own) error {
	now := s.now().UnixMicro()
	var rows []ownRow
	for _, o := range all {
		rows = append(rows, ownRow{Event: o.Event, Subject: key(o.Subject), Body: o.Body, Times: 1, MadeAt: now})
	}
	// in one order on all nodes, and each once: see Append
	slices.SortStableFunc(rows, func(a, b ownRow) int {
		return slices.Compare([]string{a.Event, a.Subject}, []string{b.Event, b.Subject})
	})
	once := rows[:0]
	for _, r := range rows {
		if n := len(once); n > 0 && once[n-1].Event == r.Event && once[n-1].Subject == r.Subject {
			once[n-1].Times++
			continue
		}
		once = append(once, r)
	}
	if len(once) == 0 {
		return nil
	}
	more := clause.OnConflict{
		Columns:   []clause.Column{{Name: "event"}, {Name: "subject"}, {Name: "batch"}},
		DoUpdates: clause.Assignments(map[string]any{"times": gorm.Expr("own_messages.times + excluded.times")}),
	}
	if err := tx.Clauses(more).CreateInBatches(&once, batch).Error; err != nil {
		return fmt.Errorf("store what is to be said: %w", err)
	}
	return nil
}

// TakeOwn gives messages to say, at most limit, the oldest first: all but those of patient
// events that were made after a time. Nothing is added to them any more. They come again until they are forgotten.
func (s *Store) TakeOwn(ctx context.Context, patient []string, until time.Time, limit int) ([]Own, error) {
	var rows []ownRow
	err := s.reader.WithContext(ctx).Where("batch <> 0 OR event NOT IN ? OR made_at <= ?",
		append([]string{""}, patient...), until.UnixMicro()).Order("id").Limit(limit).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read what is to be said: %w", err)
	}
	var fresh []int64
	for _, r := range rows {
		if r.Batch == 0 {
			fresh = append(fresh, r.ID)
		}
	}
	if len(fresh) > 0 {
		err := s.writer.WithContext(ctx).Exec("UPDATE own_messages SET batch = id WHERE id IN ?", fresh).Error
		if err != nil {
			return nil, fmt.Errorf("take what is to be said: %w", err)
		}
		ids := make([]int64, len(rows))
		for i, r := range rows {
			ids[i] = r.ID
		}
		// again: something may have been added in between
		if err := s.writer.WithContext(ctx).Where("id IN ?", ids).Order("id").Find(&rows).Error; err != nil {
			return nil, fmt.Errorf("read what is to be said: %w", err)
		}
	}
	all := make([]Own, len(rows))
	for i, r := range rows {
		all[i] = Own{r.ID, r.Event, r.Subject, r.Body, r.Times, time.UnixMicro(r.MadeAt).UTC()}
	}
	return all, nil
}

// ForgetOwn deletes messages that were said and are in the history.
func (s *Store) ForgetOwn(ctx context.Context, ids []int64) error {
	for part := range slices.Chunk(ids, batch) {
		if err := s.writer.WithContext(ctx).Where("id IN ?", part).Delete(&ownRow{}).Error; err != nil {
			return fmt.Errorf("forget what was said: %w", err)
		}
	}
	return nil
}

// A Pace is what is stored of a service or an endpoint that is listened to. Package bus/pace says what its fields are.
type Pace struct {
	What, Under, Name string
	Heard, Silent     time.Time
	Lost              bool
	Record            string
}

// A paceRow is a row of the table paces.
type paceRow struct {
	What     string `gorm:"primaryKey"`
	Under    string `gorm:"primaryKey"`
	Name     string `gorm:"primaryKey"`
	HeardAt  int64  `gorm:"not null"`
	SilentAt int64  `gorm:"not null"`
	Lost     bool   `gorm:"not null"`
	Record   string `gorm:"not null"`
}

func (paceRow) TableName() string { return "paces" }

// Paces gives all of them, at most limit.
func (s *Store) Paces(ctx context.Context, limit int) ([]Pace, error) {
	var rows []paceRow
	if err := s.reader.WithContext(ctx).Order("what, under, name").Limit(limit).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read the paces of services: %w", err)
	}
	all := make([]Pace, len(rows))
	for i, r := range rows {
		all[i] = Pace{r.What, r.Under, r.Name, unstamp(r.HeardAt), unstamp(r.SilentAt), r.Lost, r.Record}
	}
	return all, nil
}

// SavePaces stores some, as part of tx.
func (s *Store) SavePaces(tx *gorm.DB, all []Pace) error {
	var rows []paceRow
	for _, p := range all {
		rows = append(rows, paceRow{column(p.What), column(p.Under), column(p.Name), micro(p.Heard), micro(p.Silent), p.Lost,
			p.Record})
	}
	slices.SortFunc(rows, func(a, b paceRow) int {
		return slices.Compare([]string{a.What, a.Under, a.Name}, []string{b.What, b.Under, b.Name})
	})
	if err := upsert(tx, rows); err != nil {
		return fmt.Errorf("save the paces of services: %w", err)
	}
	return nil
}

// DeletePaces deletes some, as part of tx, by their names.
func (s *Store) DeletePaces(tx *gorm.DB, all []Pace) error {
	for _, p := range all {
		err := tx.Where("what = ? AND under = ? AND name = ?", column(p.What), column(p.Under), column(p.Name)).
			Delete(&paceRow{}).Error
		if err != nil {
			return fmt.Errorf("forget the pace of a service: %w", err)
		}
	}
	return nil
}

// unstamp gives the time of so many microseconds; none for 0.
func unstamp(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
