package catalogue

import (
	"net/url"
	"path"
	"strings"

	"github.com/notifyd/notifyd/rulespec/catalogue/convention"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// prose gives what people read, and what is left out of it.
func (s *scope) prose() (p Prose, left []string) {
	p.Icon = s.app.icon
	p.Summary, left = s.sentence()
	if p.Link = s.link(); p.Link == "" && len(s.links) > 0 {
		left = append(left, "link")
	}
	if s.icon != nil {
		p.Icon = s.url(s.icon)
	}
	p.SecondaryIcon = s.url(s.secondaryIcon)
	if s.secondaryIcon == nil {
		p.SecondaryIcon = values.Avatar(s.actorName)
	}
	return p, left
}

// sentence gives the entry's sentence, and what it does without for this message.
func (s *scope) sentence() (string, []string) {
	if !s.render(s.summary) {
		return "", nil
	}
	s.silent = s.Silent()
	return s.named(values.Line(s.Mended(s.actorSource()), maxSummary)), s.LeftOut()
}

// actorSource gives the expression for who did it, "" where the entry has none.
func (e *entry) actorSource() string {
	if e.actor == nil {
		return ""
	}
	return e.actor.source
}

// link gives the first of the entry's links that is whole, on the host of the message's environment; where none is, the
// best that the message has. An entry that has no links wants none.
func (s *scope) link() string {
	for _, x := range s.links {
		if link := s.url(x); link != "" {
			return s.staged(link)
		}
	}
	if len(s.links) == 0 {
		return ""
	}
	return s.whole(convention.Link(s.source.Body, s.topic.Words))
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

// url gives the URL that a sentence says, "" where it is none or lacks a part.
func (s *scope) url(x *fieldSentence) string {
	if x == nil || !s.render(x) || !s.Whole() {
		return ""
	}
	return s.whole(s.Text())
}

// render writes a sentence, and says whether there was time for it.
func (s *scope) render(x *fieldSentence) bool {
	if _, err := x.Render(&s.Scope); err != nil {
		s.catalogue.failed(s.app, x.origin)
		return false
	}
	return true
}

// whole gives a link that is whole: see wholeLink.
func (s *scope) whole(link string) string {
	if _, path, _ := strings.Cut(link, "://"); strings.Contains(path, "//") && !s.Read(s.source.Body) {
		return ""
	}
	return wholeLink(link, s.source.Body)
}

// wholeLink gives a link, "" where it is none, or lacks a part: two slashes in its path have nothing between them,
// unless the sender wrote them so in a URL.
func wholeLink(link string, body any) string {
	link = values.Link(link)
	u, err := url.Parse(link)
	if err != nil || strings.Contains(u.Path, "://") || !values.HasAllParts(u, link) {
		return ""
	}
	before, after, doubled := strings.Cut(u.Path, "//")
	if !doubled {
		return link
	}
	after, _, _ = strings.Cut(after, "/")
	own := path.Base(u.Host+before) + "//" + after
	if after == "" || !values.Contains(body, own) {
		return ""
	}
	return link
}
