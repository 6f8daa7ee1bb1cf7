package outbox

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/internal/text"
)

// content.go is the form in which notices are stored, and deletes those that nothing refers to any more.

// The bounds on a stored notice, so that a digest of many fits into memory.
const (
	maxText = 64 << 10 // bytes
	maxList = 256      // names
)

// A storedNotice is a backends.Notice of which what is empty takes no room. It is read as a backends.Notice, so its
// fields are the same.
type storedNotice struct {
	ID        string            `json:",omitempty"`
	Topic     string            `json:",omitempty"`
	Time      time.Time         `json:",omitzero"`
	App       string            `json:",omitempty"`
	Kind      string            `json:",omitempty"`
	KindName  string            `json:",omitempty"`
	Title     string            `json:",omitempty"`
	Text      string            `json:",omitempty"`
	Link      string            `json:",omitempty"`
	Icon      string            `json:",omitempty"`
	Actor     string            `json:",omitempty"`
	Users     []string          `json:",omitempty"`
	Packages  []string          `json:",omitempty"`
	Objects   []string          `json:",omitempty"`
	Severity  string            `json:",omitempty"`
	Why       []backends.Reason `json:",omitempty"`
	Relations []string          `json:",omitempty"`
	Phase     string            `json:",omitempty"`
	Grouping  backends.Grouping `json:",omitzero"`

	Document *backends.Document `json:",omitempty"`
	Secret   string             `json:",omitempty"`
	Answers  string             `json:",omitempty"`
	Folded   int                `json:",omitzero"`

	backends.Provenance
}

// encode gives the notice as it is stored, and its digest, which is never 0.
func encode(n backends.Notice) (notice string, digest int64, err error) {
	n.Title, n.Text = text.ElideBytes(n.Title, maxText), text.ElideBytes(n.Text, maxText)
	n.Users, n.Packages, n.Objects = head(n.Users), head(n.Packages), head(n.Objects)
	b, err := json.Marshal(storedNotice(n))
	if err != nil {
		return "", 0, fmt.Errorf("encode notice: %w", err)
	}
	sum := sha256.Sum256(b)
	return string(b), int64(binary.LittleEndian.Uint64(sum[:])>>1 | 1), nil
}

func head(list []string) []string { return list[:min(len(list), maxList)] }

// same reports whether two notices are stored alike. It is quick where they were made of one.
func same(a, b *backends.Notice) bool {
	return a.ID == b.ID && a.Title == b.Title && a.Text == b.Text && a.Topic == b.Topic && a.Time.Equal(b.Time) &&
		a.App == b.App && a.Kind == b.Kind && a.KindName == b.KindName && a.Link == b.Link && a.Icon == b.Icon &&
		a.Actor == b.Actor && equal(a.Users, b.Users) && equal(a.Packages, b.Packages) && equal(a.Objects, b.Objects) &&
		a.Severity == b.Severity && equal(a.Why, b.Why) && equal(a.Relations, b.Relations) && a.Phase == b.Phase &&
		sameGrouping(a.Grouping, b.Grouping) && a.Document == b.Document && a.Secret == b.Secret && a.Folded == b.Folded &&
		a.Answers == b.Answers && a.Provenance == b.Provenance
}

func sameGrouping(a, b backends.Grouping) bool {
	return equal(a.Keys, b.Keys) && equal(a.Template, b.Template) && maps.EqualFunc(a.Values, b.Values, equal[string])
}

// equal is slices.Equal that does not look into two slices of one array.
func equal[T comparable](a, b []T) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0] || slices.Equal(a, b))
}

// relations are the words of Notice.Relations, by their bits: what a person is to the thing, the closest first.
var relations = []string{"mentioned", "assigned", "author", "owner", "group", "watcher"}

// relationBits takes the relations out of a notice, so that it is the same for all who get it. Words without
// a bit stay.
func relationBits(n *backends.Notice) (bits int64) {
	var rest []string
	for _, word := range n.Relations {
		if at := slices.Index(relations, word); at >= 0 {
			bits |= 1 << at
		} else {
			rest = append(rest, word)
		}
	}
	n.Relations = rest
	return bits
}

func (r record) relations() (words []string) {
	for at, word := range relations {
		if r.Relations&(1<<at) != 0 {
			words = append(words, word)
		}
	}
	return words
}

// notice gives the notice as it was added.
func (r row) notice() (backends.Notice, error) {
	if r.decoded != nil {
		return *r.decoded, r.undecoded
	}
	r.read()
	return r.dressed(*r.decoded), r.undecoded
}

// read decodes the text as all have it.
func (r *row) read() {
	r.decoded = new(backends.Notice)
	if err := json.Unmarshal([]byte(r.Notice), r.decoded); err != nil {
		r.undecoded = fmt.Errorf("decode notice of delivery %d: %w", r.ID, err)
	}
}

// dressed puts into a notice of all what is this delivery's own.
func (r row) dressed(n backends.Notice) backends.Notice {
	n.Why = slices.Concat(n.Why, r.why)
	n.Relations = slices.Concat(r.relations(), n.Relations)
	return n
}

// forgotten is what forget has deleted: so many deliveries, and about so many bytes with their texts.
type forgotten struct {
	count int
	bytes int64
}

// forget deletes deliveries, in the caller's transaction, and the contents to which nothing refers any more.
func (o *Outbox) forget(tx *gorm.DB, condition string, args ...any) (gone forgotten, err error) {
	contents := map[int64]bool{}
	query := tx.Raw("DELETE FROM deliveries WHERE "+condition+" RETURNING content, variant, "+sizeOfRow, args...)
	err = eachRow(query, func(rows *sql.Rows) error {
		var content, variant, size int64
		err := rows.Scan(&content, &variant, &size)
		contents[content] = true
		if variant > 0 {
			contents[variant] = true
		}
		gone.count, gone.bytes = gone.count+1, gone.bytes+size
		return err
	})
	if err != nil || gone.count == 0 {
		return gone, err
	}
	bytes, err := o.forgetContents(tx, slices.Sorted(maps.Keys(contents)))
	gone.bytes += bytes
	return gone, err
}

// forgetNow is forget in a transaction of its own.
func (o *Outbox) forgetNow(ctx context.Context, condition string, args ...any) (gone forgotten, err error) {
	err = o.writer.WithContext(ctx).Transaction(func(tx *gorm.DB) (err error) {
		gone, err = o.forget(tx, condition, args...)
		return err
	})
	return gone, err
}

// forgetContents deletes those of contents to which nothing refers, and gives their bytes. Whoever adds a delivery has
// locked its content, so they are locked first, and looked at in another statement.
func (o *Outbox) forgetContents(tx *gorm.DB, ids []int64) (bytes int64, err error) {
	for part := range slices.Chunk(ids, chunk) {
		if o.postgres {
			var locked []int64
			err := tx.Raw(`SELECT id FROM contents WHERE id IN ? ORDER BY message COLLATE "C", id FOR UPDATE`, part).
				Scan(&locked).Error
			if err != nil {
				return 0, fmt.Errorf("lock contents: %w", err)
			}
		}
		var sizes []int64
		err := tx.Raw(`DELETE FROM contents WHERE id IN ?
			AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.content = contents.id)
			AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.variant = contents.id AND d.variant > 0)
			RETURNING `+sizeOfText, part).Scan(&sizes).Error
		if err != nil {
			return 0, fmt.Errorf("delete contents: %w", err)
		}
		for _, n := range sizes {
			bytes += n
		}
	}
	return bytes, nil
}
