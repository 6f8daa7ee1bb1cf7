package operators

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/web/visit"
)

// queueView is what is owed and what was given up.
type queueView struct {
	Budgets  []budgetLine // of mail about accounts
	Depths   []depthLine
	Dead     []causeLine // why it was given up, by backend
	Waiting  []causeLine // what went wrong last with what waits
	Places   []placeLine // the destinations with the most that was given up
	Letters  []letterLine
	Next     string
	Admin    bool
	NoneDead bool
}

// A budgetLine is how much of a budget of account mail is used in this hour.
type budgetLine struct {
	Name, Used, Most, Refused string
	Full                      bool // further mail of that kind is not sent
}

type depthLine struct{ Backend, State, Count, Oldest string }

type causeLine struct{ Backend, Reason, Shown, Count string }

type placeLine struct{ Backend, Destination, Account, Page, Count, Oldest string }

type letterLine struct {
	ID                                 int64
	Title, Backend, Reason, When, Page string
}

// stateWords are the states as people read them.
var stateWords = map[outbox.State]string{
	outbox.Waiting: "waiting", outbox.Claimed: "being sent", outbox.Dead: "given up",
}

func (o Options) queue(v *visit.Visit) (*visit.View, error) {
	ctx := v.Context()
	page := queueView{Admin: v.Role >= accounts.Admin}
	depths, err := o.Outbox.Depth(ctx)
	if err != nil {
		return nil, err
	}
	for _, d := range depths {
		line := depthLine{Backend: d.Backend, State: stateWords[d.State], Count: text.Number(d.Count)}
		if line.Oldest = moment(d.Oldest, v.Zone); d.State == outbox.Waiting && d.Oldest.Before(v.Now) {
			line.Oldest += ", late by " + v.Now.Sub(d.Oldest).Round(time.Second).String()
		}
		page.Depths = append(page.Depths, line)
	}
	if page.Budgets, err = o.budgets(v); err != nil {
		return nil, err
	}
	if page.Dead, err = o.causes(v, outbox.Dead); err != nil {
		return nil, err
	}
	if page.Waiting, err = o.causes(v, outbox.Waiting); err != nil {
		return nil, err
	}
	if err := o.places(v, &page); err != nil {
		return nil, err
	}
	if err := o.letters(v, &page); err != nil {
		return nil, err
	}
	page.NoneDead = len(page.Dead) == 0
	return &visit.View{Template: "operators-queue", Title: "Queue", Here: tab, Data: page}, nil
}

func (o Options) budgets(v *visit.Visit) (lines []budgetLine, err error) {
	if o.Budgets == nil {
		return nil, nil
	}
	all, err := o.Budgets(v.Context())
	for _, b := range all {
		lines = append(lines, budgetLine{Name: b.Name, Used: text.Number(b.Used), Most: text.Number(b.Most),
			Refused: text.Number(int(b.Refused)), Full: b.Full()})
	}
	return lines, err
}

func (o Options) causes(v *visit.Visit, state outbox.State) ([]causeLine, error) {
	found, err := o.Outbox.Causes(v.Context(), outbox.Query{State: state})
	if err != nil {
		return nil, err
	}
	var lines []causeLine
	for _, c := range found {
		if c.Reason == "" && state == outbox.Waiting {
			continue // nothing went wrong
		}
		lines = append(lines, causeLine{Backend: c.Backend, Reason: c.Reason, Shown: text.ElideRunes(c.Reason, 200),
			Count: text.Number(c.Count)})
	}
	return lines, nil
}

// places adds the destinations with the most that was given up, and whose they are.
func (o Options) places(v *visit.Visit, page *queueView) error {
	heaps, err := o.Outbox.Heaps(v.Context(), outbox.Dead, perPage)
	if err != nil {
		return err
	}
	for _, h := range heaps {
		line := placeLine{Backend: h.Backend, Destination: h.Destination, Count: text.Number(h.Count),
			Oldest: moment(h.Oldest, v.Zone)}
		if strings.HasPrefix(h.Destination, outbox.Account) {
			line.Destination = "account mail"
		} else if owners, err := o.People.Holding(v.Context(), []string{h.Destination}); err != nil {
			return err
		} else if len(owners) > 0 {
			line.Account, line.Page = title(owners[0].User), accountPage(owners[0].ID)
		}
		page.Places = append(page.Places, line)
	}
	return nil
}

// letters adds what was given up, newest first.
func (o Options) letters(v *visit.Visit, page *queueView) error {
	before, _ := strconv.ParseInt(v.Request.URL.Query().Get("before"), 10, 64) // anything else means the newest
	found, err := o.Outbox.Find(v.Context(), outbox.Query{State: outbox.Dead, Before: max(before, 0), Limit: perPage})
	if err != nil {
		return err
	}
	for _, e := range found {
		line := letterLine{ID: e.ID, Title: e.Notice.Title, Backend: e.Backend, Reason: text.ElideRunes(e.LastError, 200),
			When: moment(e.FinishedAt, v.Zone)}
		if strings.HasPrefix(e.Destination, outbox.Account) {
			line.ID, line.Title = 0, "account mail" // its text may let somebody in, and is wiped
		} else if v.Role < accounts.Admin {
			line.Title = "a notice for destination " + e.Destination
		}
		page.Letters = append(page.Letters, line)
	}
	if len(found) == perPage {
		page.Next = "/operators/queue?" + url.Values{"before": {strconv.FormatInt(found[perPage-1].ID, 10)}}.Encode()
	}
	return nil
}

const (
	// mostResent bounds what one click sends again.
	mostResent = 500
	// aloneAtMost is how many to one destination go one by one: more go together, as a digest.
	aloneAtMost = 3
)

// resend sends one delivery again that was given up, or all of one backend with one reason.
func (o Options) resend(v *visit.Visit) (*visit.View, error) {
	query := outbox.Query{State: outbox.Dead, Backend: v.Form("backend"), Reason: v.Form("reason"), Limit: mostResent}
	if id, err := strconv.ParseInt(v.Form("id"), 10, 64); err == nil {
		query = outbox.Query{State: outbox.Dead, IDs: []int64{id}, Limit: 1}
	} else if query.Backend == "" {
		return nil, visit.Fail(http.StatusUnprocessableEntity, "Say what to send again.")
	}
	found, err := o.Outbox.Find(v.Context(), query)
	if err != nil {
		return nil, err
	}
	many := map[string]int{}
	for _, e := range found {
		many[e.Destination]++
	}
	again, left := 0, 0
	for i := len(found) - 1; i >= 0; i-- { // oldest first
		e := found[i]
		err := o.Destinations.Resend(v.Context(), o.Outbox, 0, e.ID, many[e.Destination] > aloneAtMost)
		switch {
		case err == nil:
			again++
		case errors.Is(err, outbox.ErrUnsendable), errors.Is(err, outbox.ErrNotFound), errors.Is(err, prefs.ErrNotFound):
			left++
		default:
			return nil, err
		}
	}
	view := &visit.View{To: "/operators/queue", Tone: "good", Flash: text.Plural(again, "notice is", "notices are") +
		" on the way again."}
	if left > 0 {
		view.Tone, view.Flash = "warn", view.Flash+" "+text.Plural(left, "cannot", "cannot")+
			" be sent again: the destination is gone, off or stopped, or the text was wiped."
	}
	return view, nil
}
