package fmn

import (
	"regexp"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/rulespec"
)

// arguments are those of a rule of FMN, by name.
type arguments map[string]string

// withArguments are the rules that take an argument.
var withArguments = map[string]translation{
	"user_filter":                about("fasnick", person),
	"not_user_filter":            about("fasnick", notPersons),
	"fas_group_member_filter":    about("group", exact("group", "name")),
	"user_package_filter":        about("fasnick", owner()),
	"user_package_commit_filter": about("fasnick", owner("owner", "commit")),
	"user_package_watch_filter":  about("fasnick", owner("watch")),
	"package_filter":             about("package", packageNamed),
	"package_regex_filter":       about("pattern", packageRegex),
	"regex_filter":               about("pattern", bodyRegex),
	"trac_hosted_filter":         about("project", linkInto("fedorahosted.org")),

	"anitya_specific_distro":             about("distro", anityaDistro),
	"anitya_by_upstream_project":         about("projects", anityaProject),
	"koji_instance":                      about("instance", field("instance")),
	"koschei_group":                      about("group", field("groups", "*koschei*")),
	"pagure_specific_project_filter":     about("project", pagureProject),
	"pagure_specific_project_tag_filter": about("tags", pagureTag),
	"taskotron_task":                     about("task", taskotronTask),
	"taskotron_task_outcome":             about("outcome", taskotronOutcome),

	"taskotron_task_particular_or_changed_outcome": outcomeOrChanged,
}

// A subject is what a rule with one argument says of it: not blank, not trimmed.
type subject func(s *translator, value string) ([]rulespec.Rule, string)

// about gives the translation of a rule with one argument. Without it FMN had nothing to compare with: the rule did not
// hold, and did when negated.
func about(param string, say subject) translation {
	return func(s *translator, args arguments) ([]rulespec.Rule, string) {
		value := args[param]
		if strings.TrimSpace(value) == "" {
			return nil, "its argument `" + param + "` is missing"
		}
		if len(args) > 1 {
			return nil, "it has arguments that FMN did not know"
		}
		return say(s, value)
	}
}

// among gives the names in a list with commas.
func among(list string) []string {
	var names []string
	for _, name := range strings.Split(list, ",") {
		if name = strings.TrimSpace(name); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// me writes an account's name, or @me where it is that of the export.
func (s *translator) me(nick string) string {
	if nick == s.nick {
		return rulespec.Me
	}
	return nick
}

// accounts writes names of accounts; one that would mean something else to us is a reason to give up.
func (s *translator) accounts(nicks []string) ([]string, string) {
	names := make([]string, len(nicks))
	for i, nick := range nicks {
		if nick == rulespec.Me {
			return nil, "no account is called " + nick
		}
		names[i] = s.me(nick)
	}
	return names, ""
}

func person(s *translator, nick string) ([]rulespec.Rule, string) {
	names, reason := s.accounts([]string{nick})
	return []rulespec.Rule{one("user", "name", names...)}, reason
}

func notPersons(s *translator, nicks string) ([]rulespec.Rule, string) {
	names, reason := s.accounts(among(nicks))
	r := one("user", "name", names...)
	r.Not = true
	return []rulespec.Rule{r}, reason
}

// exact gives a rule of a kind that compares with the value as it is.
func exact(kind, param string) subject {
	return func(_ *translator, value string) ([]rulespec.Rule, string) {
		return []rulespec.Rule{one(kind, param, value)}, ""
	}
}

// owner gives a rule about somebody's packages, by the directory; without roles, in any.
func owner(roles ...string) subject {
	return func(s *translator, nick string) ([]rulespec.Rule, string) {
		names, reason := s.accounts([]string{nick})
		r := one("owner", "user", names...)
		if len(roles) > 0 {
			r.Args["role"] = roles
		}
		return []rulespec.Rule{r}, reason
	}
}

func packageNamed(_ *translator, name string) ([]rulespec.Rule, string) {
	return []rulespec.Rule{one("package", "name", literal([]string{name})...)}, ""
}

func packageRegex(_ *translator, pattern string) ([]rulespec.Rule, string) {
	return []rulespec.Rule{exactly(one("package_regex", "pattern", pattern))}, ""
}

// linkInto gives a rule about links to a place of projects.
func linkInto(host string) subject {
	return func(_ *translator, projects string) ([]rulespec.Rule, string) {
		var patterns []string
		for _, p := range among(projects) {
			patterns = append(patterns, regexp.QuoteMeta("://"+host+"/"+p+"/"))
		}
		r := exactly(one("regex", "pattern", patterns...))
		r.Args["in"] = []string{"link"}
		return []rulespec.Rule{r}, ""
	}
}

// field gives a rule about a field that is one of several values.
func field(path string, topics ...string) subject {
	return func(_ *translator, values string) ([]rulespec.Rule, string) {
		return []rulespec.Rule{exactly(fieldOf(path, literal(among(values)), topics...))}, ""
	}
}

func pagureProject(s *translator, projects string) ([]rulespec.Rule, string) {
	rules, reason := linkInto("pagure.io")(s, projects)
	return append([]rulespec.Rule{s.app("pagure")}, rules...), reason
}

func anityaDistro(_ *translator, distro string) ([]rulespec.Rule, string) {
	r := fieldOf("distro.name", literal([]string{distro}), ofApp("anitya"))
	r.Args["path"] = []string{"distro.name", "project.distro.name", "message.packages.distro"}
	return []rulespec.Rule{r}, ""
}

func anityaProject(_ *translator, projects string) ([]rulespec.Rule, string) {
	r := fieldOf("project.name", literal(among(projects)), ofApp("anitya"))
	return []rulespec.Rule{exactly(r)}, ""
}

func pagureTag(_ *translator, tags string) ([]rulespec.Rule, string) {
	return nil, "it never held: FMN looked for the tags " + strings.Join(among(tags), ", ") +
		" where messages have none. A rule like `field: {path: [project.tags, pullrequest.project.tags], is: …}` says " +
		"what was meant"
}

const taskotronTopic = "*.taskotron.result.new"

func taskotronTask(_ *translator, tasks string) ([]rulespec.Rule, string) {
	return []rulespec.Rule{fieldOf("task.name", among(tasks), taskotronTopic)}, ""
}

func taskotronOutcome(_ *translator, outcomes string) ([]rulespec.Rule, string) {
	return []rulespec.Rule{fieldOf("result.outcome", literal(among(outcomes)), taskotronTopic)}, ""
}

// outcomeOrChanged is the one rule that says "or": it goes over by kinds of message, one of which is about the change
// and the others about outcomes.
func outcomeOrChanged(s *translator, args arguments) ([]rulespec.Rule, string) {
	outcomes := []string{"FAILED", "NEEDS_INSPECTION"}
	if given, ok := args["outcome"]; ok {
		outcomes = among(strings.ToUpper(given))
	}
	names := s.catalogue.Classic("taskotron_changed_outcome")
	if len(names) == 0 {
		return nil, "the catalogue in use has no entry that stands for a changed outcome"
	}
	for _, outcome := range outcomes {
		kind, ok := taskotronKinds[outcome]
		if !ok {
			return nil, "the catalogue does not tell the outcome " + outcome + " from others"
		}
		names = append(names, kind)
	}
	return []rulespec.Rule{one("kind", "name", names...)}, ""
}

// taskotronKinds are the kinds of message for outcomes that have not changed.
var taskotronKinds = map[string]string{
	"FAILED":           "taskotron.result.failed",
	"NEEDS_INSPECTION": "taskotron.result.needs_inspection",
}
