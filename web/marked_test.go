package web_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/bus"
)

// announce is what a stranger would like people to read and click.
func (s *testSite) announce(id string, standing bus.Standing) {
	s.t.Helper()
	topic := "org.example.prod.announce.announcement"
	s.storeAs(topic, fmt.Appendf(nil, `{"topic":%q,"msg_id":%q,"timestamp":%d,"msg":{"message":%q,"link":%q}}`,
		topic, id, s.now().Unix(), "All passwords must be changed today", "https://evil.example/login"), standing)
}

// Every page that shows a message says that its sender is not proved, in words, and gives nothing to click.
func TestMarkedMessages(t *testing.T) {
	s := newSite(t, "")
	alice := s.signUp("alice")
	f := s.filter("alice", packageFilter("Shells", "bash"))
	s.announce("2026-forged", bus.Standing{Verdict: bus.Unsigned, Reason: "it has no signature", Marked: true})
	s.announce("2026-signed", bus.Standing{Verdict: bus.Signed, Signer: "announce01.example.org"})
	s.announce("2026-wrong", bus.Standing{Verdict: bus.WrongSigner, Signer: "<wiki>", Reason: "so it is", Marked: true})

	page := alice.get("/messages/2026-forged")
	page.want(t, 200, `<strong>Unsigned.</strong> It is not proved who sent this message`,
		"hxxps[://]evil[.]example/login", "<dt>Signature</dt><dd>unsigned (it has no signature)</dd>")
	if strings.Contains(page.body, `href="https://evil.example`) {
		t.Error("the link of a message that is not proved can be clicked")
	}
	alice.get("/messages/2026-wrong").want(t, 200, "wrong signer, by &lt;wiki&gt; (so it is)",
		"which is not among those who may send messages of this kind")
	page = alice.get("/messages/2026-signed")
	page.want(t, 200, `href="https://evil.example/login"`, "<dd>signed by announce01.example.org</dd>")
	if strings.Contains(page.body, "note bad") {
		t.Error("a proved message is warned of")
	}
	list := alice.get("/messages")
	list.want(t, 200, `<span class="badge warn">unsigned</span> <a href="/messages/2026-forged">`,
		`<span class="badge warn">wrong signer</span> <a href="/messages/2026-wrong">`,
		`<li><p><a href="/messages/2026-signed">`)

	s.deliver("alice", f, "2026-forged")
	alice.get("/notices").want(t, 200, `<span class="badge warn">unsigned</span> <a href="/messages/2026-forged">`)
	alice.post("/filters/preview", "r0.kind", "app", "r0.name", "announce").want(t, 200,
		`<span class="badge warn">unsigned</span>`)
}

// The rule about signatures is made on the page like any other, with and without a name, and previewed by what was
// found when the messages came.
func TestSignedRuleOnThePage(t *testing.T) {
	s := newSite(t, "")
	alice := s.signUp("alice")
	s.announce("2026-forged", bus.Standing{Verdict: bus.Unsigned, Marked: true})
	s.announce("2026-signed", bus.Standing{Verdict: bus.Signed, Signer: "announce01"})
	s.announce("2026-other", bus.Standing{Verdict: bus.Signed, Signer: "other"})
	for _, c := range []struct {
		form []string
		want string
	}{
		{[]string{"r0.kind", "signed"}, "2026-other 2026-signed"},
		{[]string{"r0.kind", "signed", "r0.by", "announce01"}, "2026-signed"},
		{[]string{"r0.kind", "everything", "r1.kind", "signed", "r1.not", "not"}, "2026-forged"},
	} {
		page := alice.post("/filters/preview", c.form...)
		var got []string
		for _, id := range []string{"2026-forged", "2026-other", "2026-signed"} {
			if strings.Contains(page.body, "/messages/"+id) {
				got = append(got, id)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%q previews %q, want %q", c.form, got, c.want)
		}
	}
	alice.post("/filters", "do", "save", "name", "Proved", "where", "all", "on", "yes", "r0.kind", "app", "r0.name",
		"announce", "r1.kind", "signed").to(t, "/filters")
	alice.get("/filters").want(t, 200, "the sender is proved")
	alice.get("/settings/filters.yaml").want(t, 200, "- signed: true")
}
