package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/trust"
)

// busCmd is `notifyd bus`.
type busCmd struct {
	Verify busVerifyCmd `cmd:"" help:"Say who has signed messages: JSON Lines in, one verdict a line out."`
}

// busVerifyCmd is `notifyd bus verify`.
type busVerifyCmd struct {
	trustFlags
	AtMessageTime bool     `xor:"time" help:"A certificate counts that was valid at the message's own time, and no message is stale (the default): for archives."`
	Now           bool     `xor:"time" help:"Judge each message as serve would if it came now."`
	Source        string   `placeholder:"NAME" help:"Judge by what bus.trust.sources says of this source."`
	Good          []string `enum:"body_only,wrong_signer,stale,unsigned,unchecked,invalid" placeholder:"VERDICT" help:"Verdicts that count as good beside signed and trusted, such as body_only."`
	JSON          bool     `name:"json" help:"One JSON object a line, instead of columns with tabs between them."`
}

// malformedVerdict stands in the place of the verdict for a line that is no message.
const malformedVerdict = "malformed"

// A judgement is one line of output. The order of the fields is that of the manual.
type judgement struct {
	Line    int    `json:"line"`
	ID      string `json:"id"`
	Topic   string `json:"topic"`
	Verdict string `json:"verdict"`
	Signer  string `json:"signer"`
	Method  string `json:"method"`
	Action  string `json:"action"` // what serve would do
	Reason  string `json:"reason"`
}

// Help is the rest of the help text.
func (*busVerifyCmd) Help() string {
	return `A line has the number of the line that was read, the id of the message, the verdict, who has signed, and why.
doc/trust.md explains the verdicts.

Exit status: 0 all are signed, or as --good says; 1 one is not, or is no message; 2 something could not be read.`
}

// Run writes a line for each message: the number of its line, its id, the verdict, the signer and the reason. Like gpgv
// it ends with status 0 only if all are signed, with 1 if one is not, and with 2 if something cannot be read.
func (c *busVerifyCmd) Run(e *env) error {
	v, err := c.open(e)
	if err != nil {
		return e.finish(err)
	}
	if !v.Checks() {
		fmt.Fprintln(e.stderr, "warning: there is neither a CA nor an OpenPGP key, so nothing can be checked")
	}
	warnOfTrust(e, v)
	bad := 0
	err = eachNumberedLine(e.stdin, func(n int, line []byte) error {
		j := c.judge(e, v, line)
		j.Line = n
		if !c.good(j.Verdict) {
			bad++
		}
		return c.print(e, j)
	})
	switch {
	case err != nil:
		return e.finish(fmt.Errorf("verify messages: %w", err))
	case bad > 0:
		fmt.Fprintf(e.stderr, "notifyd: lines that are not proved: %d\n", bad)
		return statusUnexpected
	}
	return nil
}

// good reports whether a verdict is what the person hopes for.
func (c *busVerifyCmd) good(verdict string) bool {
	return bus.Standing{Verdict: bus.Verdict(verdict)}.Proved() || slices.Contains(c.Good, verdict)
}

// judge decodes and judges one line.
func (c *busVerifyCmd) judge(e *env, v *trust.Verifier, line []byte) judgement {
	m, err := bus.DecodeLine(line, e.now())
	if err != nil {
		return judgement{Verdict: malformedVerdict, Reason: err.Error()}
	}
	m.Source = c.Source
	var action trust.Action
	if c.Now {
		m.Standing, action = v.Judge(m, e.now())
	} else {
		action = archived(v, e, m)
	}
	s := m.Standing
	return judgement{
		ID: m.ID, Topic: m.Topic, Verdict: string(s.Verdict), Signer: s.Signer, Method: string(s.Method),
		Action: string(action), Reason: s.Reason,
	}
}

func (c *busVerifyCmd) print(e *env, j judgement) error {
	if c.JSON {
		encoder := json.NewEncoder(e.stdout)
		encoder.SetEscapeHTML(false)
		return encoder.Encode(j)
	}
	columns := []string{fmt.Sprint(j.Line), cmp.Or(j.ID, "-"), j.Verdict, cmp.Or(j.Signer, "-"), j.Reason}
	for i, text := range columns {
		columns[i] = visible(strings.NewReplacer("\t", " ", "\n", " ").Replace(text))
	}
	_, err := fmt.Fprintln(e.stdout, strings.TrimRight(strings.Join(columns, "\t"), "\t"))
	return err
}
