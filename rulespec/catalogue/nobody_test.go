package catalogue

import (
	"strings"
	"testing"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// TestActorThatIsNobody: what a program writes where it knows no person is no person, in messages that an entry knows
// and in others.
func TestActorThatIsNobody(t *testing.T) {
	c := embeddedCatalogue(t)
	for _, nobody := range []string{"null", "None", "undefined", "UNKNOWN", "anonymous", "<nil>", "(null)", " none "} {
		const finished = "org.centos.prod.ci.pipeline.allpackages-build.complete"
		stage := c.Describe(&bus.Message{Topic: finished, Body: map[string]any{
			"username": nobody, "namespace": "null", "repo": "tea", "rev": "kojitask-99", "branch": "f43",
			"status": "SUCCESS"}})
		if stage.Actor != "" || len(stage.Users) > 0 || !strings.HasPrefix(stage.Prose().Summary, "tea (Koji task 99") {
			t.Errorf("ci, %q: actor %q, users %q: %s", nobody, stage.Actor, stage.Users, stage.Prose().Summary)
		}
		edit := c.Describe(&bus.Message{Topic: "org.fedoraproject.prod.pagure.issue.comment.added", Body: map[string]any{
			"agent": nobody, "issue": map[string]any{"id": 7, "title": "Tea", "user": map[string]any{"name": "alice"}},
			"project": map[string]any{"name": "tea"}}})
		if edit.Actor != "" || strings.Join(edit.Users, " ") != "alice" ||
			!strings.HasPrefix(edit.Prose().Summary, "Somebody commented on the ticket tea#7") {
			t.Errorf("pagure, %q: actor %q, users %q: %s", nobody, edit.Actor, edit.Users, edit.Prose().Summary)
		}
		other := c.Describe(&bus.Message{Topic: "org.example.prod.brewery.tea.made", Body: map[string]any{
			"agent": nobody, "owner": "alice"}, Headers: map[string]any{headerUser + nobody: true, headerUser + "bob": true}})
		if other.Actor != "" || strings.Join(other.Users, " ") != "bob" {
			t.Errorf("no entry, %q: actor %q, users %q", nobody, other.Actor, other.Users)
		}
	}
}

func TestNobodyIsAnAccount(t *testing.T) {
	c := embeddedCatalogue(t).WithAccounts(map[string]string{"none": "none"})
	e := c.Describe(&bus.Message{Topic: "org.example.prod.brewery.tea.made", Body: map[string]any{"agent": "none"}})
	if e.Actor != "none" {
		t.Errorf("the account none is no actor: %q", e.Actor)
	}
	for _, name := range []string{"nullius", "anonymous-coward", "", "none-such"} {
		if values.IsNobody(name) {
			t.Errorf("%q is nobody", name)
		}
	}
}
