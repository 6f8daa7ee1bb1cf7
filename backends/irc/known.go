package irc

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// What is known of networks is kept in the database: on several nodes one alone is connected, and addresses are typed
// on all of them; and services that are down for an hour have not gone.

// knowledge is what was learned of a network.
type knowledge struct {
	casing   casemapping
	services string // what has shown that there are services; "": nothing has
}

type networkRow struct {
	Name        string `gorm:"primaryKey"`
	Casemapping string `gorm:"not null"`
	Services    string `gorm:"not null"`
	ChangedAt   int64  `gorm:"not null"` // Unix microseconds
}

// TableName is for gorm.
func (networkRow) TableName() string { return "irc_networks" }

// Models gives the gorm models of this folder, for the test that compares them with the schema.
func Models() []any { return []any{&networkRow{}} }

const (
	knownFor = 5 * time.Second // after that the database is asked again: another node may have learned something
	askFor   = 2 * time.Second // the longest that it is asked
)

// A memory is what this process knows of networks.
type memory struct {
	writer, reader *gorm.DB // nil: nothing outlives the process
	now            func() time.Time
	log            *slog.Logger

	mu    sync.Mutex
	known map[string]knowledge
	asked time.Time
}

func newMemory(log *slog.Logger) *memory {
	return &memory{now: time.Now, log: log, known: map[string]knowledge{}}
}

// of gives what is known of a network.
func (m *memory) of(network string) knowledge {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.read()
	return m.known[network]
}

// read asks the database, if that was not done lately. While it does not answer, what was known before holds.
func (m *memory) read() {
	now := m.now()
	if m.reader == nil || now.Sub(m.asked) < knownFor && !m.asked.IsZero() {
		return
	}
	m.asked = now
	ctx, cancel := context.WithTimeout(context.Background(), askFor)
	defer cancel()
	var rows []networkRow
	if err := m.reader.WithContext(ctx).Find(&rows).Error; err != nil {
		m.log.Warn("cannot read what is known of IRC networks", "error", err)
		return
	}
	for _, r := range rows {
		m.known[r.Name] = knowledge{casing: casemapping(r.Casemapping), services: r.Services}
	}
}

// learn notes what a network has shown. It reports whether that is new.
func (m *memory) learn(network string, edit func(*knowledge)) bool {
	m.mu.Lock()
	m.read()
	k := m.known[network]
	edit(&k)
	fresh := k != m.known[network]
	m.known[network] = k
	m.mu.Unlock()
	if !fresh || m.writer == nil {
		return fresh
	}
	ctx, cancel := context.WithTimeout(context.Background(), askFor)
	defer cancel()
	row := networkRow{Name: network, Casemapping: string(k.casing), Services: k.services,
		ChangedAt: m.now().UnixMicro()}
	if err := m.writer.WithContext(ctx).Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error; err != nil {
		m.log.Warn("cannot note what is known of an IRC network", "network", network, "error", err)
	}
	return fresh
}
