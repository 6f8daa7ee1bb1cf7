package prefs

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// setProvenance writes into a notice how far its sender is proved. A marked notice has nothing to click, and is an
// error at most: what is critical goes at once and stays on the screen, and a stranger could have said so. It is not
// less than an error, because digests count what failed.
func setProvenance(n *backends.Notice, standing bus.Standing, keepLinks bool) {
	if !standing.Marked {
		if standing.Verdict == bus.Signed {
			n.Signer = text.OneLine(text.CutBytes(standing.Signer, maxSigner))
		}
		return
	}
	n.Standing, n.Caution = Warning(standing)
	if n.Severity == catalogue.Critical.String() {
		n.Severity = catalogue.Error.String()
	}
	if keepLinks {
		return
	}
	n.Caution += " " + withoutLinks
	disarm(n)
}

const (
	maxSigner = 256 // bytes
	maxReason = 200 // characters

	withoutLinks = "Links are written so that they cannot be clicked."
)

// disarm takes from a notice what could be clicked or fetched. Its names are left: backends show them by Shown.
func disarm(n *backends.Notice) {
	n.Link, n.Icon = "", ""
	n.Title = text.ElideRunes(text.Defang(n.Title), maxTitle)
	n.Text = text.ElideRunes(text.Defang(n.Text), maxText)
}

// Warning puts a standing that the policy has marked into words: a few to stand before a title, and a sentence for
// somebody who never heard of signatures. Of any other standing it says nothing.
func Warning(s bus.Standing) (standing, caution string) {
	if !s.Marked {
		return "", ""
	}
	const (
		unproved = "It is not proved who sent this message"
		ask      = " Before you act on it, make sure in another way that it is true."
	)
	signer := text.Defang(text.ElideRunes(text.OneLine(text.CutBytes(s.Signer, maxSigner)), maxTitle))
	switch s.Verdict {
	case bus.Unsigned:
		caution = unproved + ": it has no signature. Anybody who reaches the message bus can have written it."
	case bus.Invalid:
		caution = "The signature of this message is wrong" + because(s) +
			". It may be forged, or was changed on its way."
	case bus.WrongSigner:
		caution = "This message is signed by " + quoted(signer) +
			", which is not among those who may send messages of this kind."
	case bus.Stale:
		caution = "This message was signed at a time that is long past, or still to come" + because(s) +
			". It may be an old one that somebody has sent again."
	case bus.BodyOnly:
		caution = "The text of this message is signed by " + quoted(signer) +
			", but not its topic, its time and its names: somebody may have changed those."
	case bus.Unchecked:
		caution = unproved + ": it has a signature, which could not be checked" + because(s) + "."
	default:
		return "not proved", unproved + "." + ask
	}
	return s.Verdict.Words(), caution + ask
}

// because gives the reason in brackets, where there is one.
func because(s bus.Standing) string {
	reason := text.Defang(text.ElideRunes(text.OneLine(text.CutBytes(s.Reason, 4*maxReason)), maxReason))
	if reason == "" {
		return ""
	}
	return " (" + reason + ")"
}

func quoted(signer string) string {
	if signer == "" {
		return "somebody"
	}
	return "“" + signer + "”"
}

// Unconfirmed makes of a notice that went out the notice that takes it back: a message has come since under the same id
// that is proved, as by says, and says something else.
func Unconfirmed(sent backends.Notice, by bus.Standing) backends.Notice {
	n := sent
	n.Unconfirmed, n.Signer = true, ""
	n.Standing = "not confirmed"
	n.Caution = "The message below was not confirmed. It was told to you though nothing proved who had sent it. " +
		"Since then another message with the same id has come, " + provedBy(by) + ", and it says something else. " +
		"Do not rely on the one below. " + withoutLinks
	if n.Severity == catalogue.Critical.String() {
		n.Severity = catalogue.Error.String()
	}
	disarm(&n)
	return n
}

func provedBy(by bus.Standing) string {
	signer := text.Defang(text.ElideRunes(text.OneLine(text.CutBytes(by.Signer, maxSigner)), maxTitle))
	if signer == "" {
		return "whose sender is proved"
	}
	return "signed by " + quoted(signer)
}

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
		d := outbox.Delivery{
			Message: e.Message + correctionMark, Destination: e.Destination, Backend: to.Backend, Address: to.Address,
			Notice: n, Manage: e.Manage, Reasons: e.Reasons, Owner: Key(to.UserID), DueAt: now,
		}
		if len(e.Reasons) > 0 { // they say why, and the links that go with them are made again
			d.Notice.Why, d.Manage = nil, ""
		}
		corrections = append(corrections, d)
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
