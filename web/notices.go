package web

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/web/visit"
)

// noticeLine is a delivery in a list.
type noticeLine struct {
	State, Tone, Text, Page, Stamp, When, To, Detail string
	Warning                                          string // of a marked notice
	Message                                          string // the id of the message that it is about; "": none
	Resend                                           string // where the button posts to; "" when there is none
	Why                                              []whyLine
}

// whyLine is a filter that a notice was sent for.
type whyLine struct{ Filter, Page, Sentence string }

type noticesView struct {
	layout
	Notices []noticeLine
	Older   string
	Parcel  string // only those that were sent in it
}

// noticesPage is how many notices a page shows.
const noticesPage = 50

func listNotices(req *request) error {
	ds, err := req.Destinations.List(req.r.Context(), req.user.ID)
	if err != nil {
		return err
	}
	before, _ := strconv.ParseInt(req.r.URL.Query().Get("before"), 10, 64) // anything but a number means the newest
	p := noticesView{layout: req.layout("Notices", "notices"), Parcel: req.r.URL.Query().Get("parcel")}
	lines, last, err := req.notices(ds, noticesPage, max(before, 0), p.Parcel)
	if err != nil {
		return err
	}
	p.Notices = lines
	if len(lines) == noticesPage {
		p.Older = "/notices?before=" + strconv.FormatInt(last, 10)
		if p.Parcel != "" {
			p.Older += "&parcel=" + url.QueryEscape(p.Parcel)
		}
	}
	return req.show(http.StatusOK, "notices", p)
}

// notices reads the deliveries to destinations, newest first; last is the id of the oldest. parcel: only those that
// were sent in it.
func (req *request) notices(ds []prefs.Destination, limit int, before int64, parcel string) (
	lines []noticeLine, last int64, err error) {
	own, keys := byKey(ds)
	if len(keys) == 0 {
		return nil, 0, nil // a Query without destinations would find everybody's
	}
	entries, err := req.Outbox.Find(req.r.Context(), outbox.Query{Destinations: keys, Before: before, Limit: limit,
		Parcel: parcel})
	if err != nil {
		return nil, 0, err
	}
	for _, e := range entries {
		last = e.ID
		lines = append(lines, req.noticeLine(e, own[e.Destination]))
	}
	return lines, last, nil
}

// byKey returns destinations by their key in the outbox.
func byKey(ds []prefs.Destination) (own map[string]prefs.Destination, keys []string) {
	own = make(map[string]prefs.Destination, len(ds))
	for _, d := range ds {
		keys = append(keys, prefs.Key(d.ID))
		own[prefs.Key(d.ID)] = d
	}
	return own, keys
}

func (req *request) noticeLine(e outbox.Entry, to prefs.Destination) noticeLine {
	l := noticeLine{Text: e.Notice.Text, Warning: e.Notice.Standing, To: req.destinationView(to).Address, Page: "/notices"}
	if e.Notice.Topic != "" {
		l.Message = prefs.Corrected(e.Message)
		l.Page = messagePage(l.Message)
	} else {
		l.Text = e.Notice.Title
	}
	at := e.AddedAt
	switch e.State {
	case outbox.Done:
		l.State, l.Tone, at = "sent", "good", e.FinishedAt
	case outbox.Dead:
		l.State, l.Tone, l.Detail, at = "failed", "bad", e.LastError, e.FinishedAt
		if e.Withdrawn() {
			l.State, l.Tone = "not sent", "warn"
			break
		}
		if why, silenced := strings.CutPrefix(e.LastError, "silenced: "); silenced && e.Silenced() {
			l.State, l.Tone, l.Detail = "not sent", "warn", why
		}
		if to.Confirmed && to.On && to.Disabled == "" {
			l.Resend = "/notices/" + strconv.FormatInt(e.ID, 10) + "/resend"
		}
	case outbox.Claimed:
		l.State = "being sent"
	default:
		l.State, l.Tone = "waiting", "warn"
		owner := req.user
		if owner.ID != to.UserID { // an operator looks
			owner = prefs.User{Zone: req.zone.String()}
		}
		l.Detail = to.Waits(owner, e, req.Now())
		switch {
		case e.LastError == "":
		case e.Attempts == 0: // its backend was down, or a user resent it
			l.Detail += "; last time: " + e.LastError
		default:
			l.Detail = "tried " + text.Plural(e.Attempts, "time", "times") + ": " + e.LastError + "; again " +
				visit.DayAndTime(e.DueAt, req.Now(), req.zone)
		}
	}
	l.Stamp, l.When = req.moment(at)
	for _, r := range e.Notice.Why {
		l.Why = append(l.Why, whyLine{Filter: r.Filter, Page: req.pageOf(r.Link), Sentence: r.Sentence})
	}
	return l
}

// resendNotice sends a failed notice again.
func resendNotice(req *request) error {
	id, err := strconv.ParseInt(req.r.PathValue("id"), 10, 64)
	if err != nil {
		return prefs.ErrNotFound
	}
	err = req.Destinations.Resend(req.r.Context(), req.Outbox, req.user.ID, id, false)
	switch {
	case errors.Is(err, outbox.ErrNotFound):
		return fail(http.StatusNotFound,
			"There is no such notice among those that failed. Perhaps it is on its way again already.")
	case errors.Is(err, outbox.ErrUnsendable):
		return fail(http.StatusConflict, "This notice "+err.Error()+".")
	case err != nil:
		return err
	}
	req.flash("good", "The notice is on its way again.")
	return req.redirect("/notices")
}

// pageOf returns the path of the filter that a link in a notice leads to; "" when it leads elsewhere.
func (s *site) pageOf(link string) string {
	path, ours := strings.CutPrefix(link, strings.TrimSuffix(s.BaseURL, "/"))
	id, isFilter := strings.CutPrefix(path, "/filters/")
	if n, err := strconv.ParseUint(id, 10, 32); ours && isFilter && err == nil {
		return filterPage(rulespec.FilterID(n))
	}
	return ""
}

// addNotices adds the notices that the user got because of a message.
func (req *request) addNotices(p *messageView, message string) error {
	ds, err := req.Destinations.List(req.r.Context(), req.user.ID)
	if err != nil {
		return err
	}
	own, keys := byKey(ds)
	entries, err := req.Outbox.OfMessage(req.r.Context(), message, keys)
	if err != nil {
		return err
	}
	for _, e := range entries {
		p.Notices = append(p.Notices, req.noticeLine(e, own[e.Destination]))
	}
	return nil
}
