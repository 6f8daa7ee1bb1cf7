package history

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
)

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
