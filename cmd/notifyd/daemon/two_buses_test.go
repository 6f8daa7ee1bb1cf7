package daemon

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/history/readers"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

const sharedUUID = "4b5a3d2c-95a0-4f0e-b1cd-0123456789ab"

// overAMQP and overFedmsg are one message as two buses bring it. rev is what it says. The source "relay" proves it.
func overAMQP(source, rev string) bus.Frame {
	f := push("", "bash")
	return bus.Frame{Source: source, Topic: f.Topic, Payload: fmt.Appendf(nil,
		`{"topic":%q,"id":%q,"headers":{"fedora_messaging_severity":40,"fedora_messaging_rpm_bash":true,"fedora_messaging_rpm_zsh":true,`+
			`"sent-at":"2026-11-21T11:00:00+00:00"},"body":{"commit": {"repo": "bash", "branch": "main", "rev": %q, `+
			`"username": "bob", "summary": "x", "message": "x"}}}`, f.Topic, sharedUUID, rev)}
}

func overFedmsg(source, rev string) bus.Frame {
	f := push("2026-"+sharedUUID, "bash")
	f.Source = source
	f.Payload = []byte(strings.NewReplacer(`"rev":"abc"`, fmt.Sprintf(`"rev":%q`, rev),
		`"username":"git"`, `"username":"amqp-bridge"`).Replace(string(f.Payload)))
	return f
}

// shortID writes "amqp" and "fedmsg" for the two ids of the message.
func shortID(s string) string {
	return strings.NewReplacer("2026-"+sharedUUID, "fedmsg", sharedUUID, "amqp").Replace(s)
}

// TestOneMessageFromTwoBuses brings a message over two buses: batch by batch, with a restart between, and in one batch.
func TestOneMessageFromTwoBuses(t *testing.T) {
	for _, c := range []struct {
		name             string
		frames           []bus.Frame
		owed, atOnce     string
		source, standing string // of the message that has the id
	}{
		{"AMQP first", []bus.Frame{overAMQP("a", "1"), overFedmsg("z", "1")}, "amqp waiting", "amqp waiting", "a", "unsigned"},
		{"fedmsg first", []bus.Frame{overFedmsg("z", "1"), overAMQP("a", "1")}, "fedmsg waiting", "fedmsg waiting", "z",
			"unsigned"},
		{"again and again", slices.Repeat([]bus.Frame{overFedmsg("z", "1"), overAMQP("a", "1")}, 5), "fedmsg waiting",
			"fedmsg waiting", "z", "unsigned"},
		{"the second is proved", []bus.Frame{overAMQP("a", "1"), overFedmsg("relay", "1")}, "amqp waiting", "amqp waiting",
			"relay", "trusted"},
		{"the first is proved", []bus.Frame{overFedmsg("relay", "1"), overAMQP("a", "1")}, "fedmsg waiting",
			"fedmsg waiting", "relay", "trusted"},
		{"a forgery under the other id", []bus.Frame{overFedmsg("relay", "1"), overAMQP("a", "2")}, "fedmsg waiting",
			"fedmsg waiting", "relay", "trusted"},
		{"a forgery under the other id, first", []bus.Frame{overFedmsg("z", "2"), overAMQP("relay", "1")},
			"fedmsg~ dead, fedmsg waiting", "fedmsg waiting", "relay", "trusted"},
		{"a forgery, and the forger again", []bus.Frame{overFedmsg("z", "2"), overAMQP("relay", "1"), overAMQP("z", "2")},
			"fedmsg~ dead, fedmsg waiting", "fedmsg waiting", "relay", "trusted"},
	} {
		t.Run(c.name, func(t *testing.T) {
			migratest.Each(t, func(t *testing.T, d *migrations.DB) {
				r := aDoubter(t, d)
				take(t, r, c.frames...)
				if got := shortID(owed(t, r)); got != c.owed {
					t.Errorf("owed one by one: %s; want %s", got, c.owed)
				}
				checkStored(t, r, c.source, c.standing)
			})
			migratest.Each(t, func(t *testing.T, d *migrations.DB) {
				r := aDoubter(t, d)
				if err := r.persist(t.Context(), c.frames); err != nil {
					t.Fatal(err)
				}
				if got := shortID(owed(t, r)); got != c.atOnce {
					t.Errorf("owed at once: %s; want %s", got, c.atOnce)
				}
				checkStored(t, r, c.source, c.standing)
			})
		})
	}
}

// checkStored looks for the message by both of its ids.
func checkStored(t *testing.T, r *router, source, standing string) {
	t.Helper()
	for _, id := range []string{sharedUUID, "2026-" + sharedUUID} {
		record, err := r.history.Get(t.Context(), id, readers.Sources{})
		if err != nil || record.Source != source || record.Standing.Words() != standing {
			t.Errorf("%s is stored from %q, %s, %v; want from %q, %s", shortID(id), record.Source, record.Standing.Words(), err,
				source, standing)
		}
	}
}

// TestHeadersOfAnUnprovedCopyGo: what only the header of an unproved copy says is not believed when the other copy is
// proved.
func TestHeadersOfAnUnprovedCopyGo(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		r := aDoubter(t, d)
		for _, c := range []struct {
			frame bus.Frame
			found int
		}{{overAMQP("a", "1"), 1}, {overFedmsg("relay", "1"), 0}} {
			take(t, r, c.frame)
			page, err := r.history.Search(t.Context(), history.Query{Package: "zsh"})
			if err != nil || len(page.Records) != c.found {
				t.Errorf("after the copy from %s %d messages are about zsh, %v; want %d", c.frame.Source, len(page.Records), err,
					c.found)
			}
		}
	})
}
