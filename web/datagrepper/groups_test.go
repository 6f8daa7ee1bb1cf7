package datagrepper_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

type object = map[string]any

// grouping is what is put together, the oldest first: the id, who and which packages, the topic, the content.
var grouping = []struct {
	id, user, pkg, topic string
	msg                  object
}{
	{"play1", "ann", "", "org.example.prod.ansible.playbook.start", object{"userid": "ann", "playbook": "/srv/web.yml"}},
	{"git1", "ann", "tea", "org.example.prod.git.receive", object{"commit": object{"repo": "tea", "path": "/srv/tea"}}},
	{"play2", "bob", "", "org.example.prod.ansible.playbook.start", object{"userid": "bob", "playbook": "/srv/db.yml"}},
	{"play3", "ann", "", "org.example.prod.ansible.playbook.complete", object{"userid": "ann", "playbook": "db.yml"}},
	{"git2", "ann", "tea", "org.example.prod.git.receive", object{"commit": object{"repo": "tea", "path": "/srv/tea"}}},
	{"note1", "ann", "tea", "org.example.prod.bodhi.update.comment",
		object{"agent": "ann", "comment": object{"update_title": "tea-1-1"}}},
	{"note2", "bob", "tea", "org.example.prod.bodhi.update.comment",
		object{"agent": "bob", "comment": object{"update_title": "tea-1-1"}}},
	{"note3", "bob", "milk", "org.example.prod.bodhi.update.comment",
		object{"agent": "bob", "comment": object{"update_title": "milk-1-1"}}},
	{"note4", "bob", "cup", "org.example.prod.bodhi.update.comment",
		object{"agent": "bob", "comment": object{"update_title": "cup-1-1"}}},
	{"note5", "bob", "cup", "org.example.prod.bodhi.update.comment", object{"agent": "bob"}},
	{"issue1", "ann", "", "io.pagure.prod.pagure.issue.new",
		object{"agent": "ann", "issue": object{"id": 7}, "project": object{"name": "tea"}}},
	{"issue2", "bob", "", "io.pagure.prod.pagure.issue.comment.added",
		object{"agent": "bob", "issue": object{"id": 7}, "project": object{"name": "tea"}}},
	{"issue3", "bob", "", "io.pagure.prod.pagure.issue.new",
		object{"agent": "bob", "issue": object{"id": 7}, "project": object{"name": "milk"}}},
	{"mail1", "", "", "org.example.prod.mailman.receive", object{"mlist": object{"list_name": "devel"},
		"msg": object{"message-id": "<1@x>", "subject": "Tea", "from": "Ann <ann@x>", "references": nil}}},
	{"mail2", "", "", "org.example.prod.mailman.receive", object{"mlist": object{"list_name": "devel"},
		"msg": object{"message-id": "<2@x>", "subject": "Re: RE: Tea", "from": "bob@x", "references": "<0@x>\n <1@x>"}}},
	{"odd", "", "", "short", object{}},
}

// TestGroups puts messages together as fedmsg.meta did: anywhere on the page, the most particular rule first.
func TestGroups(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		var messages []stored
		for i, g := range grouping {
			s := stored{ID: g.id, Topic: g.topic, Msg: g.msg, Timestamp: float64(now.Unix() - 1000 + int64(10*i))}
			if g.user != "" {
				s.Agent, s.Users = &g.user, []string{g.user}
			}
			if g.pkg != "" {
				s.Packages = []string{g.pkg}
			}
			messages = append(messages, s)
		}
		store := load(t, d, messages)
		a := ask(t, store, question{target: "/raw?grouped=true&order=asc&rows_per_page=50", old: true})
		var got []string
		for _, m := range a.messages() {
			ids := slices.Sorted(maps.Keys(m["msg_ids"].(map[string]any)))
			got = append(got, fmt.Sprintf("%s: %s", strings.Join(ids, " "), m["subtitle"]))
		}
		want := []string{
			"play1 play3: ann ran 1 playbook: db.yml and web.yml", "git1: ", "play2: ", "git2: ",
			"note1 note2: 2 comments about tea-1-1 by ann and bob", "note3 note4 note5: bob wrote about cup-1-1 and milk-1-1",
			"issue1 issue2: Issue #7 of tea: 2 changes by ann and bob", "issue3: ",
			`mail1 mail2: 2 mails in the thread "Tea" on devel by ann@x and bob@x`, "odd: short",
		}
		if len(got) != len(want) {
			t.Fatalf("%d entries:\n%s", len(got), strings.Join(got, "\n"))
		}
		for i, w := range want {
			if !strings.HasPrefix(got[i], w) {
				t.Errorf("%s, want %s", got[i], w)
			}
		}
		if a.json["count"] != 10.0 || a.json["total"] != 16.0 || a.json["pages"] != 1.0 {
			t.Errorf("count %v, total %v, pages %v", a.json["count"], a.json["total"], a.json["pages"])
		}
		html := "text/html"
		page := ask(t, store, question{target: "/raw?grouped=true&order=asc&rows_per_page=50&size=extra-large", old: true,
			headers: map[string]*string{"Accept": &html}})
		if n := strings.Count(page.body, `<div class="card `); n != 10 || strings.Count(page.body, "Details</a>") != 5 {
			t.Errorf("%d cards:\n%s", n, page.body)
		}
		first := a.messages()[0]
		start := float64(now.Unix() - 1000)
		for name, want := range (object{"start_time": start, "end_time": start + 30, "timestamp": start + 15,
			"human_time": "16 minutes ago", "date": "16 minutes ago", "subjective": first["subtitle"],
			"usernames": []any{"ann"}, "packages": []any{}, "categories": []any{"ansible"},
			"topics": []any{"org.example.prod.ansible.playbook.complete", "org.example.prod.ansible.playbook.start"},
			"link":   "http://infrastructure.fedoraproject.org/infra/ansible.git/",
		}) {
			if fmt.Sprint(first[name]) != fmt.Sprint(want) {
				t.Errorf("%s is %v, want %v", name, first[name], want)
			}
		}
		one, _ := first["msg_ids"].(map[string]any)["play1"].(map[string]any)
		for _, name := range []string{"title", "subtitle", "subjective", "link", "icon", "__icon__", "secondary_icon",
			"usernames", "packages", "objects", "long_form"} {
			if _, ok := one[name]; !ok {
				t.Errorf("a message of an entry lacks %s: %v", name, one)
			}
		}
	})
}

// TestGroupsLinkToTheWeb: what a sender gives as an address of the web, and is none, is no link of an entry.
func TestGroupsLinkToTheWeb(t *testing.T) {
	mail := func(id, references, at string) stored {
		return stored{ID: id, Topic: "org.example.prod.mailman.receive", Timestamp: float64(now.Unix() - 10),
			Msg: object{"mlist": object{"list_name": "devel"}, "msg": object{"message-id": id, "subject": "Tea", "from": "ann@x",
				"references": references, "archived-at": at}}}
	}
	meeting := func(id, url string) stored {
		return stored{ID: id, Topic: "org.example.prod.meetbot.meeting.start", Timestamp: float64(now.Unix() - 5),
			Msg: object{"url": url, "channel": "#tea"}}
	}
	for at, want := range map[string]any{"https://lists.example/1": "https://lists.example/1", "javascript:alert(1)": nil,
		"//lists.example": nil, "data:text/html,x": nil} {
		d := migratest.Copy(t)
		store := load(t, d, []stored{mail("1", "0", at), mail("2", "0", at), meeting("3", at), meeting("4", at)})
		a := ask(t, store, question{target: "/raw?grouped=true", old: true})
		for _, m := range a.messages() {
			if m["link"] != want || len(m["msg_ids"].(map[string]any)) != 2 {
				t.Errorf("%s: %v", at, m)
			}
		}
		if len(a.messages()) != 2 {
			t.Errorf("%s: %d entries", at, len(a.messages()))
		}
	}
}
