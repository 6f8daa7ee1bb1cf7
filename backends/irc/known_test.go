package irc_test

import (
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/irc"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// TestWhatANetworkHasShownIsKept: a node that is not connected folds nicks as the network does, and so does the daemon
// after a restart; what has shown that there are services stays known.
func TestWhatANetworkHasShownIsKept(t *testing.T) {
	server := startInspircd(t)
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		node := func() *irc.Backend {
			config := irc.Config{Networks: []irc.Network{network(server.port)}}
			b, err := irc.Driver().Open(func(into any) error { *into.(*irc.Config) = config; return nil }, backends.Parts{
				Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: time.Now, Random: rand.Float64,
				Writer: d.Writer, Reader: d.Reader,
			})
			if err != nil {
				t.Fatal(err)
			}
			return b.(*irc.Backend)
		}
		address := func(b *irc.Backend) string {
			got, err := b.Info().CheckAddress("Bob[x]")
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		one := node()
		if got := address(one); got != "bob[x]@test" {
			t.Errorf("before the network was ever seen, %s", got)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- one.Run(ctx) }()
		connected(t, one, 0)
		before := one.Spelling()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		two := node()
		if one, two := address(one), address(two); one != "bob{x}@test" || two != one {
			t.Errorf("connected %s, and the other node %s", one, two)
		}
		if two.Spelling() != before || two.Spelling() == "test=" {
			t.Errorf("spellings %q and %q", before, two.Spelling())
		}

		// services were seen once, on any node
		three := node()
		if three.Info().Caution("bob@test") == "" {
			t.Error("a network without services is not warned of")
		}
		err := d.Writer.Exec("UPDATE irc_networks SET services = 'the server offers SASL'").Error
		if err != nil {
			t.Fatal(err)
		}
		if four := node(); four.Info().Caution("bob@test") != "" {
			t.Error("a node that was started later does not know of the services")
		}
		exectest.Eventually(t, patience, "the other node", func() bool { return three.Info().Caution("bob@test") == "" })
	})
}
