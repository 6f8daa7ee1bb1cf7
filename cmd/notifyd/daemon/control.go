package daemon

import (
	"context"
	"strconv"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/control"
	"github.com/notifyd/notifyd/prefs/links"
	"github.com/notifyd/notifyd/prefs/mute"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/web/mutes"
)

// controlDesk does what people say where they read their notices.
func (s *Service) controlDesk() *control.Desk {
	return &control.Desk{Accounts: s.prefs.Accounts, Destinations: s.prefs.Destinations,
		Unsubscriber: s.prefs.Unsubscriber, Filters: s.prefs.Filters, Mutes: s.prefs.Mutes, Outbox: s.outbox,
		Manage: s.settings.Web.manage(), Now: s.env.Now, Changed: s.outbox.Notify,
		Guard: func(ctx context.Context, user prefs.User, m mute.Mute) (string, error) {
			sight, err := s.guard.Look(ctx, user, m)
			return sight.Words(user.Location()), err
		},
		Mailbox: func(backend string) bool { return backend == "email" }}
}

// openGuard makes what looks what a mute would have silenced.
func (s *Service) openGuard() {
	s.guard = mutes.NewGuard(mutes.Guard{History: s.history, Filters: s.prefs.Filters, Describe: s.describer.describe,
		Directory: func() rulespec.Directory { return asDirectory(s.directory.Load()) },
		Env: func() rulespec.Env {
			return rulespec.Env{KnowsKind: s.describer.knowsKind, KindName: s.describer.kindName}
		},
		Readers: s.reading().SeenBy, Now: s.env.Now,
		Me: func(u prefs.User) string { return u.Me(s.settings.Accounts.ClaimedNames()) }})
}

// mutePages are what the pages of mutes work on.
func (s *Service) mutePages() mutes.Options {
	return mutes.Options{Mutes: s.prefs.Mutes, Filters: s.prefs.Filters, Destinations: s.prefs.Destinations,
		Accounts: s.prefs.Accounts, Unsubscriber: s.prefs.Unsubscriber, Outbox: s.outbox, Links: s.router.links,
		Guard: s.guard, Kind: s.describer.kindName}
}

// explain says why somebody gets a notice, with links that are made now.
func (s *Service) explain(tx *gorm.DB, asked []outbox.Unexplained) ([]outbox.Explained, error) {
	var signer *links.Signer // before there is a router nothing is sent
	if s.router != nil {
		signer = s.router.links
	}
	return s.prefs.Reasons.Explain(tx, asked, signer)
}

// mutePage is the signed page where whoever has a destination mutes what a message is about.
func (s *Service) mutePage(destination string) string {
	id, err := strconv.ParseUint(destination, 10, 63)
	if err != nil || s.router == nil {
		return ""
	}
	return s.router.links.Mute(uint(id))
}
