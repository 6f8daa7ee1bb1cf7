package report_test

import (
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/history/readers"
	"github.com/notifyd/notifyd/history/report"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

type body = map[string]any

// rows gives the groups of a section, each with its cells: "tea: f43/alice".
func rows(r *report.Result, title string) string {
	var all []string
	for _, s := range r.Sections {
		if s.Title != title {
			continue
		}
		for _, row := range s.Rows {
			line := row.Name
			for _, c := range row.Cells {
				var names []string
				for _, v := range c.Values {
					names = append(names, v.Name)
				}
				line += "/" + strings.Join(names, "+")
			}
			all = append(all, line)
		}
	}
	return strings.Join(all, " ")
}

// TestOwnerChanges: both eras, and what is none of it.
func TestOwnerChanges(t *testing.T) {
	listing := func(pkg, branch, owner string) body {
		return body{"package": body{"name": pkg}, "collection": body{"branchname": branch}, "point_of_contact": owner}
	}
	migratest.Each(t, func(t *testing.T, db *migrations.DB) {
		a := newArchive(t, db)
		at := monday.Add(time.Hour)
		say := func(topic string, b body) {
			at = at.Add(time.Minute)
			a.keep(a.message(at, topic, b))
		}
		pkgdb := func(agent, before, pkg, branch, owner string) {
			say("org.fedoraproject.prod.pkgdb.owner.update", body{"agent": agent, "previous_owner": before,
				"package_listing": listing(pkg, branch, owner)})
		}
		pkgdb("alice", "alice", "tea", "f20", "orphan")
		pkgdb("alice", "alice", "tea", "f19", "orphan")
		pkgdb("bob", "orphan", "cup", "f20", "bob")
		pkgdb("bob", "bob", "pot", "f20", "carol")
		pkgdb("bob", "bob", "new-branch", "f20", "bob")
		for pkg, status := range map[string]string{"jug": "retired", "mug": "unretired"} {
			say("org.fedoraproject.prod.pkgdb.package.retire", body{"agent": "alice", "retirement": status,
				"package_listing": listing(pkg, "f20", "orphan")})
		}
		access := func(root, agent, user, access, name string) {
			say(root+".prod.pagure.project.user.access.updated", body{"agent": agent, "new_user": user, "new_access": access,
				"project": body{"name": name, "namespace": "rpms", "user": body{"name": user}}})
		}
		access("org.fedoraproject", "dave", "orphan", "owner", "spoon")
		access("org.fedoraproject", "erin", "erin", "owner", "fork")
		access("org.fedoraproject", "dave", "frank", "owner", "knife")
		access("org.fedoraproject", "dave", "frank", "commit", "plate")
		access("io.pagure", "dave", "orphan", "owner", "elsewhere")
		commit := func(repo string, files body) {
			say("org.fedoraproject.prod.git.receive", body{"commit": body{"repo": repo, "namespace": "rpms", "branch": "rawhide",
				"username": "dave", "summary": "x", "rev": "1", "stats": body{"files": files}}})
		}
		commit("pan", body{"dead.package": body{"additions": 1, "deletions": 0}, "pan.spec": body{"deletions": 9}})
		commit("wok", body{"dead.package": body{"insertions": 0, "deletions": 1}})
		commit("lid", body{"lid.spec": body{"additions": 1}})

		r, err := a.desk().Make(t.Context(), builtIn(t, "owner-changes"), readers.Sources{}, monday, monday.AddDate(0, 0, 7))
		if err != nil {
			t.Fatal(err)
		}
		for title, want := range map[string]string{
			"Orphaned":               "spoon//dave tea/f19+f20/alice",
			"Unorphaned":             "cup/f20/bob fork//erin",
			"Given away":             "knife//frank/dave pot/f20/carol/bob",
			"Retired":                "jug/f20/alice pan/rawhide/dave",
			"Brought back, or to be": "mug/f20/alice wok/rawhide/dave",
		} {
			if got := rows(r, title); got != want {
				t.Errorf("%s: %q, want %q", title, got, want)
			}
		}
	})
}

// TestBadges: the two services that award them.
func TestBadges(t *testing.T) {
	a := newArchive(t, migratest.Copy(t))
	at := monday.Add(time.Hour)
	award := func(app, who, badge string) {
		a.keep(a.message(at, "org.fedoraproject.prod."+app+".badge.award",
			body{"badge": body{"name": badge, "badge_id": badge}, "user": body{"username": who}}))
	}
	award("fedbadges", "alice", "Tea")
	award("fedbadges", "alice", "Cup")
	award("badges", "bob", "Tea")
	for who, old := range map[string]any{"alice": 12, "bob": nil} {
		a.keep(a.message(at, "org.fedoraproject.prod.fedbadges.person.rank.advance",
			body{"old_rank": old, "person": body{"nickname": who, "rank": 3}}))
	}
	a.keep(a.message(at, "org.fedoraproject.prod.fedbadges.person.login.first", body{"user": body{"username": "carol"}}))
	r, err := a.desk().Make(t.Context(), builtIn(t, "badges"), readers.Sources{}, monday, monday.AddDate(0, 0, 7))
	if err != nil {
		t.Fatal(err)
	}
	for title, want := range map[string]string{
		"Badges awarded": "Tea/alice+bob Cup/alice", "Most badges": "alice/Cup+Tea bob/Tea",
		"First badges": "bob", "First visits": "carol",
	} {
		if got := rows(r, title); got != want {
			t.Errorf("%s: %q, want %q", title, got, want)
		}
	}
	if r.Sections[0].Total != 3 || r.Counted != 5 {
		t.Errorf("%d awards of %d messages, want 3 of 5", r.Sections[0].Total, r.Counted)
	}
}
