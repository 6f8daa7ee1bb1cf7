package directories

import (
	"errors"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// said makes the event of a message of dist-git or of the account system.
func (w *world) said(kind, body string, at time.Time) *catalogue.Event {
	w.Helper()
	text := `{"topic": "org.fedoraproject.prod.` + kind + `", "body": ` + body + `}`
	m, err := bus.Decode(bus.Frame{Topic: "org.fedoraproject.prod." + kind, Payload: []byte(text)}, at)
	if err != nil {
		w.Fatal(err)
	}
	entries, err := catalogue.Load(nil)
	if err != nil {
		w.Fatal(err)
	}
	return entries.Describe(m)
}

// hear lets the router of a daemon store events.
func (w *world) hear(d *Directories, events ...*catalogue.Event) {
	w.Helper()
	err := w.db.Writer.Transaction(func(tx *gorm.DB) error { return d.Hints(tx, events) })
	if err != nil {
		w.Fatal(err)
	}
	d.Heard(w.Context())
}

const project = `"project": {"name": "tea", "namespace": "rpms", "user": {"name": "alice"}, "id": 1}, "agent": "alice"`

// list is what a server knows of the package tea, and of two groups.
func list() *directory.Facts {
	return &directory.Facts{
		Packages: map[string][]directory.Owner{"tea": {{Name: "alice", Role: "commit"}, {Name: "@cooks", Role: "commit"}}},
		Groups:   map[string][]string{"cooks": {"carol"}, "admins": {"root"}},
	}
}

func owned(d *Directories) string {
	var all []string
	for who, role := range d.Load().Owners("tea") {
		all = append(all, who+":"+role)
	}
	return strings.Join(all, " ")
}

// TestHints: what a message says counts at once, on all nodes, and no longer than until the server was asked again.
func TestHints(t *testing.T) {
	for i, test := range []struct{ kind, body, want string }{
		{"pagure.project.user.added", `{` + project + `, "new_user": "bob", "access": "commit"}`,
			"alice:commit @cooks:commit bob:commit"},
		{"pagure.project.user.added", `{` + project + `, "new_user": "bob", "access": "ticket"}`,
			"alice:commit @cooks:commit"},
		{"pagure.project.user.access.updated", `{` + project + `, "new_user": "alice", "new_access": "ticket"}`,
			"@cooks:commit"},
		{"pagure.project.user.removed", `{` + project + `, "removed_user": "alice"}`, "@cooks:commit"},
		{"pagure.project.group.added", `{` + project + `, "new_group": "web", "access": "admin"}`,
			"alice:commit @cooks:commit @web:commit"},
		{"pagure.project.group.removed", `{` + project + `, "removed_groups": ["cooks", 7, null]}`, "alice:commit"},
		{"pkgdb.owner.update", `{"agent": "alice", "package_listing": {"package": {"name": "tea"}, "collection": ` +
			`{"branchname": "f43"}, "point_of_contact": "bob"}}`, "alice:commit @cooks:commit bob:owner"},
		{"pagure.project.user.added", `{` + project + `, "new_user": ["bob"], "access": "commit"}`,
			"alice:commit @cooks:commit"},
		{"pagure.project.user.added", `{` + project + `, "new_user": "orphan", "access": "commit"}`,
			"alice:commit @cooks:commit"},
		{"pagure.project.user.added", `"nothing"`, "alice:commit @cooks:commit"},
	} {
		t.Run(test.kind, func(t *testing.T) {
			each := migratest.Each
			if i > 0 { // one of them has shown that it works on PostgreSQL
				each = func(t *testing.T, f func(*testing.T, *migrations.DB)) { f(t, migratest.Open(t, migratest.SQLite(t))) }
			}
			each(t, func(t *testing.T, db *migrations.DB) {
				w, s := newWorld(t, db), &scripted{facts: list()}
				a, b := w.daemon("list", s, Defaults()), w.daemon("list", s, Defaults())
				w.fetch(a, "list")
				w.follow(b)
				w.now = w.now.Add(time.Minute)
				event := w.said(test.kind, test.body, w.now)
				w.hear(a, event)
				w.follow(b)
				if owned(a) != test.want || owned(b) != test.want {
					t.Errorf("owners %q, on another node %q; want %q", owned(a), owned(b), test.want)
				}
				w.hear(b, event) // which has received it too
				w.follow(a)
				if owned(a) != test.want || owned(b) != test.want {
					t.Errorf("twice: owners %q and %q", owned(a), owned(b))
				}
				s.say(nil, errors.New("away"))
				w.fetch(a, "list")
				if owned(a) != test.want {
					t.Errorf("after a fetch that failed: %q", owned(a))
				}
				s.say(list(), nil)
				w.fetch(a, "list")
				w.follow(b)
				const truth = "alice:commit @cooks:commit"
				if owned(a) != truth || owned(b) != truth {
					t.Errorf("after the next fetch: %q and %q", owned(a), owned(b))
				}
			})
		})
	}
}

func (w *world) follow(d *Directories) {
	w.Helper()
	if err := d.follow(w.Context()); err != nil {
		w.Fatal(err)
	}
}

// TestHintsOfGroups: somebody who is sponsored is a member at once, for filters and for nothing else. Who is removed is
// so when the server says it, which is asked soon.
func TestHintsOfGroups(t *testing.T) {
	w, s := newWorld(t, migratest.Open(t, migratest.SQLite(t))), &scripted{facts: list()}
	d := w.daemon("list", s, Defaults())
	w.fetch(d, "list")
	w.now = w.now.Add(time.Minute)
	w.hear(d, w.said("fas.group.member.sponsor", `{"agent": "root", "user": "bob", "group": "cooks"}`, w.now),
		w.said("fas.group.member.sponsor", `{"agent": "mallory", "user": "mallory", "group": "admins"}`, w.now),
		w.said("fas.group.member.sponsor", `{"agent": "root", "user": "bob", "group": "unknown"}`, w.now))
	if got := strings.Join(d.Load().Groups("bob"), " ") + ";" + strings.Join(d.Load().Members("cooks"), " "); got !=
		"cooks;bob carol" {
		t.Errorf("bob and the cooks: %s", got)
	}
	if got := d.Confirmed().Groups("mallory"); len(got) > 0 {
		t.Errorf("a message has made mallory a member of %q, for what opens doors too", got)
	}
	if due := d.entry("list").due(w.now, func() float64 { return 0 }); due < 50*time.Minute {
		t.Errorf("the next fetch is in %v, although there is nothing to ask", due)
	}
	w.hear(d, w.said("fas.group.member.remove", `{"agent": "root", "user": "carol", "group": "cooks"}`, w.now))
	if got := d.Load().Groups("carol"); len(got) != 1 {
		t.Errorf("carol is out of her group, by a message alone: %q", got)
	}
	if due := d.entry("list").due(w.now, func() float64 { return 0 }); due > 5*time.Minute || due < 3*time.Minute {
		t.Errorf("the next fetch is in %v", due)
	}
	w.fetch(d, "list")
	if due := d.entry("list").due(w.now, func() float64 { return 0 }); due < 50*time.Minute {
		t.Errorf("after a fetch the next is in %v", due)
	}
	w.hear(d, w.said("fas.user.update", `{"agent": "carol", "user": "carol", "fields": ["mail"]}`, w.now.Add(time.Second)))
	if due := d.entry("list").due(w.now, func() float64 { return 0 }); due < 50*time.Minute {
		t.Errorf("a source that knows no people is asked in %v", due)
	}
}

// TestHintsThatDoNotCount: of a sender who is not proved where the site minds, of long ago, of the future, and where
// what the server says is older than when it was asked.
func TestHintsThatDoNotCount(t *testing.T) {
	w, s := newWorld(t, migratest.Open(t, migratest.SQLite(t))), &scripted{facts: list()}
	d := w.daemon("list", s, Defaults())
	w.fetch(d, "list")
	added := func(at time.Time) *catalogue.Event {
		return w.said("pagure.project.user.added", `{`+project+`, "new_user": "bob", "access": "commit"}`, at)
	}
	marked := added(w.now.Add(time.Minute))
	marked.Message.Standing.Marked = true
	w.now = w.now.Add(2 * time.Minute)
	w.hear(d, marked, added(w.now.Add(-time.Hour)), added(w.now.Add(-48*time.Hour)))
	const truth = "alice:commit @cooks:commit"
	if owned(d) != truth {
		t.Errorf("owners %q", owned(d))
	}
	w.hear(d, added(w.now.Add(1000*time.Hour))) // by a clock that is wrong: it counts as of now
	if owned(d) == truth {
		t.Error("a message with a wrong clock does not count")
	}
	stale := list()
	stale.AsOf = w.now.Add(-time.Hour) // the list was written before the message
	s.say(stale, nil)
	w.fetch(d, "list")
	if owned(d) == truth {
		t.Error("a list that was written before the message has confirmed it")
	}
	w.now = w.now.Add(48 * time.Hour)
	if w.follow(d); owned(d) != truth {
		t.Errorf("two days later: %q", owned(d))
	}
	d.fetching.Store(true)
	if err := d.forgetHints(t.Context()); err != nil {
		t.Fatal(err)
	}
	var left int64
	if err := w.db.Reader.Model(&hintRow{}).Count(&left).Error; err != nil || left != 0 {
		t.Errorf("%d hints are left, %v", left, err)
	}
}
