package history

import "fmt"

// resolve.go decides on the events whose ids are taken: by a copy of the message, or by a message with another content.

func (a *appending) resolveTaken() error {
	for _, i := range a.taken {
		if err := a.resolve(i); err != nil {
			return err
		}
	}
	return nil
}

// maxTries bounds how often an id is looked for again that others delete or move meanwhile.
const maxTries = 10

// resolve decides on an event whose id was taken when insertAll tried it.
func (a *appending) resolve(i int) error {
	for range maxTries {
		old, err := a.holder(&a.rows[i])
		if err != nil {
			return err
		}
		if old != nil {
			return a.settle(i, old)
		}
		if err := a.freeID(a.rows[i].MsgID, a.rows[i].CommonID); err != nil {
			return err
		}
		if err := a.insert([]int{i}); err != nil || a.outcomes[i].Fate == Added {
			return err
		}
	}
	return fmt.Errorf("message %q is moved by others all the time", a.rows[i].MsgID)
}

// settle decides between an event and the message that has its id, perhaps as another bus writes it: then the event
// takes the id as it is kept. So it does not matter how those write it that claim the id later.
func (a *appending) settle(i int, old *messageRow) error {
	r := &a.rows[i]
	if r.CommonID = old.CommonID; r.MsgID != old.MsgID {
		a.rename(i, old.MsgID)
	}
	if old.ContentHash == r.ContentHash {
		return a.copyOf(i, old)
	}
	conflict := Conflict{Kind: Undecided, ID: r.MsgID, Other: old.MsgID, By: old.standing()}
	switch {
	case r.proved() && !old.proved():
		return a.replace(i, old, conflict)
	case old.proved() && !r.proved():
		conflict.Kind = Refused
	}
	a.keepAside(i)
	if err := a.freeID(r.MsgID, ""); err != nil {
		return err
	}
	if err := a.insert([]int{i}); err != nil {
		return err
	}
	if a.outcomes[i].Fate == Added {
		a.outcomes[i].Conflict = conflict
		if conflict.Kind == Refused {
			a.outcomes[i].Fate = Doubted
		}
		return nil
	}
	same, err := a.find(r.MsgID)
	if err != nil || same == nil {
		return err
	}
	return a.copyOf(i, same)
}

// copyOf takes an event as a copy of a message that is kept.
func (a *appending) copyOf(i int, old *messageRow) error {
	if !a.rows[i].provesMore(old) {
		return nil
	}
	return a.overwrite(i, old)
}

// overwrite puts an event in the place of a copy that proves less. They may differ in what the hash does not cover.
func (a *appending) overwrite(i int, old *messageRow) error {
	r := &a.rows[i]
	leftOut, err := a.leftOut(i, old)
	if err != nil {
		return err
	}
	if leftOut {
		return a.renew(i, old)
	}
	r.ID = old.ID
	args := make([]any, 0, len(columns)+1)
	for _, c := range columns {
		args = append(args, c.of(r))
	}
	statement := "UPDATE messages SET (" + joinNames(columns) + ") = " + tuple(len(columns)) + " WHERE id = ?"
	if err := a.tx.Exec(statement, append(args, old.ID)...).Error; err != nil {
		return err
	}
	if err := a.renameID(old, r.MsgID, r.CommonID); err != nil {
		return err
	}
	for _, table := range []string{"message_facts", "message_users", "message_packages"} {
		if err := a.tx.Exec("DELETE FROM "+table+" WHERE message_id = ?", old.ID).Error; err != nil {
			return err
		}
	}
	a.unnamed[i] = true
	a.outcomes[i].source, a.outcomes[i].grown = r.Source, r.Size
	a.noteCopy(i, old)
	return nil
}

// renew is overwrite for an event that gets an id after all others: who reads in the order of ids has passed the copy
// and perhaps given it to nobody.
func (a *appending) renew(i int, old *messageRow) error {
	if err := a.delete(old); err != nil {
		return err
	}
	a.rows[i].ID = 0 // a new one
	if err := a.insert([]int{i}); err != nil {
		return err
	}
	if a.outcomes[i].Fate != Added {
		return fmt.Errorf("message %q could not take its id", a.rows[i].MsgID)
	}
	a.outcomes[i].Fate = Repeated
	a.noteCopy(i, old)
	return nil
}

// noteCopy notes what it means that an event has the place of a copy.
func (a *appending) noteCopy(i int, old *messageRow) {
	r := &a.rows[i]
	if old.Source == r.Source { // otherwise the other source has less, which the next count finds
		a.outcomes[i].grown -= old.Size
	}
	if !old.proved() {
		a.outcomes[i].Fate = Upgraded
	}
	if j := a.ours(old.ID, i); j >= 0 { // nobody was told of the copy, and nobody is to be
		a.outcomes[i].Fate, a.outcomes[j].Fate, a.unnamed[j] = Added, Repeated, false
	}
}

// replace gives an event, which is proved, the id of a message that is not. All unproved messages that claim the id are
// contradicted by it.
func (a *appending) replace(i int, old *messageRow, conflict Conflict) error {
	o, r := &a.outcomes[i], &a.rows[i]
	aside := derivedID(old.MsgID, old.ContentHash)
	deleted, err := a.move(old, aside, r.MsgID)
	if err != nil {
		return err
	}
	conflict.Kind, conflict.Other = Replaced, aside
	o.Conflict = conflict
	a.contradict(i, old, aside)
	if j := a.ours(old.ID, i); j >= 0 && deleted {
		a.outcomes[j].Fate, a.unnamed[j] = Repeated, false
	}
	same, err := a.find(derivedID(r.MsgID, r.ContentHash))
	if err != nil {
		return err
	}
	others, err := a.claimants(r.MsgID)
	if err != nil {
		return err
	}
	for k := range others {
		other := &others[k]
		if !other.proved() && other.MsgID != aside && other.ContentHash != r.ContentHash {
			a.contradict(i, other, other.MsgID)
		}
	}
	if same != nil && same.ContentHash == r.ContentHash {
		o.Moves = append(o.Moves, Move{From: same.MsgID, To: r.MsgID})
		return a.overwrite(i, same)
	}
	if err := a.insert([]int{i}); err != nil {
		return err
	}
	if o.Fate != Added {
		return fmt.Errorf("message %q could not take its id", r.MsgID)
	}
	return nil
}

// contradict notes that an event contradicts a message, which is kept under the id aside now. Where that came in the
// same call, nobody is told of it.
func (a *appending) contradict(i int, other *messageRow, aside string) {
	a.outcomes[i].Moves = append(a.outcomes[i].Moves, Move{From: other.MsgID, To: aside, Contradicted: true})
	j := a.ours(other.ID, i)
	if j < 0 {
		return
	}
	a.outcomes[j].Fate = Doubted
	if aside != other.MsgID {
		a.rows[j].MsgID = aside
		a.outcomes[j].Event = a.outcomes[j].Event.WithID(aside)
	}
}

// ours gives the event of this call, other than i, that is stored in a row; -1 for none.
func (a *appending) ours(row int64, i int) int {
	for j := range a.rows {
		if j != i && a.rows[j].ID == row && a.outcomes[j].Fate != Repeated {
			return j
		}
	}
	return -1
}

// move keeps a message under a derived id. Where its content is kept under that id already, it goes.
func (a *appending) move(old *messageRow, to, claimed string) (deleted bool, err error) {
	there, err := a.find(to)
	if err != nil {
		return false, err
	}
	if there != nil {
		return true, a.delete(old)
	}
	if err := a.freeID(to, ""); err != nil {
		return false, err
	}
	if err := a.renameID(old, to, ""); err != nil {
		return false, err
	}
	return false, a.tx.Exec("UPDATE messages SET msg_id = ?, common_id = '', claimed_id = ?, content_hash = ? WHERE id = ?",
		to, claimed, old.ContentHash, old.ID).Error
}
