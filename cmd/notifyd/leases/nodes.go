package leases

import (
	"context"
	"fmt"
	"time"

	"github.com/notifyd/notifyd/internal/backoff"
)

// A nodeRow is a daemon on the database. The table is for people: nothing is decided by it.
type nodeRow struct {
	Name      string `gorm:"primaryKey"`
	Version   string `gorm:"not null"`
	StartedAt int64  `gorm:"not null"`
	SeenAt    int64  `gorm:"not null"`
}

// TableName is for gorm.
func (nodeRow) TableName() string { return "nodes" }

// remembered is how long a node that was killed is shown.
const remembered = 24 * time.Hour

// A Node is a daemon on the database, for people.
type Node struct {
	Name    string    `json:"name"`
	Version string    `json:"version"`
	Started time.Time `json:"started"`
	Seen    time.Time `json:"seen"`  // when it was there last
	Gone    bool      `json:"gone"`  // for longer than a lease lasts: killed, or cut off from the database
	This    bool      `json:"this"`  // the one that says so
	Holds   []string  `json:"holds"` // leases
}

// Appear shows this node to people until ctx ends; then it takes it off the table.
func (l *Leases) Appear(ctx context.Context) error {
	if l.DB == nil {
		return nil
	}
	complained := false
	for {
		err := l.appear(ctx)
		if err != nil && ctx.Err() == nil && !complained {
			l.Log.Warn("cannot show this node among the others; trying again", "error", err)
		}
		complained = err != nil
		if !backoff.Sleep(ctx, l.renew()) {
			break
		}
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.limit())
	defer cancel()
	if err := l.DB.WithContext(last).Exec("DELETE FROM nodes WHERE name = ?", l.Node).Error; err != nil {
		l.Log.Warn("this node is shown for another day, as one that is gone", "error", err)
	}
	return nil
}

func (l *Leases) appear(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, l.limit())
	defer cancel()
	var at int64
	sent := l.clock()
	err := l.DB.WithContext(ctx).Raw(`WITH forgotten AS (DELETE FROM nodes WHERE seen_at < `+now+` - ?)
		INSERT INTO nodes (name, version, started_at, seen_at) VALUES (?, ?, `+now+`, `+now+`)
		ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at RETURNING seen_at`,
		remembered.Microseconds(), l.Node, l.Version).Scan(&at).Error
	if err == nil {
		l.measured(sent, at)
	}
	return err
}

// Nodes gives the daemons on the database, by name: this one too, and those that were killed within a day; with what
// each holds. There are none where this process is alone.
func (l *Leases) Nodes(ctx context.Context) ([]Node, error) {
	all := []Node{}
	if l.DB == nil {
		return all, nil
	}
	held, err := l.read(ctx)
	if err != nil {
		return all, err
	}
	ctx, cancel := context.WithTimeout(ctx, l.limit())
	defer cancel()
	var rows []struct {
		Name, Version          string
		StartedAt, SeenAt, Now int64
	}
	err = l.DB.WithContext(ctx).Raw(`SELECT *, ` + now + ` AS now FROM nodes ORDER BY name`).Scan(&rows).Error
	if err != nil {
		return all, fmt.Errorf("read nodes: %w", err)
	}
	for _, r := range rows {
		n := Node{
			Name: r.Name, Version: r.Version, Started: time.UnixMicro(r.StartedAt).UTC(), This: r.Name == l.Node,
			Seen: time.UnixMicro(r.SeenAt).UTC(), Gone: r.Now-r.SeenAt > l.Hold.Microseconds(), Holds: []string{},
		}
		for _, lease := range held {
			if lease.Holder == r.Name {
				n.Holds = append(n.Holds, lease.Name)
			}
		}
		all = append(all, n)
	}
	return all, nil
}
