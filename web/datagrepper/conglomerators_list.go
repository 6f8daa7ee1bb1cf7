package datagrepper

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

const (
	bodhi    = "https://bodhi.fedoraproject.org/"
	pkgdb    = "https://admin.fedoraproject.org/pkgdb/"
	coprs    = "https://copr.fedoraproject.org/coprs/"
	pagureIO = "https://pagure.io/"
)

var (
	branches   = field("update", "release", "name")
	newUpdates = []string{"bodhi.update.request.testing", "bodhi.update.request.stable"}
)

// conglomerators are tried in this order, so the most particular of an application stands first.
var conglomerators = []conglomerator{
	{
		topics: []string{"ansible.playbook"}, ofOne: true,
		keys: func(m member) []string { return all(m.at("userid")) },
		say: func(ms []member) string {
			books := each(ms, func(m member) string { return path.Base(m.at("playbook")) })
			runs := 0
			for _, m := range ms {
				if strings.HasSuffix(m.Topic, "start") {
					runs++
				}
			}
			if runs == 0 {
				runs = len(ms)
			}
			return fmt.Sprintf("%s ran %s: %s", ms[0].at("userid"), count(runs, "playbook"), listed(books))
		},
		link: func(member) string { return "http://infrastructure.fedoraproject.org/infra/ansible.git/" },
	},
	{
		topics: newUpdates[:1], ofOne: true,
		keys: func(m member) []string { return all(m.at("agent"), updated(m)) },
		say: func(ms []member) string {
			return fmt.Sprintf("%s brought %s of %s to testing (%s)", ms[0].at("agent"), count(len(ms), "update"),
				updated(ms[0]), listed(each(ms, branches)))
		},
		link: func(m member) string { return bodhi + "updates/" + updated(m) },
	},
	{
		topics: newUpdates[1:], ofOne: true,
		keys: func(m member) []string { return all(m.at("agent"), updated(m)) },
		say: func(ms []member) string {
			return fmt.Sprintf("%s wants %s of %s in stable (%s)", ms[0].at("agent"), count(len(ms), "update"),
				updated(ms[0]), listed(each(ms, branches)))
		},
		link: func(m member) string { return bodhi + "updates/" + updated(m) },
	},
	{
		topics: newUpdates,
		keys:   func(m member) []string { return all(updated(m)) },
		say: func(ms []member) string {
			return fmt.Sprintf("%s of %s (%s) by %s", count(len(ms), "update"), updated(ms[0]), listed(each(ms, branches)),
				people(ms))
		},
		link: func(m member) string { return bodhi + "updates/" + updated(m) },
	},
	{
		topics: newUpdates, ofOne: true,
		keys: func(m member) []string { return all(m.at("agent")) },
		say: func(ms []member) string {
			return fmt.Sprintf("%s updated %s (%s)", ms[0].at("agent"), packages(ms), listed(each(ms, branches)))
		},
		link: func(m member) string { return bodhi + "users/" + m.at("agent") },
	},
	{
		topics: []string{"bodhi.update.comment"},
		keys:   func(m member) []string { return all(m.at("comment", "update_title")) },
		say: func(ms []member) string {
			return fmt.Sprintf("%s about %s by %s", count(len(ms), "comment"), ms[0].at("comment", "update_title"), people(ms))
		},
		link: func(m member) string { return bodhi + "updates/" + m.at("comment", "update_title") },
	},
	{
		topics: []string{"bodhi.update.comment"}, ofOne: true,
		keys: func(m member) []string { return all(m.at("agent")) },
		say: func(ms []member) string {
			return fmt.Sprintf("%s wrote about %s", ms[0].at("agent"), listed(each(ms, field("comment", "update_title"))))
		},
		link: func(m member) string { return bodhi + "users/" + m.at("agent") },
	},
	overrides("bodhi.buildroot_override.tag", "made"),
	overrides("bodhi.buildroot_override.untag", "ended"),
	rebuilds(false, "copr"),
	rebuilds(true, "user"),
	{
		topics: []string{".mailman.receive"},
		keys: func(m member) []string {
			return append(strings.Fields(m.at("msg", "references")), strings.TrimSpace(m.at("msg", "message-id")))
		},
		say: func(ms []member) string {
			return fmt.Sprintf("%s in the thread %q on %s by %s", count(len(ms), "mail"), threadOf(ms),
				listed(each(ms, field("mlist", "list_name"))), listed(each(ms, senderOf)))
		},
		link: func(m member) string { return strings.Trim(m.at("msg", "archived-at"), "<> ") },
	},
	tickets("pull-request", "pullrequest", field("pullrequest", "project", "name")),
	tickets("issue", "issue", field("project", "name")),
	{
		topics: []string{".pagure.git.receive"}, ofOne: true,
		keys: func(m member) []string {
			if name := m.at("repo", "name"); name != "" {
				return []string{"new " + name}
			}
			return all(m.at("commit", "path"))
		},
		say: func(ms []member) string {
			repo := listed(each(ms[:1], func(m member) string {
				return m.at("repo", "name") + m.at("commit", "repo", "name")
			}))
			return fmt.Sprintf("%s to %s by %s", count(len(ms), "push"), repo, people(ms))
		},
		link: func(m member) string {
			return pagureIO + m.at("repo", "name") + m.at("commit", "repo", "name") + "/commits"
		},
	},
	permissions(true, "packager/", field("username")),
	permissions(false, "package/", field("package_name")),
	permissions(true, "packager/", field("agent")),
	{
		topics: []string{".meetbot."}, ofOne: true,
		keys: func(m member) []string { return all(m.at("url")) },
		say: func(ms []member) string {
			text := fmt.Sprintf("A meeting in %s with %s", ms[0].at("channel"), people(ms))
			if titles := each(ms, field("meeting_topic")); len(titles) > 0 {
				text += ": " + titles[0]
			}
			return text
		},
		link: func(m member) string { return m.at("url") },
	},
	votes("fedoratagger.tag.update", "voted on"),
	votes("fedoratagger.tag.create", "made"),
}

func overrides(topic, did string) conglomerator {
	by := field("override", "submitter", "name")
	return conglomerator{
		topics: []string{topic}, ofOne: true,
		keys: func(m member) []string { return all(by(m)) },
		say: func(ms []member) string {
			on := each(ms, func(m member) string {
				nvr := m.at("override", "nvr")
				return nvr[strings.LastIndexByte(nvr, '.')+1:]
			})
			return fmt.Sprintf("%s %s %s of %s (%s)", by(ms[0]), did, count(len(ms), "override"), packages(ms), listed(on))
		},
		link: func(m member) string { return bodhi + "overrides/?user=" + by(m) },
	}
}

// rebuilds puts builds of one copr, or by one user, together.
func rebuilds(byUser bool, key string) conglomerator {
	return conglomerator{
		topics: []string{".copr."}, ofOne: byUser,
		keys: func(m member) []string { return all(m.at(key)) },
		say: func(ms []member) string {
			starts, did := 0, "begun"
			for _, m := range ms {
				if strings.HasSuffix(m.Topic, "copr.build.start") {
					starts++
				}
			}
			if starts == 0 {
				starts, did = len(ms), "ended"
			}
			return fmt.Sprintf("%s of %s %s for %s", count(starts, "build"), listed(each(ms, field("copr"))), did,
				listed(each(ms, field("user"))))
		},
		link: func(m member) string {
			if byUser {
				return coprs + m.at("user")
			}
			return coprs + m.at("owner") + "/" + m.at("copr") + "/"
		},
	}
}

func tickets(word, key string, project func(member) string) conglomerator {
	return conglomerator{
		topics: []string{"pagure." + word + "."}, ofOne: true,
		keys: func(m member) []string { return all(m.at(key, "id"), project(m)) },
		say: func(ms []member) string {
			return fmt.Sprintf("%s #%s of %s: %s by %s", strings.ToUpper(word[:1])+word[1:], ms[0].at(key, "id"), project(ms[0]),
				count(len(ms), "change"), listed(each(ms, field("agent"))))
		},
		link: func(m member) string { return pagureIO + project(m) + "/" + word + "/" + m.at(key, "id") },
	}
}

// permissions puts changes of who may do what to packages together, by what of returns.
func permissions(ofOne bool, page string, of func(member) string) conglomerator {
	return conglomerator{
		topics: []string{"pkgdb.acl.update"}, ofOne: ofOne,
		keys: func(m member) []string { return all(of(m)) },
		say: func(ms []member) string {
			return fmt.Sprintf("%s set %s for %s on %s (%s) to %s", listed(each(ms, field("agent"))),
				listed(each(ms, field("acl"))), listed(each(ms, field("username"))), listed(each(ms, field("package_name"))),
				listed(each(ms, field("package_listing", "collection", "branchname"))), listed(each(ms, field("status"))))
		},
		link: func(m member) string { return pkgdb + page + of(m) + "/" },
	}
}

func votes(topic, did string) conglomerator {
	by := field("user", "username")
	return conglomerator{
		topics: []string{topic}, ofOne: true,
		keys: func(m member) []string { return all(by(m)) },
		say: func(ms []member) string {
			return fmt.Sprintf("%s %s the tags %s of %s", by(ms[0]), did, listed(each(ms, field("vote", "tag", "tag"))),
				listed(each(ms, field("vote", "tag", "package"))))
		},
		link: func(member) string { return "" },
	}
}

// threadOf gives the subject of a thread, without the signs of an answer.
func threadOf(ms []member) string {
	subjects := each(ms, func(m member) string {
		subject := strings.TrimSpace(m.at("msg", "subject"))
		for len(subject) > 3 && strings.EqualFold(subject[:3], "re:") {
			subject = strings.TrimSpace(subject[3:])
		}
		return subject
	})
	if len(subjects) == 0 {
		return ""
	}
	return slices.Min(subjects)
}

// senderOf gives the address in the From of a mail.
func senderOf(m member) string {
	from := m.at("msg", "from")
	from = from[strings.LastIndexByte(from, '<')+1:]
	from, _, _ = strings.Cut(from, ">")
	return from
}
