package daemon

import (
	"context"
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"net/url"
	"strings"
	"time"

	"github.com/notifyd/notifyd/backends"
	backendall "github.com/notifyd/notifyd/backends/all"
	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/pace"
	"github.com/notifyd/notifyd/bus/trust"
	"github.com/notifyd/notifyd/cmd/notifyd/config"
	people "github.com/notifyd/notifyd/cmd/notifyd/daemon/accounts"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon/directories"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon/nodes"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon/returns"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon/storms"
	"github.com/notifyd/notifyd/cmd/notifyd/lock"
	"github.com/notifyd/notifyd/cmd/notifyd/say"
	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/prefs/erasure"
	"github.com/notifyd/notifyd/prefs/gate"
	"github.com/notifyd/notifyd/prefs/links"
	"github.com/notifyd/notifyd/prefs/looks"
	"github.com/notifyd/notifyd/prefs/schedule"
	"github.com/notifyd/notifyd/prefs/surge"
	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
	"github.com/notifyd/notifyd/web/security"
	"gorm.io/gorm"
)

func (s *Service) openDescriber() error {
	set := s.settings.Catalogue
	watcher, err := catalogue.Watch(folder(set.Folder), set.Check, s.log)
	if err != nil {
		return fmt.Errorf("load catalogue: %w", err)
	}
	s.describer = &describer{watcher: watcher, directory: func() *directory.Snapshot { return s.directory.Load() }}
	return nil
}

// openDirectories reads the directory's file, and what the sources of the directory said last.
func (s *Service) openDirectories(ctx context.Context, f *config.File) error {
	sources, err := directories.OpenSources(f, s.settings.Directory, s.log)
	if err != nil {
		return err
	}
	local := map[string]directory.Config{}
	if s.settings.Accounts.BringsGroups() {
		local[directories.Local] = people.SignedIn(s.db.Reader)
	}
	s.directory, err = directories.Open(ctx, directories.Config{
		Settings: s.settings.Directory, Sources: sources, Local: local, DB: s.db.Writer,
		Now: s.env.Now, Random: mathrand.Float64, Log: s.log,
		Once: func(run func(context.Context) error) func(context.Context) error { return s.once("directory", run) },
	})
	if err != nil {
		return fmt.Errorf("load directory: %w", err)
	}
	return nil
}

// warnOfExposed names the files with secrets that others may read.
func (s *Service) warnOfExposed(f *config.File) {
	for _, problem := range f.Exposed() {
		s.log.Warn("a file with secrets is exposed", "problem", problem)
	}
}

func (s *Service) openStores(ctx context.Context) error {
	var err error
	if !IsPostgres(s.settings.Database.DSN) {
		if s.lock, err = lock.Take(s.settings.Database.DSN, thisProcess()); err != nil {
			return err
		}
	}
	database := migrations.Config{DSN: s.settings.Database.DSN, Name: thisProcess(), Log: s.log}
	if s.db, err = database.Open(ctx); err != nil {
		return err
	}
	if err := s.openLeases(ctx); err != nil {
		return err
	}
	s.history = history.NewStore(s.db.Writer, s.db.Reader, s.env.Now)
	s.history.Elsewhere(func() bool { return !s.leases.Held("history") })
	s.openVoice()
	s.openOutbox()
	s.openPrefs()
	return s.openKeeper(ctx)
}

func (s *Service) openOutbox() {
	config := s.settings.Outbox.Config()
	plan := s.settings.stopPlan()
	config.Drain, config.Finish = plan.drain, plan.flow-plan.drain
	config.Log = s.log
	config.OnGone = s.gone
	config.May = s.maySend
	config.Note = schedule.Together
	config.Holder = func(ctx context.Context, destination string) (string, error) {
		return s.prefs.Destinations.Holder(ctx, destination)
	}
	if base := s.settings.Web.manage(); base != "" {
		config.Page = func(parcel string) string {
			return strings.TrimSuffix(base, "/") + "/notices?parcel=" + url.QueryEscape(parcel)
		}
	}
	config.Mute = s.mutePage
	config.Zone = looks.NewZones(s.db.Reader, s.env.Now).Of
	config.Options = looks.NewCache(s.db.Reader, s.env.Now).Of
	config.Gate = new(gate.Gate).Rule
	config.Explain = s.explain
	config.Fill = func(ctx context.Context, p *backends.Parcel) error { return s.prefs.Mailed.Fill(ctx, p) }
	if s.voice.Says(say.NoticeSent) {
		config.OnSent = func(tx *gorm.DB, parcels []outbox.Sent) error {
			parcels, err := s.reading().Sayable(tx, s.history, parcels)
			if err != nil {
				return err
			}
			return s.voice.Sent(tx, parcels, s.prefs.Destinations.Owners)
		}
	}
	s.outbox = outbox.New(s.db.Writer, s.db.Reader, s.db.Postgres, config, s.env.Now, rand.Reader)
	s.eraser = &erasure.Eraser{Writer: s.db.Writer, Scrub: s.db.Scrub, Lasting: s.db.Postgres, Outbox: s.outbox,
		Backends: backendall.Infos(), Now: s.env.Now, Log: s.log}
}

// openPrefs opens the preferences. What they call of the outbox stands in the transaction of each change.
func (s *Service) openPrefs() {
	letters := security.Letters{Mailed: func() *accounts.Mailed { return s.prefs.Mailed }, BaseURL: s.settings.Web.BaseURL,
		Add: func(tx *gorm.DB, list []outbox.Delivery) error { _, err := s.outbox.Add(tx, list); return err },
		Now: s.env.Now, Configured: s.infos}
	s.prefs = prefs.Open(prefs.Config{
		Writer: s.db.Writer, Reader: s.db.Reader, Now: s.env.Now, Random: rand.Reader, Sentence: s.describer.sentence,
		KnowsKind: s.describer.knowsKind,
		ObjectsOf: s.describer.objectsOf,
		DefaultFilter: func(f prefs.Filter) bool {
			return len(rulespec.Missing(f.Filter, asDirectory(s.directory.Load()))) == 0
		},
		Verified: func() bool { return s.trust.Load().Proves() },
		OnClose: func(tx *gorm.DB, destinations []string, why string) error {
			_, err := s.outbox.Cancel(tx, destinations, why)
			return err
		},
		OnMerge: s.outbox.Redirect,
		OnErase: s.eraser.Erase, AfterErase: s.eraser.AtOnce,
		OnChange: s.voice.Changed, Log: s.log, Told: letters.Told, Session: s.settings.Accounts.Session.Bounds(),
		NoMailedLinks: !s.settings.Accounts.Mail,
		ClaimedNames:  s.settings.Accounts.ClaimedNames, MailBudget: s.settings.Accounts.MailBudget,
		KeepAudit: func() time.Duration { return s.settings.Accounts.KeepAudit },
		OnHold:    s.outbox.Hold,
		Waiting:   s.outbox,
		CapMost:   func() int { return s.settings.Outbox.CapMost },
		Policy:    func() accounts.Policy { return s.tuned.Load().accounts.Policy() },
		Roles:     func() accounts.Roles { return s.tuned.Load().accounts.Roles() },
		People:    s.people,
	})
	s.prefs.Logins.OnBegin(letters.Began)
	s.rescuer = storms.NewRescuer(&storms.Rescuer{Writer: s.db.Writer, Outbox: s.outbox, Rescue: s.prefs.Rescue,
		Now: s.env.Now, Log: s.log, Begin: func(ctx context.Context, tx *gorm.DB) error {
			_, err := s.prefs.Subscriptions.Revision(ctx, tx)
			return err
		}})
}

// people is what the directory says of people now, without hints.
func (s *Service) people() accounts.People {
	return people.People{Snapshot: s.directory.Confirmed(), Backends: s.infos, Sure: s.settings.Directory.IsSure}
}

// openKeeper makes what brings accounts to what the directory says.
func (s *Service) openKeeper(ctx context.Context) error {
	confirmed := func() *directory.Snapshot { return s.directory.Confirmed() } // it is opened later
	s.keeper = &people.Keeper{Accounts: s.prefs.Accounts, Directory: confirmed,
		Claimed: s.settings.Accounts.ClaimedNames(), Log: s.log}
	if err := s.prefs.Accounts.Adopt(ctx); err != nil {
		return err
	}
	return s.keeper.Warn(ctx)
}

// role is what a user may do beyond their own account.
func (s *Service) role(u prefs.User) accounts.Role {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	find := people.RoleFinder{Roles: func() accounts.Roles { return s.tuned.Load().accounts.Roles() },
		Directory: s.directory.Confirmed, Accounts: s.prefs.Accounts}
	role, err := find.Of(ctx, u)
	if err != nil {
		s.log.Error("cannot say which role somebody has", "error", err)
	}
	return role
}

// openVoice makes what notifyd itself says, and what listens for silences.
func (s *Service) openVoice() {
	p := s.settings.Publish
	s.voice = say.New(say.Config{
		Prefix: p.Prefix, Env: p.Env, Events: p.Events, Store: s.history, Now: s.env.Now, Log: s.log,
		Signer: func() *trust.Signer { return s.signer.Load() },
	})
	s.silences = &say.Silences{
		Watch: pace.NewWatch(s.settings.Pace), LostAfter: s.settings.Pace.LostAfter, Voice: s.voice, DB: s.db.Writer,
		Now: s.env.Now, Log: s.log,
		Endpoints: s.endpoints,
	}
	if s.db.Postgres {
		s.ears = &nodes.Ears{Node: s.leases.Node, DB: s.db.Writer, Endpoints: s.endpoints, Now: s.env.Now, Log: s.log}
		s.silences.Gather = s.ears.Gather
		s.files = &nodes.Files{Node: s.leases.Node, DB: s.db.Writer, Sums: s.sums, Log: s.log}
	}
}

// gone switches off a destination that will never accept anything, and cancels its deliveries; its owner sees the
// reason on the page, and is told elsewhere.
func (s *Service) gone(ctx context.Context, destination, reason string) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	defer s.rescuer.Wake()
	if err := s.returns().Gone(ctx, destination, reason); err != nil {
		s.log.Error("cannot switch off a destination that is gone", "destination", destination, "error", err)
	}
}

// returns takes what comes back of notices.
func (s *Service) returns() *returns.Desk {
	return &returns.Desk{Prefs: s.prefs, Outbox: s.outbox, Writer: s.db.Writer, Manage: s.settings.Web.manage(),
		Links: func() *links.Signer { return s.router.links }, Now: s.env.Now, Log: s.log}
}

func (s *Service) openRouter(ctx context.Context) error {
	base := s.settings.Web.BaseURL
	if s.settings.Web.Listen == "" {
		base = "" // no page would answer
	}
	signer, err := s.prefs.Links(ctx, strings.TrimSuffix(base, "/"))
	if err != nil {
		return fmt.Errorf("open links: %w", err)
	}
	seldom := newSeldom(s.env.Now, s.log)
	s.router = &router{
		db: s.db.Writer, subscriptions: s.prefs.Subscriptions, history: s.history, outbox: s.outbox, describer: s.describer,
		verifier: s.trust.Load, directory: s.directory.Load, hints: s.directory,
		readers: s.reading().Policy, mayRead: s.reading().MayRead,
		links: signer, holes: s.holes, metrics: s.metrics,
		now: s.env.Now, log: s.log, paces: s.silences.Watch,
		outputs: s.outputs(seldom), carriers: s.carriers,
		surges: &storms.Surges{Tracker: surge.New(s.settings.Outbox.Surge()), Subscriptions: s.prefs.Subscriptions,
			Now: s.env.Now, Log: s.log, Begun: s.metrics.surges},
		dedup: bus.NewDedupWindow(dedupIDs), seldom: seldom, cold: make(chan *rules.Index, 1),
	}
	if s.ears != nil {
		s.router.paces = s.ears
	}
	for _, source := range s.sources {
		if repeater, ok := source.(bus.Repeater); ok {
			s.router.repeaters = append(s.router.repeaters, repeater)
		}
	}
	s.openFeed()
	if path := s.settings.snapshot(); path != "" {
		database, err := s.prefs.Identity(ctx)
		if err != nil {
			return fmt.Errorf("read identity of the database: %w", err)
		}
		s.router.snapshots = &snapshots{
			path: path, program: thisProgram(s.env.Version) + " " + s.settings.Accounts.Names, database: database,
			subscriptions: s.prefs.Subscriptions, now: s.env.Now, log: s.log,
		}
	}
	return nil
}
