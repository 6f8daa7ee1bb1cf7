package prefs

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/prefs/looks"
	"github.com/notifyd/notifyd/prefs/schedule"
	"github.com/notifyd/notifyd/rulespec"
)

// note makes an entry of the audit in the transaction of a change. Whoever adds a method that changes something of a
// person calls it, with what it was and what it is: TestEveryChangeIsNoted finds those that do not.
func (c *core) note(tx *gorm.DB, user uint, what accounts.What, object string, before, after accounts.Fields) error {
	return c.audit.Add(tx, accounts.Entry{User: user, What: what, Object: object, Before: before, After: after})
}

// noteBy is note for a change that is made in one way only, whoever calls: by a link, or by notifyd itself.
func (c *core) noteBy(tx *gorm.DB, by accounts.Kind, user uint, what accounts.What, object string,
	before, after accounts.Fields) error {
	e := accounts.Entry{User: user, What: what, Object: object, Before: before, After: after}
	e.By = accounts.Actor{Kind: by, Network: accounts.ActorOf(tx.Statement.Context).Network}
	return c.audit.Add(tx, e)
}

// object names a thing in the audit: "filter 12".
func object[N ~uint](kind string, id N) string {
	return kind + " " + strconv.FormatUint(uint64(id), 10)
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func (r userRow) fields() accounts.Fields {
	f := accounts.Fields{"name": r.Name, "time zone": cmp.Or(r.Zone, "UTC")}
	if r.Quiet != "" {
		f["quiet hours"] = r.Quiet
	}
	if r.PauseUntil != 0 {
		f["paused until"] = time.UnixMicro(r.PauseUntil).UTC().Format(time.RFC3339)
		f["what came meanwhile"] = "goes in a digest"
		if strings.HasPrefix(r.PauseEnd, "drop") {
			f["what came meanwhile"] = "is thrown away"
		}
		f["critical notices wait too"] = yesNo(r.PauseStrict)
	}
	return f
}

// place says which destination it is.
func (r destinationRow) place() string { return r.Address + " (" + r.Backend + ")" }

// fields are what people can change about a destination.
func (r destinationRow) fields() accounts.Fields {
	f := accounts.Fields{"destination": r.place(), "confirmed": yesNo(r.Confirmed), "on": yesNo(r.IsOn),
		"may sign in": yesNo(r.SignIn)}
	if r.Account != "" {
		f["account there"] = r.Account
	}
	if r.Vouched != "" {
		f["vouched for by"] = "the " + r.Vouched
	}
	if r.Disabled != "" {
		f["stopped because"] = r.Disabled
	}
	if r.CapCount > 0 {
		f["at once at most"] = fmt.Sprintf("%d in %s", r.CapCount, time.Duration(r.CapWindow)*time.Microsecond)
	}
	if when := r.schedule(); when.Digest() {
		f["when it is sent"] = when.Text()
	}
	if words := looks.Words(looks.Read(r.Options)); words != "" {
		f["looks"] = words
	}
	if r.Quiet != "" {
		f["quiet hours"] = r.Quiet
	}
	return f
}

// switched are the fields of a filter that was only switched.
func (r filterRow) switched(on bool) accounts.Fields {
	return accounts.Fields{"filter": r.Name, "on": yesNo(on)}
}

// filterFields are what people can change about a filter, as it is in tx; nil where it is not there.
func (c *core) filterFields(tx *gorm.DB, userID uint, id rulespec.FilterID) (accounts.Fields, error) {
	var rows []filterRow
	if err := tx.Where("id = ? AND user_id = ?", id, userID).Limit(1).Find(&rows).Error; err != nil || len(rows) == 0 {
		return nil, err
	}
	var to []destinationRow
	err := tx.Where("id IN (SELECT destination_id FROM filter_destinations WHERE filter_id = ?)", id).Order("id").
		Find(&to).Error
	if err != nil {
		return nil, err
	}
	var owner userRow
	if err := tx.Where("id = ?", userID).Take(&owner).Error; err != nil {
		return nil, err
	}
	r := rows[0]
	f := accounts.Fields{
		"filter": r.Name, "on": yesNo(r.IsOn), "sends once": yesNo(r.OneShot), "rules": r.Rules, "goes to": "everywhere",
	}
	if r.HoldStarted > 0 {
		f["holds what has begun for"] = (time.Duration(r.HoldStarted) * time.Microsecond).String()
	}
	if r.EndsAt != 0 {
		f["ends"] = schedule.WriteEnd(time.UnixMicro(r.EndsAt), time.UTC)
	}
	own, err := schedulesOf(tx.Where("filter_id = ?", id))
	if err != nil {
		return nil, err
	}
	for to, when := range own[r.ID] {
		f["when it is sent to "+object("destination", to)] = when.Text()
	}
	if shown := r.filter(rulespec.Env{}, c.me(owner.user()), nil); len(shown.Rules) > 0 {
		f["says"] = c.sentence(shown.Filter)
	}
	if r.Chosen {
		places := make([]string, len(to))
		for i, d := range to {
			places[i] = d.place()
		}
		f["goes to"] = text.Series(places, "and")
	}
	return f, nil
}

// filterChange runs change, and notes what a filter was before and is after it. *id is that of the filter after change;
// before it may be 0.
func (c *core) filterChange(
	tx *gorm.DB, userID uint, id *rulespec.FilterID, what accounts.What, change func() error,
) error {
	before, err := c.filterFields(tx, userID, *id)
	if err != nil {
		return err
	}
	if err := change(); err != nil {
		return err
	}
	after, err := c.filterFields(tx, userID, *id)
	if err != nil {
		return err
	}
	return c.note(tx, userID, what, object("filter", *id), before, after)
}

// destinationChange runs change, and notes what a destination was before and is after it. by is "" for whoever the
// context names.
func (c *core) destinationChange(
	tx *gorm.DB, by accounts.Kind, id uint, what accounts.What, change func(was destinationRow) error,
) error {
	var was, is destinationRow
	if err := tx.Where("id = ?", id).Take(&was).Error; err != nil {
		return err
	}
	if err := change(was); err != nil {
		return err
	}
	if err := tx.Where("id = ?", id).Take(&is).Error; err != nil {
		return err
	}
	if by != accounts.Unsaid {
		return c.noteBy(tx, by, was.UserID, what, object("destination", id), was.fields(), is.fields())
	}
	return c.note(tx, was.UserID, what, object("destination", id), was.fields(), is.fields())
}
