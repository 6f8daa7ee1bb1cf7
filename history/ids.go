package history

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/history/partitions"
)

// A messageIDRow is a row of the table message_ids, which PostgreSQL alone has. No index over partitions can be unique
// for an id, so the ids of all messages stand there beside them. SQLite has such indexes of messages instead.
type messageIDRow struct {
	MsgID    string `gorm:"primaryKey"`
	CommonID string `gorm:"not null;uniqueIndex:idx_message_ids_common_id,where:common_id <> ''"`
	ID       int64  `gorm:"not null;index:idx_message_ids_id"`
}

func (messageIDRow) TableName() string { return "message_ids" }

// A uniqueIDs is what SQLite has for it: the unique indexes of messages.
type uniqueIDs struct {
	ID       int64  `gorm:"primaryKey"`
	MsgID    string `gorm:"not null;uniqueIndex:idx_messages_msg_id"`
	CommonID string `gorm:"not null;default:'';uniqueIndex:idx_messages_common_id,where:common_id <> ''"`
}

func (uniqueIDs) TableName() string { return "messages" }

// UniqueIDs returns the model of what makes ids unique in a dialect, for the test that models and schema agree. On
// SQLite it is a part of a table that Models has whole.
func UniqueIDs(postgres bool) any {
	if postgres {
		return &messageIDRow{}
	}
	return &uniqueIDs{}
}

func isPostgres(tx *gorm.DB) bool { return tx.Name() == "postgres" }

// idIn is the condition of a query of messages that a message has one of some ids on a bus: the parameter is a list.
func idIn(tx *gorm.DB) string {
	if isPostgres(tx) {
		return "id IN (SELECT i.id FROM message_ids i WHERE i.msg_id IN ?)"
	}
	return "msg_id IN ?"
}

// commonIn is idIn for what the ids of a message on several buses have in common.
func commonIn(tx *gorm.DB) string {
	if isPostgres(tx) {
		return "id IN (SELECT i.id FROM message_ids i WHERE i.common_id IN ? AND i.common_id <> '')"
	}
	return "common_id IN ? AND common_id <> ''"
}

// claimIDs inserts the ids of rows into message_ids and gives the rows whose ids were free.
func (a *appending) claimIDs(part []int) (free []int, err error) {
	args := make([]any, 0, 3*len(part))
	for _, i := range part {
		r := &a.rows[i]
		args = append(args, r.MsgID, r.CommonID, r.ID)
	}
	statement := "INSERT INTO message_ids (msg_id, common_id, id) VALUES " + tuple(3) +
		strings.Repeat(", "+tuple(3), len(part)-1) + " ON CONFLICT DO NOTHING RETURNING id"
	var ids []int64
	if err := a.tx.Raw(statement, args...).Scan(&ids).Error; err != nil {
		return nil, err
	}
	slices.Sort(ids)
	return slices.DeleteFunc(slices.Clone(part), func(i int) bool {
		_, claimed := slices.BinarySearch(ids, a.rows[i].ID)
		return !claimed
	}), nil
}

// lockTaken keeps other nodes from deciding about the same ids, until the end of the transaction. Locks of rows would
// not do: a row that is given another id keeps the lock of a transaction that looked for the old one. SQLite has one
// writer and needs no lock.
func (a *appending) lockTaken() error {
	if !isPostgres(a.tx) || len(a.taken) == 0 {
		return nil
	}
	keys := make([]int64, len(a.taken))
	for k, i := range a.taken {
		keys[k] = lockKey("message " + a.rows[i].claim())
	}
	slices.Sort(keys) // one order on all nodes
	for part := range slices.Chunk(slices.Compact(keys), batch) {
		values := "(CAST(? AS bigint))" + strings.Repeat(", (CAST(? AS bigint))", len(part)-1)
		args := make([]any, len(part))
		for k := range part {
			args[k] = part[k]
		}
		err := a.tx.Exec("SELECT pg_advisory_xact_lock(k) FROM (VALUES "+values+") AS keys (k)", args...).Error
		if err != nil {
			return err
		}
	}
	return nil
}

// lockKey is the number of an advisory lock of ours.
func lockKey(name string) int64 {
	sum := sha256.Sum256([]byte("notifyd " + name))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}

// freeID deletes what is left of the ids of a message that went with its partition: see cleanIDs.
func (a *appending) freeID(msgID, commonID string) error {
	if !isPostgres(a.tx) {
		return nil
	}
	return a.tx.Exec("DELETE FROM message_ids WHERE (msg_id = ? OR common_id = ? AND common_id <> '')"+
		" AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.id = message_ids.id)", msgID, commonID).Error
}

// renameID gives a kept message another id on the buses in message_ids.
func (a *appending) renameID(old *messageRow, msgID, commonID string) error {
	if !isPostgres(a.tx) || old.MsgID == msgID && old.CommonID == commonID {
		return nil
	}
	return a.tx.Exec("UPDATE message_ids SET msg_id = ?, common_id = ? WHERE msg_id = ?", msgID, commonID, old.MsgID).Error
}

// delete deletes a message.
func (a *appending) delete(old *messageRow) error {
	if err := a.tx.Exec("DELETE FROM messages WHERE id = ?", old.ID).Error; err != nil {
		return err
	}
	return deleteNames(a.tx, []int64{old.ID}, []string{old.MsgID})
}

// deleteMessages deletes messages with all that belongs to them, and gives the ids of those that are gone. On
// PostgreSQL it leaves those that another transaction is working on.
func deleteMessages(tx *gorm.DB, ids []int64) (gone []int64, err error) {
	which := "?"
	if isPostgres(tx) {
		which = "(SELECT id FROM messages WHERE id IN ? ORDER BY id FOR UPDATE SKIP LOCKED)"
	}
	var found []messageIDRow
	err = tx.Raw("DELETE FROM messages WHERE id IN "+which+" RETURNING id, msg_id", ids).Scan(&found).Error
	if err != nil {
		return nil, err
	}
	msgIDs := make([]string, len(found))
	for i, m := range found {
		gone, msgIDs[i] = append(gone, m.ID), m.MsgID
	}
	return gone, deleteNames(tx, gone, msgIDs)
}

// deleteNames deletes what other tables have of messages that are deleted. SQLite does so by itself (ON DELETE
// CASCADE); on PostgreSQL a partition to which foreign keys refer could not be dropped.
func deleteNames(tx *gorm.DB, ids []int64, msgIDs []string) error {
	if !isPostgres(tx) || len(ids) == 0 {
		return nil
	}
	for _, t := range partitions.Tables[1:] {
		if err := tx.Exec("DELETE FROM "+t.Name+" WHERE "+t.ID+" IN ?", ids).Error; err != nil {
			return err
		}
	}
	return tx.Exec("DELETE FROM message_ids WHERE msg_id IN ? AND id IN ?", msgIDs, ids).Error
}

// idsAtOnce is how many ids of dropped messages one transaction deletes.
const idsAtOnce = 10_000

// cleanIDs deletes the ids of messages that went with their partition. Until then a message that comes again with one
// of them takes it: see freeID.
func (s *Store) cleanIDs(ctx context.Context) error {
	all, err := partitions.List(s.reader.WithContext(ctx))
	if err != nil || len(all) == 0 || all[0].First {
		return err
	}
	cleaned := false
	for {
		gone := s.writer.WithContext(ctx).Exec("DELETE FROM message_ids WHERE ctid = ANY(ARRAY("+
			"SELECT ctid FROM message_ids WHERE id < ? LIMIT ? FOR UPDATE SKIP LOCKED))", all[0].Number*partitions.Span, idsAtOnce)
		if gone.Error != nil {
			return fmt.Errorf("delete ids of the history: %w", gone.Error)
		}
		cleaned = cleaned || gone.RowsAffected > 0
		if gone.RowsAffected < idsAtOnce {
			break
		}
	}
	if !cleaned {
		return nil
	}
	if err := s.vacuum(ctx, "VACUUM (SKIP_LOCKED, TRUNCATE false) message_ids"); err != nil {
		return fmt.Errorf("reclaim the space of deleted ids: %w", err)
	}
	return nil
}
