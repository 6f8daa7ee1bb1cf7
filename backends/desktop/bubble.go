package desktop

import (
	"fmt"
	"strings"

	"github.com/esiqveland/notify"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/internal/text"
)

// A bubble is one notification as a person sees it; texts are plain.
type bubble struct {
	title, body, link, severity string
}

// The lengths of what is shown, in runes: servers lay out badly what is longer.
const (
	titleRunes = 150
	bodyRunes  = 600
	listed     = 6 // lines of a summary
)

// arrange makes bubbles of items: one each while they are few, else one for all that are not critical.
func arrange(items []Item, missed int64) []bubble {
	var single, rest []Item
	for _, it := range items {
		if len(items) <= maxSingly || it.Severity == "critical" && len(single) < maxSingly {
			single = append(single, it)
		} else {
			rest = append(rest, it)
		}
	}
	var bubbles []bubble
	if missed > 0 {
		bubbles = append(bubbles, bubble{title: "Older notices were dropped", severity: "warning",
			body: fmt.Sprintf("%d notices were too old to keep while this computer was away. "+
				"The page of recent notices has them.", missed)})
	}
	if len(rest) > 0 {
		bubbles = append(bubbles, summary(rest))
	}
	for _, it := range single {
		bubbles = append(bubbles, one(it))
	}
	return bubbles
}

// one is the bubble of one notice. What it means that a notice is marked stands before its text.
func one(it Item) bubble {
	b := bubble{title: it.Tag() + it.Title, body: it.Text, link: it.Link, severity: it.Severity}
	if it.Caution != "" {
		b.body = it.Caution + "\n\n" + it.Text
	}
	return b
}

// summary is one bubble for many notices, a line for each group of those that belong together. It leads to the page
// where they are all listed, where there is one.
func summary(items []Item) bubble {
	b := bubble{title: fmt.Sprintf("%d notices", len(items)), link: items[len(items)-1].Manage, severity: "info"}
	var notices []backends.Notice
	for _, it := range items {
		notices = append(notices, it.notice())
	}
	groups := backends.Merge(notices)
	more := len(items)
	var lines []string
	for _, g := range groups[:min(len(groups), listed)] {
		line := "• " + g.Notices[0].Tag() + text.ElideRunes(text.OneLine(g.Title), 80)
		if n := len(g.Notices); n > 1 {
			line = fmt.Sprintf("• %s%s (%d)", g.Notices[0].Tag(), text.ElideRunes(text.OneLine(g.Title), 120), n)
		}
		lines = append(lines, line)
		more -= len(g.Notices)
	}
	if more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	b.body = strings.Join(lines, "\n")
	return b
}

// notice gives back what merging needs of the notice that the item was made of.
func (it Item) notice() backends.Notice {
	return backends.Notice{
		ID: it.Message, Topic: it.Topic, Time: it.Time, App: it.App, Kind: it.Kind, KindName: it.KindName,
		Title: it.Title, Text: it.Text, Link: it.Link, Actor: it.Actor, Users: it.Users, Packages: it.Packages,
		Objects: it.Objects, Severity: it.Severity, Grouping: it.Grouping, Provenance: it.Provenance,
	}
}

// notification puts a bubble into the words of the specification. The title is never markup there; the body is where
// the server says so. Icons are names of the desktop's own theme: nothing is fetched from elsewhere.
func (b bubble) notification(markup, actions bool) notify.Notification {
	body := text.ElideRunes(strings.TrimSpace(text.Clean(b.body)), bodyRunes)
	if openable(b.link) && !actions {
		body = strings.TrimSpace(body + "\n" + b.link)
	}
	if markup {
		body = escape(body)
	}
	n := notify.Notification{
		AppName: "notifyd", AppIcon: icon(b.severity), Body: body,
		Summary:       text.ElideRunes(text.OneLine(b.title), titleRunes),
		ExpireTimeout: notify.ExpireTimeoutSetByNotificationServer,
	}
	if n.Summary == "" {
		n.Summary = "Notice"
	}
	if actions && openable(b.link) {
		n.Actions = []notify.Action{notify.NewDefaultAction("Open"), {Key: "open", Label: "Open"}}
	}
	n.SetUrgency(urgency(b.severity))
	n.AddHint(notify.Hint{ID: "category", Variant: variant("x-notifyd.notice")})
	n.AddHint(notify.Hint{ID: "desktop-entry", Variant: variant("notifyd")})
	return n
}

// urgency keeps critical for what is: servers leave such a bubble on the screen until it is clicked away.
func urgency(severity string) notify.Urgency {
	switch severity {
	case "debug":
		return notify.UrgencyLow
	case "critical":
		return notify.UrgencyCritical
	}
	return notify.UrgencyNormal
}

// icon gives a name of the freedesktop.org Icon Naming Specification.
func icon(severity string) string {
	switch severity {
	case "warning":
		return "dialog-warning"
	case "error", "critical":
		return "dialog-error"
	}
	return "dialog-information"
}

// escape makes a text markup that reads the same.
func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}
