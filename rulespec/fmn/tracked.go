package fmn

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/notifyd/notifyd/rulespec"
)

// A trackedRule is what the API of FMN's successor gives: one rule about what to follow, and generations, each with
// filters of its own and the destinations that it sends to.
type trackedRule struct {
	ID       json.Number `json:"id"`
	Name     *string     `json:"name"`
	Disabled bool        `json:"disabled"`
	User     struct {
		Name string `json:"name"`
	} `json:"user"`
	Tracking struct {
		Name   string          `json:"name"`
		Params json.RawMessage `json:"params"`
	} `json:"tracking_rule"`
	Generations []generation `json:"generation_rules"`
}

type generation struct {
	Destinations []struct {
		Protocol string `json:"protocol"`
		Address  string `json:"address"`
	} `json:"destinations"`
	Filters json.RawMessage `json:"filters"`
}

// tracked carries over one rule: a filter for each generation.
func (m *importer) tracked(r trackedRule) {
	s := &translator{catalogue: m.Catalogue, nick: r.User.Name}
	if len(r.Generations) == 0 {
		m.notes = append(m.notes, Note{What: "rule " + r.ID.String(), Reason: "it sends nothing to anywhere"})
	}
	for i, g := range r.Generations {
		c := &carried{FileFilter: rulespec.FileFilter{On: !r.Disabled}}
		if printable(s.nick) {
			c.Owner = s.nick
		}
		c.tracking(s, r.Tracking.Name, r.Tracking.Params)
		c.conditions(g.Filters)
		m.destinations(c, g)
		name := ""
		if r.Name != nil {
			name = *r.Name
		}
		fallback := strings.TrimSpace("FMN rule " + r.ID.String())
		if name == "" {
			name = fallback
		}
		if i > 0 {
			name = fmt.Sprintf("%s (%d)", name, i+1)
		}
		m.add(c, name, fallback, "")
	}
}

// destinations carries over where a generation sends to.
func (m *importer) destinations(c *carried, g generation) {
	for _, d := range g.Destinations {
		to, reason := m.addresses(d.Protocol, []string{d.Address})
		if reason != "" {
			c.off("destination "+quoted(d.Protocol), reason)
			continue
		}
		c.To = append(c.To, to...)
	}
	if len(g.Destinations) == 0 {
		c.off("destinations", "it has none, so FMN sent nothing")
	}
}

// tracking adds the rule about what is followed.
func (c *carried) tracking(s *translator, name string, params json.RawMessage) {
	what := "tracking rule " + shortened(name)
	rule, reason := trackingRule(s, name, params)
	if reason == "" {
		reason = wrong([]rulespec.Rule{rule})
	}
	if reason != "" {
		c.instead(what, reason)
		return
	}
	c.Rules = append(c.Rules, rule)
}

func trackingRule(s *translator, name string, params json.RawMessage) (rulespec.Rule, string) {
	if name == "related-events" {
		return one("user", "name", rulespec.Me), ""
	}
	if name == "artifacts-followed" {
		return artifacts(params)
	}
	var names []string
	if json.Unmarshal(params, &names) != nil || len(names) == 0 {
		return rulespec.Rule{}, "its params are no list of names"
	}
	switch name {
	case "users-followed":
		names, reason := s.accounts(names)
		return one("actor", "name", names...), reason
	case "artifacts-owned":
		names, reason := s.accounts(names)
		return rulespec.Rule{Kind: "owner",
			Args: rulespec.Args{"user": names, "role": {"owner", "admin", "commit", "collaborator"}, "via": {"person"}}}, reason
	case "artifacts-group-owned":
		return rulespec.Rule{Kind: "owner",
			Args: rulespec.Args{"group": names, "role": {"admin", "commit", "collaborator"}}}, ""
	}
	return rulespec.Rule{}, "FMN had no such rule"
}

// artifacts gives the rule about packages that are followed by name.
func artifacts(params json.RawMessage) (rulespec.Rule, string) {
	var list []struct{ Name, Type string }
	if json.Unmarshal(params, &list) != nil || len(list) == 0 {
		return rulespec.Rule{}, "its params are no list of artifacts"
	}
	var names []string
	for _, a := range list {
		if a.Type != "rpms" {
			return rulespec.Rule{}, fmt.Sprintf("it follows %s, and rules about packages are about rpms here", shortened(a.Type))
		}
		names = append(names, a.Name)
	}
	return one("package", "name", literal(names)...), ""
}
