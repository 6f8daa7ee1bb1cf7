package main

import (
	"time"

	"github.com/notifyd/notifyd/cmd/notifyd/demo"
)

type demoCmd struct {
	Every time.Duration `default:"3s" help:"Pause between messages."`
	For   time.Duration `placeholder:"DURATION" help:"Stop when it has run so long (default: on Ctrl-C)."`
	Pages string        `default:"127.0.0.1:0" placeholder:"HOST:PORT" help:"Where the pages listen; port 0 takes a free one."`
}

// Run plays an invented afternoon with the real program.
func (c *demoCmd) Run(e *env) error {
	return demo.Run(e.ctx, demo.Config{Every: c.Every, For: c.For, Pages: c.Pages, Stdout: e.stdout, Log: e.log,
		Daemon: e.daemon()})
}
