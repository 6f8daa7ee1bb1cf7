package history

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// Models returns a value of each gorm model that both dialects have, for the test that models and schema agree.
func Models() []any {
	return []any{
		&messageRow{}, &messageUserRow{}, &messagePackageRow{}, &messageFactsRow{}, &positionRow{}, &holeRow{},
		&bookmarkRow{}, &paceRow{}, &ownRow{},
	}
}

// These are the rows. Times are Unix microseconds; the foreign keys of SQLite are in migrations/sqlite/*_history*.sql.

type messageRow struct {
	ID          int64  `gorm:"primaryKey;index:idx_messages_time,priority:2;index:idx_messages_topic,priority:3;index:idx_messages_app,priority:3;index:idx_messages_kind,priority:3;index:idx_messages_source,priority:3;index:idx_messages_category,priority:3"`
	MsgID       string `gorm:"not null"` // unique: see uniqueIDs
	Source      string `gorm:"not null;index:idx_messages_source,priority:1"`
	Topic       string `gorm:"not null;index:idx_messages_topic,priority:1"`
	App         string `gorm:"not null;index:idx_messages_app,priority:1"`
	Kind        string `gorm:"not null;index:idx_messages_kind,priority:1"`
	Title       string `gorm:"not null"`
	Summary     string `gorm:"not null"`
	Link        string `gorm:"not null"`
	SentAt      int64  `gorm:"not null;index:idx_messages_time,priority:1;index:idx_messages_topic,priority:2;index:idx_messages_app,priority:2;index:idx_messages_kind,priority:2;index:idx_messages_category,priority:2"`
	ReceivedAt  int64  `gorm:"not null;index:idx_messages_source,priority:2"`
	Size        int64  `gorm:"not null;index:idx_messages_source,priority:4"`
	Payload     []byte `gorm:"not null"`
	CommonID    string `gorm:"not null;default:''"` // the same
	ClaimedID   string `gorm:"not null;default:'';index:idx_messages_claimed_id,where:claimed_id <> ''"`
	ContentHash string `gorm:"not null;default:''"`
	Verdict     string `gorm:"not null;default:''"`
	Signer      string `gorm:"not null;default:''"`
	Method      string `gorm:"not null;default:''"`
	Reason      string `gorm:"not null;default:''"`
	Marked      bool   `gorm:"not null;default:false"`
	Late        bool   `gorm:"not null;default:false"`
	Category    string `gorm:"not null;default:'';index:idx_messages_category,priority:1"`
}

func (messageRow) TableName() string { return "messages" }

type messageUserRow struct {
	Name      string `gorm:"primaryKey"`
	SentAt    int64  `gorm:"primaryKey;autoIncrement:false"`
	MessageID int64  `gorm:"primaryKey;autoIncrement:false;index:idx_message_users_message_id"`
	IsUser    bool   `gorm:"not null;default:true"`
	IsActor   bool   `gorm:"not null;default:false"`
	Category  string `gorm:"not null;default:''"` // of the message
}

func (messageUserRow) TableName() string { return "message_users" }

type messagePackageRow struct {
	Name      string `gorm:"primaryKey"`
	SentAt    int64  `gorm:"primaryKey;autoIncrement:false"`
	MessageID int64  `gorm:"primaryKey;autoIncrement:false;index:idx_message_packages_message_id"`
	Category  string `gorm:"not null;default:''"` // of the message
}

func (messagePackageRow) TableName() string { return "message_packages" }

type messageFactsRow struct {
	MessageID int64  `gorm:"primaryKey;autoIncrement:false"`
	Facts     []byte `gorm:"not null"`
}

func (messageFactsRow) TableName() string { return "message_facts" }

// These bounds apply to the stored texts. An index of PostgreSQL accepts no entry over 2704 bytes: without the bounds
// one message with a long name would stop its whole batch, for ever.
const (
	maxKey   = 512  // bytes of an indexed text
	maxText  = 4096 // bytes of a text for people
	maxWhy   = 256  // bytes of what is said of a standing
	maxNames = 2000 // users, and packages, of one message: as many as an event has
	overhead = 300  // bytes of a row beside its texts, about
)

func newRow(e *catalogue.Event, now time.Time) messageRow {
	prose := e.Prose()
	row := messageRow{
		MsgID: key(e.ID), Source: column(e.Source), Topic: column(e.Topic), App: key(e.App), Kind: key(e.Kind),
		Title: column(e.Title), Summary: column(prose.Summary), Link: column(prose.Link),
		SentAt: min(e.Time.UnixMicro(), now.UnixMicro()), ReceivedAt: now.UnixMicro(), Payload: e.Payload,
		ContentHash: hash(e.Message), Late: e.Late, CommonID: bus.CommonID(e.ID),
		Category: column(Category(column(e.Topic))),
	}
	row.setStanding(e.Standing)
	if row.Payload == nil {
		row.Payload = []byte{}
	}
	row.Size = int64(overhead + len(row.MsgID) + len(row.Topic) + len(row.App) + len(row.Kind) + len(row.CommonID) +
		len(row.Title) + len(row.Summary) + len(row.Link) + len(row.Signer) + len(row.Reason) + len(row.Payload))
	return row
}

// hash returns what is stored of the hash of a message's content: 128 bits in hexadecimal.
func hash(m *bus.Message) string { return m.ContentHash().String()[:32] }

// claim is what no two messages may have at once: the id that a message has on all buses.
func (r *messageRow) claim() string { return cmp.Or(r.CommonID, r.MsgID) }

func (r *messageRow) setStanding(s bus.Standing) {
	r.Verdict, r.Method, r.Marked = why(string(s.Verdict)), why(string(s.Method)), s.Marked
	r.Signer, r.Reason = why(s.Signer), why(s.Reason)
}

func (r *messageRow) standing() bus.Standing {
	return bus.Standing{
		Verdict: bus.Verdict(r.Verdict), Signer: r.Signer, Method: bus.Method(r.Method), Reason: r.Reason, Marked: r.Marked,
	}
}

func (r messageRow) record() Record {
	return Record{
		ID: r.ID, MsgID: r.MsgID, Source: r.Source, Topic: r.Topic, App: r.App, Kind: r.Kind,
		Title: r.Title, Summary: r.Summary, Link: r.Link, Payload: r.Payload, ClaimedID: r.ClaimedID,
		Standing: r.standing(), Late: r.Late,
		Time: time.UnixMicro(r.SentAt).UTC(), Received: time.UnixMicro(r.ReceivedAt).UTC(),
	}
}

// column makes s fit for a column of texts.
func column(s string) string { return text.CutBytes(text.Storable(s), maxText) }

// why makes what is said of a standing fit for its column.
func why(s string) string { return text.CutBytes(text.Storable(s), maxWhy) }

// key returns the form of s in an index. For a text that is too long that is its digest, which keeps it distinct.
func key(s string) string {
	if clean := column(s); len(s) <= maxKey && len(clean) <= maxKey {
		return clean
	}
	sum := sha256.Sum256([]byte(s))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// names returns the part of a list of users or packages that is indexed: at most maxNames, without duplicates.
func names(list []string) []string {
	seen := make(map[string]bool, len(list))
	var kept []string
	for _, name := range list {
		name = key(name)
		if name != "" && !seen[name] && len(kept) < maxNames {
			seen[name] = true
			kept = append(kept, name)
		}
	}
	return kept
}

// A messageColumn is one of the table messages.
type messageColumn struct {
	name string
	of   func(*messageRow) any
	rare bool // in most rows it has its default, which is "" or false
}

var columns = []messageColumn{
	{"msg_id", func(r *messageRow) any { return r.MsgID }, false},
	{"source", func(r *messageRow) any { return r.Source }, false},
	{"topic", func(r *messageRow) any { return r.Topic }, false},
	{"app", func(r *messageRow) any { return r.App }, false},
	{"kind", func(r *messageRow) any { return r.Kind }, false},
	{"title", func(r *messageRow) any { return r.Title }, false},
	{"summary", func(r *messageRow) any { return r.Summary }, false},
	{"link", func(r *messageRow) any { return r.Link }, false},
	{"sent_at", func(r *messageRow) any { return r.SentAt }, false},
	{"received_at", func(r *messageRow) any { return r.ReceivedAt }, false},
	{"size", func(r *messageRow) any { return r.Size }, false},
	{"payload", func(r *messageRow) any { return r.Payload }, false},
	{"content_hash", func(r *messageRow) any { return r.ContentHash }, false},
	{"verdict", func(r *messageRow) any { return r.Verdict }, false},
	{"category", func(r *messageRow) any { return r.Category }, false},
	{"common_id", func(r *messageRow) any { return r.CommonID }, true},
	{"claimed_id", func(r *messageRow) any { return r.ClaimedID }, true},
	{"signer", func(r *messageRow) any { return r.Signer }, true},
	{"method", func(r *messageRow) any { return r.Method }, true},
	{"reason", func(r *messageRow) any { return r.Reason }, true},
	{"marked", func(r *messageRow) any { return r.Marked }, true},
	{"late", func(r *messageRow) any { return r.Late }, true},
}

// columnsOf returns the columns that rows need: a statement is parsed anew each time, so its length counts.
func (a *appending) columnsOf(part []int) []messageColumn {
	return slices.DeleteFunc(slices.Clone(columns), func(c messageColumn) bool {
		return c.rare && !slices.ContainsFunc(part, func(i int) bool {
			v := c.of(&a.rows[i])
			return v != "" && v != false
		})
	})
}

func joinNames(columns []messageColumn) string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.name
	}
	return strings.Join(names, ", ")
}

// tuple returns n parameters in brackets.
func tuple(n int) string { return "(?" + strings.Repeat(", ?", n-1) + ")" }
