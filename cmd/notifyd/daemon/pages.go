package daemon

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	backendall "github.com/notifyd/notifyd/backends/all"
	known "github.com/notifyd/notifyd/cmd/notifyd/daemon/operators"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon/reading"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon/reports"
	"github.com/notifyd/notifyd/cmd/notifyd/people"
	"github.com/notifyd/notifyd/history/readers"
	"github.com/notifyd/notifyd/history/report"
	"github.com/notifyd/notifyd/internal/watch"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/prefs/personal"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
	"github.com/notifyd/notifyd/web"
	"github.com/notifyd/notifyd/web/changes"
	"github.com/notifyd/notifyd/web/download"
	"github.com/notifyd/notifyd/web/limit"
	"github.com/notifyd/notifyd/web/limits"
	"github.com/notifyd/notifyd/web/mutes"
	"github.com/notifyd/notifyd/web/operators"
	"github.com/notifyd/notifyd/web/security"
	"github.com/notifyd/notifyd/web/signin"
	"github.com/notifyd/notifyd/web/when"
)

// openReports reads the reports, and makes the desk that pages and mails get them from.
func (s *Service) openReports() (err error) {
	set := s.settings.Reports
	if s.reports, err = watch.New(s.reportFiles(set), set.Check, s.log); err != nil {
		return fmt.Errorf("load reports: reports.folder: %w", err)
	}
	if err := set.CheckMail(knows(s.reports.Load()), mailInfo(s.backends)); err != nil {
		return err
	}
	s.desk = report.NewDesk(report.Config{
		Store: s.history, Describe: s.describer.describe, Now: s.env.Now, Log: s.log, KindName: s.describer.kindName,
		AppName:   s.describer.appName,
		Directory: func() rulespec.Directory { return asDirectory(s.directory.Load()) },
	})
	return nil
}

func (s *Service) reportFiles(set reports.Settings) watch.Source[*report.Set] {
	return report.Source(folder(set.Folder), s.describer.env)
}

// mailReports mails reports when they are due.
func (s *Service) mailReports(ctx context.Context) error {
	set, info := s.settings.Reports, mailInfo(s.backends)
	if info == nil {
		info = &backends.Info{} // nothing is mailed: openReports has seen to it
	}
	mailer := reports.Mailer{Mail: set.Mail, Set: s.reports.Load, Desk: s.desk, DB: s.db.Writer, Outbox: s.outbox,
		Public: s.reading().Public,
		Email:  *info, Now: s.env.Now, Log: s.log}
	if set.Readers == reports.Everybody { // those who get the mail may have no account
		mailer.BaseURL = s.settings.Web.manage()
	}
	return mailer.Run(ctx)
}

// mailInfo returns the backend that mails reports, nil where it is not configured.
func mailInfo(opened map[string]backends.Backend) *backends.Info {
	for _, info := range backendall.Infos() {
		if info.Name == "email" && opened[info.Name] != nil {
			return &info
		}
	}
	return nil
}

// checkReports checks the reports of the site, and what is mailed.
func checkReports(s Settings, opened map[string]backends.Backend) error {
	site, err := catalogue.Load(folder(s.Catalogue.Folder))
	if err != nil {
		return nil // checkFiles says it
	}
	env := rulespec.Env{KnowsKind: site.KnownKinds(), ObjectsOf: site.ObjectsOf}
	set, err := report.Load(folder(s.Reports.Folder), env)
	if err != nil {
		return fmt.Errorf("reports.folder: %w", err)
	}
	return s.Reports.CheckMail(knows(set), mailInfo(opened))
}

func knows(set *report.Set) func(name string) bool {
	return func(name string) bool { return set.Find(name) != nil }
}

// reportPages are the pages of reports; nil: nobody may read them.
func (s *Service) reportPages() *web.Reports {
	who := s.settings.Reports.Readers
	if who == reports.Nobody {
		return nil
	}
	return &web.Reports{Set: s.reports.Load, Desk: s.desk, Public: who == reports.Everybody}
}

// openPages opens the ports of the pages and of the operators' endpoints.
func (s *Service) openPages(ctx context.Context) error {
	if address := s.settings.Metrics.Listen; address != "" {
		if err := s.listen(ctx, "operators", address, maxOperatorConnections, everyone,
			s.operatorPages()); err != nil {
			return err
		}
	}
	if s.settings.Web.Listen == "" {
		return nil
	}
	archive, err := s.archive()
	if err != nil {
		return fmt.Errorf("open archive: %w", err)
	}
	if s.ways, err = s.settings.Accounts.WaysIn(s.waysIn()); err != nil {
		return fmt.Errorf("open ways in: %w", err)
	}
	pages, err := web.Handler(web.Options{
		BaseURL: s.settings.Web.BaseURL, SignIn: s.ways, NoMailedLinks: !s.settings.Accounts.Mail,
		Accounts: s.prefs.Accounts, Sessions: s.prefs.Sessions,
		Logins: s.prefs.Logins, Tokens: s.prefs.Tokens, Destinations: s.prefs.Destinations,
		Filters: s.prefs.Filters, Unsubscriber: s.prefs.Unsubscriber, Links: s.router.links,
		Mutes:   s.prefs.Mutes,
		History: s.history, Outbox: s.outbox,
		Describe:     s.describer.describe,
		Directory:    func() rulespec.Directory { return asDirectory(s.directory.Load()) },
		RuleKinds:    rulespec.RuleKinds,
		MessageKinds: s.describer.kinds,
		KnowsKind:    s.describer.knowsKind,
		ObjectsOf:    s.describer.objectsOf,
		KindName:     s.describer.kindName,
		Backends:     s.infos(),
		Readers:      s.reading().SeenBy,
		ClaimedNames: s.settings.Accounts.ClaimedNames,
		SignUp:       func() accounts.Policy { return s.tuned.Load().accounts.Policy() },
		KeepLinks:    func() bool { return s.trust.Load().Links() },
		Role:         s.role,
		Archive:      archive,
		Audit:        s.prefs.Audit,
		Pages: slices.Concat(changes.Pages(s.prefs.Audit),
			download.Pages(s.exporter().Write, s.prefs.Accounts.NoteExport, s.env.Now),
			operators.Pages(s.operators()), when.Pages(s.whenPages()), mutes.Pages(s.mutePages()),
			limits.Pages(s.limitPages()),
			security.Pages(s.securityPages())),
		AskMore:        security.AskMore(s.securityPages()),
		Reports:        s.reportPages(),
		Queue:          s.queue,
		Notices:        s.stream(),
		TrustedProxies: s.proxies, Now: s.env.Now, Log: s.log,
	})
	if err != nil {
		return fmt.Errorf("open pages: %w", err)
	}
	return s.listen(ctx, "pages", s.settings.Web.Listen, maxPageConnections, limit.Trusted(s.proxies), pages)
}

// operators are what the operators' pages work on.
func (s *Service) operators() operators.Options {
	return operators.Options{
		BaseURL: s.settings.Web.BaseURL, People: s.prefs.Operators, Accounts: s.prefs.Accounts,
		Destinations: s.prefs.Destinations, Filters: s.prefs.Filters, Logins: s.prefs.Logins, Audit: s.prefs.Audit,
		Outbox: s.outbox, Role: s.role, Queue: s.queue, Passkeys: s.prefs.Passkeys,
		Invitations: s.prefs.Invitations, InvitationLife: s.settings.Accounts.Invited.Life,
		Budgets:     s.prefs.Mailed.Budgets,
		Sources:     func() []operators.Source { return known.Sources(s.metrics.registry) },
		Directories: func() []operators.Directory { return known.Directories(s.directory.Status()) },
	}
}

// proxies returns the networks of proxies in front of the pages.
func (s *Service) proxies() []netip.Prefix { return s.tuned.Load().proxies }

func everyone(netip.Addr) bool { return true }

// exporter makes the archives of everything that is stored about a person.
func (s *Service) exporter() *personal.Exporter {
	return &personal.Exporter{Reader: s.db.Reader, Prefs: s.prefs, Backends: backendall.Infos(), Now: s.env.Now,
		Facts: func(u prefs.User) map[string]any {
			return personal.Facts(u, s.settings.Accounts.ClaimedNames(), s.role(u).String())
		}}
}

// adminDesk answers what operators ask at the command line.
func (s *Service) adminDesk() *people.Desk {
	return &people.Desk{Prefs: s.prefs, Backends: backendall.Infos(), Export: s.exporter().Write, Now: s.env.Now,
		Changed: s.outbox.Notify, Queue: s.queue, BaseURL: s.settings.Web.manage(),
		Claimed: s.settings.Accounts.ClaimedNames, Role: s.role, Receive: s.receive}
}

// openAdmin opens the socket for commands. Its place beside the database may be too deep for the name of a socket: then
// there is none, and commands work on the database beside the daemon.
func (s *Service) openAdmin(ctx context.Context) (err error) {
	path := s.settings.AdminSocket()
	if path == "" {
		return nil
	}
	if s.settings.Admin.Socket == "" && len(path) > people.MaxPath {
		s.log.Warn("no admin socket: the path beside the database is too long; set admin.socket", "path", path)
		return nil
	}
	s.admin, err = people.Listen(ctx, path)
	return err
}

// waysIn are the parts that the ways in beside the mailed link work with.
func (s *Service) waysIn() signin.Options {
	o := signin.Options{BaseURL: s.settings.Web.BaseURL, Door: s.prefs.Accounts, Ender: s.prefs.Logins,
		Attempts: accounts.NewAttempts(s.db.Writer, s.env.Now), Now: s.env.Now, Random: rand.Reader, Log: s.log}
	if mail := mailInfo(s.backends); mail != nil {
		o.Mail = *mail
	}
	return o
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

// securityPages are what the pages work on that show what lets people in.
func (s *Service) securityPages() security.Options {
	party, why := s.settings.Accounts.Party(s.settings.Web.BaseURL)
	return security.Options{
		Accounts: s.prefs.Accounts, Logins: s.prefs.Logins, Tokens: s.prefs.Tokens, Destinations: s.prefs.Destinations,
		Undos: s.prefs.Undos, Queue: s.queue, BaseURL: s.settings.Web.BaseURL, SignIn: s.ways,
		NoMailedLinks: !s.settings.Accounts.Mail,
		Passkeys:      s.prefs.Passkeys, Party: party, NoPasskeys: why,
	}
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
	user, err := s.prefs.Tokens.User(r.Context(), token, accounts.ActorOf(r.Context()).Network, r.UserAgent())
	if errors.Is(err, prefs.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return web.FeedAddress(user.ID), nil
}

// reading says who may see which messages, by what is configured and known at the moment.
func (s *Service) reading() reading.Readers {
	return reading.Readers{Policy: func() *readers.Policy { return s.tuned.Load().readers },
		Directory: s.directory.Confirmed,
		Role:      s.role}
}

// limitPages are the pages of caps, fallbacks and critical notices.
func (s *Service) limitPages() limits.Options {
	o := s.settings.Outbox
	return limits.Options{Destinations: s.prefs.Destinations, Rescue: s.prefs.Rescue,
		Cap: outbox.Cap{Count: o.Cap, Window: o.CapWindow}, CapMost: o.CapMost}
}

// whenPages are the pages of quiet hours, pauses and schedules.
func (s *Service) whenPages() when.Options {
	return when.Options{Accounts: s.prefs.Accounts, Destinations: s.prefs.Destinations, Filters: s.prefs.Filters,
		Outbox: s.outbox}
}
