package looks

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"gorm.io/gorm"
)

// The bounds on what Zones remembers.
const (
	zoneFresh = time.Minute
	mostZones = 50_000 // destinations
)

// Zones has the time zones of the owners of destinations. It is safe for concurrent use.
type Zones struct {
	reader *gorm.DB
	now    func() time.Time

	mu   sync.Mutex
	read time.Time // since when of is kept
	of   map[string]*time.Location
}

// NewZones makes Zones over the database.
func NewZones(reader *gorm.DB, now func() time.Time) *Zones { return &Zones{reader: reader, now: now} }

// Of returns the zone of the owner of a destination, by its key in the outbox; UTC where none is known.
func (z *Zones) Of(ctx context.Context, destination string) (*time.Location, error) {
	if zone := z.known(destination); zone != nil {
		return zone, nil
	}
	id, err := strconv.ParseUint(destination, 10, 63)
	if err != nil {
		return time.UTC, nil // mail about an account
	}
	var name string
	err = z.reader.WithContext(ctx).Raw("SELECT u.zone FROM destinations d JOIN users u ON u.id = d.user_id "+
		"WHERE d.id = ?", id).Scan(&name).Error
	if err != nil {
		return time.UTC, fmt.Errorf("read the zone of a destination: %w", err)
	}
	zone, err := time.LoadLocation(name)
	if err != nil { // a zone that this machine does not know
		zone = time.UTC
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	z.of[destination] = zone
	return zone, nil
}

// known returns a zone that was read lately; nil for none.
func (z *Zones) known(destination string) *time.Location {
	z.mu.Lock()
	defer z.mu.Unlock()
	now := z.now()
	if age := now.Sub(z.read); z.of == nil || age < 0 || age >= zoneFresh || len(z.of) >= mostZones {
		z.read, z.of = now, map[string]*time.Location{}
	}
	return z.of[destination]
}
