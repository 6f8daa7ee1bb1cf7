package outbox

import (
	"cmp"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/internal/moving"
)

// never is the ready_at of a queue to which nothing is owed.
const never = math.MaxInt64

// A queue is the per-destination queue: what the outbox knows of one destination. Its table has the older name lanes.
// The worker that holds its lease is the only one that sends there. That keeps the order, and a digest in one piece.
type queue struct {
	ID          int64  `gorm:"primaryKey;autoIncrement"`
	Backend     string `gorm:"not null;uniqueIndex:idx_lanes_destination,priority:2;index:idx_lanes_ready,priority:1"`
	Destination string `gorm:"not null;uniqueIndex:idx_lanes_destination,priority:1"`
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

	Address string `gorm:"not null;default:''"`                       // where everything goes
	Owner   string `gorm:"not null;default:'';index:idx_lanes_owner"` // as in Delivery

	window *moving.Window // of Came, once it is needed
	was    queueState     // when it was read
}

// TableName is for gorm.
func (queue) TableName() string { return "lanes" }

// A content is the text of a notice, once a message. Deliveries refer to it.
type content struct {
	ID      int64  `gorm:"primaryKey;autoIncrement;index:idx_contents_whole,where:whole = 1"`
	Message string `gorm:"not null;uniqueIndex:idx_contents_message,where:message <> ''"` // "": of single deliveries
	Digest  int64  `gorm:"not null"`                                                      // of Notice; 0: it is not shared
	Whole   int64  `gorm:"not null"`                                                      // 0: slim.go has been here
	Notice  string `gorm:"not null"`                                                      // JSON of backends.Notice
}

// TableName is for gorm.
func (content) TableName() string { return "contents" }

// A record is what is stored of a Delivery alone. Parcel is given at the first claim and stays: the same rows travel
// under the same id. FinishedAt is 0 while it is Waiting or Claimed, and only then: the index of what is
// open goes by it.
type record struct {
	ID         int64  `gorm:"primaryKey;autoIncrement;index:idx_deliveries_lane,priority:2"`
	Content    int64  `gorm:"not null;uniqueIndex:idx_deliveries_once,priority:1"` // the message
	Queue      int64  `gorm:"column:lane;not null;uniqueIndex:idx_deliveries_once,priority:2;index:idx_deliveries_lane,priority:1;index:idx_deliveries_open,priority:1,where:settled_at = 0"`
	Variant    int64  `gorm:"not null;index:idx_deliveries_variant,where:variant > 0"` // a content of its own; 0: none
	DueAt      int64  `gorm:"not null;index:idx_deliveries_open,priority:3"`
	AddedAt    int64  `gorm:"not null"`
	FinishedAt int64  `gorm:"column:settled_at;not null;index:idx_deliveries_dead,where:state = 'dead'"`
	Attempts   int64  `gorm:"not null"`
	FailedAt   int64  `gorm:"not null"` // first failure that counted
	Relations  int64  `gorm:"not null"` // see relations
	Together   bool   `gorm:"not null"`
	State      State  `gorm:"not null;index:idx_deliveries_open,priority:2"`
	Parcel     string `gorm:"not null"`
	Reasons    string `gorm:"not null"` // see encodeReasons
	Hold       string `gorm:"not null"` // as in Delivery
	Manage     string `gorm:"not null"`
	LastError  string `gorm:"not null"`
}

// TableName is for gorm.
func (record) TableName() string { return "deliveries" }

// Models gives the gorm models of this room, for the test that compares them with the schema.
func Models() []any { return []any{&queue{}, &content{}, &record{}, &pairRow{}} }

// A row is a record with what it refers to.
type row struct {
	record
	Message, Destination, Backend, Address string
	Notice                                 string // JSON of backends.Notice, without the reasons that are references

	why       []backends.Reason // what the references say: see explain.go
	decoded   *backends.Notice  // of Notice, once decode was called
	undecoded error             // why it cannot be
}

// compare orders rows by their due time.
func (r row) compare(other row) int {
	return cmp.Or(cmp.Compare(r.DueAt, other.DueAt), cmp.Compare(r.ID, other.ID))
}

// own is the content that the row's notice stands in.
func (r record) own() int64 {
	if r.Variant > 0 {
		return r.Variant
	}
	return r.Content
}

func stamp(t time.Time) int64 { return t.UnixMicro() }

func unstamp(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// encodeReasons writes reasons as "filter:revision,filter:revision".
func encodeReasons(reasons []Reason) string {
	var b strings.Builder
	for i, r := range reasons {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatUint(r.Filter, 10))
		b.WriteByte(':')
		b.WriteString(strconv.FormatInt(r.Revision, 10))
	}
	return b.String()
}

// reasons reads what encodeReasons wrote; what cannot be read is left out.
func (r record) reasons() []Reason {
	var list []Reason
	for part := range strings.SplitSeq(r.Reasons, ",") {
		filter, revision, _ := strings.Cut(part, ":")
		f, err := strconv.ParseUint(filter, 10, 64)
		v, err2 := strconv.ParseInt(revision, 10, 64)
		if err == nil && err2 == nil {
			list = append(list, Reason{f, v})
		}
	}
	return list
}
