package main

import (
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/notifyd/notifyd/cmd/notifyd/daemon"
)

// serveCmd is `notifyd serve`.
type serveCmd struct{}

// Help returns what `notifyd serve --help` prints about signals.
func (c *serveCmd) Help() string {
	return `SIGHUP reads the configuration, the catalogue and the directory again. A mistake leaves all as it was; the
log names keys that have changed and need a restart. See doc/operating.md.

SIGTERM and SIGINT end the daemon in order, within stop.within. A second one ends it at once.`
}

// Run runs the daemon until the context of e ends.
func (c *serveCmd) Run(e *env) error {
	f, err := openConfig(e)
	if err != nil {
		return err
	}
	hangups := make(chan os.Signal, 1) // holds one signal that arrives during a reload
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	outside := e.daemon()
	outside.Reload = hangups
	s, err := daemon.Open(e.ctx, f, outside)
	if err != nil {
		return err
	}
	return errors.Join(s.Run(e.ctx), s.Close())
}
