package history

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/gaps"
)

// A Place is where a source stands, or what it lacks: what has changed of that and is stored with a batch, and what is
// read at a start.
type Place struct {
	Source    string
	Positions []gaps.Position // one without an ID is deleted
	Holes     []bus.Hole      // that are open
	Closed    []int64         // Hole.Number of those that are not any more
}

// Types with gorm tags are the rows of the tables positions and holes.

type positionRow struct {
	Source     string `gorm:"primaryKey"`
	Publisher  string `gorm:"primaryKey"`
	Numbers    string `gorm:"not null"`
	ReceivedAt int64  `gorm:"not null"`
	MsgID      string `gorm:"not null"`
}

func (positionRow) TableName() string { return "positions" }

type holeRow struct {
	Source      string `gorm:"primaryKey"`
	Number      int64  `gorm:"primaryKey;autoIncrement:false"`
	Publisher   string `gorm:"not null"`
	Sequence    bool   `gorm:"not null"`
	FirstNumber int64  `gorm:"not null"`
	LastNumber  int64  `gorm:"not null"`
	SinceAt     int64  `gorm:"not null"`
	UntilAt     int64  `gorm:"not null"`
	Missing     int64  `gorm:"not null"`
}

func (holeRow) TableName() string { return "holes" }

// SavePlaces stores what has changed, as part of the transaction that stores the messages which say so.
func (s *Store) SavePlaces(tx *gorm.DB, places []Place) error {
	places = slices.Clone(places)
	// in one order on all nodes, as Append
	slices.SortFunc(places, func(a, b Place) int { return strings.Compare(a.Source, b.Source) })
	for _, p := range places {
		if err := savePlace(tx, p); err != nil {
			return fmt.Errorf("save where a source stands: %w", err)
		}
	}
	return nil
}

func savePlace(tx *gorm.DB, p Place) error {
	var positions []positionRow
	var gone []string
	for _, at := range p.Positions {
		if at.ID == "" {
			gone = append(gone, key(at.Publisher))
		} else {
			positions = append(positions, newPositionRow(p.Source, at))
		}
	}
	for part := range slices.Chunk(gone, batch) {
		err := tx.Where("source = ? AND publisher IN ?", column(p.Source), part).Delete(&positionRow{}).Error
		if err != nil {
			return err
		}
	}
	slices.SortFunc(positions, func(a, b positionRow) int { return strings.Compare(a.Publisher, b.Publisher) })
	positions = slices.CompactFunc(positions, func(a, b positionRow) bool { return a.Publisher == b.Publisher })
	if err := upsert(tx, positions); err != nil {
		return err
	}
	if len(p.Closed) > 0 {
		err := tx.Where("source = ? AND number IN ?", column(p.Source), p.Closed).Delete(&holeRow{}).Error
		if err != nil {
			return err
		}
	}
	var holes []holeRow
	for _, h := range p.Holes {
		holes = append(holes, newHoleRow(p.Source, h))
	}
	return upsert(tx, holes)
}

// upsert inserts rows, or replaces those that have their keys; the list may be empty.
func upsert[R any](tx *gorm.DB, rows []R) error {
	if len(rows) == 0 {
		return nil
	}
	return tx.Clauses(clause.OnConflict{UpdateAll: true}).CreateInBatches(rows, batch).Error
}

// Places returns where the sources stand.
func (s *Store) Places(ctx context.Context) ([]Place, error) {
	var positions []positionRow
	var holes []holeRow
	read := s.reader.WithContext(ctx)
	if err := read.Order("source, publisher").Find(&positions).Error; err != nil {
		return nil, fmt.Errorf("read where the sources stand: %w", err)
	}
	if err := read.Order("source, number").Find(&holes).Error; err != nil {
		return nil, fmt.Errorf("read the holes: %w", err)
	}
	var places []Place
	of := func(source string) *Place {
		i := slices.IndexFunc(places, func(p Place) bool { return p.Source == source })
		if i < 0 {
			i, places = len(places), append(places, Place{Source: source})
		}
		return &places[i]
	}
	for _, r := range positions {
		p := of(r.Source)
		p.Positions = append(p.Positions, r.position())
	}
	for _, r := range holes {
		p := of(r.Source)
		p.Holes = append(p.Holes, r.hole())
	}
	return places, nil
}

// NarrowHole stores how far a hole has been asked for, if it is still there.
func (s *Store) NarrowHole(ctx context.Context, source string, h bus.Hole) error {
	row := newHoleRow(source, h)
	err := s.writer.WithContext(ctx).Model(&holeRow{}).Where("source = ? AND number = ?", row.Source, row.Number).
		Updates(map[string]any{"first_number": row.FirstNumber, "since_at": row.SinceAt}).Error
	if err != nil {
		return fmt.Errorf("narrow a hole: %w", err)
	}
	return nil
}

// DeleteHole deletes a hole that is filled or given up.
func (s *Store) DeleteHole(ctx context.Context, source string, number int64) error {
	err := s.writer.WithContext(ctx).Where("source = ? AND number = ?", column(source), number).Delete(&holeRow{}).Error
	if err != nil {
		return fmt.Errorf("delete a hole: %w", err)
	}
	return nil
}

// ForgetPlaces deletes the positions that are older than limit: sources and publishers that are gone.
func (s *Store) ForgetPlaces(ctx context.Context, limit time.Time) error {
	err := s.writer.WithContext(ctx).Where("received_at < ?", limit.UnixMicro()).Delete(&positionRow{}).Error
	if err != nil {
		return fmt.Errorf("forget where old sources stood: %w", err)
	}
	return nil
}

func newPositionRow(source string, p gaps.Position) positionRow {
	numbers := make([]string, len(p.Numbers))
	for i, n := range p.Numbers {
		numbers[i] = strconv.FormatInt(n, 10)
	}
	return positionRow{
		Source: column(source), Publisher: key(p.Publisher), Numbers: strings.Join(numbers, " "),
		ReceivedAt: p.Received.UnixMicro(), MsgID: key(p.ID),
	}
}

func (r positionRow) position() gaps.Position {
	p := gaps.Position{Publisher: r.Publisher, Received: time.UnixMicro(r.ReceivedAt).UTC(), ID: r.MsgID}
	for text := range strings.FieldsSeq(r.Numbers) {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			p.Numbers = append(p.Numbers, n)
		}
	}
	return p
}

func newHoleRow(source string, h bus.Hole) holeRow {
	return holeRow{
		Source: column(source), Number: h.Number, Publisher: key(h.Publisher), Sequence: h.Sequence,
		FirstNumber: h.First, LastNumber: h.Last, SinceAt: h.Since.UnixMicro(), UntilAt: h.Until.UnixMicro(),
		Missing: h.Missing,
	}
}

func (r holeRow) hole() bus.Hole {
	return bus.Hole{
		Number: r.Number, Publisher: r.Publisher, Sequence: r.Sequence, First: r.FirstNumber, Last: r.LastNumber,
		Since: time.UnixMicro(r.SinceAt).UTC(), Until: time.UnixMicro(r.UntilAt).UTC(), Missing: r.Missing,
	}
}
