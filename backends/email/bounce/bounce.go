// Package bounce tells what a mail is that comes back: a report that a mail was not delivered, a complaint, an answer
// that a program has written, or something that a person says.
//
//	read := bounce.Read(raw)
//	switch read.Kind { case bounce.Hard: … }
//
// The order in which it looks is the trick: a report (RFC 3464, RFC 5965) also says that a program has written it
// (RFC 3834), so what an answer of a program looks like is asked last. A status of 5.x.x alone says little: in four of
// ten reports it is about the content, the sender or a full mailbox. So words decide first, then the status, then the
// code.
//
//	mime.go       the parts of a mail, however broken
//	status.go     the fields of a delivery report, in a part of their own or in the text
//	shapes.go     reports without such fields: who could not be reached, and which lines say why
//	words.go      what the words of servers mean: the table
//	codes.go      what the codes mean
//	verdict.go    one kind of it all
//	complaint.go  complaints
//	automatic.go  answers of programs, and their table
//
// The package is pure, and nothing that it reads is trusted: sizes, depths and counts are bounded, and what it says of
// addresses is what the mail says. Who a report is about is known by a signed token alone; see Report.Words.
package bounce

import "strings"

// A Kind is what a mail means for the address to which we wrote.
type Kind string

// These are the kinds. Only Hard and Complaint may end an address at once.
const (
	Hard      Kind = "hard"       // there is no such mailbox, and there will be none
	Soft      Kind = "soft"       // the way to it fails, or the mailbox is shut for now
	Full      Kind = "full"       // the mailbox is full
	Content   Kind = "content"    // this mail is not wanted: its size, its text, what is in it
	Policy    Kind = "policy"     // we are not wanted: a list of senders, DNS, authentication
	Complaint Kind = "complaint"  // the person has called it unwanted
	AutoReply Kind = "auto-reply" // a program has answered: a vacation, a ticket, a challenge
	Delayed   Kind = "delayed"    // not yet delivered: the last word comes later
	Success   Kind = "success"    // it was delivered
	Unknown   Kind = "unknown"    // a report that says nothing that we understand
	Written   Kind = "written"    // none of these: somebody has written it
)

// A Recipient is somebody whom a report names.
type Recipient struct {
	Address    string // as the mail says, without proof
	Kind       Kind
	Status     string // such as 5.1.1; "" for none
	Diagnostic string // what a server said, on one line
}

// A Report is what was read of a mail.
type Report struct {
	Kind       Kind
	Recipients []Recipient
	Status     string // of the first recipient that has one
	Words      string // why, in the words of a server, for people; "" where nothing was found
	Original   string // Message-ID of the mail that it is about, without proof
	Mail       *Mail
}

// Read reads a mail. Whatever it is given it gives a Report.
func Read(raw []byte) Report {
	m := Parse(raw)
	r := Report{Mail: m, Original: strings.Trim(m.returned.first("message-id"), "<> ")}
	switch {
	case m.complains():
		m.complaint(&r)
	case m.reports():
		m.report(&r)
	case m.automatic():
		r.Kind = AutoReply
	default:
		r.Kind = Written
	}
	return r
}
