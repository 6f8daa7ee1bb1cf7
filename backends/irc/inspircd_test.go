package irc_test

import (
	"strings"
	"testing"

	"github.com/notifyd/notifyd/backends/irc"
)

func TestSendThroughInspircd(t *testing.T) {
	s := startInspircd(t)
	alice := join(t, "127.0.0.1:"+s.port, "alice")
	c := network(s.tlsPort)
	c.TLS, c.CAFile = true, s.ca
	b, _ := open(t, irc.Config{Networks: []irc.Network{c}})
	if err := b.Send(short(t), parcel("alice@test", notice("build 42 of foo finished"))); err != nil {
		t.Fatal(err)
	}
	if got, want := alice.heard(t), "[copr] build 42 of foo finished https://example.org/1 (my builds)"; got != want {
		t.Errorf("alice heard %q, want %q", got, want)
	}
}

func TestSASLAndAccounts(t *testing.T) {
	s := startInspircd(t)
	startAtheme(t, s)
	bot := join(t, "127.0.0.1:"+s.port, "notifyd")
	bot.register(t, "swordfish")
	bot.quit()
	alice := join(t, "127.0.0.1:"+s.port, "alice")
	c := network(s.tlsPort)
	c.TLS, c.CAFile, c.RequireAccount = true, s.ca, "true"
	c.SASL = irc.SASL{Mechanism: "plain", Username: "notifyd", Password: "swordfish"}
	b, _ := open(t, irc.Config{Networks: []irc.Network{c}})
	err := b.Send(short(t), parcel("alice@test", notice("not for strangers")))
	if err == nil || !strings.Contains(err.Error(), "not logged in") {
		t.Errorf("Send to a nick without account = %v", err)
	}
	alice.register(t, "secret1234")
	if err := b.Send(short(t), parcel("alice@test", notice("for the owner"))); err != nil {
		t.Fatal(err)
	}
	if got := alice.heard(t); !strings.Contains(got, "for the owner") {
		t.Errorf("alice heard %q", got)
	}
}
