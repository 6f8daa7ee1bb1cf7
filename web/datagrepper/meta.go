package datagrepper

import (
	"fmt"
	"slices"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history"
)

// legacyMeta are the names of datagrepper 0.9 that 1.1 warns of, and what they are called there.
var legacyMeta = map[string]string{"subtitle": "summary", "link": "url", "icon": "app_icon"}

// metaNames are all values of meta. Those of datagrepper 0.9 are taken in both.
var metaNames = []string{"summary", "text", "url", "app_icon", "agent_avatar", "usernames", "packages", "containers",
	"modules", "flatpaks", "date", "subtitle", "link", "icon", "title", "secondary_icon", "objects"}

func checkMeta(meta []string) error {
	for _, name := range meta {
		if !slices.Contains(metaNames, name) {
			return badRequest(fmt.Sprintf("meta must be in %v. Got %q", metaNames, clip(name)))
		}
	}
	return nil
}

// meta gives what the catalogue says of a message.
func (req *request) meta(s history.Selected, m *bus.Message, meta []string) map[string]any {
	e := req.Describe(m)
	prose := e.Prose()
	all := map[string]any{
		"summary": orTopic(s), "text": orTopic(s), "url": nullable(s.Link), "app_icon": nullable(prose.Icon),
		"agent_avatar": nullable(prose.SecondaryIcon), "usernames": list(s.Users), "packages": list(s.Packages),
		"containers": []string{}, "modules": []string{}, "flatpaks": []string{},
		"date": humanize(s.Time, req.Now()), "title": e.Title, "objects": list(e.Objects),
		"secondary_icon": nullable(prose.SecondaryIcon),
	}
	given, warnings := make(map[string]any), []string{}
	for _, name := range meta {
		if today := legacyMeta[name]; today != "" {
			given[name] = all[today]
			warnings = append(warnings, fmt.Sprintf("Meta %s is deprecated and has been replaced by %s", name, today))
			continue
		}
		given[name] = all[name]
	}
	if len(warnings) > 0 && !req.Old {
		given["WARNING"] = warnings
	}
	return given
}

func orTopic(s history.Selected) string {
	if s.Summary == "" {
		return s.Topic
	}
	return s.Summary
}

const day = 24 * time.Hour

// humanize says how long ago something was, in the words of Python's arrow. Months are those of the calendar.
func humanize(then, now time.Time) string {
	ago, form := now.Sub(then).Round(time.Second), "%s ago"
	if ago < 0 {
		ago, form = -ago, "in %s"
	}
	then, now = then.UTC(), now.UTC()
	months := (now.Year()-then.Year())*12 + int(now.Month()) - int(then.Month())
	switch {
	case ago < 10*time.Second:
		return "just now"
	case ago < time.Minute:
		return fmt.Sprintf(form, fmt.Sprintf("%d seconds", ago/time.Second))
	case ago < time.Hour:
		return fmt.Sprintf(form, several(int(ago/time.Minute), "a minute", "minutes"))
	case ago < day:
		return fmt.Sprintf(form, several(int(ago/time.Hour), "an hour", "hours"))
	case ago < 7*day:
		return fmt.Sprintf(form, several(int(ago/day), "a day", "days"))
	case ago < 30*day+12*time.Hour:
		return fmt.Sprintf(form, several(int(ago/(7*day)), "a week", "weeks"))
	case ago < 61*day:
		return fmt.Sprintf(form, "a month")
	case ago < 365*day:
		return fmt.Sprintf(form, several(max(months, -months, 2), "", "months"))
	}
	return fmt.Sprintf(form, several(int(ago/(365*day)), "a year", "years"))
}

func several(n int, one, many string) string {
	if n < 2 {
		return one
	}
	return fmt.Sprintf("%d %s", n, many)
}
