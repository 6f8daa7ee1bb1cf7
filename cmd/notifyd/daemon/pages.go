package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/web"
)

// openPages opens the ports of the pages and of the operators' endpoints.
func (s *Service) openPages(ctx context.Context) error {
	if address := s.settings.Metrics.Listen; address != "" {
		if err := s.listen(ctx, "operators", address, maxOperatorConnections, s.operatorPages()); err != nil {
			return err
		}
	}
	if s.settings.Web.Listen == "" {
		return nil
	}
	if len(s.settings.Web.Proxies) == 0 && strings.HasPrefix(s.settings.Web.BaseURL, "https:") {
		s.log.Warn("the pages are reached over https, so a proxy stands in front, but web.trusted_proxies is empty: all visitors count as one network, and share its limits")
	}
	archive, err := s.archive()
	if err != nil {
		return fmt.Errorf("open archive: %w", err)
	}
	pages, err := web.Handler(web.Options{
		BaseURL:  s.settings.Web.BaseURL,
		Accounts: s.prefs.Accounts, Sessions: s.prefs.Sessions, Tokens: s.prefs.Tokens, Destinations: s.prefs.Destinations,
		Filters: s.prefs.Filters, Unsubscriber: s.prefs.Unsubscriber, Links: s.router.links,
		History: s.history, Outbox: s.outbox,
		Describe:       s.describer.describe,
		Directory:      func() rulespec.Directory { return asDirectory(s.watcher.Load()) },
		RuleKinds:      rulespec.RuleKinds,
		MessageKinds:   s.describer.kinds,
		KnowsKind:      s.describer.knowsKind,
		KindName:       s.describer.kindName,
		Backends:       s.infos(),
		KeepLinks:      func() bool { return s.trust.Load().Links() },
		Archive:        archive,
		Queue:          s.queue,
		Notices:        s.stream(),
		TrustedProxies: func() []netip.Prefix { return s.tuned.Load().proxies }, Now: s.env.Now, Log: s.log,
	})
	if err != nil {
		return fmt.Errorf("open pages: %w", err)
	}
	return s.listen(ctx, "pages", s.settings.Web.Listen, maxPageConnections, pages)
}

// queue stores account mail: sign-in links, codes, tests.
func (s *Service) queue(ctx context.Context, d outbox.Delivery) error {
	err := s.db.Writer.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		_, err := s.outbox.Add(tx, []outbox.Delivery{d})
		return err
	})
	if err != nil {
		return fmt.Errorf("queue account mail: %w", err)
	}
	s.outbox.Notify()
	return nil
}

// stream serves the backend that agents fetch from; nil: there is none.
func (s *Service) stream() http.Handler {
	for _, backend := range s.backends {
		if fetched, ok := backend.(backends.Fetched); ok {
			return fetched.Stream(s.authorize)
		}
	}
	return nil
}

// authorize returns the feed that the bearer of a token (RFC 6750) may read; "" where the token is not ours.
func (s *Service) authorize(r *http.Request) (address string, err error) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return "", nil
	}
	user, err := s.prefs.Tokens.User(r.Context(), token)
	if errors.Is(err, prefs.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return web.FeedAddress(user.ID), nil
}
