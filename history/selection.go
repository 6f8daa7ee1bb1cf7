package history

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history/readers"
)

// A Choice selects by names: a message has one of Any, unless that is empty, and none of None.
type Choice struct{ Any, None []string }

// A Selection selects messages as datagrepper does, in conjunctive normal form: the names of a Choice are alternatives,
// and all that is set must hold. The zero Selection selects everything.
type Selection struct {
	Since, Until time.Time // both inclusive; zero: no bound
	Users        Choice    // people concerned
	Actors       Choice    // who did it
	Packages     Choice
	Categories   Choice // see Category
	Topics       Choice // whole topics
	Among        readers.Sources
	OldestFirst  bool
	After        Cursor // only what follows it in the order; zero: from the beginning
	UpTo         int64  // only ids up to this one, such as Settled gives; 0: all
}

// A Selected is a message that a Selection selects, with the names that it had at its reception.
type Selected struct {
	Record
	Actor           string   // "" where nobody, or not known
	Users, Packages []string // sorted
}

// Category gives the category of a topic, which is its application, as datanommer does: its fourth word, or the third
// of a VirtualTopic. Topics of openSUSE's bus, which datanommer does not know, name the application second.
func Category(topic string) string {
	words := strings.Split(topic, ".")
	at := 3
	switch {
	case strings.Contains(topic, "VirtualTopic"):
		at = 2
	case bus.IsScope(words[0]):
		at = 1
	}
	if at < len(words) {
		return words[at]
	}
	return "Unclassified"
}

// MaxSelected bounds the bytes that Select returns, and that Walk reads at once, where it is more than one message.
const MaxSelected = 16 << 20

// ErrTooLarge is the error of Select for messages of more than MaxSelected bytes.
var ErrTooLarge = errors.New("the messages are too large to be read at once")

// Select returns the messages that sel selects, in the order of time, without the first skip and at most limit of them
// (MaxLimit at most). The error may be ErrTooLarge.
func (s *Store) Select(ctx context.Context, sel Selection, skip int64, limit int) (found []Selected, err error) {
	err = s.reader.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		q, err := chooseIndex(tx, sel)
		if err != nil {
			return err
		}
		var read []Cursor
		statement, args := q.page(skip, min(limit, MaxLimit))
		if err := q.ask(tx, &read, statement, args); err != nil {
			return err
		}
		found, err = loadSelected(tx, read)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("select messages: %w", err)
	}
	return found, nil
}

// SelectedByID returns the message with exactly that id, or ErrNotFound: also for one that is not among the sources.
func (s *Store) SelectedByID(ctx context.Context, msgID string, among readers.Sources) (Selected, error) {
	tx := s.reader.WithContext(ctx)
	var read []Cursor
	err := tx.Raw("SELECT sent_at, id FROM messages WHERE "+idIn(tx), []string{key(msgID)}).Scan(&read).Error
	if err != nil {
		return Selected{}, fmt.Errorf("read message: %w", err)
	}
	found, err := loadSelected(tx, read)
	if err != nil {
		return Selected{}, fmt.Errorf("read message: %w", err)
	}
	if len(found) == 0 || !among.Has(found[0].Source) {
		return Selected{}, ErrNotFound
	}
	return found[0], nil
}

// walkWindow is the number of messages that one statement of Walk reads whole.
const walkWindow = 100

// Walk calls visit with the messages that sel selects, in the order of time, until visit returns false. Between two
// windows of messages it holds no snapshot.
func (s *Store) Walk(ctx context.Context, sel Selection, visit func(Record) bool) error {
	tx := s.reader.WithContext(ctx)
	q, err := chooseIndex(tx, sel)
	if err != nil {
		return fmt.Errorf("walk messages: %w", err)
	}
	for {
		var read []Cursor
		statement, args := q.page(0, walkWindow)
		if err := q.ask(tx, &read, statement, args); err != nil {
			return fmt.Errorf("walk messages: %w", err)
		}
		parts, err := parts(tx, idsOf(read))
		if err != nil {
			return fmt.Errorf("walk messages: %w", err)
		}
		for _, part := range parts {
			records, err := load(tx, part)
			if err != nil {
				return fmt.Errorf("walk messages: %w", err)
			}
			for _, r := range records {
				if !visit(r) {
					return nil
				}
			}
		}
		if len(read) < walkWindow {
			return nil
		}
		q.after = &read[len(read)-1]
	}
}

// SelectedOf gives records with their names, in their order; for those of Walk.
func (s *Store) SelectedOf(ctx context.Context, records []Record) ([]Selected, error) {
	found, err := withNames(s.reader.WithContext(ctx), records)
	if err != nil {
		return nil, fmt.Errorf("read names of messages: %w", err)
	}
	return found, nil
}

func idsOf(read []Cursor) []int64 {
	ids := make([]int64, len(read))
	for i, c := range read {
		ids[i] = c.ID
	}
	return ids
}

// parts cuts messages into parts of at most MaxSelected bytes, or of one message.
func parts(tx *gorm.DB, ids []int64) (all [][]int64, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []messageRow
	if err := tx.Select("id", "size").Where("id IN ?", ids).Find(&rows).Error; err != nil {
		return nil, err
	}
	sizes := make(map[int64]int64, len(rows))
	for _, r := range rows {
		sizes[r.ID] = r.Size
	}
	first, bytes := 0, int64(0)
	for i, id := range ids {
		if bytes += sizes[id]; bytes > MaxSelected && i > first {
			all = append(all, ids[first:i])
			first, bytes = i, sizes[id]
		}
	}
	return append(all, ids[first:]), nil
}

func loadSelected(tx *gorm.DB, read []Cursor) ([]Selected, error) {
	parts, err := parts(tx, idsOf(read))
	if err != nil {
		return nil, err
	}
	if len(parts) > 1 {
		return nil, ErrTooLarge
	}
	records, err := load(tx, idsOf(read))
	if err != nil {
		return nil, err
	}
	return withNames(tx, records)
}

// withNames reads the names of records.
func withNames(tx *gorm.DB, records []Record) ([]Selected, error) {
	found, at, ids := make([]Selected, len(records)), make(map[int64]int), make([]int64, len(records))
	for i, r := range records {
		found[i].Record, at[r.ID], ids[i] = r, i, r.ID
	}
	if len(ids) == 0 {
		return found, nil
	}
	var people []messageUserRow
	if err := tx.Where("message_id IN ?", ids).Find(&people).Error; err != nil {
		return nil, err
	}
	for _, p := range people {
		f := &found[at[p.MessageID]]
		if p.IsUser {
			f.Users = append(f.Users, p.Name)
		}
		if p.IsActor {
			f.Actor = p.Name
		}
	}
	var packages []messagePackageRow
	if err := tx.Where("message_id IN ?", ids).Find(&packages).Error; err != nil {
		return nil, err
	}
	for _, p := range packages {
		f := &found[at[p.MessageID]]
		f.Packages = append(f.Packages, p.Name)
	}
	for i := range found {
		slices.Sort(found[i].Users)
		slices.Sort(found[i].Packages)
	}
	return found, nil
}
