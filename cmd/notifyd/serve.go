package main

import (
	"errors"

	"github.com/notifyd/notifyd/cmd/notifyd/daemon"
)

type serveCmd struct{}

// Run runs the daemon until it is told to stop.
func (c *serveCmd) Run(e *env) error {
	f, err := openConfig(e)
	if err != nil {
		return err
	}
	s, err := daemon.Open(e.ctx, f, e.daemon())
	if err != nil {
		return err
	}
	return errors.Join(s.Run(e.ctx), s.Close())
}
