package outbox

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
)

// A Config tunes an Outbox. A zero field means the default named beside it.
type Config struct {
	Workers int            // sends at the same time for each backend that is not backends.Elastic: 4
	Pools   map[string]int // the same for single backends, by name

	SendTimeout time.Duration // of one Send: 2 min
	Drain       time.Duration // for sends in hand once Run's ctx has ended: 5 s
	Finish      time.Duration // after that for writing down what came of them, where the database does not answer: 10 s
	Poll        time.Duration // at least so often the database is asked for what is due: 5 s
	// Lease is how long another node waits before it takes over from one that was killed: 10 s.
	Lease time.Duration
	// DatabaseClock lets PostgreSQL's clock say what is due and how long a lease lasts. So the clocks of nodes may differ
	// by any amount; without it two nodes send the same where they differ by a lease. It means nothing on SQLite.
	DatabaseClock bool
	// May reports whether this process may send by a backend now: on several nodes one alone has the connection that some
	// backends need. Where it may not the deliveries are left to others. nil: it always may.
	May func(backend string) bool

	RetryFirst  time.Duration // delay after the first failure; it doubles: 30 s
	RetryMost   time.Duration // the longest delay: 4 h
	GiveUpAfter time.Duration // since the first failure, then dead: 5 days (RFC 5321, 4.5.4.1 advises 4 to 5)
	MaxAttempts int           // then dead: 60

	ProbeFirst time.Duration // pause of a backend that is down, before the first probe; it doubles: 5 s
	ProbeMost  time.Duration // the longest such pause: 2 min

	MaxNotices int           // in one parcel; the rest travels in the next: 100
	CapCount   int           // rate cap: notices at once to one destination in CapWindow; 0: no cap
	CapWindow  time.Duration // 10 min
	CapMost    int           // what a Delivery's own Cap may allow at most; 0: anything

	MostWaiting int // deliveries to one destination; what comes beyond is counted in one notice: 5000; negative: no bound
	MostOwed    int // deliveries to all destinations of one person (Delivery.Owner); counted alike: 20000
	// KeepBytes bounds the size of what was sent or given up: the oldest goes earlier, but not before KeepAtLeast. 0: no
	// bound.
	KeepBytes int64

	KeepDone time.Duration // done deliveries are deleted after this, and may then be added again: 30 days
	KeepDead time.Duration // 90 days

	// Gate says of what is about to be sent whether its owner wants it now. nil: it goes.
	Gate Gate
	// Explain says what Delivery.Reasons stand for, and makes the links that go with a notice, for deliveries that are
	// about to be sent or shown: one answer for each. tx is the transaction that asks, or a reader. nil: nothing is said.
	Explain func(tx *gorm.DB, asked []Unexplained) ([]Explained, error)
	// Note says why the notices of a parcel come as they do, for its head, by the Hold and the DueAt of each, in the zone
	// of their reader. nil: nothing is said.
	Note func(holds []string, dues []time.Time, zone *time.Location) string
	// Fill puts what must be stored nowhere into a parcel that has a Notice.Secret, before each attempt to send it. Where
	// its error wraps backends.ErrRefused the parcel is given up; after any other it is tried again.
	Fill func(ctx context.Context, p *backends.Parcel) error
	// Mute returns the page where the owner of a destination mutes what a message is about; nil: there are no pages.
	Mute func(destination string) string
	// Zone returns the time zone in which the times of what goes to a destination are told. nil: UTC.
	Zone func(ctx context.Context, destination string) (*time.Location, error)
	// Page returns the address of a page that lists the notices of a parcel; nil: there are no pages.
	Page func(parcel string) string
	// Options returns what the owner of a destination has chosen about the looks of what is sent
	// (backends.Parcel.Options). It must be quick. An error is logged; the parcel goes all the same. nil: nothing.
	Options func(ctx context.Context, destination string) (map[string]string, error)
	// Holder returns the account of a network that an address of a destination is bound to, for backends that ask
	// (backends.Parcel.Holder). nil: nothing is known.
	Holder func(ctx context.Context, destination string) (account string, err error)
	// OnGone is called when a destination's address will never take anything (backends.ErrGone). It runs outside of any
	// transaction, and must return when ctx ends.
	OnGone func(ctx context.Context, destination, reason string)
	// OnSent is told of the parcels that were sent, as part of the transaction that writes it down. nil: nobody is.
	OnSent func(tx *gorm.DB, parcels []Sent) error
	Log    *slog.Logger // nil: silent
}

func (c Config) withDefaults() Config {
	setDefault(&c.Workers, 4)
	setDefault(&c.SendTimeout, 2*time.Minute)
	setDefault(&c.Drain, 5*time.Second)
	setDefault(&c.Finish, 10*time.Second)
	setDefault(&c.Poll, 5*time.Second)
	setDefault(&c.Lease, 10*time.Second)
	setDefault(&c.RetryFirst, 30*time.Second)
	setDefault(&c.RetryMost, 4*time.Hour)
	setDefault(&c.GiveUpAfter, 5*24*time.Hour)
	setDefault(&c.MaxAttempts, 60)
	setDefault(&c.ProbeFirst, 5*time.Second)
	setDefault(&c.ProbeMost, 2*time.Minute)
	setDefault(&c.MaxNotices, 100)
	setDefault(&c.CapWindow, 10*time.Minute)
	if c.MostWaiting == 0 {
		c.MostWaiting = 5000
	}
	setDefault(&c.MostOwed, 20_000)
	setDefault(&c.KeepDone, 30*24*time.Hour)
	setDefault(&c.KeepDead, 90*24*time.Hour)
	if c.OnGone == nil {
		c.OnGone = func(context.Context, string, string) {}
	}
	if c.Fill == nil {
		c.Fill = func(context.Context, *backends.Parcel) error {
			return fmt.Errorf("bug: nobody makes secrets: %w", backends.ErrRefused)
		}
	}
	if c.Note == nil {
		c.Note = func([]string, []time.Time, *time.Location) string { return "" }
	}
	if c.May == nil {
		c.May = func(string) bool { return true }
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

func setDefault[T int | time.Duration](v *T, otherwise T) {
	if *v <= 0 {
		*v = otherwise
	}
}

// width gives how many sends to a backend are of use at the same time.
func (c Config) width(name string, backend backends.Backend) func() int {
	if n := c.Pools[name]; n > 0 {
		return func() int { return n }
	}
	if e, ok := backend.(backends.Elastic); ok {
		return func() int { return max(1, min(e.Sends(), mostWorkers)) }
	}
	return func() int { return c.Workers }
}

// mostWorkers bounds what a backends.Elastic says.
const mostWorkers = 128

// An Outbox is the durable queue in one database. Several processes may run one each on the same PostgreSQL database.
type Outbox struct {
	writer, reader *gorm.DB
	postgres       bool
	cfg            Config
	now            func() time.Time
	ahead          atomic.Int64  // of the database's clock, in nanoseconds, as measured last: see clock.go
	look           time.Duration // how often the database is asked for what is due
	completions    *groupCommit
	asleep         sleepers
	running        runningPools
	counts         counts
	levels         levels

	mu     sync.Mutex // guards random
	random io.Reader
}

// New makes an Outbox on an open database with the current schema. On SQLite writer has one connection (see
// migrations.DB). random gives the jitter of retries and the ids of parcels: crypto/rand.Reader, except in tests.
func New(writer, reader *gorm.DB, postgres bool, cfg Config, now func() time.Time, random io.Reader) *Outbox {
	o := &Outbox{
		writer: writer, reader: reader, postgres: postgres, cfg: cfg.withDefaults(), now: now, random: random,
		completions: newGroupCommit(),
	}
	o.look = o.cfg.Poll
	if postgres && cfg.May != nil {
		o.look = min(o.look, othersAdd)
	}
	return o
}

// othersAdd is how often a process looks for what others have added, who may not send it and cannot notify it.
const othersAdd = time.Second

// token gives an id that nobody else has: 128 random bits in hex.
func (o *Outbox) token() (string, error) {
	var b [16]byte
	if err := o.read(b[:]); err != nil {
		return "", err
	}
	return hex.EncodeToString(b[:]), nil
}

// fraction gives a random number in [0, 1), for jitter; 0 where there are no random bytes.
func (o *Outbox) fraction() float64 {
	var b [8]byte
	if o.read(b[:]) != nil {
		return 0
	}
	return float64(binary.LittleEndian.Uint64(b[:])>>11) / (1 << 53)
}

func (o *Outbox) read(b []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, err := io.ReadFull(o.random, b); err != nil {
		return fmt.Errorf("read random bytes: %w", err)
	}
	return nil
}
