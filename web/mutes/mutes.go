// Package mutes is the pages on which people mute what they do not want to hear of for a while, and see what waits for
// them. A page that mutes says first what that would have silenced (Guard).
//
// Whoever has a link from a notice mutes without signing in, and no more: see package links.
package mutes

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/links"
	"github.com/notifyd/notifyd/prefs/mute"
	"github.com/notifyd/notifyd/prefs/mutes"
	"github.com/notifyd/notifyd/web/visit"
)

// Options are what the pages work on.
type Options struct {
	Mutes        *prefs.Mutes
	Filters      *prefs.Filters
	Destinations *prefs.Destinations
	Accounts     *prefs.Accounts
	Unsubscriber *prefs.Unsubscriber
	Outbox       *outbox.Outbox
	Links        *links.Signer
	Guard        *Guard

	Kind func(kind string) string // the title of a kind of message; "": none
}

// Pages are the pages and the API.
func Pages(o Options) []visit.Page {
	return append(o.api(), []visit.Page{
		{Pattern: "GET /waiting", For: visit.Members, Serve: o.waiting},
		{Pattern: "POST /waiting/{id}/send", For: visit.Members, Serve: o.sendNow},
		{Pattern: "POST /waiting/{id}/drop", For: visit.Members, Serve: o.throwAway},
		{Pattern: "POST /waiting/{id}/keep/{mark}", For: visit.Members, Serve: o.keep},
		{Pattern: "GET /mutes", For: visit.Members, Serve: o.list},
		{Pattern: "GET /mutes/new", For: visit.Members, Serve: o.choose},
		{Pattern: "POST /mutes", For: visit.Members, Serve: o.make},
		{Pattern: "POST /mutes/{id}/end", For: visit.Members, Serve: o.end},
		{Pattern: "POST /mutes/{id}/undo", For: visit.Members, Serve: o.undo},

		{Pattern: "GET /mute/{token}", For: visit.Everybody, Serve: o.linkChoose},
		{Pattern: "POST /mute/{token}", For: visit.Everybody, Limit: 16 << 10, Serve: o.linkMake},
		{Pattern: "POST /mute/{token}/undo", For: visit.Everybody, Limit: 4 << 10, Serve: o.linkUndo},
	}...)
}

// listView is the page of a person's mutes.
type listView struct {
	On, Over []lineView
	Form     formView
}

type lineView struct {
	ID                          uint
	Of, Value, Until, Through   string
	Stamp, Made, Ended, EndedBy string
	Silenced                    string
	Undo                        bool // it is young, so that what it has silenced may wait again
}

// undoFor is how long a mute may be undone, and not only ended.
const undoFor = time.Hour

func (o Options) list(v *visit.Visit) (*visit.View, error) {
	all, err := o.Mutes.List(v.Context(), v.User.ID)
	if err != nil {
		return nil, err
	}
	page := listView{Form: o.emptyForm()}
	for _, r := range all {
		line := o.line(r, v)
		if r.On(v.Now) {
			page.On = append(page.On, line)
		} else {
			page.Over = append(page.Over, line)
		}
	}
	return &visit.View{Template: "mutes", Title: "Mutes", Here: "mutes", Data: page}, nil
}

func (o Options) line(r mutes.Record, v *visit.Visit) lineView {
	line := lineView{ID: r.ID, Of: r.Of(), Until: r.Until(v.Zone), Through: r.Through(),
		Stamp: r.Made.UTC().Format(time.RFC3339), Made: visit.Ago(r.Made, v.Now, v.Zone),
		Silenced: text.NumberOf(r.Silenced, "message", "messages"), Undo: v.Now.Sub(r.Made) < undoFor}
	if r.Kind == mute.Object && r.Label != "" {
		line.Value = text.OneLine(r.Value)
	}
	if !r.On(v.Now) {
		line.Ended, line.EndedBy = visit.DayAndTime(r.End(), v.Now, v.Zone), r.EndedBy
	}
	return line
}

func (o Options) end(v *visit.Visit) (*visit.View, error) {
	return o.over(v, "It is no longer muted.", o.Mutes.End)
}

func (o Options) undo(v *visit.Visit) (*visit.View, error) {
	return o.over(v, "It is no longer muted, and what it had silenced while it waited waits again.", o.Mutes.Undo)
}

func (o Options) over(v *visit.Visit, said string, end func(ctx context.Context, user, id uint) error) (*visit.View,
	error) {
	id, err := v.ID("id")
	if err != nil {
		return nil, err
	}
	if err := end(v.Context(), v.User.ID, id); err != nil {
		return nil, err
	}
	return &visit.View{To: "/mutes", Tone: "good", Flash: said, Changed: true}, nil
}

// wrong turns a mistake in a mute into an error for the visitor.
func wrong(err error) error {
	var mistake *mute.Error
	switch {
	case errors.As(err, &mistake):
		return visit.Fail(http.StatusUnprocessableEntity, "That cannot be muted: what it is of "+mistake.Problem+".")
	case errors.Is(err, prefs.ErrTooMany):
		return visit.Fail(http.StatusUnprocessableEntity, "You have as many mutes as one account may have. End one first.")
	}
	return err
}

// again shows the form once more, as it was filled in, with what is wrong beside the field.
func (o Options) again(v *visit.Visit, form, chosen formView, err error) (*visit.View, error) {
	var mistake *mute.Error
	if !errors.As(err, &mistake) {
		return nil, err
	}
	if form.Message != "" && len(form.Choices) == 0 {
		if err := o.fromMessage(v, &form); err != nil {
			return nil, err
		}
	}
	form.Of, form.For, form.Errors = chosen.Of, chosen.For, chosen.Errors
	form.Kind, form.Value, _ = strings.Cut(chosen.Of, " ")
	switch {
	case mistake.Field == "until_solved":
		form.Wrong.For = "“Until it is solved” " + mistake.Problem + "."
	case mistake.Field == "value" && form.Value == "":
		form.Wrong.Value = "Say what is to be muted."
	case mistake.Field == "value":
		form.Wrong.Value = "It " + mistake.Problem + "."
	default:
		return nil, wrong(err)
	}
	return &visit.View{Status: http.StatusUnprocessableEntity, Template: "mute", Title: "Mute", Here: "mutes",
		Data: form}, nil
}

// made says what was done.
func made(r mutes.Record, waiting int, zone *time.Location) string {
	said := "Muted: " + r.Of() + ", " + r.Until(zone) + "; " + r.Through() + "."
	if waiting > 0 {
		said += " " + text.Plural(waiting, "notice that waited is", "notices that waited are") + " silenced."
	}
	return said
}

func number(id uint) string { return strconv.FormatUint(uint64(id), 10) }
