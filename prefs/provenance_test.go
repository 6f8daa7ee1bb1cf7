package prefs_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/links"
	"github.com/notifyd/notifyd/prefs/schedule"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// forged is what a stranger would send: a link to click, a name to trust, and the greatest urgency.
func forged(s bus.Standing) *catalogue.Event {
	e := update()
	e.Message.Standing = s
	e.Severity = catalogue.Critical
	e.SetProse(catalogue.Prose{
		Summary: "Change your password at https://evil.example/login or www.evil.example",
		Link:    "https://evil.example/login", Icon: "https://evil.example/seen.png",
	})
	return e
}

func planned(e *catalogue.Event, keepLinks bool) outbox.Delivery {
	digest := prefs.Destination{ID: 1, Schedule: schedule.Schedule{Every: time.Hour}}
	p := prefs.NewPlanner(e, e.Time, nil)
	p.KeepLinks = keepLinks
	s := subscription(1, digest)
	p.Add([]*prefs.Subscription{&s})
	return p.Deliveries()[0]
}

func TestMarkedNoticeHasNothingToClick(t *testing.T) {
	for _, c := range []struct {
		standing bus.Standing
		word     string
		caution  string
	}{
		{bus.Standing{Verdict: bus.Unsigned}, "unsigned", "no signature"},
		{bus.Standing{Verdict: bus.Invalid, Reason: "see evil.example"}, "signature invalid", "(see evil[.]example)"},
		{bus.Standing{Verdict: bus.WrongSigner, Signer: "bob.evil.example"}, "wrong signer", "“bob[.]evil[.]example”"},
		{bus.Standing{Verdict: bus.WrongSigner}, "wrong signer", "by somebody"},
		{bus.Standing{Verdict: bus.Stale}, "stale signature", "long past"},
		{bus.Standing{Verdict: bus.BodyOnly, Signer: "bodhi"}, "only the body is signed", "“bodhi”"},
		{bus.Standing{Verdict: bus.Unchecked}, "signature not checked", "could not be checked"},
		{bus.Standing{Verdict: "of a later version"}, "not proved", "not proved"},
	} {
		c.standing.Marked = true
		d := planned(forged(c.standing), false)
		n := d.Notice
		if n.Standing != c.word || !strings.Contains(n.Caution, c.caution) || n.Signer != "" || n.Unconfirmed {
			t.Errorf("%v: %q, %q, signer %q", c.standing, n.Standing, n.Caution, n.Signer)
		}
		text, err := json.Marshal(n)
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{"https:", "www.", "evil.example"} {
			if strings.Contains(string(text), bad) {
				t.Errorf("%s: %q is in %s", c.word, bad, text)
			}
		}
		if !strings.Contains(n.Text, "hxxps[://]evil[.]example/login") {
			t.Errorf("%s: the text no longer says where the link led: %q", c.word, n.Text)
		}
		if n.Severity != "error" || !d.Together || !d.DueAt.After(forged(c.standing).Time) {
			t.Errorf("%s: severity %s, due %v: a stranger's message goes before its digest", c.word, n.Severity, d.DueAt)
		}
	}
}

func TestProvedNotice(t *testing.T) {
	signed := bus.Standing{Verdict: bus.Signed, Signer: "bodhi.example.org"}
	for _, c := range []struct {
		standing bus.Standing
		want     backends.Provenance
	}{
		{signed, backends.Provenance{Signer: "bodhi.example.org"}},
		{bus.Standing{Verdict: bus.Trusted, Signer: "x"}, backends.Provenance{}},
		{bus.Standing{Verdict: bus.Unsigned}, backends.Provenance{}}, // the site takes unsigned messages as they are
		{bus.Standing{}, backends.Provenance{}},
	} {
		d := planned(forged(c.standing), false)
		if d.Notice.Provenance != c.want || d.Notice.Link == "" || d.Notice.Icon == "" || d.Notice.Severity != "critical" {
			t.Errorf("%v: %+v", c.standing, d.Notice)
		}
		if d.Together {
			t.Errorf("%v: a critical message waits for its digest", c.standing)
		}
	}
}

func TestSiteMayKeepLinks(t *testing.T) {
	n := planned(forged(bus.Standing{Verdict: bus.Unsigned, Marked: true}), true).Notice
	if n.Standing != "unsigned" || n.Link == "" || !strings.Contains(n.Text, "https://evil.example/login") ||
		strings.Contains(n.Caution, "clicked") || n.Severity != "error" {
		t.Errorf("%+v", n)
	}
}

func TestUnconfirmed(t *testing.T) {
	sent := planned(forged(bus.Standing{Verdict: bus.Unsigned}), false).Notice
	n := prefs.Unconfirmed(sent, bus.Standing{Verdict: bus.Signed, Signer: "pkgs.example.org"})
	if !n.Unconfirmed || n.Standing != "not confirmed" || n.Link != "" || n.Icon != "" || n.Severity != "error" ||
		!strings.Contains(n.Caution, "The message below was not confirmed") ||
		!strings.Contains(n.Caution, "signed by “") || strings.Contains(n.Text, "https:") {
		t.Errorf("%+v", n)
	}
	if n.ID != sent.ID || len(n.Why) != len(sent.Why) || sent.Unconfirmed || sent.Link == "" {
		t.Errorf("%+v of %+v", n, sent)
	}
}

// TestRelayedTextIsNoLetterOfOurs: a message that poses as a mail about the account, with a link of our own site that
// signs its reader in to the account of a stranger, comes without anything to click, also where its sender is proved.
// No title of a relayed message begins as those of our own mails do: it begins with what the message is about.
func TestRelayedTextIsNoLetterOfOurs(t *testing.T) {
	signer := links.New([]byte("0123456789abcdef"), "https://notify.example.org", newClock().now)
	for name, c := range map[string]struct {
		link  string
		plain bool // nothing of ours
	}{
		"link":    {link: "https://notify.example.org/signin/AAAA"},
		"encoded": {link: "https://NOTIFY.example.org/%75ndo/AAAA"},
		"other":   {link: "https://src.example.org/signin/AAAA", plain: true},
	} {
		t.Run(name, func(t *testing.T) {
			e := update()
			e.Message.Standing = bus.Standing{Verdict: bus.Signed, Signer: "bodhi"}
			e.SetProse(catalogue.Prose{Summary: "A new sign-in to your account: open " + c.link, Link: c.link})
			p := prefs.NewPlanner(e, e.Time, signer)
			s := subscription(1, prefs.Destination{ID: 1})
			p.Add([]*prefs.Subscription{&s})
			n := p.Deliveries()[0].Notice
			if (n.Link == c.link) != c.plain || strings.Contains(n.Text+n.Title, c.link) != c.plain {
				t.Errorf("link %q, text %q, title %q", n.Link, n.Text, n.Title)
			}
			if !strings.HasPrefix(n.Title, "[") {
				t.Errorf("title %q", n.Title)
			}
		})
	}
}
