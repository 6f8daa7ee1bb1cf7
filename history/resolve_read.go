package history

import (
	"slices"

	"github.com/notifyd/notifyd/bus"
)

// resolve_read.go reads the messages that resolve.go decides about.

// outcomeColumns are what is read of a message to decide about it.
const outcomeColumns = "id, msg_id, common_id, claimed_id, source, topic, received_at, size, content_hash, verdict, " +
	"marked, signer"

// dropRepeats leaves out of a.taken the plain copies, which are nearly all, without a lock.
func (a *appending) dropRepeats() error {
	kept, err := a.holders()
	if err != nil {
		return err
	}
	a.taken = slices.DeleteFunc(a.taken, func(i int) bool {
		old, ok := kept[a.rows[i].MsgID]
		if !ok {
			old, ok = kept[a.rows[i].claim()]
		}
		return ok && old.ContentHash == a.rows[i].ContentHash && !a.rows[i].provesMore(&old)
	})
	return nil
}

// holders reads what dropRepeats needs of the messages that have the ids of a.taken, by those and by the common ones.
func (a *appending) holders() (map[string]messageRow, error) {
	held := make(map[string]messageRow, len(a.taken))
	for part := range slices.Chunk(a.taken, batch) {
		var ids, common []string
		for _, i := range part {
			ids = append(ids, a.rows[i].MsgID)
			if a.rows[i].CommonID != "" {
				common = append(common, a.rows[i].CommonID)
			}
		}
		const columns = "SELECT msg_id, common_id, content_hash, verdict FROM messages WHERE "
		statement, args := columns+idIn(a.tx), []any{ids}
		if len(common) > 0 {
			statement += " UNION ALL " + columns + commonIn(a.tx)
			args = append(args, common)
		}
		var rows []messageRow
		if err := a.tx.Raw(statement, args...).Scan(&rows).Error; err != nil {
			return nil, err
		}
		for _, r := range rows {
			held[r.MsgID], held[r.claim()] = r, r
		}
	}
	return held, nil
}

// holder reads the message that has the id of a row; nil where there is none. One that an older version has stored is
// found by the same id alone.
func (a *appending) holder(r *messageRow) (*messageRow, error) {
	old, err := a.find(r.MsgID)
	if err != nil || old != nil || r.CommonID == "" {
		return old, err
	}
	found, err := a.read(commonIn(a.tx), []string{r.CommonID})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// find reads the message with an id; nil where there is none.
func (a *appending) find(msgID string) (*messageRow, error) {
	found, err := a.read(idIn(a.tx), []string{msgID})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// maxClaimants bounds how many messages that claim one id are contradicted.
const maxClaimants = 1000

// claimants reads the messages that are kept under derived ids and claim an id, the newest first.
func (a *appending) claimants(msgID string) ([]messageRow, error) {
	return a.read("claimed_id = ? AND claimed_id <> '' ORDER BY id DESC LIMIT ?", msgID, maxClaimants)
}

func (a *appending) read(where string, args ...any) ([]messageRow, error) {
	var rows []messageRow
	err := a.tx.Raw("SELECT "+outcomeColumns+" FROM messages WHERE "+where, args...).Scan(&rows).Error
	if err != nil {
		return nil, err
	}
	for i := range rows {
		if rows[i].ContentHash == "" {
			if err := a.hashOld(&rows[i]); err != nil {
				return nil, err
			}
		}
	}
	return rows, nil
}

// hashOld sets the content hash of a message that an older version has stored. One that cannot be decoded any more has
// a hash that no other message has.
func (a *appending) hashOld(r *messageRow) error {
	err := a.tx.Raw("SELECT payload FROM messages WHERE id = ?", r.ID).Row().Scan(&r.Payload)
	if err != nil {
		return err
	}
	m, err := r.record().Message()
	if err != nil {
		m = &bus.Message{Topic: r.Topic, Body: string(r.Payload)}
	}
	r.ContentHash = hash(m)
	return nil
}

// leftOut reports whether bridges may have left out a copy for what it is and the event is not: marked, or claiming to
// come from elsewhere. Anybody may send such a copy first.
func (a *appending) leftOut(i int, old *messageRow) (bool, error) {
	if a.ours(old.ID, i) >= 0 { // nobody has seen it
		return false, nil
	}
	if old.Marked {
		return !a.rows[i].Marked, nil
	}
	if err := a.tx.Raw("SELECT payload FROM messages WHERE id = ?", old.ID).Row().Scan(&old.Payload); err != nil {
		return false, err
	}
	m, err := old.record().Message()
	if err != nil {
		return true, nil
	}
	now := a.outcomes[i].Event.Message
	return m.Bridged() && !now.Bridged() || len(m.Via()) > 0 && !slices.Equal(m.Via(), now.Via()), nil
}

func (r *messageRow) proved() bool { return r.standing().Proved() }

func (r *messageRow) provesMore(than *messageRow) bool {
	return r.standing().ProvesMore(than.standing())
}
