package outbox

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/internal/moving"
	"github.com/notifyd/notifyd/internal/text"
)

// never is the ready_at of a queue to which nothing is owed.
const never = math.MaxInt64

// A queue is the per-destination queue: what the outbox knows of one destination. Its table has the older name lanes.
// The worker that holds its lease is the only one that sends there. That keeps the order, and a digest in one piece.
type queue struct {
	ID          int64  `gorm:"primaryKey;autoIncrement"`
	Backend     string `gorm:"not null;uniqueIndex:idx_lanes_backend_destination,priority:1;index:idx_lanes_ready,priority:1"`
	Destination string `gorm:"not null;uniqueIndex:idx_lanes_backend_destination,priority:2"`
	Lease       string `gorm:"not null"` // who sends there now; "": nobody
	// ReadyAt is when the queue may be claimed: the end of the lease, or else the first due time.
	ReadyAt  int64  `gorm:"not null;index:idx_lanes_ready,priority:2"`
	WindowAt int64  `gorm:"not null"`            // when something came last that the cap counts
	Came     string `gorm:"not null;default:''"` // what came in its window: see package moving
	FoldsAt  int64  `gorm:"not null;default:0"`  // when the digest of the cap goes, or went; 0: never yet
	Held     bool   `gorm:"not null;default:false"`
	Free     bool   `gorm:"not null;default:false"` // its owner holds nothing back: no Gate need be asked
	LeadAt   int64  `gorm:"not null;default:0"`     // end of the window that Delivery.Lead has opened
	LeadMore bool   `gorm:"not null;default:false"` // something waits for that end

	window *moving.Window // of Came, once it is needed
	was    queueState     // when it was read
}

// TableName is for gorm.
func (queue) TableName() string { return "lanes" }

// A row is a stored Delivery. Parcel is given at the first claim and stays: the same rows travel under the same id.
type row struct {
	ID          int64  `gorm:"primaryKey;autoIncrement;index:idx_deliveries_destination,priority:2"`
	Message     string `gorm:"not null;uniqueIndex:idx_deliveries_once,priority:1"`
	Destination string `gorm:"not null;uniqueIndex:idx_deliveries_once,priority:2;index:idx_deliveries_destination,priority:1"`
	Backend     string `gorm:"not null;index:idx_deliveries_state,priority:3"`
	Queue       int64  `gorm:"column:lane;not null;index:idx_deliveries_lane,priority:1"`
	Address     string `gorm:"not null"`
	Notice      string `gorm:"not null"` // JSON of backends.Notice
	Manage      string `gorm:"not null"`
	Together    bool   `gorm:"not null"`
	State       State  `gorm:"not null;index:idx_deliveries_lane,priority:2;index:idx_deliveries_state,priority:1"`
	DueAt       int64  `gorm:"not null;index:idx_deliveries_lane,priority:3;index:idx_deliveries_state,priority:2"`
	Parcel      string `gorm:"not null;index:idx_deliveries_parcel"`
	Attempts    int64  `gorm:"not null"`
	FailedAt    int64  `gorm:"not null"` // first failure that counted
	LastError   string `gorm:"not null"`
	AddedAt     int64  `gorm:"not null"`
	FinishedAt  int64  `gorm:"column:settled_at;not null"` // when it became done or dead
	Hold        string `gorm:"not null;default:''"`        // as in Delivery

	decoded   *backends.Notice // of Notice, once decode was called
	undecoded error            // why it cannot be
}

// TableName is for gorm.
func (row) TableName() string { return "deliveries" }

// Models gives the gorm models of this room, for the test that compares them with the schema.
func Models() []any { return []any{&queue{}, &row{}, &pairRow{}} }

func stamp(t time.Time) int64 { return t.UnixMicro() }

func unstamp(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// The bounds on a stored notice, so that a digest of many fits into memory.
const (
	maxText = 64 << 10 // bytes
	maxList = 256      // names
)

func newRow(d Delivery, queueID int64, now time.Time) (row, error) {
	notice, err := json.Marshal(bounded(d.Notice))
	if err != nil {
		return row{}, fmt.Errorf("encode notice: %w", err)
	}
	return row{
		Message: text.Storable(d.Message), Destination: text.Storable(d.Destination),
		Backend: text.Storable(d.Backend), Queue: queueID, Address: text.Storable(d.Address),
		Notice: string(notice), Manage: text.Storable(d.Manage), Together: d.Together,
		State: Waiting, DueAt: stamp(d.DueAt), AddedAt: stamp(now), Hold: text.Storable(d.Hold),
	}, nil
}

// compare orders rows by their due time.
func (r row) compare(other row) int {
	return cmp.Or(cmp.Compare(r.DueAt, other.DueAt), cmp.Compare(r.ID, other.ID))
}

// decode reads the notice, for those that ask for it several times.
func (r *row) decode() {
	n, err := r.notice()
	r.decoded, r.undecoded = &n, err
}

func (r row) notice() (backends.Notice, error) {
	if r.decoded != nil {
		return *r.decoded, r.undecoded
	}
	var n backends.Notice
	if err := json.Unmarshal([]byte(r.Notice), &n); err != nil {
		return n, fmt.Errorf("decode notice of delivery %d: %w", r.ID, err)
	}
	return n, nil
}

func bounded(n backends.Notice) backends.Notice {
	n.Title, n.Text = text.ElideBytes(n.Title, maxText), text.ElideBytes(n.Text, maxText)
	n.Users, n.Packages, n.Objects = head(n.Users), head(n.Packages), head(n.Objects)
	return n
}

func head(list []string) []string { return list[:min(len(list), maxList)] }
