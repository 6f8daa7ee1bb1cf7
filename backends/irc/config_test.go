package irc_test

import (
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/notifyd/notifyd/backends/irc"
)

const goodConfig = `
manage: https://notify.example.org/
networks:
  - name: libera
    address: irc.example.org:6697
    tls: true
    nick: notifyd
    sasl: {mechanism: plain, username: notifyd, password: swordfish}
    require_account: true
    burst: 4
    per_second: 0.5
    connect_timeout: 30s
`

func TestConfig(t *testing.T) {
	var c irc.Config
	if err := yaml.UnmarshalWithOptions([]byte(goodConfig), &c, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	if err := c.Check(); err != nil {
		t.Fatal(err)
	}
	if n := c.Networks[0]; n.ConnectTimeout != 30*time.Second || n.PerSecond != 0.5 || n.SASL.Password != "swordfish" ||
		n.RequireAccount != "true" {
		t.Errorf("decoded %+v", n)
	}
	tests := []struct {
		name string
		edit func(*irc.Config, *irc.Network)
		want string
	}{
		{"no network", func(c *irc.Config, n *irc.Network) { c.Networks = nil }, "networks: needs"},
		{"twice", func(c *irc.Config, n *irc.Network) { c.Networks = append(c.Networks, *n) },
			`networks[1].name: "libera" is taken`},
		{"name", func(c *irc.Config, n *irc.Network) { n.Name = "Libera Chat" }, "networks[0].name: "},
		{"account", func(c *irc.Config, n *irc.Network) { n.RequireAccount = "yes" }, "networks[0].require_account: "},
		{"address", func(c *irc.Config, n *irc.Network) { n.Address = "irc.example.org" }, "networks[0].address: "},
		{"nick", func(c *irc.Config, n *irc.Network) { n.Nick = "#bot" }, "networks[0].nick: "},
		{"user", func(c *irc.Config, n *irc.Network) { n.User = "a b" }, "networks[0].user: "},
		{"realname", func(c *irc.Config, n *irc.Network) { n.RealName = "a\r\nQUIT" }, "networks[0].realname: "},
		{"mechanism", func(c *irc.Config, n *irc.Network) { n.SASL.Mechanism = "scram" }, "networks[0].sasl.mechanism: "},
		{"no mechanism", func(c *irc.Config, n *irc.Network) { n.SASL.Mechanism = "" }, "networks[0].sasl.mechanism: "},
		{"plain without password", func(c *irc.Config, n *irc.Network) { n.SASL.Password = "" }, "networks[0].sasl: "},
		{"external without certificate", func(c *irc.Config, n *irc.Network) { n.SASL = irc.SASL{Mechanism: "external"} },
			"networks[0].sasl: "},
		{"password in the clear", func(c *irc.Config, n *irc.Network) { n.TLS = false }, "networks[0].tls: "},
		{"half a pair", func(c *irc.Config, n *irc.Network) { n.ClientCert = "x" }, "networks[0].client_cert: "},
		{"burst", func(c *irc.Config, n *irc.Network) { n.Burst = -1 }, "networks[0].burst: "},
		{"per second", func(c *irc.Config, n *irc.Network) { n.PerSecond = -1 }, "networks[0].per_second: "},
		{"timeout", func(c *irc.Config, n *irc.Network) { n.SendTimeout = -1 }, "networks[0].send_timeout: "},
		{"order", func(c *irc.Config, n *irc.Network) { n.ReconnectMin = 10 * time.Minute }, "networks[0].reconnect_max: "},
		{"lines", func(c *irc.Config, n *irc.Network) { c.NoticeLines = 99 }, "notice_lines: "},
		{"digest", func(c *irc.Config, n *irc.Network) { c.DigestLines = -1 }, "digest_lines: "},
		{"no file", func(c *irc.Config, n *irc.Network) { n.CAFile = "/does/not/exist" }, "networks[0]: ca_file: "},
		{"no pair", func(c *irc.Config, n *irc.Network) { n.ClientCert, n.ClientKey = "/does/not", "/exist" },
			"networks[0]: client_cert: "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var c irc.Config
			if err := yaml.Unmarshal([]byte(goodConfig), &c); err != nil {
				t.Fatal(err)
			}
			test.edit(&c, &c.Networks[0])
			_, err := irc.New(c, slog.New(slog.DiscardHandler), rand.Float64)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "swordfish") {
				t.Errorf("New() = %v, want %q", err, test.want)
			}
		})
	}
}
