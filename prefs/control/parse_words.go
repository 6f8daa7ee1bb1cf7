package control

import (
	"strings"

	"github.com/notifyd/notifyd/internal/text"
)

// targets are what a mute may be of, by how people call it.
var targets = map[string]string{
	"thread": "thread", "this": "thread", "it": "thread", "object": "thread", "thing": "thread", "ticket": "thread",
	"build": "thread", "update": "thread", "issue": "thread",
	"package": "package", "pkg": "package", "kind": "kind", "type": "kind", "person": "person", "user": "person",
	"author": "person", "filter": "filter", "app": "app", "application": "app",
}

// mute reads a part of "mute": what, which, how long.
func (p *parser) mute(word string) error {
	if p.order.What == "" && targets[word] != "" {
		p.order.What, p.rest = targets[word], p.rest[1:]
		p.name()
		return nil
	}
	if p.withErrors() {
		p.order.Errors, p.rest = true, p.rest[2:]
		return nil
	}
	before := len(p.rest)
	if err := p.when(word); err != nil || len(p.rest) != before {
		return err
	}
	return p.number(word)
}

// withErrors reports whether "with errors" stands here, or the like.
func (p *parser) withErrors() bool {
	if len(p.rest) < 2 || !strings.EqualFold(p.rest[1], "errors") {
		return false
	}
	switch strings.ToLower(p.rest[0]) {
	case "with", "and", "including":
		return true
	}
	return false
}

// name reads which one a mute is of: words up to a time. A thread has none: its name is long, and the notice says it.
func (p *parser) name() {
	if p.order.What == "thread" {
		return
	}
	var name []string
	for len(p.rest) > 0 && !p.withErrors() && !p.beginsTime() {
		name, p.rest = append(name, p.rest[0]), p.rest[1:]
	}
	p.order.Name = text.CutBytes(strings.Join(name, " "), maxName)
}

// beginsTime reports whether a time begins here, or the number of a notice.
func (p *parser) beginsTime() bool {
	word := strings.ToLower(p.rest[0])
	switch word {
	case "for", "until", "till", "til", "a", "an", "one":
		return true
	}
	probe := parser{order: Order{Word: "mute"}, rest: p.rest, now: p.now, zone: p.zone}
	return probe.when(word) != nil || len(probe.rest) < len(p.rest) || strings.HasPrefix(word, "#") ||
		probe.number(word) == nil && len(probe.rest) < len(p.rest)
}

// unmute reads a part of "unmute": "all", or what the mute is of.
func (p *parser) unmute(word string) error {
	switch {
	case word == "all" || word == "everything":
		p.order.All, p.rest = true, p.rest[1:]
		return nil
	case p.order.What == "" && p.order.Name == "" && targets[word] != "":
		p.order.What, p.rest = targets[word], p.rest[1:]
		return nil
	}
	before := len(p.rest)
	if err := p.number(word); err != nil || len(p.rest) != before {
		return err
	}
	p.order.Name = text.CutBytes(strings.Join(p.rest, " "), maxName)
	p.rest = nil
	return nil
}

// digest reads a part of "digest": "07:00", "4h", "off", "now".
func (p *parser) digest(word string) error {
	switch word {
	case "off":
		p.order.Off, p.rest = true, p.rest[1:]
		return nil
	case "now":
		p.order.Now, p.rest = true, p.rest[1:]
		return nil
	case "at", "every", "on":
		if len(p.rest) > 1 {
			p.rest = p.rest[1:]
		}
		return nil
	case "daily", "day":
		p.order.At, p.rest = "07:00", p.rest[1:]
		return nil
	}
	if clock, ok := clockOf(word); ok {
		p.order.At, p.rest = clock.text(), p.rest[1:]
		return nil
	}
	return p.duration(word)
}
