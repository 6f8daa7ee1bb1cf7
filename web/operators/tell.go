package operators

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/web/visit"
)

// tell sends word to a user about what an operator has done to the account, to each place that takes notices now. page
// is where the user sees it.
func (o Options) tell(v *visit.Visit, user prefs.User, title, words, page string) error {
	ds, err := o.Destinations.List(v.Context(), user.ID)
	if err != nil {
		return err
	}
	base := strings.TrimSuffix(o.BaseURL, "/")
	by := v.User.Name
	if by == "" {
		by = "somebody without a name"
	}
	for _, d := range ds {
		if !d.Confirmed || !d.On || d.Disabled != "" {
			continue
		}
		sum := sha256.Sum256(fmt.Appendf(nil, "%d %d %s %s", d.ID, v.Now.UnixNano(), title, words))
		n := backends.Notice{
			ID: "account-" + hex.EncodeToString(sum[:12]), Time: v.Now.UTC(), Severity: "info", Title: title,
			Text: words + "\n\nIt was " + v.Role.String() + " " + by + ". What was changed of your account, and by whom, " +
				"is on its page of changes: " + base + "/settings/history", Link: base + page,
		}
		err := o.Queue(v.Context(), outbox.Delivery{
			Message: n.ID, Destination: prefs.Key(d.ID), Backend: d.Backend, Address: d.Address, Notice: n,
			Manage: base + "/", DueAt: v.Now,
		})
		if err != nil {
			return err
		}
	}
	return nil
}
