// Package visit is the contract of pages that stand in rooms of their own beside package web.
//
// Such a room lists its pages: who may see each, and a function that makes a view of a visit. Package web does the
// rest: it knows the visitor, checks the form and the rates, refuses who may not see the page, and renders the view by
// a template in web/templates, whose data is the layout and the field Data.
//
//	func Pages(o Options) []visit.Page {
//		return []visit.Page{{Pattern: "GET /operators", For: visit.Helpers, Serve: o.list}}
//	}
//
//	func (o Options) list(v *visit.Visit) (*visit.View, error) {
//		return &visit.View{Template: "operators", Title: "Operators", Data: listView{...}}, nil
//	}
//
// The rules of package web hold: only a POST acts, a page returns an error instead of writing one, and what a visitor
// may not see is not there (404).
package visit

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
)

// Audience is who may see a page.
type Audience int

// Everybody needs no account, Members are signed in, Helpers read what belongs to others, Admins change it.
const (
	Members Audience = iota
	Everybody
	Helpers
	Admins
)

// A Page is a route of the site.
type Page struct {
	Pattern string // method and path, as http.ServeMux reads it: "GET /operators/{id}"
	For     Audience
	Fresh   bool  // the visitor must have signed in within the last minutes
	Limit   int64 // bytes of a posted form; 0: as other pages
	Serve   func(*Visit) (*View, error)
}

// A Visit is one request of a visitor.
type Visit struct {
	Request *http.Request  // its form is parsed, where it is a POST
	User    prefs.User     // the zero User: nobody is signed in
	Login   accounts.Login // how they are; the zero Login: nobody is
	Role    accounts.Role
	Network string // where the request comes from, as limits count it
	Now     time.Time
	Zone    *time.Location

	Shelf Shelf // what the visitor's session keeps from one request to the next
}

// A Shelf keeps values on the server, with the session of a visitor who need not be signed in. What is on it goes when
// somebody signs in.
type Shelf interface {
	// Put keeps a value until a time.
	Put(name string, value []byte, until time.Time)
	// Get returns a value; nil where there is none, or it is too old.
	Get(name string) []byte
	// Take returns a value and takes it away.
	Take(name string) []byte
}

// Context ends with the request.
func (v *Visit) Context() context.Context { return v.Request.Context() }

// Form returns a field of the posted form without surrounding blanks.
func (v *Visit) Form(name string) string { return strings.TrimSpace(v.Request.PostFormValue(name)) }

// ID reads a number in the path; anything but a positive one is not found.
func (v *Visit) ID(name string) (uint, error) {
	n, err := strconv.ParseUint(v.Request.PathValue(name), 10, 32)
	if err != nil || n == 0 {
		return 0, prefs.ErrNotFound
	}
	return uint(n), nil
}

// A View is the answer: a page, a redirect, or a file.
type View struct {
	Status      int    // 0: 200
	Template    string // of the page: its file in web/templates, without .html
	Title, Here string // of the page; the entry of the navigation that it belongs to
	Data        any

	// Owner is whose filters, destinations and notices the template shows, in its field Owned; nil: nobody's.
	Owner *Owner

	To   string // instead of a page: the path of this site to go to
	File *File  // instead of a page: a download
	JSON any    // instead of a page: for programs
	Away string // after the page, which says so: the address of another site that the browser goes on to

	Login   *accounts.Login // who is signed in from now on, on this browser
	Freshen bool            // the owner of the login was proved to be there
	Cookies []*http.Cookie

	Tone, Flash string // a message that the next page shows once; the tone is "", good or warn
	Changed     bool   // what is delivered has changed
}

// An Owner is somebody else, whose account an operator looks at as its owner does.
type Owner struct {
	User    prefs.User
	Masked  bool   // addresses are hidden
	Message string // the id of a message: show what became of it; "": show what is set up
}

// A File is a download that is written while it is made.
type File struct {
	Name, Type string // such as "account.zip" and its media type
	Write      func(io.Writer) error
}

// A Failure is an error for the visitor: a status and a sentence.
type Failure struct {
	Status int
	Text   string
}

// Error returns the sentence.
func (f *Failure) Error() string { return f.Text }

// Fail makes a Failure.
func Fail(status int, text string) error { return &Failure{status, text} }
