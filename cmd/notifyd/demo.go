package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/notifyd/notifyd/backends/email/mailsink"
	"github.com/notifyd/notifyd/bus/zmq"
	"github.com/notifyd/notifyd/cmd/notifyd/config"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon"
)

type demoCmd struct {
	Every time.Duration `default:"3s" help:"Pause between messages."`
	For   time.Duration `placeholder:"DURATION" help:"Stop after this time (default: on Ctrl-C)."`
	Pages string        `default:"127.0.0.1:0" placeholder:"HOST:PORT" help:"Where the pages listen; port 0 takes a free one."`
}

//go:embed demo/messages.yaml
var demoMessages []byte

//go:embed demo/directory.yaml
var demoDirectory []byte

//go:embed demo/filters.yaml
var demoFilters []byte

// Run plays an invented afternoon through the real program: a ZeroMQ socket on loopback, the daemon on an SQLite file in
// a temporary folder, a mail server in this process that keeps everything to itself, and the pages.
func (c *demoCmd) Run(e *env) (err error) {
	if c.Every < 10*time.Millisecond {
		return fmt.Errorf("--every %s: expected at least 10ms", c.Every)
	}
	ctx, cancel := context.WithCancel(e.ctx)
	defer cancel()
	if c.For > 0 {
		ctx, cancel = context.WithTimeout(ctx, c.For)
		defer cancel()
	}
	folder, err := os.MkdirTemp("", "notifyd-demo-")
	if err != nil {
		return fmt.Errorf("make a folder for the demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	d, err := newDemo(ctx, e, c, folder)
	if err != nil {
		return err
	}
	return d.run(ctx)
}

// A demo is the world round the daemon: the bus it listens to and the mail server it sends to.
type demo struct {
	e         *env
	every     time.Duration
	screen    *screen
	sink      *mailsink.Sink
	publisher *zmq.Publisher
	service   *daemon.Service
	pages     string // base URL
	script    []scriptLine
}

// newDemo opens the world and the daemon. On an error all that was open is closed again.
func newDemo(ctx context.Context, e *env, c *demoCmd, folder string) (*demo, error) {
	d := &demo{e: e, every: c.Every, screen: &screen{out: e.stdout, now: e.now}}
	for _, open := range []func() error{
		func() (err error) { d.script, err = readScript(demoMessages); return err },
		func() (err error) { d.sink, err = mailsink.Open(mailsink.Options{}); return err },
		func() (err error) {
			d.publisher, err = zmq.Bind(ctx, "tcp://127.0.0.1:0", zmq.PublisherConfig{}, e.log)
			return err
		},
		func() error { return d.openService(ctx, folder, c.Pages) },
		func() error { return d.populate(ctx) },
	} {
		if err := open(); err != nil {
			return nil, errors.Join(fmt.Errorf("open the demo: %w", err), d.close())
		}
	}
	return d, nil
}

// close closes what runs never got to own.
func (d *demo) close() error {
	var errs []error
	if d.service != nil {
		errs = append(errs, d.service.Close())
	}
	if d.sink != nil {
		errs = append(errs, d.sink.Close())
	}
	return errors.Join(errs...)
}

// openService opens the daemon as serve does, from a file of configuration.
func (d *demo) openService(ctx context.Context, folder, pages string) error {
	address, err := freeAddress(ctx, pages)
	if err != nil {
		return err
	}
	d.pages = "http://" + address
	file, err := d.configure(folder, address)
	if err != nil {
		return err
	}
	d.service, err = daemon.Open(ctx, file, d.e.daemon())
	return err
}

// configure writes the configuration that an operator would write, and reads it.
func (d *demo) configure(folder, pages string) (*config.File, error) {
	files := map[string][]byte{
		"directory.yaml": demoDirectory,
		"notifyd.yaml": fmt.Appendf(nil, `log: {level: warn}
database: {dsn: %q}
web: {listen: %q, base_url: %q}
metrics: {listen: ""}
directory: {file: %q}
bus: {zmq: {endpoints: {demo: %q}}}
backends: {email: {host: 127.0.0.1, port: %d, tls: none, from: notifyd@example.org}}
`, filepath.Join(folder, "notifyd.db"), pages, d.pages, filepath.Join(folder, "directory.yaml"), d.publisher.Addr(), d.sink.Addr().Port),
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
			return nil, fmt.Errorf("write the demo's configuration: %w", err)
		}
	}
	return config.Read(filepath.Join(folder, "notifyd.yaml"), nil)
}

// run plays until ctx ends.
func (d *demo) run(ctx context.Context) error {
	top, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var world sync.WaitGroup
	start := func(name string, part func(context.Context) error) {
		world.Go(func() {
			if err := part(top); err != nil && top.Err() == nil {
				fail(fmt.Errorf("%s: %w", name, err))
			}
		})
	}
	start("mail server", d.sink.Run)
	start("bus", d.publisher.Run)
	start("script", d.play)
	start("mail", d.watchMail)
	start("desktop", d.showOnDesktop)
	err := errors.Join(d.service.Run(top), d.service.Close())
	fail(nil)
	world.Wait()
	if err == nil && ctx.Err() == nil {
		err = context.Cause(top)
	}
	d.screen.line("", "the demo is over; nothing of it is left")
	return err
}
