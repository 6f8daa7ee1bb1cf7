package fmn

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/rulespec"
)

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
