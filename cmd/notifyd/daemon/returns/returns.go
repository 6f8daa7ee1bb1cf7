// Package returns is what becomes of what comes back of notices: reports that a mail was not delivered, complaints, and
// what people answer. A backend reads it (backends.Returns says what it hands on); here it is known by its token, and
// what it means is written down in one transaction.
//
// A token is the proof: whoever has it has got the mail, or carried it. It ends nothing but the destination that it is
// of, and only while the parcel is kept in the outbox.
package returns

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/links"
	"github.com/notifyd/notifyd/prefs/returned"
)

// A Desk takes what comes back.
type Desk struct {
	Prefs  *prefs.Store
	Outbox *outbox.Outbox
	Links  func() *links.Signer
	Writer *gorm.DB
	Manage string // the page where people change what they get; "": there are no pages
	Now    func() time.Time
	Log    *slog.Logger
}

var _ backends.Returns = (*Desk)(nil)

// ReportToken is for backends.Returns.
func (d *Desk) ReportToken(p backends.Parcel) string {
	if id, ok := number(p.Destination); ok {
		return d.Links().Return(id, p.ID)
	}
	return ""
}

// ReplyToken is for backends.Returns.
func (d *Desk) ReplyToken(p backends.Parcel) string {
	if id, ok := number(p.Destination); ok {
		return d.Links().Reply(id, p.ID)
	}
	return ""
}

// StopToken is for backends.Returns.
func (d *Desk) StopToken(link string) string {
	_, token, found := strings.Cut(link, "/stop/")
	if !found {
		return ""
	}
	return links.Folded(token)
}

func number(destination string) (uint, bool) {
	id, err := strconv.ParseUint(destination, 10, 32)
	return uint(id), err == nil
}

// Knows is for backends.Returns.
func (d *Desk) Knows(token string) bool {
	_, report := d.Links().VerifyReturn(token)
	_, reply := d.Links().VerifyReply(token)
	_, stop := d.Links().Verify(links.Unfolded(token))
	return report == nil || reply == nil || stop == nil
}

// Report is for backends.Returns.
func (d *Desk) Report(ctx context.Context, r backends.Returned) (string, error) {
	parcel, err := d.Links().VerifyReturn(r.Token)
	if err != nil {
		return "", backends.ErrToken
	}
	known, err := d.find(ctx, parcel)
	if err != nil {
		return "", err
	}
	if known == "" {
		return "the parcel is not kept any more", nil
	}
	e := returned.Event{Parcel: parcel.Tag, Kind: r.Kind, Words: r.Words, At: r.At}
	out, err := d.Prefs.Destinations.Returned(ctx, parcel.Destination, e, d.verdict(r.Days, r.Failures))
	switch {
	case errors.Is(err, prefs.ErrNotFound):
		return "the destination was deleted", nil
	case err != nil:
		return "", err
	case out.Again:
		return "it was known", nil
	case out.Off != "":
		d.Outbox.Notify()
		return "the destination is off: " + out.Off, nil
	}
	return "noted", nil
}

func (d *Desk) verdict(days, failures int) prefs.Verdict {
	return prefs.Verdict{Rule: returned.Rule{Days: days, Failures: failures}, Sent: d.sent, Tell: d.tell}
}

// sent gives what went to a destination.
func (d *Desk) sent(tx *gorm.DB, destination string) ([]returned.Sent, error) {
	went, err := d.Outbox.Went(tx, destination)
	list := make([]returned.Sent, len(went))
	for i, w := range went {
		list[i] = returned.Sent{Parcel: links.Tag(w.Parcel), At: w.At}
	}
	return list, err
}

// find gives the id of a parcel that is kept; "" where none is.
func (d *Desk) find(ctx context.Context, p links.Parcel) (string, error) {
	went, err := d.Outbox.Went(d.Writer.WithContext(ctx), prefs.Key(p.Destination))
	for _, w := range went {
		if links.Tag(w.Parcel) == p.Tag {
			return w.Parcel, nil
		}
	}
	return "", err
}

// Gone switches off a destination whose address a server refused for ever, and tells its owner.
func (d *Desk) Gone(ctx context.Context, destination, reason string) error {
	id, ok := number(destination)
	if !ok {
		return nil // account mail to an address that is no destination yet
	}
	e := returned.Event{Parcel: "refused " + strconv.FormatInt(d.Now().UnixMicro(), 36), Kind: returned.Hard,
		Words: reason, At: d.Now()}
	_, err := d.Prefs.Destinations.Returned(ctx, id, e, d.verdict(1, 1))
	if errors.Is(err, prefs.ErrNotFound) {
		err = d.Outbox.CancelOne(ctx, destination, "the destination was deleted")
	}
	return err
}

// Answered is for backends.Returns.
func (d *Desk) Answered(ctx context.Context, token, once string) (about backends.About, err error) {
	parcel, err := d.Links().VerifyReply(token)
	if err != nil {
		return about, backends.ErrToken
	}
	owner, err := d.Prefs.Destinations.Owner(ctx, parcel.Destination)
	if err == nil {
		var to prefs.Destination
		to, err = d.Prefs.Destinations.Get(ctx, owner, parcel.Destination)
		about = backends.About{Destination: prefs.Key(to.ID), Backend: to.Backend, Address: to.Address}
	}
	if errors.Is(err, prefs.ErrNotFound) {
		return about, backends.ErrToken
	}
	if err != nil {
		return about, err
	}
	if about.Parcel, err = d.find(ctx, parcel); err != nil {
		return about, err
	}
	e := returned.Event{Parcel: links.Tag(once), Kind: "answer", At: d.Now()}
	again, err := returned.Note(d.Writer.WithContext(ctx), parcel.Destination, e)
	if err == nil && again {
		err = backends.ErrAgain
	}
	return about, err
}

// Stop is for backends.Returns.
func (d *Desk) Stop(ctx context.Context, token string) (string, error) {
	target, err := d.Links().Verify(links.Unfolded(token))
	if err != nil {
		return "", backends.ErrToken
	}
	did, err := d.Prefs.Unsubscriber.Unsubscribe(ctx, target)
	switch {
	case errors.Is(err, prefs.ErrNotFound):
		return "the filter is gone", nil
	case err != nil:
		return "", err
	case !did.Any():
		return "it was stopped before", nil
	}
	return "stopped", nil
}

// Answer is for backends.Returns.
func (d *Desk) Answer(ctx context.Context, about backends.About, n backends.Notice) error {
	one := outbox.Delivery{Message: n.ID, Destination: outbox.Account + about.Backend + ":" + about.Address,
		Backend: about.Backend, Address: about.Address, Notice: n, Manage: d.Manage, DueAt: d.Now()}
	err := d.Writer.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		_, err := d.Outbox.Add(tx, []outbox.Delivery{one})
		return err
	})
	if err != nil {
		return fmt.Errorf("queue answer: %w", err)
	}
	d.Outbox.Notify()
	return nil
}

// mostTold bounds the places where the owner of a destination is told that it is off.
const mostTold = 3

// tell tells the owner of a destination elsewhere that it is off.
func (d *Desk) tell(tx *gorm.DB, off prefs.Destination, others []prefs.Destination, why string) error {
	now := d.Now()
	var list []outbox.Delivery
	for _, to := range others[:min(len(others), mostTold)] {
		n := backends.Notice{ID: fmt.Sprintf("account-off-%d-%d-%d", off.ID, to.ID, now.UnixMicro()), Time: now.UTC(),
			Severity: "warning", Title: "One of your addresses is off",
			Text: "Nothing is sent to " + off.Backend + ":" + off.Address + " any more, nor what waited: " + why + "."}
		if d.Manage != "" {
			n.Link = fmt.Sprintf("%s/destinations/%d", strings.TrimSuffix(d.Manage, "/"), off.ID)
			n.Text += "\n\nIf that is wrong, switch it on again on its page."
		}
		list = append(list, outbox.Delivery{Message: n.ID, Destination: prefs.Key(to.ID), Backend: to.Backend,
			Address: to.Address, Notice: n, Manage: d.Manage, DueAt: now})
	}
	if len(list) == 0 {
		return nil
	}
	_, err := d.Outbox.Add(tx, list)
	return err
}
