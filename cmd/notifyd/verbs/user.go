package verbs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/notifyd/notifyd/cmd/notifyd/archive"
	"github.com/notifyd/notifyd/cmd/notifyd/people"
	"github.com/notifyd/notifyd/cmd/notifyd/records"
	"github.com/notifyd/notifyd/internal/text"
)

// UserCommand is `notifyd user`.
type UserCommand struct {
	List        userList    `cmd:"" help:"List accounts."`
	Show        userShow    `cmd:"" help:"Show one account whole: addresses, filters, sessions, tokens."`
	Disable     userDisable `cmd:"" help:"Switch an account off: nothing is sent, and nobody is signed in."`
	Enable      userEnable  `cmd:"" help:"Switch an account on again. What waited is sent."`
	Assign      userAssign  `cmd:"" help:"Give an account a name on the bus that the person has proved to you."`
	LetIn       userLetIn   `cmd:"" name:"let-in" help:"Let a new mail address sign in, of somebody who has no way in left."`
	Free        userFree    `cmd:"" help:"Let anybody who proves it have a name again that a person of before had."`
	Rename      userRename  `cmd:"" help:"Change a name that is only claimed."`
	Rebind      userRebind  `cmd:"" help:"Move identities, when a community changes its provider."`
	Invite      userInvite  `cmd:"" help:"Who may make an account, where that needs an invitation."`
	Delete      userDelete  `cmd:"" help:"Delete an account, with everything that is stored about the person."`
	Export      userExport  `cmd:"" help:"Write everything that is stored about a person into a ZIP file."`
	Token       userToken   `cmd:"" help:"Tokens of desktop agents."`
	Audit       userAudit   `cmd:"" help:"List who changed what of an account, or of all."`
	EndSessions userEnd     `cmd:"" name:"end-sessions" help:"End all sessions of an account: whoever is signed in is out."`
	Passkeys    userReset   `cmd:"" name:"reset-passkeys" help:"Take all passkeys of an account away, whose owner has lost them."`
}

// Help is printed by user --help.
func (*UserCommand) Help() string {
	return "Works in the daemon, where one answers at the admin socket, or else on the database. Every change is noted in " +
		"the audit, which the owner of the account sees, by the name of whoever runs this.\n" + statuses
}

type userList struct {
	Claimed  bool `help:"Only those whose name somebody has chosen, and nobody has proved."`
	Disabled bool `help:"Only those that are switched off."`
	Refused  bool `help:"Only those with a destination that refuses what is sent."`
	asJSON
}

// Run prints the accounts, by their numbers.
func (c *userList) Run(e *records.Env) error {
	a := people.Ask{Verb: "user.list"}
	for name, on := range map[string]bool{people.OnlyClaimed: c.Claimed, people.OnlyDisabled: c.Disabled,
		people.OnlyRefused: c.Refused} {
		if on {
			a.Only = append(a.Only, name)
		}
	}
	return list(e, c.asJSON, a, "there is no such account",
		"ID\tNAME\tPROOF\tROLE\tFILTERS\tDESTINATIONS\tREFUSED\tUSED\tDISABLED",
		func(a *people.Ask, last people.User) { a.After = last.ID },
		func(u people.User) string {
			return cells(u.ID, or(u.Name, "-"), or(u.Proof, "-"), u.Role, u.Filters, u.Destinations, u.Refused, moment(u.Used),
				or(u.Disabled, "-"))
		})
}

type userShow struct {
	who
	asJSON
}

// Run prints an account. Its owner sees in the audit that somebody looked.
func (c *userShow) Run(e *records.Env) error {
	return with(e, func(line people.Line) error {
		u, err := ask[people.Whole](e, line, people.Ask{Verb: "user.show", User: c.User})
		if err != nil {
			return err
		}
		if c.JSON {
			return encode(e, u)
		}
		_, err = io.WriteString(e.Stdout, whole(u))
		return err
	})
}

// whole writes an account for people.
func whole(u people.Whole) string {
	var b strings.Builder
	line := func(name string, values ...any) {
		fmt.Fprintf(&b, "%-12s %s\n", name, strings.ReplaceAll(cells(values...), "\t", "  "))
	}
	line("account", u.ID)
	line("name", or(u.Name, "-"), "("+or(u.Proof, "none")+")")
	line("role", u.Role)
	line("zone", or(u.Zone, "UTC"))
	line("made", moment(&u.Created))
	line("used", moment(u.Used))
	if u.Disabled != "" {
		line("disabled", u.Disabled, "(by "+u.DisabledBy+")")
	}
	for _, i := range u.Identities {
		line("identity", i.Issuer+":"+i.Subject, i.Name, strings.Join(i.Groups, " "))
	}
	for _, d := range u.Addresses {
		line("destination", d.ID, d.Backend+":"+d.Address, stateOf(d))
	}
	for _, f := range u.Rules {
		line("filter", f.ID, f.Name, stateOfFilter(f))
	}
	for _, s := range u.Sessions {
		line("session", s.ID, s.Way, s.Network, "begun "+moment(&s.Begun), "used "+moment(&s.Used), s.Agent)
	}
	for _, t := range u.Tokens {
		line("token", t.ID, t.Name, "made "+moment(&t.Created), "used "+moment(t.Used))
	}
	return b.String()
}

type userRename struct {
	who
	Name string `arg:"" placeholder:"NAME" help:"The new name."`
	asJSON
}

// Run renames.
func (c *userRename) Run(e *records.Env) error {
	return change(e, c.asJSON, people.Ask{Verb: "user.rename", User: c.User, Text: c.Name}, func(d people.Done) string {
		return fmt.Sprintf("account %d is named %s", d.ID, plain(d.Name))
	})
}

type userDelete struct {
	who
	sure
	asJSON
}

// Run deletes an account.
func (c *userDelete) Run(e *records.Env) error {
	if err := c.check("the deletion of an account"); err != nil {
		return err
	}
	return change(e, c.asJSON, people.Ask{Verb: "user.delete", User: c.User}, func(d people.Done) string {
		return called(d.ID, d.Name) + " is deleted"
	})
}

type userExport struct {
	who
	Output string `short:"o" required:"" placeholder:"FILE" help:"The file to make; - is standard output."`
}

// Run writes the archive. A file that could not be written whole is removed.
func (c *userExport) Run(e *records.Env) error {
	return with(e, func(line people.Line) error {
		if c.Output == "-" {
			return line.Archive(e.Ctx, e.Stdout, c.User)
		}
		file, err := os.OpenFile(c.Output, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		err = errors.Join(line.Archive(e.Ctx, file, c.User), file.Close())
		if err != nil {
			err = errors.Join(err, os.Remove(c.Output))
		}
		return err
	})
}

type userEnd struct {
	who
	asJSON
}

// Run ends sessions.
func (c *userEnd) Run(e *records.Env) error {
	return change(e, c.asJSON, people.Ask{Verb: "user.end-sessions", User: c.User}, func(d people.Done) string {
		return fmt.Sprintf("%d sessions of %s are ended", d.Count, called(d.ID, d.Name))
	})
}

type userReset struct {
	who
	asJSON
}

// Help is printed by user reset-passkeys --help.
func (*userReset) Help() string {
	return "Then a link that is mailed to the account is enough to sign in. Make sure first that it is the owner who asks. " +
		"The owner is told by mail, with a link that brings the passkeys back.\n" + statuses
}

// Run takes the passkeys away.
func (c *userReset) Run(e *records.Env) error {
	return change(e, c.asJSON, people.Ask{Verb: "user.reset-passkeys", User: c.User}, func(d people.Done) string {
		return fmt.Sprintf("%s of %s gone: a mailed link is enough again",
			text.Plural(d.Count, "passkey is", "passkeys are"), called(d.ID, d.Name))
	})
}

type userAudit struct {
	User  string `arg:"" optional:"" placeholder:"USER" help:"Whose account; none: of all."`
	Since string `placeholder:"WHEN" help:"Only what was changed since then: 90m, 2d, 2026-11-29, 2026-11-29T08:00."`
	asJSON
}

// Run prints the entries, oldest first.
func (c *userAudit) Run(e *records.Env) error {
	a := people.Ask{Verb: "user.audit", User: c.User}
	if c.Since != "" {
		var err error
		if a.Since, err = archive.Moment(c.Since, e.Now()); err != nil {
			return &people.Fault{Status: 2, Text: "--since: " + err.Error()}
		}
	}
	return list(e, c.asJSON, a, "nothing was changed", "TIME\tACCOUNT\tBY\tWHAT\tOBJECT",
		func(a *people.Ask, last people.Entry) { a.Entries = last.ID },
		func(one people.Entry) string {
			return cells(one.Time.UTC().Format(time.RFC3339), one.Account, one.Who, one.Said, one.Object)
		})
}
