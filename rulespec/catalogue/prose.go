package catalogue

import (
	"net/url"
	"strings"

	"github.com/notifyd/notifyd/rulespec/catalogue/language"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

func (s *scope) prose() Prose {
	summary := values.Line(strings.ReplaceAll(s.render(s.summary), language.NoValue, ""), maxSummary)
	summary = s.named(summary)
	broken := s.Broken()
	p := Prose{
		Summary:       summary,
		Link:          s.link(),
		Icon:          s.app.icon,
		SecondaryIcon: cleanLink(s.render(s.secondaryIcon)),
	}
	if s.icon != nil {
		p.Icon = cleanLink(s.render(s.icon))
	}
	if broken { // the conventional sentence replaces it
		p.Summary = ""
	}
	if s.secondaryIcon == nil {
		p.SecondaryIcon = values.Avatar(s.actorName)
	}
	return p
}

// link gives the first of the entry's links that is whole, on the host of the message's environment.
func (s *scope) link() string {
	for _, x := range s.links {
		if link := cleanLink(s.render(x)); link != "" && !gapped(link) {
			return s.staged(link)
		}
	}
	return ""
}

// staged moves a link of a message from staging to the host of staging, where the application has one.
func (s *scope) staged(link string) string {
	switch s.topic.Environment {
	case "stg", "stage", "staging":
	default:
		return link
	}
	u, err := url.Parse(link)
	if err != nil || s.app.hosts[u.Host] == "" {
		return link
	}
	u.Host = s.app.hosts[u.Host]
	return u.String()
}

// named says Somebody where a sentence begins with the text that stands for nobody: "null built bash".
func (s *scope) named(summary string) string {
	rest, ok := strings.CutPrefix(summary, s.nobody)
	if ok && s.nobody != "" && (strings.HasPrefix(rest, " ") || strings.HasPrefix(rest, "'s ")) {
		return "Somebody" + rest
	}
	return summary
}

func (s *scope) render(x *fieldSentence) string {
	if x == nil {
		return ""
	}
	out, err := x.Render(&s.Scope)
	if err != nil {
		s.catalogue.failed(s.app, x.origin)
		return ""
	}
	return out
}

// cleanLink gives the link that a sentence rendered, "" where it is none. A link with a hole leads nowhere.
func cleanLink(link string) string {
	if strings.Contains(link, language.NoValue) {
		return ""
	}
	return values.Link(link)
}

// gapped reports whether a link lacks a part of its path, or the value at its end.
func gapped(link string) bool {
	u, err := url.Parse(link)
	return err != nil || strings.Contains(u.Path, "//") || strings.HasSuffix(link, "=")
}
