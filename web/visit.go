package web

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"slices"
	"time"

	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/web/visit"
)

// addPages adds the routes of the rooms beside this one.
func (s *site) addPages(routes []route) []route {
	for _, p := range slices.Concat(s.SignIn.Pages(), s.Pages) {
		routes = append(routes, route{
			pattern: p.Pattern, open: p.For == visit.Everybody, limit: p.Limit, serve: servePage(p),
		})
	}
	return routes
}

// servePage makes the handler of a page of another room. A page that the visitor may not see is not there.
func servePage(p visit.Page) handler {
	return func(req *request) error {
		role := req.role()
		if p.For == visit.Helpers && role < accounts.Helper || p.For == visit.Admins && role < accounts.Admin {
			return fail(http.StatusNotFound, noSuchPage)
		}
		if p.Fresh && !req.login.IsFresh(req.Now()) { // only now: else it would say that the page is there
			return req.askFresh()
		}
		view, err := p.Serve(req.visit(role))
		if err != nil {
			return seen(err)
		}
		return req.showView(view)
	}
}

// visit is the request as pages of other rooms get it.
func (req *request) visit(role accounts.Role) *visit.Visit {
	return &visit.Visit{
		Request: req.r, User: req.user, Login: req.login, Role: role,
		Network: req.client(req.r), Now: req.Now(), Zone: req.zone, Shelf: shelf{req},
	}
}

// seen is the error of a page of another room as this one shows it.
func seen(err error) error {
	var failure *visit.Failure
	if errors.As(err, &failure) {
		return fail(failure.Status, failure.Text)
	}
	return refusal(err)
}

// role returns what the visitor may do beyond their own account.
func (req *request) role() accounts.Role {
	if req.Role == nil || req.user.ID == 0 {
		return accounts.User
	}
	return req.Role(req.user)
}

// pageView is what a template of another room's page gets.
type pageView struct {
	layout
	Data  any
	Owned *ownedView // of visit.View.Owner; nil: none
}

func (req *request) showView(v *visit.View) error {
	if v.Changed {
		req.Changed()
	}
	for _, c := range v.Cookies {
		http.SetCookie(req.w, c)
	}
	if v.Login != nil {
		if err := req.begin(*v.Login); err != nil {
			return err
		}
	}
	if v.Freshen {
		if err := req.freshen(); err != nil {
			return err
		}
	}
	if v.Flash != "" {
		req.flash(v.Tone, v.Flash)
	}
	if v.Away != "" {
		req.w.Header().Set("Refresh", "0; url="+v.Away)
	}
	switch {
	case v.To != "":
		return req.redirect(v.To)
	case v.File != nil:
		return req.download(v.File)
	case v.JSON != nil:
		return req.json(cmp.Or(v.Status, http.StatusOK), v.JSON)
	}
	page := pageView{Data: v.Data}
	if v.Owner != nil {
		var err error
		if page.Owned, err = req.owned(v.Owner); err != nil {
			return err
		}
	}
	page.layout = req.layout(v.Title, v.Here)
	return req.show(cmp.Or(v.Status, http.StatusOK), v.Template, page)
}

// ownedView is what somebody's own pages show them, for an operator.
type ownedView struct {
	Filters      []filterView
	Destinations []destinationView
	Warnings     []warning
	Notices      []noticeLine
	Message      *messageView // with the outcome of their filters
	Unreadable   bool         // the person may not see the message
}

// ownedNotices is how many notices an operator sees.
const ownedNotices = 20

// owned makes the views of somebody's pages by the functions that make them for their owner. What the visitor may not
// read is not shown, whoever got a notice of it.
func (req *request) owned(o *visit.Owner) (*ownedView, error) {
	theirs := *req
	theirs.user, theirs.masked = o.User, o.Masked
	if o.Message != "" {
		r, err := req.messageRecord(o.Message)
		if err != nil {
			return nil, err
		}
		m, err := theirs.outcome(r)
		if err != nil {
			return nil, err
		}
		_, err = theirs.messageRecord(o.Message)
		return &ownedView{Message: &m, Unreadable: err != nil}, nil
	}
	filters, ds, err := theirs.filterViews("")
	if err != nil {
		return nil, err
	}
	v := &ownedView{Filters: filters, Warnings: warnings(ds)}
	for _, d := range ds {
		v.Destinations = append(v.Destinations, theirs.destinationView(d))
	}
	if v.Notices, _, err = theirs.notices(ds, ownedNotices, 0, ""); err != nil {
		return nil, err
	}
	return v, req.hideUnreadable(v.Notices)
}

// hideUnreadable takes the text from notices of messages that the visitor may not see.
func (req *request) hideUnreadable(lines []noticeLine) error {
	if seen := req.seen(); !seen.Only && len(seen.Names) == 0 {
		return nil
	}
	for i := range lines {
		if lines[i].Message == "" {
			continue
		}
		_, err := req.messageRecord(lines[i].Message)
		var gone *failure
		if errors.As(err, &gone) || errors.Is(err, prefs.ErrNotFound) {
			lines[i].Text, lines[i].Page = "(you may not read this message, or it is no longer kept)", ""
		} else if err != nil {
			return err
		}
	}
	return nil
}

// download writes a file while it is made. An error in the middle of it breaks the connection off, so that nobody takes
// a part for the whole.
func (req *request) download(f *visit.File) error {
	req.w.Header().Set("Content-Type", f.Type)
	req.w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.Name}))
	if err := f.Write(patient{req.w, http.NewResponseController(req.w)}); err != nil {
		if req.r.Context().Err() == nil {
			req.Log.Error("download broke off", slog.Any("err", err))
		}
		panic(http.ErrAbortHandler)
	}
	return nil
}

// A patient writer gives a slow reader a minute for each part of a large file, instead of one for all.
type patient struct {
	w       io.Writer
	control *http.ResponseController
}

// Write writes a part.
func (p patient) Write(part []byte) (int, error) {
	// where it cannot be set the time for the whole answer holds
	_ = p.control.SetWriteDeadline(time.Now().Add(time.Minute))
	return p.w.Write(part)
}

// json answers a program.
func (req *request) json(status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	req.w.Header().Set("Content-Type", "application/json; charset=utf-8")
	req.w.WriteHeader(status)
	_, err = req.w.Write(append(body, '\n'))
	return ignoreGone(err)
}
