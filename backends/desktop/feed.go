package desktop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/internal/text"
)

// A Feed is the server's side: it is the backend that stores notices, and what readers read from.
type Feed struct {
	writer, reader *gorm.DB
	now            func() time.Time
	watchers       watchers
}

// New makes a Feed on a database with the current schema. On SQLite writer has one connection (see migrations.DB).
func New(writer, reader *gorm.DB, now func() time.Time) *Feed {
	return &Feed{
		writer: writer, reader: reader, now: now,
		watchers: watchers{byAddress: map[string]map[chan struct{}]bool{}},
	}
}

// feedRow is a feed. Its row is locked while notices are added, so that numbers are committed in their order.
type feedRow struct {
	Address string `gorm:"primaryKey"`
	Epoch   string `gorm:"not null"` // differs when the feed is made anew: ids of an older one are not understood
	LastSeq int64  `gorm:"not null"`
}

// TableName is for gorm.
func (feedRow) TableName() string { return "desktop_feeds" }

type noticeRow struct {
	Address string `gorm:"primaryKey;uniqueIndex:idx_desktop_notices_once,priority:1"`
	Seq     int64  `gorm:"primaryKey;autoIncrement:false"`
	Parcel  string `gorm:"not null;uniqueIndex:idx_desktop_notices_once,priority:2"`
	Place   int64  `gorm:"not null;uniqueIndex:idx_desktop_notices_once,priority:3"`
	Notice  string `gorm:"not null"`
	AddedAt int64  `gorm:"not null;index:idx_desktop_notices_added"`
}

// TableName is for gorm.
func (noticeRow) TableName() string { return "desktop_notices" }

// Models gives the gorm models of this folder, for the test that compares them with the schema.
func Models() []any { return []any{&feedRow{}, &noticeRow{}} }

// Send puts the parcel's notices into the feed named p.To, once: a parcel that is there already changes nothing.
func (f *Feed) Send(ctx context.Context, p backends.Parcel) error {
	if _, err := CheckAddress(p.To); err != nil {
		return fmt.Errorf("desktop: %w: no name of a feed", backends.ErrGone)
	}
	rows, err := f.rows(p)
	if err != nil {
		return err
	}
	err = f.writer.WithContext(ctx).Transaction(func(tx *gorm.DB) error { return store(tx, p, rows) })
	if err != nil {
		return fmt.Errorf("desktop: store notices: %w", err)
	}
	f.watchers.poke(p.To)
	return nil
}

func (f *Feed) rows(p backends.Parcel) ([]noticeRow, error) {
	rows := make([]noticeRow, 0, len(p.Notices))
	for i, n := range p.Notices {
		data, err := json.Marshal(item(n, p.Manage))
		if err != nil {
			return nil, fmt.Errorf("desktop: %w: encode notice: %w", backends.ErrRefused, err)
		}
		rows = append(rows, noticeRow{
			Address: p.To, Parcel: p.ID, Place: int64(i), Notice: string(data), AddedAt: f.now().UnixMicro(),
		})
	}
	return rows, nil
}

// store numbers the rows and stores them, and deletes what the feed has too much of.
func store(tx *gorm.DB, p backends.Parcel, rows []noticeRow) error {
	var feed feedRow
	err := tx.Raw(`INSERT INTO desktop_feeds (address, epoch, last_seq) VALUES (?, ?, 0)
		ON CONFLICT (address) DO UPDATE SET address = excluded.address RETURNING *`,
		p.To, strconv.FormatInt(rows[0].AddedAt, 36)).Scan(&feed).Error
	if err != nil {
		return err
	}
	var known int64
	err = tx.Model(&noticeRow{}).Where("address = ? AND parcel = ?", p.To, p.ID).Count(&known).Error
	if err != nil || known > 0 {
		return err
	}
	for i := range rows {
		feed.LastSeq++
		rows[i].Seq = feed.LastSeq
	}
	if err := tx.CreateInBatches(rows, 100).Error; err != nil {
		return err
	}
	if err := tx.Exec(`UPDATE desktop_feeds SET last_seq = ? WHERE address = ?`, feed.LastSeq, p.To).Error; err != nil {
		return err
	}
	return tx.Exec(`DELETE FROM desktop_notices WHERE address = ? AND seq <= ?`, p.To, feed.LastSeq-KeepNotices).Error
}

func (f *Feed) deleteOld(ctx context.Context) {
	// Age also hides what is not deleted yet (After), so a failure here is mended by the next hour.
	_ = f.writer.WithContext(ctx).Exec(`DELETE FROM desktop_notices WHERE added_at < ?`, f.oldest()).Error
}

func (f *Feed) oldest() int64 { return f.now().Add(-KeepFor).UnixMicro() }

// After gives what follows the event named id in the feed, oldest first, at most limit notices. With "" or an id that
// the feed does not know it begins with the oldest notice that is kept. Where notices in between were deleted,
// the first event says how many.
func (f *Feed) After(ctx context.Context, address, id string, limit int) ([]Event, error) {
	var feed feedRow
	var rows []noticeRow
	err := f.reader.WithContext(ctx).Where("address = ?", address).Take(&feed).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read feed: %w", err)
	}
	from, known := feed.seq(id)
	err = f.reader.WithContext(ctx).Where("address = ? AND seq > ? AND added_at >= ?", address, from, f.oldest()).
		Order("seq").Limit(limit).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read feed: %w", err)
	}
	var events []Event
	for _, r := range rows {
		if known && r.Seq > from+1 {
			events = append(events, feed.dropped(from, r.Seq-1))
		}
		from, known = r.Seq, true
		events = append(events, Event{ID: feed.id(r.Seq), Type: TypeNotice, Data: []byte(r.Notice)})
	}
	if len(rows) == 0 && known && from < feed.LastSeq {
		events = append(events, feed.dropped(from, feed.LastSeq))
	}
	return events, nil
}

func (r feedRow) id(seq int64) string { return r.Epoch + "." + strconv.FormatInt(seq, 10) }

// seq gives the number in an id; 0 and false for an id that is not from this feed.
func (r feedRow) seq(id string) (int64, bool) {
	number, ours := strings.CutPrefix(id, r.Epoch+".")
	seq, err := strconv.ParseInt(number, 10, 64)
	if !ours || err != nil || seq < 0 || seq > r.LastSeq {
		return 0, false
	}
	return seq, true
}

func (r feedRow) dropped(after, upTo int64) Event {
	return Event{ID: r.id(upTo), Type: TypeDropped, Data: fmt.Appendf(nil, `{"count":%d}`, upTo-after)}
}

// The bounds on an item, so that an event fits into a reader's line.
const (
	maxTitle = 1 << 10  // bytes
	maxText  = 16 << 10 // bytes
	maxLink  = 4 << 10  // bytes
	maxNames = 50

	maxGrouping = 32 << 10 // bytes of the sentence about several, and of its values
)

func item(n backends.Notice, manage string) Item {
	it := Item{
		Message: short(n.ID), Topic: short(n.Topic), Time: n.Time, App: short(n.App), Kind: short(n.Kind),
		KindName: short(n.KindName), Title: short(n.Title), Text: text.ElideBytes(n.Text, maxText), Link: whole(n.Link),
		Icon: whole(n.Icon), Actor: short(n.Actor), Users: names(n.Users), Packages: names(n.Packages),
		Objects: names(n.Objects), Severity: short(n.Severity), Manage: whole(manage),
		Grouping: grouping(n.Grouping), Provenance: n.Provenance,
	}
	it.Standing, it.Caution, it.Signer = short(n.Standing), short(n.Caution), short(n.Signer)
	for _, r := range n.Why[:min(len(n.Why), maxNames)] {
		it.Why = append(it.Why, Why{short(r.Filter), short(r.Sentence), whole(r.Link), whole(r.Stop)})
	}
	return it
}

// grouping keeps an event within a reader's line: what is too large is left out, and the notice is merged by its keys.
func grouping(g backends.Grouping) backends.Grouping {
	size := 0
	for _, p := range g.Template {
		size += len(p.Text) + len(p.Name) + len(p.One) + len(p.Many) + len(p.If) + len(p.Unless) + 50
	}
	for name, values := range g.Values {
		size += len(name)
		for _, v := range values {
			size += len(v) + 5
		}
	}
	if size > maxGrouping {
		g.Template, g.Values = nil, nil
	}
	g.Keys = names(g.Keys)
	return g
}

func short(s string) string { return text.ElideBytes(s, maxTitle) }

// whole drops a link that is too long: a part of one leads nowhere.
func whole(link string) string {
	if len(link) > maxLink {
		return ""
	}
	return link
}

func names(list []string) []string {
	var kept []string
	for _, s := range list[:min(len(list), maxNames)] {
		kept = append(kept, short(s))
	}
	return kept
}
