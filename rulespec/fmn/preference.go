package fmn

import (
	"fmt"
	"strings"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/rulespec"
)

// preference carries over one medium with its filters.
func (m *importer) preference(p preference) {
	medium := p.Context.Name
	what := "medium " + quoted(medium)
	to, reason := m.addresses(medium, p.DetailValues)
	if reason == "" && p.Enabled != nil && !*p.Enabled {
		reason = "it was switched off"
	}
	m.looks(p, what)
	m.digest(p, what, to)
	scope := &translator{catalogue: m.Catalogue, nick: p.nick()}
	for _, f := range p.Filters {
		c := &carried{FileFilter: rulespec.FileFilter{On: true, Once: f.OneShot, To: to}}
		c.Owner = scope.nick
		if !printable(scope.nick) {
			c.Owner = ""
		}
		if reason != "" {
			c.off(what, reason)
		}
		if f.Active != nil && !*f.Active {
			c.On = false
		}
		for _, r := range f.Rules {
			c.classic(scope, r)
		}
		m.add(c, f.Name, strings.TrimSpace("FMN "+f.ID.String()), medium)
	}
	if len(p.Filters) == 0 && reason != "" {
		m.notes = append(m.notes, Note{What: what, Reason: reason})
	}
}

// addresses gives the destinations of a medium, or why there are none.
func (m *importer) addresses(medium string, values []string) (to []string, reason string) {
	switch medium {
	case "email", "irc":
	case "sse":
		return nil, "the page of notices shows them without being asked"
	case "desktop":
		return nil, "the desktop has to be added as a destination on the page"
	default:
		return nil, "there is no such medium here"
	}
	for _, value := range values {
		if medium == "irc" {
			if m.IRCNetwork == "" {
				return nil, "a nick needs a network: say --irc-network"
			}
			value += "@" + m.IRCNetwork
		}
		address, wrong := m.address(medium, value)
		if wrong != "" {
			return nil, "the address " + quoted(value) + ": " + wrong
		}
		to = append(to, medium+":"+address)
	}
	if len(to) == 0 {
		return nil, "it has no address, so FMN sent nothing"
	}
	return to, ""
}

// address checks one address; wrong is for a person.
func (m *importer) address(backend, address string) (canonical, wrong string) {
	if m.CheckAddress != nil {
		var err error
		if address, err = m.CheckAddress(backend, address); err != nil {
			return "", err.Error()
		}
	}
	if strings.TrimSpace(address) == "" || !printable(backend+":"+address) {
		return "", "it cannot be written down"
	}
	return address, ""
}

// looks notes what FMN could change about how notices look, and we do not.
func (m *importer) looks(p preference, what string) {
	note := func(setting, reason string) {
		m.notes = append(m.notes, Note{What: what + ", " + setting, Reason: reason})
	}
	if p.MarkupMessages {
		note("markup_messages", "whether notices have colours is for the backend to say")
	}
	if p.ShortenLinks {
		note("shorten_links", "links are never shortened")
	}
	if p.TriggeredByLinks != nil && !*p.TriggeredByLinks {
		note("triggered_by_links", "notices always say which filter matched")
	}
	if p.Verbose != nil && !*p.Verbose && (p.BatchDelta != nil || p.BatchCount != nil) {
		note("verbose", "digests always have a line for each notice")
	}
}

func quoted(s string) string {
	return fmt.Sprintf("%q", text.ElideBytes(s, 80))
}
