package verbs

import (
	"fmt"

	"github.com/notifyd/notifyd/cmd/notifyd/people"
	"github.com/notifyd/notifyd/cmd/notifyd/records"
)

type userToken struct {
	List   tokenList   `cmd:"" help:"List the tokens of an account."`
	New    tokenNew    `cmd:"" help:"Make a token, and print it this once. Whoever has it can read the person's notices."`
	Revoke tokenRevoke `cmd:"" help:"Revoke a token."`
}

type tokenList struct {
	who
	asJSON
}

// Run prints tokens, without what lets anybody in.
func (c *tokenList) Run(e *records.Env) error {
	return list(e, c.asJSON, people.Ask{Verb: "token.list", User: c.User}, "there are no tokens",
		"ID\tNAME\tMADE\tUSED", nil,
		func(t people.Token) string { return cells(t.ID, t.Name, moment(&t.Created), moment(t.Used)) })
}

type tokenNew struct {
	who
	Name string `arg:"" placeholder:"NAME" help:"What the token is for, such as the name of a machine."`
	asJSON
}

// Run makes a token.
func (c *tokenNew) Run(e *records.Env) error {
	return change(e, c.asJSON, people.Ask{Verb: "token.new", User: c.User, Text: c.Name}, func(d people.Done) string {
		return d.Token
	})
}

type tokenRevoke struct {
	who
	ID uint `arg:"" placeholder:"ID" help:"The number that token list gives."`
	asJSON
}

// Run revokes a token.
func (c *tokenRevoke) Run(e *records.Env) error {
	return change(e, c.asJSON, people.Ask{Verb: "token.revoke", User: c.User, ID: c.ID}, func(d people.Done) string {
		return fmt.Sprintf("token %d of %s is revoked", c.ID, called(d.ID, d.Name))
	})
}
