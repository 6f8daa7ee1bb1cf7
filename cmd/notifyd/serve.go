package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/bus"
)

type serveCmd struct{}

// Run runs the daemon until it is told to stop.
func (c *serveCmd) Run(e *env) error {
	f, err := openConfig(e)
	if err != nil {
		return err
	}
	s, err := newService(e.ctx, f, e)
	if err != nil {
		return err
	}
	return errors.Join(s.run(e.ctx), s.close())
}

// maxFrames is how many frames wait between the sources and the router. A source that cannot make its bus wait drops
// beyond that, and counts.
const maxFrames = 8192

// run runs every loop until ctx ends or one of them fails, and stops them in the order in which work flows: nothing
// that was received is left uncommitted, nothing that is being sent is cut off, within stop.within.
func (s *service) run(ctx context.Context) error {
	top, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	hard, release := afterwards(top, s.settings.Stop.Within)
	defer release()
	committing, release := afterwards(top, max(s.settings.Stop.Within-s.settings.Outbox.Drain, s.settings.Stop.Within/2))
	defer release()
	frames := make(chan bus.Frame, maxFrames)
	var lost error

	intake, routing, delivery, rest := newStage(top, fail), newStage(committing, fail), newStage(hard, fail), newStage(hard, fail)
	s.startRest(rest)
	delivery.start("outbox", func(ctx context.Context) error { return s.outbox.Run(ctx, s.media) })
	routing.start("router", func(ctx context.Context) error {
		lost = s.router.run(ctx, frames)
		return lost
	})
	for name, source := range s.sources {
		intake.start("source "+name, func(ctx context.Context) error { return source.Run(ctx, frames) })
	}
	s.ready.Store(true)
	s.log.Info("running", "sources", len(s.sources), "backends", len(s.media))
	if err := tellSystemd("READY=1"); err != nil {
		s.log.Warn("cannot tell the service manager that we are ready", "error", err)
	}

	<-top.Done()
	s.ready.Store(false)
	s.log.Info("stopping")
	intake.end()
	close(frames)
	routing.wg.Wait()
	delivery.end()
	rest.end()
	s.log.Info("stopped")
	if ctx.Err() != nil {
		return lost // it was told to stop
	}
	return context.Cause(top)
}

// startRest starts what the flow leans on: connections that backends keep, watchers, pages.
func (s *service) startRest(rest *stage) {
	for name, medium := range s.media {
		if r, ok := medium.(backends.Runner); ok {
			rest.start("backend "+name, r.Run)
		}
	}
	rest.start("history", func(ctx context.Context) error {
		return s.history.Run(ctx, s.settings.History.keep(), s.settings.History.Prune, s.log)
	})
	rest.start("preferences", func(ctx context.Context) error { return s.prefs.Run(ctx, s.settings.History.Prune, s.log) })
	rest.start("catalogue", s.meaning.watcher.Run)
	if s.watcher != nil {
		rest.start("directory", s.watcher.Run)
	}
	for _, l := range s.listeners {
		rest.start("web server at "+l.listener.Addr().String(), func(ctx context.Context) error { return l.serve(ctx) })
	}
}

// serve answers requests until ctx ends, which also ends streams.
func (l *listener) serve(ctx context.Context) error {
	server := newHTTPServer(ctx, l.handler)
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
		defer cancel()
		if server.Shutdown(grace) != nil {
			server.Close()
		}
	})
	err := server.Serve(l.listener)
	if !stop() {
		<-stopped
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve: %w", err)
}
