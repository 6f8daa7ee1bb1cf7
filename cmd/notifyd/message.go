package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// messageCmd is `notifyd message`.
type messageCmd struct {
	Describe messageDescribeCmd `cmd:"" help:"Say what messages mean: JSON Lines in, one JSON line each out."`
}

// messageDescribeCmd is `notifyd message describe`.
type messageDescribeCmd struct {
	archiveFlags
	Catalogue string `type:"existingdir" placeholder:"DIR" help:"Folder of a site's catalogue, laid over the embedded one."`
	Accounts  string `type:"existingfile" placeholder:"FILE" help:"JSON object of nicks, mail addresses and OpenIDs to accounts; what the daemon knows of them is not asked."`
	LeftOut   bool   `help:"Say too what the sentence does without, because the message has nothing for it."`
}

// description is one line of output. The order of the fields is that of the manual.
type description struct {
	ID            string   `json:"id"`
	Time          string   `json:"time"` // when it was sent, RFC 3339 in UTC
	Topic         string   `json:"topic"`
	App           string   `json:"app"`
	Kind          string   `json:"kind"`
	Title         string   `json:"title"`
	Summary       string   `json:"summary"`
	Link          string   `json:"link"`
	Icon          string   `json:"icon"`
	SecondaryIcon string   `json:"secondary_icon"`
	Actor         string   `json:"actor"`
	Users         []string `json:"users"`
	Packages      []string `json:"packages"`
	Groups        []string `json:"groups"`
	Objects       []string `json:"objects"`
	Severity      string   `json:"severity"`
	Keyword       string   `json:"keyword"`
	Phase         string   `json:"phase,omitempty"`
	Roles         roles    `json:"roles,omitzero"`
	LeftOut       []string `json:"left_out,omitempty"` // with --left-out: what the message has nothing for
	Mended        []string `json:"mended,omitempty"`
	Trust         standing `json:"trust"` // without --trust: unsigned, or unchecked
}

// roles says who is what to the thing that a message is about.
type roles struct {
	Author    []string `json:"author,omitempty"`
	Assigned  []string `json:"assigned,omitempty"`
	Mentioned []string `json:"mentioned,omitempty"`
	Watchers  []string `json:"watchers,omitempty"`
}

// standing is what is proved of a message's sender.
type standing struct {
	Verdict string `json:"verdict"`
	Signer  string `json:"signer"`
	Method  string `json:"method"`
	Reason  string `json:"reason"`
}

func standingOf(m *bus.Message) standing {
	s := m.Standing
	return standing{string(s.Verdict), s.Signer, string(s.Method), s.Reason}
}

// Run reads messages on standard input and writes one line for each, in order. For a line that is no message it
// writes a line with an error, and the status at the end is 1.
func (c *messageDescribeCmd) Run(e *env) error {
	cat, err := loadCatalogue(c.Catalogue)
	if err != nil {
		return err
	}
	if cat, err = withAccounts(cat, c.Accounts); err != nil {
		return err
	}
	verifier, err := c.verifier(e)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(e.stdout)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	bad := 0
	err = eachLine(e.stdin, func(line []byte) error {
		m, err := bus.DecodeLine(line, e.now())
		if err != nil {
			bad++
			return encoder.Encode(map[string]string{"error": err.Error()})
		}
		if verifier != nil {
			archived(verifier, e, m)
		}
		event := cat.Describe(m)
		d := describe(event)
		if c.LeftOut {
			d.LeftOut = event.LeftOut()
		}
		return encoder.Encode(d)
	})
	if err = errors.Join(err, out.Flush()); err != nil {
		return fmt.Errorf("describe messages: %w", err)
	}
	if bad > 0 {
		return fmt.Errorf("lines that are no messages: %d", bad)
	}
	return nil
}

func describe(ev *catalogue.Event) description {
	p := ev.Prose()
	return description{
		ID: ev.ID, Time: ev.Time.Format(time.RFC3339Nano),
		Topic: ev.Topic, App: ev.App, Kind: ev.Kind, Title: ev.Title,
		Summary: p.Summary, Link: p.Link, Icon: p.Icon, SecondaryIcon: p.SecondaryIcon,
		Actor: ev.Actor, Users: orEmpty(ev.Users), Packages: orEmpty(ev.Packages), Groups: orEmpty(ev.Groups),
		Objects:  orEmpty(ev.Objects),
		Severity: ev.Severity.String(), Keyword: string(ev.Keyword), Mended: ev.Mended, Trust: standingOf(ev.Message),
		Phase: string(ev.Phase()), Roles: roles(ev.Roles()),
	}
}

// orEmpty makes a missing list an empty one, so that readers of the JSON need no case for null.
func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func readAccounts(file string) (map[string]string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	var accounts map[string]string
	if err := json.Unmarshal(data, &accounts); err != nil {
		return nil, fmt.Errorf("read accounts in %s: want one JSON object of names to accounts: %w", file, err)
	}
	return accounts, nil
}

// eachLine calls do for every line that is not blank. On a line longer than any message it stops with an error.
func eachLine(r io.Reader, do func(line []byte) error) error {
	return eachNumberedLine(r, func(_ int, line []byte) error { return do(line) })
}

// eachNumberedLine is eachLine with the numbers of the lines, from 1.
func eachNumberedLine(r io.Reader, do func(n int, line []byte) error) error {
	scanner := bufio.NewScanner(r)
	scanner.Buffer(make([]byte, 0, 64<<10), bus.MaxPayload+bus.MaxTopic+1024)
	for n := 1; scanner.Scan(); n++ {
		line := bytes.TrimSpace(scanner.Bytes())
		if len(line) == 0 {
			continue
		}
		if err := do(n, bytes.Clone(line)); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	if err := scanner.Err(); err != nil {
		return fmt.Errorf("read lines: %w", err)
	}
	return nil
}
