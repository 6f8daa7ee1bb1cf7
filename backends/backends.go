// Package backends is what a notice is, and how it reaches a person.
//
// A backend knows one way to reach people, such as mail, and nothing of buses, rules or users. It is a folder here: its
// driver says what it is (Info) and opens it from its section of the configuration, and all/ lists the drivers.
// Whatever is sent goes through one method:
//
//	err := backend.Send(ctx, backends.Parcel{ID: "7f3a", To: "alice@example.org", Notices: notices})
//
// A Parcel is the unit of delivery: one Notice, or several as a digest. Delivery is "at least once" (Saltzer, Reed and
// Clark, End-to-End Arguments in System Design, 1984): the queue, package outbox, sends a parcel again, under the same
// ID, until Send gives nil or a final error. What a failure means is said by the errors that it wraps:
//
//	nil             taken by the far end (a mail server, an IRC server); nobody says that it was read
//	ErrUnavailable  the backend, or this network of it, is down: wait, and count no attempt (a circuit breaker opens)
//	ErrRefused      this content will never be taken: give it up
//	ErrGone         nothing will ever be taken for this address: switch the destination off
//	*Wait           this address must wait, and nothing is wrong: come again then, and count no attempt
//	anything else   try again later
//
// What more a backend can do it says by an interface of one method: it keeps a connection (Runner), each node keeps one
// of its own (Everywhere), its addresses lie on networks that fail independently (Partitioned), it has metrics
// (Metered), or agents fetch from it (Fetched). No caller knows the type of a backend, or compares its name.
//
// The notices of a digest that share a key are one group (Merge): one line, with one sentence about all of them, which
// a template in their Grouping or a convention gives.
//
// backendtest holds every backend to these promises. CONTRIBUTING.md says how to add one.
package backends

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/internal/metric"
)

// A Notice is what a person is told about one message. All its texts are as they were published: a backend cleans them
// for its own protocol.
type Notice struct {
	ID       string    // the message's id on the bus, or a name of our own for account mail
	Topic    string    // the bus topic; "" for account mail
	Time     time.Time // when it happened; a backend gets it in the zone of the person
	App      string
	Kind     string
	KindName string
	Title    string // a short line, no newline: mail subject, bubble head
	Text     string // the sentence, and more where there is more; plain text
	Link     string // "" or an absolute http(s) URL; "" where the sender is not proved
	Icon     string // "" or an absolute http(s) URL
	Actor    string
	Users    []string
	Packages []string
	Objects  []string // the first is the thread
	Severity string   // "debug", "info", "warning", "error", "critical"
	Why      []Reason // every filter that matched; empty for account mail
	// Relations are what the person is to the thing it is about: "owner", "group", "mentioned", "assigned", "author",
	// "watcher"; the closest first. Empty where nothing is known.
	Relations []string `json:",omitempty"`
	// Phase is where the first of Objects stands: "started", "finished", "solved", "reopened"; "" for most.
	Phase    string   `json:",omitempty"`
	Grouping Grouping `json:",omitzero"` // what it shares with others of a digest

	Document *Document `json:",omitempty"` // nil for nearly all

	// Secret refers to a secret that is made for each attempt to send, so that it is stored nowhere: see SecretMark. ""
	// for nearly all, and for all that a backend gets.
	Secret string `json:",omitempty"`

	Answers string `json:",omitempty"` // the Message-ID of the mail that it answers; "" for nearly all

	Folded int `json:",omitzero"` // how many notices this one stands for, which were counted and not kept

	Provenance
}

// A Reason is a filter that matched, and so one answer to "why did I get this".
type Reason struct {
	Filter   string // its name
	Sentence string // the filter in words
	Link     string // page of the filter; "" where no base URL is configured
	Stop     string // signed link that stops this filter for this destination: GET shows a page, POST acts (RFC 8058)
}

// A Parcel is what one Send hands over: one notice, or a digest of several.
type Parcel struct {
	ID      string   // the same on every retry, unique otherwise: becomes the Message-ID
	To      string   // the address, as CheckAddress accepted it
	Notices []Notice // never empty; more than one is a digest, oldest first
	Manage  string   // page where the person changes what is sent; "" where there are no pages
	Mute    string   // page where the person mutes what a message is about, without its id; "" where there is none
	Page    string   // page that lists all of the notices; "" where there are no pages
	Note    string   // why it comes as it does: "64 notices came within 10 minutes; here they are together."; "" for most
	// Destination is the key of the destination in the outbox; "" where there is none.
	Destination string
	// Options are what its owner has chosen of Info.Options, by name; what is not there has its default.
	Options map[string]string

	// Holder returns the account of a network that had the address when it was confirmed; "" where none is known. It is
	// for backends whose addresses can change hands, such as nicks. nil: nothing is known.
	Holder func(ctx context.Context) (string, error)
	// Held notes which account has the address now, for a parcel whose secret confirms it: before the secret is sent. nil
	// for all other parcels.
	Held func(ctx context.Context, account string) error
}

// A Backend delivers notices in one way: by mail, to IRC, to a desktop.
type Backend interface {
	// Send delivers the parcel; nil means that the far end has taken all of it. An error that wraps ErrRefused is
	// final: the address (then it wraps ErrGone too) or the content will never be taken. Any other error is worth a
	// retry with the same Parcel.ID. An error that wraps ErrUnavailable says that the backend as a whole is down, not
	// this address. Send honours ctx, is safe for concurrent use, and puts neither secrets nor addresses into its
	// errors.
	Send(ctx context.Context, p Parcel) error
}

// A Runner is a Backend with work of its own, such as a connection to keep up.
type Runner interface {
	// Run works until ctx ends, and returns nil when all that it started has ended.
	Run(ctx context.Context) error
}

// An Informed backend has an Info that depends on its configuration, or on what it has learned since.
type Informed interface {
	Info() Info
}

// A Respelling backend may learn that two addresses are one, such as two spellings of a nick.
type Respelling interface {
	// Spelling changes when the canonical form of an address may have changed. It must be quick and safe for concurrent
	// use.
	Spelling() string
}

// Everywhere marks a Runner whose work each of several nodes does for itself, such as closing its own idle connections.
// Any other Runner runs on one node at a time: an IRC server knows one of us by our nick. Only that node sends by it,
// and when another one takes over, Run is called there; it may come back, so Run may be called again once it has
// returned. A backend that is no Runner sends from every node.
type Everywhere interface {
	// RunsEverywhere does nothing.
	RunsEverywhere()
}

// OnEveryNode reports whether a backend sends from all of several nodes at a time.
func OnEveryNode(b Backend) bool {
	_, runs := b.(Runner)
	_, everywhere := b.(Everywhere)
	return !runs || everywhere
}

// A Partitioned backend reaches its addresses through several networks that fail independently, such as those of IRC.
// Its ErrUnavailable is about the network of the parcel's address; the other networks go on.
type Partitioned interface {
	// Network names the network of an address; "" where it has none. It must be quick and safe for concurrent use.
	Network(address string) string
}

// An Elastic backend finds out how much its far end takes.
type Elastic interface {
	// Sends is how many calls of Send are of use at the same time now. It must be quick and safe for concurrent use.
	Sends() int
}

// A Metered backend offers metrics. Their exporter knows nothing else of the backend.
type Metered interface {
	// Collect emits every series that the backend has, as it stands now. It waits for no server and is safe at any time.
	Collect(emit metric.Emit)
}

// A Fetched backend sends nothing: it keeps a feed for each address, which the agents of its owner read.
type Fetched interface {
	// Stream serves GET /api/v1/notices (see doc/api.md). authorize gives the address whose feed a request may read,
	// or "" where its token is no good; its error says that nobody can tell now. It is called again while a stream
	// goes on, so that a token that was revoked ends it. A stream ends with its request, and with Run.
	Stream(authorize func(*http.Request) (address string, err error)) http.Handler
}

// An Info is what pages and commands need to know of a backend without opening it.
type Info struct {
	Name         string                               // "email"
	Title        string                               // "Email"
	Doc          string                               // one or two sentences
	AddressTitle string                               // "Email address"
	CheckAddress func(address string) (string, error) // gives the canonical form; the error is for who typed it

	// Caution returns what the owner of an address should know of it; "" for nothing. nil: there never is anything.
	Caution func(address string) string
	// StopWord is what somebody says at an address to end what is sent there; "": nothing is understood.
	StopWord string
	// SignIn says that links reach the person who has an address, in a program that opens them: the pages send links to
	// sign in this way. Where several backends can, the first of the list does.
	SignIn bool
	// Options are what people may choose about the looks of what is sent.
	Options []Option
	// Agent is the command of a Fetched backend's agent: "notifyd desktop". A person has one address of such a backend,
	// which nobody types, and a token for each machine on which the agent runs. "" where people type addresses.
	Agent string
	// Keeps are the tables in which the backend itself keeps what goes to an address, each with a column address: a
	// person's export has these rows, and they are deleted with the destination.
	Keeps []string
}

// A Driver is a backend as the configuration opens it, like the drivers of database/sql. backends/all lists them.
type Driver struct {
	Info Info
	// Always says that the backend is there without a section in the configuration too.
	Always bool
	// Open makes a backend. decode fills a struct with the section backends.NAME of the configuration, strictly and by
	// its yaml tags; Open returns decode's error as it is. A nil Backend says that the section is empty: the backend is
	// not used. Nothing is dialled yet; a backend that is a Runner must be run.
	//
	// A configuration with a method SetDefaults has it called after decode, so that what is printed is in effect.
	//
	// A key whose name ends in token, password, secret, key, dsn, cookie or the like is a secret: it is masked wherever
	// the configuration is printed, and may be read from a file (NAME_file). The tag secret:"true" makes a secret of any
	// other key; secret:"false" says that a key only sounds like one, such as the path of a key.
	Open func(decode func(into any) error, parts Parts) (Backend, error)
}

// Stopped is what a Parts.Stop has done.
type Stopped struct {
	Destinations int  // that were switched off
	Claims       int  // of people who have asked for a code that is worthless now
	Bound        bool // there is a destination, and whoever asked is not logged in to the account that confirmed it
}

// Parts are what backends are made of besides their configuration. Each takes what it needs.
type Parts struct {
	Log    *slog.Logger
	Now    func() time.Time
	Random func() float64 // in [0, 1), for jitter; safe for concurrent use
	Manage string         // page where people change what they get; "" where there are no pages

	// Stop ends what is sent to an address, for somebody who has it and says so there. account is theirs on the network
	// of the address; "": none. nil: nobody can.
	Stop func(ctx context.Context, backend, address, account string) (Stopped, error)
	// Command does what somebody says who gets notices: "help", "mute 2h", "stop" and the like. How often somebody may say
	// something is the backend's to bound. The error is for the log. nil: nothing is understood.
	Command func(ctx context.Context, c Command) (Answer, error)
	// Returns takes what comes back of what was sent. nil: nothing is done with it.
	Returns Returns

	// Back says that whoever has an address is there again: what waits for it with HeldAway or HeldBarred goes now. nil:
	// it goes when its time has come.
	Back func(ctx context.Context, backend, address string) error

	// The program's database, for a backend that keeps its notices there: see migrations.DB. Both are nil where the
	// configuration is only checked.
	Writer, Reader *gorm.DB
}

// A Wait is an error of Send that is about the address alone: nothing was sent to it, the parcel is good, and the
// backend is up. Its person is away, or others are before it in the queue. No attempt is counted. What waits is kept
// until then, and goes as a digest with what else has come, but for account mail.
type Wait struct {
	For  time.Duration // from now; Parts.Back may end it earlier
	Hold string        // why, in a word: HeldAway, HeldBarred or HeldInTurn
	Err  error         // why, for the log and the page of the destination
}

// The words of Wait.Hold. prefs/schedule has sentences for them.
const (
	HeldAway   = "away"   // the person is not there
	HeldBarred = "barred" // the person's own program takes nothing from us
	HeldInTurn = "turn"   // others are first
)

func (w *Wait) Error() string { return w.Err.Error() }

// Unwrap gives the reason.
func (w *Wait) Unwrap() error { return w.Err }

// The classes of failure. An error of Send wraps one of them, or none: then it is worth a retry.
var (
	ErrRefused     = errors.New("refused")
	ErrUnavailable = errors.New("unavailable")
	// ErrGone is an ErrRefused that is about the address, not about this content: nothing will ever be taken for it.
	ErrGone = fmt.Errorf("address %w", ErrRefused)

	// ErrToken is the error for a token that is not ours, or too old; ErrAgain for what came before.
	ErrToken = errors.New("the token is not ours, or too old")
	ErrAgain = errors.New("it came before")
)
