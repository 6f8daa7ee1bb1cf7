package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// filterExplainCmd is `notifyd filter explain`.
type filterExplainCmd struct {
	filterFlags
	archiveFlags
	JSON bool `name:"json" help:"One line of JSON for each message and filter."`
}

// An explainLine is one line of its JSON output.
type explainLine struct {
	ID      string        `json:"msg_id"`
	Topic   string        `json:"topic"`
	Filter  string        `json:"filter"`
	On      bool          `json:"on"`
	Matched bool          `json:"matched"`
	Broken  string        `json:"broken,omitempty"` // why it matches nothing as it stands
	Rules   []verdictLine `json:"rules"`
}

type verdictLine struct {
	Rule      string `json:"rule"` // in its text form
	Holds     bool   `json:"holds"`
	Evaluated bool   `json:"evaluated"` // false: it cannot be evaluated, and Reason has the cause
	Reason    string `json:"reason"`
}

// Help is printed by filter explain --help.
func (*filterExplainCmd) Help() string {
	return "Exit status: 0 every message was explained; 2 a filter has a mistake, or something could not be read."
}

// Run explains every filter, also those that are broken or switched off, on each message of standard input.
func (c *filterExplainCmd) Run(e *env) error { return e.finish(c.explain(e)) }

func (c *filterExplainCmd) explain(e *env) error {
	set, err := c.filterFlags.openFor(e, &c.archiveFlags)
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
	if x.Broken != nil {
		line.Broken = brokenText(x.Broken)
	}
	for i, v := range x.Rules {
		line.Rules[i] = verdictLineOf(v)
	}
	return line
}

func verdictLineOf(v rules.RuleOutcome) verdictLine {
	return verdictLine{Rule: v.Rule.String(), Holds: v.Holds, Evaluated: v.Err == nil, Reason: v.Reason}
}

// brokenText returns the mistakes of a filter on one line, without the name of the filter.
func brokenText(err error) string {
	errs := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		errs = joined.Unwrap()
	}
	words := make([]string, len(errs))
	for i, err := range errs {
		words[i] = textOf(err)
		var wrong *rulespec.Error
		if errors.As(err, &wrong) {
			nameless := *wrong
			nameless.Filter = ""
			words[i] = nameless.Text()
		}
	}
	return strings.Join(words, "; ")
}

// String returns the explanation for people: a line for the filter and one for each rule.
func (l explainLine) String() string { return l.text(l.verdict()) }

// verdict returns the result of the filter in words.
func (l explainLine) verdict() string {
	switch {
	case l.Broken != "":
		return "is broken: " + l.Broken
	case l.Matched:
		return "matches"
	case !l.On:
		return "is switched off"
	}
	return "does not match"
}

// text returns the explanation for people; said is the sentence about the filter as a whole.
func (l explainLine) text(said string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "  %s: %s\n", visible(l.Filter), visible(said))
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
