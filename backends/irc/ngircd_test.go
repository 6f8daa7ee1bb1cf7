package irc_test

import (
	"testing"

	"github.com/notifyd/notifyd/backends/irc"
)

func TestSendThroughNgircd(t *testing.T) {
	port := freePort(t)
	startNgircd(t, port)
	alice := join(t, "127.0.0.1:"+port, "alice")
	b, _ := open(t, irc.Config{Networks: []irc.Network{network(port)}})
	if err := b.Send(short(t), parcel("alice", notice("build 42 of foo finished"))); err != nil {
		t.Fatal(err)
	}
	if got, want := alice.heard(t), "[copr] build 42 of foo finished https://example.org/1 (my builds)"; got != want {
		t.Errorf("alice heard %q, want %q", got, want)
	}
}
