package web

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/notifyd/notifyd/history/report"
)

// Reports are what was said in a week and the like: see the package history/report.
type Reports struct {
	Set  func() *report.Set // the current reports
	Desk *report.Desk
	// Public says that everybody may read them. Otherwise they are for those who are signed in, as the pages of messages
	// are.
	Public bool
}

// The windows that a page links to, and the entries of a feed.
const (
	linkedWindows = 12
	feedEntries   = 8
)

// addReports adds the routes of reports, where there are any.
func (s *site) addReports(routes []route) []route {
	if s.Reports == nil {
		return routes
	}
	return append(routes,
		route{pattern: "GET /reports", open: s.Reports.Public, serve: listReports},
		route{pattern: "GET /reports/{name}", open: s.Reports.Public, serve: showReport})
}

// reportsView is the list of reports.
type reportsView struct {
	layout
	Reports []reportLine
}

type reportLine struct{ Title, About, Page, Window string }

func listReports(req *request) error {
	p := reportsView{layout: req.layout("Reports", "reports")}
	for _, r := range req.Reports.Set().All() {
		p.Reports = append(p.Reports, reportLine{r.Title, r.About, "/reports/" + r.Name, r.Window.Words()})
	}
	return req.show(http.StatusOK, "reports", p)
}

// reportView is one report of one window.
type reportView struct {
	layout
	Heading string
	Body    template.HTML // written by html/template, from the package report
	Windows []windowLine  // the current one and earlier ones
	Made    string        // when it was made
	Stamp   string
}

type windowLine struct {
	Words, Page string
	Shown       bool
}

func showReport(req *request) error {
	name, feed := strings.CutSuffix(req.r.PathValue("name"), ".atom")
	r := req.Reports.Set().Find(name)
	if r == nil {
		return fail(http.StatusNotFound, "There is no such report.")
	}
	if !req.allowed(req.limits.archive) {
		return fail(http.StatusTooManyRequests, "That was a lot at once. Wait a minute, then go on.")
	}
	if feed {
		return req.reportFeed(r)
	}
	earlier, err := req.Reports.Desk.Earlier(req.r.Context(), r, req.seen(), linkedWindows)
	if err != nil {
		return err
	}
	start, _ := req.Reports.Desk.Latest(r)
	p := reportView{layout: req.layout(r.Title, "reports"), Heading: r.Title,
		Windows: []windowLine{{Words: "Now", Page: "/reports/" + r.Name}}}
	if of := req.r.URL.Query().Get("of"); of != "" {
		if start, err = req.windowOf(r, of); err != nil {
			return err
		}
	}
	for _, w := range earlier {
		day := w.Format(time.DateOnly)
		p.Windows = append(p.Windows, windowLine{w.Format("2 Jan 2006"), "/reports/" + r.Name + "?of=" + day, w.Equal(start)})
	}
	made, err := req.reportOf(r, start)
	if err != nil {
		return err
	}
	p.Windows[0].Shown, p.Heading, p.Title = !made.Finished, made.Title, made.Title
	if p.Body, err = made.HTML(); err != nil {
		return err
	}
	p.Stamp, p.Made = req.moment(made.Made)
	if req.Reports.Public {
		p.Feed = "/reports/" + r.Name + ".atom"
	}
	return req.show(http.StatusOK, "report", p)
}

// windowOf gives the beginning of the window that a visitor asks for by one of its days.
func (req *request) windowOf(r *report.Report, day string) (start time.Time, err error) {
	if start, err = time.ParseInLocation(time.DateOnly, day, r.Zone); err != nil {
		return start, fail(http.StatusNotFound, "There is no report of this time.")
	}
	start = r.Window.Start(start.Add(12*time.Hour), r.Zone)
	current, _ := req.Reports.Desk.Latest(r)
	if start.After(current) {
		return start, fail(http.StatusNotFound, "There is no report of this time: it has not begun.")
	}
	if !start.Equal(current) { // only of what is kept, so that nobody asks for thousands of empty ones
		earlier, err := req.Reports.Desk.Earlier(req.r.Context(), r, req.seen(), report.MaxEarlier)
		if err != nil {
			return start, err
		}
		if len(earlier) == 0 || start.Before(earlier[len(earlier)-1]) {
			return start, fail(http.StatusNotFound,
				"There is no report of this time: the messages of that time are not kept.")
		}
	}
	return start, nil
}

// reportOf makes a report, or finds it, and puts what keeps it from that into words.
func (req *request) reportOf(r *report.Report, start time.Time) (*report.Result, error) {
	made, err := req.Reports.Desk.Window(req.r.Context(), r, req.seen(), start)
	switch {
	case errors.Is(err, report.ErrBusy):
		req.w.Header().Set("Retry-After", "30")
		return nil, fail(http.StatusServiceUnavailable, "Too many reports are being made. Try again in half a minute.")
	case errors.Is(err, report.ErrSlow):
		return nil, fail(http.StatusServiceUnavailable, "This report takes too long for a page. "+
			"Who operates this service can have it mailed, or make it smaller.")
	case errors.Is(err, report.ErrNoWindow):
		return nil, fail(http.StatusNotFound, "There is no report of this time.")
	}
	return made, err
}

// reportFeed serves the feed of a report: an entry for each window that is over.
func (req *request) reportFeed(r *report.Report) error {
	earlier, err := req.Reports.Desk.Earlier(req.r.Context(), r, req.seen(), feedEntries)
	if err != nil {
		return err
	}
	var results []*report.Result
	for _, start := range earlier {
		made, err := req.reportOf(r, start)
		if err != nil {
			return err
		}
		results = append(results, made)
	}
	current, _ := req.Reports.Desk.Latest(r)
	out, err := r.Atom(strings.TrimSuffix(req.BaseURL, "/")+"/reports/"+r.Name, results, current)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(out)
	tag := `"` + hex.EncodeToString(sum[:12]) + `"`
	h := req.w.Header()
	h.Set("ETag", tag)
	h.Set("Last-Modified", current.UTC().Format(http.TimeFormat))
	h.Set("Cache-Control", "max-age=300")
	if !req.Reports.Public || req.user.ID != 0 { // who is signed in may see more than others
		h.Set("Cache-Control", "private, max-age=300")
	}
	if known(req.r.Header.Values("If-None-Match"), tag) {
		req.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Type", "application/atom+xml; charset=utf-8")
	_, err = req.w.Write(out)
	return ignoreGone(err)
}

// known reports whether one of the tags in If-None-Match is that of what there is (RFC 9110, 13.1.2).
func known(asked []string, tag string) bool {
	for one := range strings.SplitSeq(strings.Join(asked, ","), ",") {
		if one = strings.TrimSpace(one); one == "*" || strings.TrimPrefix(one, "W/") == tag {
			return true
		}
	}
	return false
}
