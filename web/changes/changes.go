// Package changes is the page on which people see who changed what of their account, and the same as a file.
package changes

import (
	"encoding/json"
	"io"
	"strconv"
	"time"

	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/web/visit"
)

// perPage is how many changes a page shows.
const perPage = 50

// Pages are the page and the file.
func Pages(audit *accounts.Audit) []visit.Page {
	p := pages{audit}
	return []visit.Page{
		{Pattern: "GET /settings/history", For: visit.Members, Serve: p.list},
		{Pattern: "GET /settings/history.jsonl", For: visit.Members, Serve: p.file},
	}
}

type pages struct{ audit *accounts.Audit }

// A Page is a part of the list of changes, newest first.
type Page struct {
	Lines []Line
	Older string // the address of the next page; "": this is the last
}

// A Line is one change in words.
type Line struct {
	What, By, Network, Stamp, When string
	Named                          string // the thing that was changed, by the name that it had
	Differences                    []accounts.Difference
	Alert                          bool // somebody else did it
}

func (p pages) list(v *visit.Visit) (*visit.View, error) {
	before, _ := strconv.ParseInt(v.Request.URL.Query().Get("before"), 10, 64) // anything else means the newest
	entries, err := p.audit.Of(v.Context(), v.User.ID, max(before, 0), perPage)
	if err != nil {
		return nil, err
	}
	page := Page{Lines: Lines(entries, v.Zone)}
	if len(entries) == perPage {
		page.Older = "/settings/history?before=" + strconv.FormatInt(entries[perPage-1].ID, 10)
	}
	return &visit.View{Template: "changes", Title: "What was changed", Here: "settings", Data: page}, nil
}

// file writes all changes as JSON Lines, oldest first.
func (p pages) file(v *visit.Visit) (*visit.View, error) {
	return &visit.View{File: &visit.File{Name: "changes.jsonl", Type: "application/jsonl", Write: func(w io.Writer) error {
		out := json.NewEncoder(w)
		out.SetEscapeHTML(false)
		for e, err := range p.audit.Walk(v.Context(), v.User.ID, time.Time{}) {
			if err != nil {
				return err
			}
			if err := out.Encode(e.Line()); err != nil {
				return err
			}
		}
		return nil
	}}}, nil
}

// Lines puts entries into words for the owner of the account.
func Lines(entries []accounts.Entry, zone *time.Location) []Line {
	lines := make([]Line, 0, len(entries))
	for _, e := range entries {
		lines = append(lines, line(e, zone))
	}
	return lines
}

// nameFields are the fields that say which thing it is.
var nameFields = []string{"filter", "destination", "token", "page", "passkey", "session"}

func line(e accounts.Entry, zone *time.Location) Line {
	l := Line{
		What: e.What.Words(), By: e.By.By(), Network: e.By.Network,
		Stamp: e.At.UTC().Format(time.RFC3339), When: e.At.In(zone).Format("2 January 2006, 15:04"),
		Alert: e.By.Kind == accounts.Operator || e.By.Kind == accounts.Command,
	}
	named := e.Before
	if named == nil {
		named = e.After
	}
	for _, field := range nameFields {
		if e.What == accounts.AccountRegister {
			break // whose account it is needs no saying
		}
		if l.Named = named[field]; l.Named != "" {
			break
		}
	}
	all := e.Differences()
	said := false // in a sentence
	for _, d := range all {
		said = said || d.Field == "says"
	}
	for _, d := range all {
		if d.Field == "rules" && said || d.Field != "says" && (d.Before == l.Named || d.After == l.Named) &&
			(e.Before == nil || e.After == nil) {
			continue // the sentence says what the rules do; the line names the thing already
		}
		l.Differences = append(l.Differences, d)
	}
	return l
}
