package web

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/history/readers"
	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// messagesView is the list of messages, searched or all.
type messagesView struct {
	layout
	Package, Person, App, Topic string
	Apps                        []choice
	Searched                    bool
	Messages                    []messageLine
	Older                       string
}

type messageLine struct{ Summary, Warning, KindName, Page, Stamp, When string }

// messagesPage is how many messages a page shows.
const messagesPage = 50

func listMessages(req *request) error {
	query := req.r.URL.Query()
	p := messagesView{
		layout:  req.layout("Messages", "messages"),
		Package: text.OneLine(query.Get("package")), Person: text.OneLine(query.Get("user")),
		App: text.OneLine(query.Get("app")), Topic: text.OneLine(query.Get("topic")),
		Apps: req.apps(),
	}
	p.Searched = p.Package+p.Person+p.App+p.Topic != ""
	before, _ := strconv.ParseInt(query.Get("before"), 10, 64) // anything but a number means the newest
	person := p.Person
	if person == rulespec.Me {
		person = req.me()
	}
	var found history.Page
	if p.Person == "" || person != "" { // else it is @me, and the name is not proved
		var err error
		found, err = req.History.Search(req.r.Context(), history.Query{
			Package: p.Package, User: person, App: p.App, Topic: p.Topic, Before: max(before, 0), Limit: messagesPage,
			Among: req.seen(),
		})
		if err != nil {
			return err
		}
	}
	for _, r := range found.Records {
		line := messageLine{Summary: r.Summary, KindName: req.kindWords(r.Kind), Page: messagePage(r.MsgID)}
		if line.Summary == "" {
			line.Summary = r.Topic
		}
		line.Warning, _ = prefs.Warning(r.Standing)
		line.Stamp, line.When = req.moment(r.Time)
		p.Messages = append(p.Messages, line)
	}
	if found.Next != 0 {
		next := url.Values{"before": {strconv.FormatInt(found.Next, 10)}}
		for name, value := range map[string]string{"package": p.Package, "user": p.Person, "app": p.App, "topic": p.Topic} {
			if value != "" {
				next.Set(name, value)
			}
		}
		p.Older = "/messages?" + next.Encode()
	}
	return req.show(200, "messages", p)
}

// messageView is one message and the outcomes of the user's filters for it.
type messageView struct {
	layout
	MessageID, Summary, Stamp, When, KindName, Kind, App, Topic, Severity string
	Keyword                                                               string
	Actor, Users, Packages, Objects, Standing, Link, LinkHost, Raw        string
	Thread                                                                string // the key of what it is about
	Warning, Caution                                                      string // of a marked message
	Address                                                               string // its link, when it is no link here
	ClaimedID, ClaimedBy                                                  string // what it claims to be, and that page
	Mended, LeftOut                                                       []string
	Late                                                                  bool // it filled a hole
	Matched                                                               bool
	Outcome                                                               string
	Outcomes                                                              outcomes
	Notices                                                               []noticeLine
}

func showMessage(req *request) error {
	r, err := req.messageRecord(req.r.PathValue("id"))
	if err != nil {
		return err
	}
	p, err := req.outcome(r)
	if err != nil {
		return err
	}
	p.layout = req.layout(text.ElideBytes(p.Summary, 80), "messages")
	return req.show(200, "message", p)
}

// outcome describes a message, and says what became of it for the user.
func (req *request) outcome(r history.Record) (messageView, error) {
	e, err := req.event(r)
	if err != nil {
		return messageView{}, err
	}
	p := req.describe(e)
	if p.ClaimedID = r.ClaimedID; p.ClaimedID != "" {
		p.ClaimedBy = messagePage(r.ClaimedID)
	}
	filters, err := req.Filters.List(req.r.Context(), req.user.ID)
	if err != nil {
		return messageView{}, err
	}
	p.Outcomes = req.explainFilters(e, filters)
	on := 0
	for _, f := range p.Outcomes.Matched {
		if f.On && !f.Ended {
			on++
			p.Matched = true
		}
	}
	if err := req.addNotices(&p, e.ID); err != nil {
		return messageView{}, err
	}
	p.Outcome = outcomeText(len(filters), on, len(p.Notices), len(p.Outcomes.Near))
	if on > 0 && len(p.Notices) == 0 {
		muted, err := req.mutedWords(e, r.Received, filters)
		if err != nil {
			return messageView{}, err
		}
		p.Outcome = cmp.Or(muted, p.Outcome)
	}
	return p, nil
}

// describe fills in the content of a message.
func (req *request) describe(e *catalogue.Event) messageView {
	prose := e.Prose()
	p := messageView{
		MessageID: e.ID, Summary: summary(e), KindName: e.KindName, Kind: e.Kind,
		App: e.App, Topic: e.Topic, Severity: e.Severity.String(), Keyword: string(e.Keyword),
		Actor: e.Actor, Users: some(e.Users), Packages: some(e.Packages), Objects: some(e.Objects), Thread: e.Thread,
		Standing: standingWords(e.Standing), Raw: indent(e.Payload),
		Mended: e.Mended, LeftOut: e.LeftOut(), Late: e.Late,
	}
	p.Stamp, p.When = req.moment(e.Time)
	if u, err := url.Parse(prose.Link); err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" {
		p.Link, p.LinkHost = u.String(), u.Host
	}
	p.Warning, p.Caution = prefs.Warning(e.Standing)
	p.Warning = capital(p.Warning)
	if p.Warning != "" && p.Link != "" && (req.KeepLinks == nil || !req.KeepLinks()) {
		p.Address, p.Link = text.Defang(p.Link), ""
	}
	return p
}

// seen returns of which sources the visitor may see messages.
func (req *request) seen() readers.Sources {
	switch {
	case req.Readers == nil:
		return readers.Sources{}
	case req.user.ID == 0:
		return req.Readers(nil)
	}
	return req.Readers(&req.user)
}

// event decodes a stored message again and describes it by the catalogue, as the router does with a new one.
func (req *request) event(r history.Record) (*catalogue.Event, error) {
	m, err := r.Message()
	if err != nil {
		return nil, err
	}
	return req.Describe(m), nil
}

// messageRecord finds a message by its id on the bus.
func (req *request) messageRecord(id string) (history.Record, error) {
	if id == "" || len(id) > bus.MaxTopic {
		return history.Record{}, prefs.ErrNotFound
	}
	r, err := req.History.Get(req.r.Context(), id, req.seen())
	if errors.Is(err, history.ErrNotFound) {
		return history.Record{}, fail(404, "There is no such message, or it is older than what is kept.")
	}
	return r, err
}

// apps are the applications of the catalogue.
func (req *request) apps() []choice {
	var list []choice
	for _, k := range req.MessageKinds() {
		if len(list) == 0 || list[len(list)-1].Value != k.App {
			list = append(list, choice{Value: k.App, Title: k.AppTitle})
		}
	}
	return list
}

// some joins names, at most 40 of them.
func some(names []string) string {
	const most = 40
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:most], ", ") + " and " + strconv.Itoa(len(names)-most) + " more"
}

// standingWords says what is proved of the sender: "signed by X", "stale, by X (…)".
func standingWords(t bus.Standing) string {
	words := t.Words()
	if words == "" {
		return "not looked at: an older version has stored the message"
	}
	if t.Reason != "" {
		words += " (" + t.Reason + ")"
	}
	return words
}

// rawMost bounds the raw message on a page, in bytes.
const rawMost = 256 << 10

// indent formats JSON for reading; any other payload stays as it is.
func indent(payload []byte) string {
	var out bytes.Buffer
	if len(payload) > rawMost || json.Indent(&out, payload, "", "  ") != nil || out.Len() > 2*rawMost {
		return text.ElideBytes(strings.ToValidUTF8(string(payload[:min(len(payload), rawMost)]), "\uFFFD"), rawMost)
	}
	return out.String()
}
