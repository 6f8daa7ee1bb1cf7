package history

import "github.com/notifyd/notifyd/bus"

// resolve_read.go reads the messages that resolve.go decides about.

// outcomeColumns are what is read of a message to decide about it.
const outcomeColumns = "id, msg_id, claimed_id, source, topic, received_at, size, content_hash, verdict, signer"

// find reads the message with an id; nil where there is none.
func (a *appending) find(msgID string) (*messageRow, error) {
	found, err := a.read("msg_id = ?", msgID)
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

func (r *messageRow) proved() bool { return r.standing().Proved() }
