package verbs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/notifyd/notifyd/cmd/notifyd/people"
	"github.com/notifyd/notifyd/cmd/notifyd/records"
)

type userDisable struct {
	who
	Reason string `required:"" placeholder:"TEXT" help:"Why: its owner reads it when signing in."`
	asJSON
}

// Run disables an account.
func (c *userDisable) Run(e *records.Env) error {
	a := people.Ask{Verb: "user.disable", User: c.User, Text: c.Reason}
	return change(e, c.asJSON, a, func(d people.Done) string {
		return called(d.ID, d.Name) + " is switched off: nothing is sent, and nobody is signed in"
	})
}

type userEnable struct {
	who
	asJSON
}

// Run enables an account.
func (c *userEnable) Run(e *records.Env) error {
	return change(e, c.asJSON, people.Ask{Verb: "user.enable", User: c.User}, func(d people.Done) string {
		return called(d.ID, d.Name) + " is switched on"
	})
}

type userAssign struct {
	who
	Name string `arg:"" placeholder:"NAME" help:"The name on the bus that the person has proved to you; an empty one takes it away."`
	asJSON
}

// Run assigns a name.
func (c *userAssign) Run(e *records.Env) error {
	return change(e, c.asJSON, people.Ask{Verb: "user.assign", User: c.User, Text: c.Name}, func(d people.Done) string {
		if d.Name == "" {
			return fmt.Sprintf("account %d has no name", d.ID)
		}
		return fmt.Sprintf("account %d has the name %s, on your word", d.ID, plain(d.Name))
	})
}

type userLetIn struct {
	who
	Address string `arg:"" placeholder:"ADDRESS" help:"A mail address that is theirs, as they have shown you."`
	asJSON
}

// Run makes an address a way in.
func (c *userLetIn) Run(e *records.Env) error {
	ask := people.Ask{Verb: "user.let-in", User: c.User, Text: c.Address}
	return change(e, c.asJSON, ask, func(d people.Done) string {
		return "links to sign in are mailed to " + plain(d.Name) + " from now on; it gets no notices until its owner " +
			"switches it on"
	})
}

type userFree struct {
	Name string `arg:"" placeholder:"NAME" help:"A name that nobody has, and a person of before had."`
	asJSON
}

// Run lets anybody have a name again.
func (c *userFree) Run(e *records.Env) error {
	return change(e, c.asJSON, people.Ask{Verb: "user.free", Text: c.Name}, func(d people.Done) string {
		return "anybody who proves it may have the name " + plain(d.Name) + " again"
	})
}

type userRebind struct {
	From     string `arg:"" placeholder:"ISSUER" help:"The provider of before."`
	To       string `arg:"" placeholder:"ISSUER" help:"The provider of now."`
	Subjects string `placeholder:"FILE" help:"Lines with a subject of before and one of now; - is standard input. Without it all subjects stay as they are."`
	sure
	asJSON
}

// Run moves identities.
func (c *userRebind) Run(e *records.Env) error {
	if err := c.check("moving identities, which ends the sessions by them,"); err != nil {
		return err
	}
	a := people.Ask{Verb: "user.rebind", From: c.From, Text: c.To}
	if c.Subjects != "" {
		text, err := readSubjects(e.Stdin, c.Subjects)
		if err != nil {
			return err
		}
		if a.Subjects, err = subjects(text); err != nil {
			return &people.Fault{Status: 2, Text: c.Subjects + ": " + err.Error()}
		}
	}
	return with(e, func(line people.Line) error {
		done, err := ask[people.Rebinding](e, line, a)
		if err != nil {
			return err
		}
		if c.JSON {
			return encode(e, done)
		}
		fmt.Fprintf(e.Stdout, "%d identities are moved\n", done.Moved)
		for _, s := range done.Unknown {
			fmt.Fprintf(e.Stdout, "%s of before leads to no account\n", plain(s))
		}
		for _, s := range done.Bound {
			fmt.Fprintf(e.Stdout, "%s of now leads to another account already: it is left as it was\n", plain(s))
		}
		return nil
	})
}

// maxSubjects bounds the file of subjects, in bytes.
const maxSubjects = 3 << 20

func readSubjects(stdin io.Reader, name string) (string, error) {
	in := stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return "", err
		}
		defer file.Close()
		in = file
	}
	text, err := io.ReadAll(io.LimitReader(in, maxSubjects+1))
	if err == nil && len(text) > maxSubjects {
		err = fmt.Errorf("%s is larger than %d bytes", name, maxSubjects)
	}
	return string(text), err
}

// subjects reads lines with a subject of before and one of now, with blanks between. Empty lines mean nothing.
func subjects(text string) (map[string]string, error) {
	all, now := map[string]string{}, map[string]bool{}
	n := 0
	for line := range strings.Lines(text) {
		n++
		pair := strings.Fields(line)
		switch {
		case len(pair) == 0:
			continue
		case len(pair) != 2:
			return nil, fmt.Errorf("line %d: expected a subject of before and one of now", n)
		case all[pair[0]] != "" || now[pair[1]]:
			return nil, fmt.Errorf("line %d: a subject is there twice", n)
		}
		all[pair[0]], now[pair[1]] = pair[1], true
	}
	if len(all) == 0 {
		return nil, errors.New("there are no subjects in it")
	}
	return all, nil
}

type userInvite struct {
	New      inviteNew      `cmd:"" default:"withargs" help:"Let somebody make an account, where that needs an invitation."`
	List     inviteList     `cmd:"" help:"List the invitations that can be taken up."`
	Withdraw inviteWithdraw `cmd:"" help:"Take an invitation back."`
}

type inviteNew struct {
	Subject string        `arg:"" placeholder:"ADDRESS" help:"An address, or a name that a provider or the directory proves."`
	For     time.Duration `default:"336h" placeholder:"336h" help:"How long it can be taken up."`
	asJSON
}

// Run invites.
func (c *inviteNew) Run(e *records.Env) error {
	return with(e, func(line people.Line) error {
		made, err := ask[people.Invitation](e, line, people.Ask{Verb: "user.invite", Text: c.Subject, For: c.For})
		if err != nil {
			return err
		}
		if c.JSON {
			return encode(e, made)
		}
		_, err = fmt.Fprintf(e.Stdout, "%s may make an account until %s; no mail is sent\n", plain(made.Subject),
			moment(&made.Expires))
		return err
	})
}

type inviteList struct{ asJSON }

// Run prints invitations.
func (c *inviteList) Run(e *records.Env) error {
	return list(e, c.asJSON, people.Ask{Verb: "user.invitations"}, "nobody is invited", "SUBJECT\tBY\tMADE\tEXPIRES", nil,
		func(i people.Invitation) string { return cells(i.Subject, i.By, moment(&i.Made), moment(&i.Expires)) })
}

type inviteWithdraw struct {
	Subject string `arg:"" placeholder:"ADDRESS" help:"The address or the name."`
	asJSON
}

// Run takes an invitation back.
func (c *inviteWithdraw) Run(e *records.Env) error {
	return change(e, c.asJSON, people.Ask{Verb: "user.withdraw", Text: c.Subject}, func(d people.Done) string {
		return plain(d.Name) + " is not invited any more"
	})
}
