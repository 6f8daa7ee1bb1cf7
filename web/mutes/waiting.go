package mutes

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/web/visit"
)

// waiting.go is the page of what waits for each destination: what a digest would say, sending it now, and throwing it
// away.

// waitingView is the page.
type waitingView struct {
	Heaps []heapView
	Keep  string // where the button posts to that takes a throwing away back; "": there is none
}

// A heapView is what waits for one destination.
type heapView struct {
	Page, Address, Count string
	Why                  []string // with how many each
	Lines                []digestLine
	More                 string
}

// A digestLine is one line of the digest as it would be sent.
type digestLine struct{ Title, Severity, Count string }

// The bounds on what is shown.
const (
	mostWaiting = 500
	mostLines   = 30
)

func (o Options) waiting(v *visit.Visit) (*visit.View, error) {
	own, err := o.Destinations.List(v.Context(), v.User.ID)
	if err != nil {
		return nil, err
	}
	page := waitingView{}
	for _, to := range own {
		waits, err := o.waits(v, to.ID)
		if err != nil {
			return nil, err
		}
		if len(waits) > 0 {
			page.Heaps = append(page.Heaps, heapOf(to, waits, v))
		}
	}
	id, mark := v.Request.URL.Query().Get("thrown"), v.Request.URL.Query().Get("mark")
	if _, err := strconv.ParseUint(id, 10, 32); err == nil {
		if _, err := strconv.ParseInt(mark, 10, 64); err == nil {
			page.Keep = "/waiting/" + id + "/keep/" + mark
		}
	}
	return &visit.View{Template: "waiting", Title: "What waits", Here: "notices", Data: page}, nil
}

// waits are the notices that wait for a destination, the oldest first.
func (o Options) waits(v *visit.Visit, id uint) ([]outbox.Entry, error) {
	list, err := o.Outbox.Find(v.Context(), outbox.Query{State: outbox.Waiting, Destinations: []string{prefs.Key(id)},
		Limit: mostWaiting})
	slices.Reverse(list)
	return list, err
}

func heapOf(to prefs.Destination, waits []outbox.Entry, v *visit.Visit) heapView {
	h := heapView{Page: "/waiting/" + number(to.ID), Address: to.Address,
		Count: text.NumberOf(len(waits), "notice", "notices")}
	if len(waits) == mostWaiting {
		h.Count = "more than " + h.Count
	}
	counts, order := map[string]int{}, []string{}
	var notices []backends.Notice
	for _, e := range waits {
		words := to.Waits(v.User, e, v.Now)
		if counts[words]++; counts[words] == 1 {
			order = append(order, words)
		}
		notices = append(notices, e.Notice)
	}
	for _, words := range order[:min(len(order), 5)] {
		h.Why = append(h.Why, text.Number(counts[words])+" "+words)
	}
	groups := backends.Merge(notices)
	for _, g := range groups[:min(len(groups), mostLines)] {
		line := digestLine{Title: g.Notices[0].Tag() + text.ElideRunes(text.OneLine(g.Title), 200), Severity: g.Severity}
		if n := len(g.Notices); n > 1 {
			line.Count = text.NumberOf(n, "notice", "notices")
		}
		h.Lines = append(h.Lines, line)
	}
	if more := len(groups) - mostLines; more > 0 {
		h.More = "And " + text.NumberOf(more, "line", "lines") + " more."
	}
	return h
}

func (o Options) sendNow(v *visit.Visit) (*visit.View, error) {
	id, err := v.ID("id")
	if err != nil {
		return nil, err
	}
	if err := o.Destinations.SendNow(v.Context(), o.Outbox, v.User.ID, id); err != nil {
		return nil, err
	}
	return &visit.View{To: "/waiting", Tone: "good", Flash: "What waited is on its way."}, nil
}

func (o Options) throwAway(v *visit.Visit) (*visit.View, error) {
	id, err := v.ID("id")
	if err != nil {
		return nil, err
	}
	n, mark, err := o.Destinations.ThrowAway(v.Context(), o.Outbox, v.User.ID, id)
	if err != nil {
		return nil, err
	}
	return &visit.View{To: "/waiting?thrown=" + number(id) + "&mark=" + strconv.FormatInt(mark, 10), Tone: "warn",
		Flash: "Thrown away: " + text.NumberOf(n, "notice", "notices") + "."}, nil
}

// keepFor is how long what was thrown away can be taken back.
const keepFor = time.Hour

func (o Options) keep(v *visit.Visit) (*visit.View, error) {
	id, err := v.ID("id")
	if err != nil {
		return nil, err
	}
	mark, err := strconv.ParseInt(v.Request.PathValue("mark"), 10, 64)
	if err != nil {
		return nil, prefs.ErrNotFound
	}
	if v.Now.Sub(time.UnixMicro(mark)) > keepFor {
		return nil, visit.Fail(http.StatusGone, "What was thrown away can be taken back for an hour.")
	}
	n, err := o.Destinations.KeepAll(v.Context(), o.Outbox, v.User.ID, id, mark)
	if err != nil {
		return nil, err
	}
	said := text.NumberOf(n, "notice waits", "notices wait") + " again."
	return &visit.View{To: "/waiting", Tone: "good", Flash: said}, nil
}
