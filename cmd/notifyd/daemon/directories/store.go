package directories

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/internal/backoff"
)

// A valueRow is what is known of a source. Times are in microseconds since 1970, 0 for never.
type valueRow struct {
	Name      string `gorm:"primaryKey"`
	Digest    string `gorm:"not null"`
	Value     []byte `gorm:"not null"` // directory.Facts, as JSON, by gzip; empty: none yet
	FetchedAt int64  `gorm:"not null"`
	TriedAt   int64  `gorm:"not null"`
	Failed    int64  `gorm:"not null"`
	Problem   string `gorm:"not null"`
	Accept    bool   `gorm:"not null"`
}

// TableName is for gorm.
func (valueRow) TableName() string { return "directory_values" }

// Models gives the gorm models of this room, for the test that compares them with the schema.
func Models() []any { return []any{&valueRow{}, &hintRow{}} }

// maxStored bounds an unpacked value.
const maxStored = 512 << 20

// pack returns facts as they are stored, and their digest.
func pack(f *directory.Facts) (packed []byte, digest string, err error) {
	text, err := json.Marshal(f)
	if err != nil {
		return nil, "", err
	}
	var into bytes.Buffer
	w := gzip.NewWriter(&into)
	if _, err := w.Write(text); err != nil {
		return nil, "", err
	}
	if err := w.Close(); err != nil {
		return nil, "", err
	}
	sum := sha256.Sum256(text)
	return into.Bytes(), hex.EncodeToString(sum[:]), nil
}

func unpack(packed []byte) (*directory.Facts, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	f := &directory.Facts{}
	if err := json.NewDecoder(io.LimitReader(r, maxStored)).Decode(f); err != nil {
		return nil, err
	}
	return f, nil
}

// followEvery is how often the database is looked at for what the node that fetches has stored, and what operators say.
const followEvery = 2 * time.Second

// followAlways keeps following until ctx ends.
func (d *Directories) followAlways(ctx context.Context) {
	for backoff.Sleep(ctx, followEvery) {
		err := d.follow(ctx)
		if err != nil && !d.failed && ctx.Err() == nil {
			d.Log.Warn("cannot read what is stored of the directory; trying again", "error", err)
		}
		d.failed = err != nil
	}
}

// follow takes what the database holds. It reads a value only if another node has changed it.
func (d *Directories) follow(ctx context.Context) error {
	limit, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var rows []valueRow
	read := d.DB.WithContext(limit)
	err := read.Select("name, digest, fetched_at, tried_at, failed, problem, accept").Find(&rows).Error
	if err != nil {
		return err
	}
	renewed, later := false, false
	for _, row := range rows {
		e := d.entry(row.Name)
		if e == nil || e.local {
			continue
		}
		before := e.load().fetched
		changed, err := d.followOne(read, e, row)
		if err != nil {
			return fmt.Errorf("source %s: %w", row.Name, err)
		}
		renewed, later = renewed || changed, later || !e.load().fetched.Equal(before)
	}
	if err := d.takeHints(ctx); err != nil {
		return err
	}
	if renewed {
		d.renew()
	} else if later { // which may confirm hints
		d.mu.Lock()
		d.overlay()
		d.mu.Unlock()
	}
	for _, e := range d.sources {
		e.settle()
	}
	return nil
}

// followOne takes what a row says of a source, and reports whether its facts are others now.
func (d *Directories) followOne(read *gorm.DB, e *entry, row valueRow) (changed bool, err error) {
	before := e.load()
	if d.fetching.Load() { // what this node has fetched is newer
		if row.Accept && !before.accept {
			before.accept = true
			e.set(before)
			e.soon()
		}
		return false, nil
	}
	next := known{facts: before.facts, digest: before.digest, fetched: moment(row.FetchedAt), tried: moment(row.TriedAt),
		failed: row.Failed, problem: row.Problem, accept: row.Accept}
	if row.Digest != before.digest {
		var whole valueRow
		if err := read.Where("name = ?", row.Name).Take(&whole).Error; err != nil {
			return false, err
		}
		if next.facts, err = unpack(whole.Value); err != nil {
			return false, err
		}
		next.digest, changed = whole.Digest, true
	}
	e.set(next)
	return changed, nil
}

// entry returns the source of a name, or nil.
func (d *Directories) entry(name string) *entry {
	for _, e := range d.sources {
		if e.name == name {
			return e
		}
	}
	return nil
}

// moment is a time as it is stored.
func moment(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros)
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// keepStored keeps what is known of a source, here and in the database. Where that takes nothing it is known here all
// the same, and stored with the next fetch.
func (d *Directories) keepStored(ctx context.Context, e *entry, before, next known) {
	row := valueRow{Name: e.name, Digest: next.digest, Value: []byte{}, FetchedAt: micros(next.fetched),
		TriedAt: micros(next.tried), Failed: next.failed, Problem: next.problem, Accept: next.accept}
	columns := []string{"fetched_at", "tried_at", "failed", "problem"}
	if before.accept { // what an operator says in between stays
		columns = append(columns, "accept")
	}
	var err error
	if next.facts != before.facts || before.unstored {
		if row.Value, row.Digest, err = pack(next.facts); err != nil {
			d.Log.Error("what a source of the directory says cannot be stored", "source", e.name, "error", err)
		}
		next.digest = row.Digest
		columns = append(columns, "digest", "value")
	}
	next.unstored = false
	e.set(next)
	if e.local || d.DB == nil {
		return
	}
	limit, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	err = d.DB.WithContext(limit).Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "name"}},
		DoUpdates: clause.AssignmentColumns(columns)}).Create(&row).Error
	if err != nil {
		next.unstored = next.facts != nil
		e.set(next)
		d.Log.Warn("what a source of the directory says is not stored yet", "source", e.name, "error", err)
	}
}

// forget deletes what is stored of sources that are no longer there.
func (d *Directories) forget(ctx context.Context, names []string) error {
	return d.DB.WithContext(ctx).Where("name NOT IN ?", names).Delete(&valueRow{}).Error
}

// Accept lets the next value of a source be taken, even if it holds much less than the last one, and fetches it at
// once. It is for a command beside the daemon.
func Accept(ctx context.Context, db *gorm.DB, name string) error {
	changed := db.WithContext(ctx).Model(&valueRow{}).Where("name = ?", name).Update("accept", true)
	if changed.Error == nil && changed.RowsAffected == 0 {
		return fmt.Errorf("nothing is stored of a source %q", name)
	}
	return changed.Error
}

// Stored returns how the sources are that a daemon fetches, by what is stored of them, sorted by name. It is for a
// command beside the daemon.
func Stored(ctx context.Context, db *gorm.DB) ([]Status, error) {
	var rows []valueRow
	if err := db.WithContext(ctx).Order("name").Find(&rows).Error; err != nil {
		return nil, err
	}
	var all []Status
	for _, row := range rows {
		s := Status{Name: row.Name, Fetched: moment(row.FetchedAt), Tried: moment(row.TriedAt), Problem: row.Problem,
			Counts: (*directory.Facts)(nil).Counts()}
		if len(row.Value) > 0 {
			f, err := unpack(row.Value)
			if err != nil {
				return nil, fmt.Errorf("source %s: %w", row.Name, err)
			}
			s.Counts, s.Notes = f.Counts(), f.Notes
		}
		all = append(all, s)
	}
	return all, nil
}
