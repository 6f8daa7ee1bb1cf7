package daemon

import (
	"context"
	"errors"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon/addresses"
	"github.com/notifyd/notifyd/internal/grace"
	"github.com/notifyd/notifyd/prefs/accounts"
)

// Run runs every loop until ctx ends or one of them fails. Then it stops them in the order in which work flows,
// within stop.within (see stopPlan): received messages are committed first, and sends in hand are finished.
func (s *Service) Run(ctx context.Context) error {
	ctx = accounts.WithActor(ctx, accounts.Actor{Kind: accounts.Daemon}) // who changes what nobody asked for
	top, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	plan := s.settings.stopPlan()
	committing, release := grace.Extend(top, plan.flow)
	defer release()
	in := bus.NewIntake(bus.IntakeConfig{})
	lost := make(chan error, 1)

	intake, routing, delivery, feeding, rest := newRunGroup(top, fail), newRunGroup(committing, fail),
		newRunGroup(top, fail), newRunGroup(committing, fail), newRunGroup(committing, fail)
	s.startRest(rest)
	if s.feed != nil {
		feeding.start("feed of outlets", s.feed.Run)
	}
	delivery.start("outbox", func(ctx context.Context) error { return s.outbox.Run(ctx, s.backends) })
	routing.start("router", func(ctx context.Context) error {
		s.directory.Wait(top) // messages wait meanwhile, in the intake and on their buses
		err := s.router.run(ctx, in)
		lost <- err
		return err
	})
	for name, source := range s.sources {
		intake.start("source "+name, s.listening.Listening(name, source, in))
	}
	s.startFillers(intake, in)
	intake.start("own messages", s.once("own messages", func(ctx context.Context) error { return s.voice.Run(ctx, in) }))
	s.ready.Store(true)
	s.log.Info("running", "sources", len(s.sources), "backends", len(s.backends))
	s.notify("READY=1")
	if s.env.Reload != nil {
		rest.start("reload", s.reloads)
	}

	<-top.Done()
	since := time.Now()
	s.ready.Store(false)
	s.log.Info("stopping")
	s.notify("STOPPING=1")
	stuck := shutdown(since, plan, in, [5]*runGroup{intake, routing, delivery, feeding, rest})
	err := stuckError(stuck, s.settings.Stop.Within)
	select {
	case left := <-lost:
		err = errors.Join(left, err)
	default:
	}
	s.log.Info("stopped")
	if ctx.Err() != nil {
		return err // the context was cancelled: an orderly stop
	}
	return errors.Join(context.Cause(top), err)
}

// shutdown stops the groups one after the other, each by its deadline since the stop began, and names the parts that
// did not end. If a source is stuck, the Intake stays open for it, and the router then ends at its deadline.
func shutdown(since time.Time, plan stopPlan, in *bus.Intake, groups [5]*runGroup) (stuck []string) {
	by := func(group *runGroup, d time.Duration) bool {
		limit, release := context.WithDeadline(context.Background(), since.Add(d))
		defer release()
		left := group.join(limit)
		stuck = append(stuck, left...)
		return len(left) == 0
	}
	intake, routing, delivery, feeding, rest := groups[0], groups[1], groups[2], groups[3], groups[4]
	if by(intake, plan.intake) {
		in.Close()
	}
	by(routing, plan.joined)
	by(delivery, plan.joined)
	feeding.stop() // what the router has committed last is handed to outlets that still run
	by(feeding, plan.fed)
	rest.stop()
	by(rest, plan.rest)
	return stuck
}

// startRest starts the parts that the flow of messages depends on: connections that backends keep, watchers, pages.
func (s *Service) startRest(rest *runGroup) {
	rest.start("node", s.leases.Appear)
	rest.start("schema", s.watchSchema)
	s.startBackends(rest)
	rest.start("addresses", (&addresses.Speller{
		Backends: s.backends, Destinations: s.prefs.Destinations, Queue: s.queue, Manage: s.settings.Web.manage(),
		Now: s.env.Now, Log: s.log,
	}).Run)
	for name, source := range s.sources {
		if r, ok := source.(bus.Replayer); ok {
			rest.start("replay of "+name, func(ctx context.Context) error {
				return r.ServeReplay(ctx, s.history.Keeper(s.reading().Public))
			})
		}
	}
	for name, outlet := range s.outlets { // which end after the router, so that all it has handed on can leave
		rest.start("outlet "+name, outlet.Run)
	}
	for _, c := range s.carriers {
		rest.start("bridge "+c.Name, c.Run)
	}
	s.startUpkeep(rest)
	s.startWatchers(rest)
	if s.admin != nil {
		rest.start("admin socket", func(ctx context.Context) error {
			return s.adminDesk().Serve(ctx, s.admin, s.settings.stopPlan().pages, s.log)
		})
	}
	for _, l := range s.listeners {
		rest.start("web server at "+l.listener.Addr().String(), func(ctx context.Context) error {
			return l.serve(ctx, s.settings.stopPlan().pages)
		})
	}
}

// startUpkeep starts what prunes, wipes and counts, mostly on one of several nodes.
func (s *Service) startUpkeep(rest *runGroup) {
	rest.start("history", s.retuned(func(ctx context.Context, now *tuning) error {
		return s.history.Run(ctx, now.history.keep(), now.history.Prune, s.log)
	}))
	rest.start("history's lease", s.onceInTime("history", func(ctx context.Context) error {
		s.history.Recount() // what the last holder has not come to is not left for as long as history.prune
		<-ctx.Done()
		return nil
	}))
	rest.start("rescuer", s.onceInTime("rescuer", s.rescuer.Run))
	rest.start("outbox janitor", s.onceInTime("outbox", s.outbox.Janitor))
	rest.start("positions", s.holes.Run)
	rest.start("said messages", s.voice.Forget)
	rest.start("silences", s.onceInTime("silences", s.silences.Term))
	if s.ears != nil {
		rest.start("heard", s.ears.Run)
		rest.start("files of nodes", s.files.Run)
		rest.start("silences of others", func(ctx context.Context) error {
			return s.silences.Follow(ctx, func() bool { return s.leases.Held("silences") })
		})
	}
	rest.start("seldom", s.router.seldom.run)
	rest.start("preferences", s.onceInTime("preferences", s.retuned(func(ctx context.Context, now *tuning) error {
		return s.prefs.Run(ctx, now.history.Prune, s.log)
	})))
	rest.start("erasures", s.onceInTime("erasures", s.eraser.Run))
	rest.start("accounts", s.onceInTime("accounts", s.keeper.Run))
	rest.start("mailed reports", s.onceInTime("reports", s.mailReports))
}

// startWatchers starts what reads files and asks servers again, and replaces what it read.
func (s *Service) startWatchers(rest *runGroup) {
	rest.start("catalogue", s.describer.watcher.Run)
	rest.start("package names", s.router.warmCaches)
	rest.start("directory", s.directory.Run)
	if s.ways != nil {
		rest.start("providers", s.ways.Run)
	}
	rest.start("reports", s.reports.Run)
	rest.start("trust files", s.trust.Run)
	rest.start("signer's files", s.signer.Run)
	rest.start("trust warnings", s.watchTrust)
}
