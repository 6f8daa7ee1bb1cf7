package fmn

import (
	"encoding/json"
	"fmt"
	"slices"
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
	s := &scope{catalogue: m.Catalogue, nick: r.User.Name}
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
func (c *carried) tracking(s *scope, name string, params json.RawMessage) {
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

func trackingRule(s *scope, name string, params json.RawMessage) (rulespec.Rule, string) {
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
		return rulespec.Rule{Kind: "owner", Args: rulespec.Args{"user": names, "role": {"owner", "admin", "commit", "collaborator"}, "via": {"person"}}}, reason
	case "artifacts-group-owned":
		return rulespec.Rule{Kind: "owner", Args: rulespec.Args{"group": names, "role": {"admin", "commit", "collaborator"}}}, ""
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

// conditions adds the filters of a generation. The API gives them by name; a list of name and params is read too.
func (c *carried) conditions(filters json.RawMessage) {
	given := map[string]json.RawMessage{}
	if len(filters) == 0 || json.Unmarshal(filters, &given) != nil {
		var list []struct {
			Name   string
			Params json.RawMessage
		}
		if len(filters) > 0 && json.Unmarshal(filters, &list) != nil {
			c.instead("filters", "they are neither an object nor a list")
			return
		}
		for _, f := range list {
			given[f.Name] = f.Params
		}
	}
	for _, name := range []string{"applications", "excluded_applications", "severities", "my_actions", "topic"} {
		rules, reason := conditionRules(name, given[name])
		delete(given, name)
		if reason == "" {
			reason = wrong(rules)
		}
		if reason != "" {
			c.instead("filter "+name, reason)
			continue
		}
		c.Rules = append(c.Rules, rules...)
	}
	unknown := make([]string, 0, len(given))
	for name := range given {
		unknown = append(unknown, name)
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		c.instead("filter "+shortened(name), "FMN had no such filter")
	}
}

func conditionRules(name string, params json.RawMessage) ([]rulespec.Rule, string) {
	switch name {
	case "my_actions":
		var mine *bool
		if len(params) > 0 && json.Unmarshal(params, &mine) != nil {
			return nil, "it is neither true nor false"
		}
		if mine != nil && *mine {
			return nil, ""
		}
		r := one("actor", "name", rulespec.Me)
		r.Not = true
		return []rulespec.Rule{r}, ""
	case "topic":
		var topic *string
		if len(params) > 0 && json.Unmarshal(params, &topic) != nil {
			return nil, "it is no text"
		}
		if topic == nil || strings.Trim(*topic, "*") == "" {
			return nil, "" // any topic fits
		}
		return []rulespec.Rule{one("topic", "pattern", *topic)}, ""
	}
	var values []string
	if len(params) > 0 && json.Unmarshal(params, &values) != nil {
		return nil, "it is no list of names"
	}
	if name == "severities" {
		return severities(values)
	}
	if len(values) == 0 {
		return nil, ""
	}
	r := one("app", "name", applications(values)...)
	r.Not = name == "excluded_applications"
	return []rulespec.Rule{r}, ""
}

// applications gives our names of applications: FMN compared without case, and calls the build system by its program.
func applications(names []string) []string {
	var out []string
	for _, name := range names {
		name = strings.ToLower(strings.TrimSpace(name))
		out = append(out, name)
		if ours, ok := appNames[name]; ok {
			out = append(out, ours)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// appNames are the applications that have another name in their messages' schema than in their topics.
var appNames = map[string]string{"koji": "buildsys"}

// levels are the severities that FMN knew, upwards.
var levels = []string{"debug", "info", "warning", "error"}

// severities says a set of severities by its lower and upper end. FMN took none for all but debug.
func severities(names []string) ([]rulespec.Rule, string) {
	if len(names) == 0 {
		names = levels[1:]
	}
	var has [4]bool
	for _, name := range names {
		at := slices.Index(levels, strings.ToLower(name))
		if at < 0 {
			return nil, "there is no severity " + shortened(name)
		}
		has[at] = true
	}
	from, to := slices.Index(has[:], true), len(has)-1
	for !has[to] {
		to--
	}
	if slices.Contains(has[from:to], false) {
		return nil, "a severity between others is left out, which one filter cannot say"
	}
	var rules []rulespec.Rule
	if from > 0 {
		rules = append(rules, one("severity", "least", levels[from]))
	}
	if to < len(levels)-1 {
		r := one("severity", "least", levels[to+1])
		r.Not = true
		rules = append(rules, r)
	}
	return rules, ""
}
