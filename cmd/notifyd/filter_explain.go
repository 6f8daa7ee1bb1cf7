package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// filterExplainCmd is `notifyd filter explain`.
type filterExplainCmd struct {
	filterFlags
	JSON bool `name:"json" help:"One line of JSON for each message and filter."`
}

// An explainLine is one line of its JSON output.
type explainLine struct {
	ID      string        `json:"msg_id"`
	Topic   string        `json:"topic"`
	Filter  string        `json:"filter"`
	On      bool          `json:"on"`
	Matched bool          `json:"matched"`
	Rules   []verdictLine `json:"rules"`
}

type verdictLine struct {
	Rule      string `json:"rule"` // in its text form
	Holds     bool   `json:"holds"`
	Evaluated bool   `json:"evaluated"` // false: it cannot be, and Reason says why
	Reason    string `json:"reason"`
}

// Run explains every filter, also those that are broken or switched off, on each message of standard input.
func (c *filterExplainCmd) Run(e *env) error {
	set, err := c.open(e)
	if err != nil {
		return err
	}
	return set.each(e, c.File, func(out *json.Encoder, text io.Writer, event *catalogue.Event) error {
		if !c.JSON {
			heading := strings.TrimSpace(line(event.ID) + "  " + line(event.Topic) + "  " + line(event.Prose().Summary))
			if _, err := fmt.Fprintf(text, "%s\n", heading); err != nil {
				return err
			}
		}
		for i := range set.filters {
			line := set.explain(event, i)
			if c.JSON {
				if err := out.Encode(line); err != nil {
					return err
				}
			} else if _, err := io.WriteString(text, line.String()); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *filterSet) explain(event *catalogue.Event, place int) explainLine {
	f := s.filters[place]
	x := rules.Explain(s.env, event, s.directory, f.Filter)
	line := explainLine{
		ID: event.ID, Topic: event.Topic, Filter: f.Name, On: f.On, Matched: x.Matched && f.On,
		Rules: make([]verdictLine, len(x.Rules)),
	}
	for i, v := range x.Rules {
		line.Rules[i] = verdictLineOf(v)
	}
	return line
}

func verdictLineOf(v rules.RuleOutcome) verdictLine {
	return verdictLine{Rule: v.Rule.String(), Holds: v.Holds, Evaluated: v.Err == nil, Reason: v.Reason}
}

// String gives the explanation for people: a line for the filter and one for each rule.
func (l explainLine) String() string {
	var b strings.Builder
	verdict := "does not match"
	switch {
	case l.Matched:
		verdict = "matches"
	case !l.On:
		verdict = "is switched off"
	}
	fmt.Fprintf(&b, "  %s: %s\n", visible(l.Filter), verdict)
	for _, r := range l.Rules {
		mark := "no "
		switch {
		case !r.Evaluated:
			mark = "?  "
		case r.Holds:
			mark = "yes"
		}
		fmt.Fprintf(&b, "    %s  %s  (%s)\n", mark, visible(r.Rule), visible(r.Reason))
	}
	return b.String()
}
