package catalogue

import (
	"net/url"
	"strings"

	"github.com/notifyd/notifyd/rulespec/catalogue/language"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

func (s *scope) prose() Prose {
	summary := values.Line(strings.ReplaceAll(s.render(s.summary), language.NoValue, ""), maxSummary)
	broken := s.Broken()
	p := Prose{
		Summary:       summary,
		Link:          cleanLink(s.render(s.link)),
		Icon:          s.app.icon,
		SecondaryIcon: cleanLink(s.render(s.secondaryIcon)),
	}
	if s.icon != nil {
		p.Icon = cleanLink(s.render(s.icon))
	}
	if broken { // the conventional sentence says what there is
		p.Summary = ""
		if gapped(p.Link) {
			p.Link = ""
		}
	}
	if s.secondaryIcon == nil {
		p.SecondaryIcon = values.Avatar(s.actorName)
	}
	return p
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

// cleanLink gives what a sentence makes a link, "" where it is none or has a hole, which leads nowhere.
func cleanLink(link string) string {
	if strings.Contains(link, language.NoValue) {
		return ""
	}
	return values.Link(link)
}

// gapped says whether a link lacks a part of its path or the value that it ends with.
func gapped(link string) bool {
	u, err := url.Parse(link)
	return err != nil || strings.Contains(u.Path, "//") || strings.HasSuffix(link, "=")
}
