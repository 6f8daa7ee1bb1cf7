package surge

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"gorm.io/gorm"
)

// store.go keeps what a restart, or another node, must know: the rates of filters that have one notice in a Window or
// more, and the surges that are on. A rate below that needs no row, since the floor judges there.

// rateRow is a rate. The row of filter 0 has since when there are rates: a filter that is older than that has been
// counted no longer.
type rateRow struct {
	FilterID   uint64 `gorm:"primaryKey;autoIncrement:false"`
	Usual      int64  `gorm:"not null"` // in thousandths
	MeasuredAt int64  `gorm:"not null"`
}

// TableName is for gorm.
func (rateRow) TableName() string { return "filter_rates" }

// stateRow is a surge.
type stateRow struct {
	FilterID uint64 `gorm:"primaryKey;autoIncrement:false"`
	BeganAt  int64  `gorm:"not null"`
	FoldsAt  int64  `gorm:"not null;index:idx_surges_folds_at"`
	Came     int    `gorm:"not null"`
	Usual    int64  `gorm:"not null"` // in thousandths
}

// TableName is for gorm.
func (stateRow) TableName() string { return "surges" }

// Models gives the gorm models of this room, for the test that compares them with the schema.
func Models() []any { return []any{&rateRow{}, &stateRow{}} }

// chunk bounds the rows of one statement.
const chunk = 400

// Read gives what is known of filters, at most 1000 of them; nothing of those that are rare. begun is since when there
// are rates.
func Read(tx *gorm.DB, filters []uint64) (known map[uint64]Rate, begun time.Time, err error) {
	var rates []rateRow
	if err := tx.Where("filter_id IN ?", append([]uint64{0}, filters...)).Find(&rates).Error; err != nil {
		return nil, begun, fmt.Errorf("read usual rates: %w", err)
	}
	var states []stateRow
	if err := tx.Where("filter_id IN ?", filters).Find(&states).Error; err != nil {
		return nil, begun, fmt.Errorf("read surges: %w", err)
	}
	known = map[uint64]Rate{}
	for _, r := range rates {
		if r.FilterID == 0 {
			begun = time.UnixMicro(r.MeasuredAt).UTC()
			continue
		}
		known[r.FilterID] = Rate{Usual: r.Usual}
	}
	for _, s := range states {
		r := known[s.FilterID]
		r.Now = State{Came: s.Came, Usual: s.Usual, Began: time.UnixMicro(s.BeganAt).UTC(),
			Folds: time.UnixMicro(s.FoldsAt).UTC()}
		known[s.FilterID] = r
	}
	return known, begun, nil
}

// Keep stores surges that began or go on, and forgets those that are over and all that were over before now.
func Keep(tx *gorm.DB, found map[uint64]State, now time.Time) error {
	var over []uint64
	var rows []stateRow
	for _, filter := range slices.Sorted(maps.Keys(found)) {
		s := found[filter]
		if s.Over {
			over = append(over, filter)
			continue
		}
		rows = append(rows, stateRow{filter, s.Began.UnixMicro(), s.Folds.UnixMicro(), s.Came, s.Usual})
	}
	err := tx.Where("filter_id IN ? OR folds_at < ?", over, now.Add(-time.Hour).UnixMicro()).Delete(&stateRow{}).Error
	if err != nil {
		return fmt.Errorf("delete surges: %w", err)
	}
	for part := range slices.Chunk(rows, chunk) {
		var args []any
		for _, r := range part {
			args = append(args, r.FilterID, r.BeganAt, r.FoldsAt, r.Came, r.Usual)
		}
		err := tx.Exec("INSERT INTO surges (filter_id, began_at, folds_at, came, usual) VALUES "+
			tuples(len(part), "(?, ?, ?, ?, ?)")+" ON CONFLICT (filter_id) DO UPDATE SET folds_at = excluded.folds_at, "+
			"came = excluded.came, usual = excluded.usual", args...).Error
		if err != nil {
			return fmt.Errorf("store surges: %w", err)
		}
	}
	return nil
}

// KeepRates stores rates; 0 deletes one.
func KeepRates(tx *gorm.DB, rates map[uint64]int64, now time.Time) error {
	var rare []uint64
	var rows []rateRow
	for _, filter := range slices.Sorted(maps.Keys(rates)) {
		if usual := rates[filter]; usual > 0 {
			rows = append(rows, rateRow{filter, usual, now.UnixMicro()})
		} else {
			rare = append(rare, filter)
		}
	}
	for part := range slices.Chunk(rare, chunk) {
		if err := tx.Where("filter_id IN ?", part).Delete(&rateRow{}).Error; err != nil {
			return fmt.Errorf("delete rates: %w", err)
		}
	}
	for part := range slices.Chunk(rows, chunk) {
		var args []any
		for _, r := range part {
			args = append(args, r.FilterID, r.Usual, r.MeasuredAt)
		}
		err := tx.Exec("INSERT INTO filter_rates (filter_id, usual, measured_at) VALUES "+tuples(len(part), "(?, ?, ?)")+
			" ON CONFLICT (filter_id) DO UPDATE SET usual = excluded.usual, measured_at = excluded.measured_at",
			args...).Error
		if err != nil {
			return fmt.Errorf("store rates: %w", err)
		}
	}
	return nil
}

// tuples gives a tuple n times, separated by commas.
func tuples(n int, tuple string) string {
	b := make([]byte, 0, n*(len(tuple)+2))
	for i := range n {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, tuple...)
	}
	return string(b)
}
