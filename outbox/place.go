package outbox

import (
	"cmp"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/internal/text"
)

// place.go finds the message of each new delivery, and stores its text once.

// A message is one whose deliveries are being added.
type message struct {
	content
	existed  bool // before
	versions []*version
}

// A version is one text of a message. The first one that is added is that of the message itself.
type version struct {
	notice  backends.Notice
	encoded string
	digest  int64 // 0: of a single delivery
	variant int64 // its id in contents; 0: it is the message's own, once it is stored
	stored  bool
}

// A placed is a delivery whose message is stored.
type placed struct {
	*Delivery
	queue     *queue
	message   *message
	version   *version
	relations int64
	known     bool // a delivery of this pair is there
}

// place stores the messages of deliveries, and says which deliveries are there already. Of two of one pair the second
// one is left out.
func (o *Outbox) place(tx *gorm.DB, deliveries []Delivery, queues map[queueKey]*queue) ([]placed, error) {
	messages := map[string]*message{}
	list := make([]placed, 0, len(deliveries))
	pairs := map[pair]bool{}
	for i := range deliveries {
		p, err := newPlaced(&deliveries[i], queues, messages)
		if err != nil {
			return nil, err
		}
		if once := (pair{p.message, p.queue.ID}); !pairs[once] {
			pairs[once] = true
			list = append(list, p)
		}
	}
	if err := o.storeMessages(tx, messages); err != nil {
		return nil, err
	}
	if err := findKnown(tx, list); err != nil {
		return nil, err
	}
	return list, storeVersions(tx, list)
}

type pair struct {
	message *message
	queue   int64
}

func newPlaced(d *Delivery, queues map[queueKey]*queue, messages map[string]*message) (placed, error) {
	p := placed{Delivery: d, queue: queues[keyOf(*d)]}
	id := text.Storable(d.Message)
	if p.message = messages[id]; p.message == nil {
		p.message = &message{content: content{Message: id}}
		messages[id] = p.message
	}
	n := d.Notice
	p.relations = relationBits(&n)
	// its text is changed later, and for this delivery alone
	alone := n.Folded > 0 || strings.HasPrefix(d.Destination, Account)
	for _, v := range p.message.versions {
		if !alone && v.digest != 0 && same(&v.notice, &n) {
			p.version = v
			return p, nil
		}
	}
	encoded, digest, err := encode(n)
	if err != nil {
		return p, err
	}
	if alone {
		digest = 0
	}
	p.version = &version{notice: n, encoded: encoded, digest: digest}
	p.message.versions = append(p.message.versions, p.version)
	return p, nil
}

// storeMessages stores each message with its first version, or finds it. On PostgreSQL it locks them, in the order of
// their names: nobody else adds a delivery of them, nor deletes them, before the transaction ends.
func (o *Outbox) storeMessages(tx *gorm.DB, messages map[string]*message) error {
	existed := "xmax <> 0"
	if !o.postgres {
		var last int64
		if err := tx.Raw("SELECT COALESCE(max(id), 0) FROM contents").Scan(&last).Error; err != nil {
			return fmt.Errorf("find messages: %w", err)
		}
		existed = fmt.Sprint("id <= ", last)
	}
	for part := range slices.Chunk(slices.Sorted(maps.Keys(messages)), chunk) {
		var args []any
		for _, id := range part {
			first := messages[id].versions[0]
			args = append(args, id, first.digest, first.encoded)
		}
		store := tx.Raw(`INSERT INTO contents (message, digest, whole, notice) VALUES `+values(len(part), "(?, ?, 1, ?)")+`
			ON CONFLICT (message) WHERE message <> '' DO UPDATE SET message = excluded.message
			RETURNING id, message, digest, whole, `+existed, args...)
		err := eachRow(store, func(rows *sql.Rows) error {
			var c content
			var before bool
			err := rows.Scan(&c.ID, &c.Message, &c.Digest, &c.Whole, &before)
			m := messages[c.Message]
			m.content, m.existed = c, before
			m.versions[0].stored = !before
			return err
		})
		if err != nil {
			return fmt.Errorf("store messages: %w", err)
		}
	}
	return nil
}

// findKnown marks the deliveries that are there already.
func findKnown(tx *gorm.DB, list []placed) error {
	at := map[pair]*placed{}
	of := map[*message][]int64{}
	for i := range list {
		if p := &list[i]; p.message.existed {
			at[pair{p.message, p.queue.ID}] = p
			of[p.message] = append(of[p.message], p.queue.ID)
		}
	}
	for m, lanes := range of {
		for part := range slices.Chunk(lanes, chunk) {
			var found []int64
			err := tx.Raw("SELECT lane FROM deliveries WHERE content = ? AND lane IN ?", m.ID, part).Scan(&found).Error
			if err != nil {
				return fmt.Errorf("find deliveries: %w", err)
			}
			for _, lane := range found {
				at[pair{m, lane}].known = true
			}
		}
	}
	return nil
}

// storeVersions stores the texts that are not those of their messages, where a delivery needs them.
func storeVersions(tx *gorm.DB, list []placed) error {
	var missing []*version
	for _, p := range list {
		v := p.version
		if v.stored || p.known && !p.Refresh {
			continue
		}
		v.stored = true
		if v.digest == 0 || v.digest != p.message.Digest {
			missing = append(missing, v)
			continue
		}
		if p.message.Whole == 1 {
			continue
		}
		p.message.Whole = 1
		err := tx.Exec("UPDATE contents SET notice = ?, whole = 1 WHERE id = ?", v.encoded, p.message.ID).Error
		if err != nil {
			return fmt.Errorf("store notice: %w", err)
		}
	}
	for part := range slices.Chunk(missing, chunk) {
		var args []any
		for _, v := range part {
			args = append(args, v.digest, v.encoded)
		}
		var ids []int64
		err := tx.Raw(`INSERT INTO contents (message, digest, whole, notice) VALUES `+values(len(part), "('', ?, 1, ?)")+
			` RETURNING id`, args...).Scan(&ids).Error
		if err != nil {
			return fmt.Errorf("store notices: %w", err)
		}
		slices.SortFunc(ids, cmp.Compare) // they are given in the order of the values
		for i, v := range part {
			v.variant = ids[i]
		}
	}
	return nil
}
