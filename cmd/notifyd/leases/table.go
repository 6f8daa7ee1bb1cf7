package leases

import (
	"context"
	"fmt"
)

// A row is one lease as it stands in the database.
type row struct {
	Name      string `gorm:"primaryKey"`
	Holder    string `gorm:"not null"` // "": nobody
	Beat      int64  `gorm:"not null"`
	TakenAt   int64  `gorm:"not null"`
	HeldUntil int64  `gorm:"not null"`
}

// TableName is for gorm.
func (row) TableName() string { return "leases" }

// Models gives the gorm models of this room, for the test that compares them with the schema.
func Models() []any { return []any{&row{}, &nodeRow{}} }

// A sight is what the table held at a moment.
type sight struct {
	at   moment
	rows map[string]row
}

// now is the database's clock in microseconds.
const now = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"

// seeAll gives the table, by name, and a moment at which it was like this, or older. All who wait at about the same
// time share one look. Nobody waits for the looks of others longer than ctx: where the database hangs each takes its
// limit.
func (l *Leases) seeAll(ctx context.Context) (moment, map[string]row, error) {
	select {
	case l.looking <- struct{}{}:
	case <-ctx.Done():
		return moment{}, nil, ctx.Err()
	}
	defer func() { <-l.looking }()
	if l.sight.rows != nil && l.clock().since(l.sight.at) < l.look()/2 {
		return l.sight.at, l.sight.rows, nil
	}
	rows, err := l.read(ctx)
	if err != nil {
		return moment{}, nil, err
	}
	l.sight = sight{l.clock(), make(map[string]row, len(rows))}
	for _, r := range rows {
		l.sight.rows[r.Name] = r
	}
	return l.sight.at, l.sight.rows, nil
}

func (l *Leases) read(ctx context.Context) (rows []row, err error) {
	ctx, cancel := context.WithTimeout(ctx, l.limit())
	defer cancel()
	if err := l.DB.WithContext(ctx).Order("name").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read leases: %w", err)
	}
	return rows, nil
}

// swap takes a lease for this node where its beat is still the one that was seen, 0 for that of no row: a
// compare-and-swap. It gives the new beat; 0: another node was quicker.
func (l *Leases) swap(ctx context.Context, name string, seen int64) (int64, error) {
	return l.change(ctx, `INSERT INTO leases (name, holder, beat, taken_at, held_until)
		VALUES (?, ?, 1, `+now+`, `+now+` + ?)
		ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, beat = leases.beat + 1, taken_at = excluded.taken_at,
			held_until = excluded.held_until WHERE leases.beat = ?
		RETURNING beat, `+now+` AS now`, name, l.Node, l.Hold.Microseconds(), seen)
}

// raise renews a lease, and gives the new beat; 0: it is not ours any more.
func (l *Leases) raise(ctx context.Context, name string) (int64, error) {
	return l.change(ctx, `UPDATE leases SET beat = beat + 1, held_until = `+now+` + ? WHERE name = ? AND holder = ?
		RETURNING beat, `+now+` AS now`, l.Hold.Microseconds(), name, l.Node)
}

func (l *Leases) change(ctx context.Context, statement string, args ...any) (beat int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, l.limit())
	defer cancel()
	var got struct{ Beat, Now int64 }
	sent := l.clock()
	if err := l.DB.WithContext(ctx).Raw(statement, args...).Scan(&got).Error; err != nil {
		return 0, fmt.Errorf("write lease: %w", err)
	}
	if got.Beat > 0 {
		l.measured(sent, got.Now)
	}
	return got.Beat, nil
}

// release empties the row, so that another node need not wait, also where ctx has ended. It does so only by the beat
// that we know: a release that the database finds late must not end a hold that came after it. Where it fails the lease
// runs out.
func (l *Leases) release(ctx context.Context, h *hold) {
	h.over.CompareAndSwap(false, h.left() <= 0)
	beat, err := l.change(context.WithoutCancel(ctx), `UPDATE leases SET holder = '', beat = beat + 1,
		held_until = `+now+` WHERE name = ? AND holder = ? AND beat = ?
		RETURNING beat, `+now+` AS now`, h.name, l.Node, h.beat.Load())
	switch {
	case err != nil:
		l.Log.Warn("cannot give up a lease: it runs out", "lease", h.name, "error", err)
	case beat > 0 && !h.lost():
		l.Log.Info("lease given up", "lease", h.name)
	}
}
