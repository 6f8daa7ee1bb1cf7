package daemon

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/trust"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// TestMarkedIsOwedWithoutLinks: what the site's policy marks says so in the notice, and has nothing to click unless the
// site wants that.
func TestMarkedIsOwedWithoutLinks(t *testing.T) {
	mark := trust.Verdicts{Unsigned: trust.Mark}
	for name, c := range map[string]struct {
		trust           trust.Config
		standing, links string
	}{
		"nothing is checked": {trust.Config{}, "", "https://"},
		"marked":             {trust.Config{Verdicts: mark}, "unsigned", ""},
		"links are wanted":   {trust.Config{Verdicts: mark, Links: true}, "unsigned", "https://"},
	} {
		t.Run(name, func(t *testing.T) {
			migratest.Each(t, func(t *testing.T, d *migrations.DB) {
				r, _, _, _ := aRouter(t, d, about("bash", false))
				r.verifier = judging(t, c.trust)
				if err := r.persist(t.Context(), []bus.Frame{push("m1", "bash")}); err != nil {
					t.Fatal(err)
				}
				var stored string
				if err := d.Reader.Raw("SELECT notice FROM contents").Scan(&stored).Error; err != nil {
					t.Fatal(err)
				}
				var n backends.Notice
				if err := json.Unmarshal([]byte(stored), &n); err != nil {
					t.Fatal(err)
				}
				if n.Standing != c.standing || !strings.HasPrefix(n.Link, c.links) || c.links == "" && n.Link != "" {
					t.Errorf("the notice is %s", stored)
				}
			})
		})
	}
}
