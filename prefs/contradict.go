package prefs

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/outbox"
)

// correctionMark ends the name that the correction of a message has in the outbox, where each message goes to a
// destination once.
const correctionMark = "~unconfirmed"

// Corrected gives the id of the message that a delivery is about, from Delivery.Message: for the correction of a
// message, that message's.
func Corrected(message string) string { return strings.TrimSuffix(message, correctionMark) }

// Contradict returns the deliveries that take back others, for those whose destinations still accept notices. by says
// of a message, by its id, how the message is proved that contradicts it.
func (s *Subscriptions) Contradict(tx *gorm.DB, sent []outbox.Entry, by func(message string) bus.Standing,
	now time.Time) ([]outbox.Delivery, error) {
	open, err := openOf(tx, sent)
	if err != nil {
		return nil, fmt.Errorf("contradict: %w", err)
	}
	var corrections []outbox.Delivery
	for _, e := range sent {
		to, ok := open[e.Destination]
		if !ok || e.Broken {
			continue
		}
		n := Unconfirmed(e.Notice, by(e.Message))
		n.ID = e.Message
		corrections = append(corrections, outbox.Delivery{
			Message: e.Message + correctionMark, Destination: e.Destination, Backend: to.Backend, Address: to.Address,
			Notice: n, Manage: e.Manage, DueAt: now,
		})
	}
	return corrections, nil
}

// openOf returns the destinations of deliveries that accept notices, by their keys.
func openOf(tx *gorm.DB, sent []outbox.Entry) (map[string]destinationRow, error) {
	var ids []uint64
	for _, e := range sent {
		if id, err := strconv.ParseUint(e.Destination, 10, 63); err == nil {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	open := make(map[string]destinationRow, len(ids))
	for part := range slices.Chunk(slices.Compact(ids), inStatement) {
		var rows []destinationRow
		if err := tx.Where("id IN ? AND confirmed AND is_on AND disabled = ''", part).Find(&rows).Error; err != nil {
			return nil, err
		}
		for _, r := range rows {
			open[Key(r.ID)] = r
		}
	}
	return open, nil
}
