// Package demo shows the whole job of notifyd on one machine with nothing installed: an invented afternoon of an
// invented community over a real ZeroMQ socket, the real daemon on an SQLite file in a temporary folder, and in this
// process a mail server that forwards nothing and an IRC server that a real client can join.
package demo

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/notifyd/notifyd/backends/email/fakesmtp"
	"github.com/notifyd/notifyd/backends/irc/ircsink"
	"github.com/notifyd/notifyd/bus/zmq"
	"github.com/notifyd/notifyd/cmd/notifyd/config"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon"
)

// A Config is what a demo is made of.
type Config struct {
	Every  time.Duration // between messages
	For    time.Duration // how long it runs; 0: until ctx ends
	Pages  string        // where the pages listen; port 0 takes a free one
	Stdout io.Writer
	Log    *slog.Logger
	Daemon daemon.Env
}

//go:embed messages.yaml
var demoMessages []byte

//go:embed directory.yaml
var demoDirectory []byte

// Run plays until ctx ends or the time is over. Nothing of it is left.
func Run(ctx context.Context, c Config) (err error) {
	if c.Every < 10*time.Millisecond {
		return fmt.Errorf("--every %s: expected at least 10ms", c.Every)
	}
	folder, err := os.MkdirTemp("", "notifyd-demo-")
	if err != nil {
		return fmt.Errorf("make a folder for the demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	// The terminal or the pager is closed: the demo ends in order, and nothing of it is left.
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP, syscall.SIGPIPE)
	defer stop()
	d, err := newDemo(ctx, c, folder)
	if err != nil {
		return err
	}
	return d.run(ctx)
}

// A demo is the environment of the daemon: the bus that it reads and the mail server that it sends to.
type demo struct {
	Config
	terminal  *terminalWriter
	smtp      *fakesmtp.Server
	irc       *ircsink.Server
	publisher *zmq.Publisher
	service   *daemon.Service
	pages     string // base URL
	script    []scriptLine
	muted     atomic.Pointer[string] // the application that alice has muted; nil: none yet
}

// newDemo opens the environment and the daemon. On an error it closes again whatever it had opened.
func newDemo(ctx context.Context, c Config, folder string) (*demo, error) {
	d := &demo{Config: c, terminal: &terminalWriter{out: c.Stdout, now: c.Daemon.Now}}
	for _, open := range []func() error{
		func() (err error) { d.script, err = readScript(demoMessages); return err },
		func() (err error) { d.smtp, err = fakesmtp.Open(fakesmtp.Options{}); return err },
		func() (err error) {
			d.irc, err = ircsink.Open(ircsink.Options{Network: "Demo", Now: c.Daemon.Now})
			return err
		},
		func() (err error) {
			d.publisher, err = zmq.Bind(ctx, "tcp://127.0.0.1:0", zmq.PublisherConfig{}, c.Log)
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

// close closes the parts that runs have not taken over.
func (d *demo) close() error {
	var errs []error
	if d.service != nil {
		errs = append(errs, d.service.Close())
	}
	if d.smtp != nil {
		errs = append(errs, d.smtp.Close())
	}
	if d.irc != nil {
		errs = append(errs, d.irc.Close())
	}
	if d.publisher != nil {
		errs = append(errs, d.publisher.Close())
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
	d.service, err = daemon.Open(ctx, file, d.Daemon)
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
bus: {zmq: {endpoints: {demo: %q}}, trust: {sources: {demo: {trusted: true}}}}
backends:
  email: {host: 127.0.0.1, port: %d, tls: none, from: notifyd@example.org}
  irc: {networks: [{name: demo, address: %q, tls: false, nick: notifyd}]}
`, filepath.Join(folder, "notifyd.db"), pages, d.pages, filepath.Join(folder, "directory.yaml"), d.publisher.Addr(),
			d.smtp.Addr().Port, d.irc.Addr()),
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
			return nil, fmt.Errorf("write the demo's configuration: %w", err)
		}
	}
	return config.Read(filepath.Join(folder, "notifyd.yaml"), nil)
}

// run plays until ctx ends or the script is over. The bus and the mail server outlive the daemon, which finishes its
// sends in hand when it stops.
func (d *demo) run(ctx context.Context) error {
	playing, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	around, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	var parts sync.WaitGroup
	start := func(ctx context.Context, name string, part func(context.Context) error) {
		parts.Go(func() {
			if err := part(ctx); err != nil && ctx.Err() == nil {
				stop(fmt.Errorf("%s: %w", name, err))
			}
		})
	}
	start(around, "mail server", d.smtp.Run)
	start(around, "IRC server", d.irc.Run)
	start(around, "bus", d.publisher.Run)
	start(around, "mail", d.watchMail)
	start(around, "IRC", d.watchIRC)
	start(playing, "desktop", d.showOnDesktop)
	start(playing, "script", func(ctx context.Context) error {
		err := d.play(ctx)
		if err == nil {
			stop(nil)
		}
		return err
	})
	err := errors.Join(d.service.Run(playing), d.service.Close())
	stop(nil)
	end()
	parts.Wait()
	if cause := context.Cause(playing); ctx.Err() == nil && !errors.Is(cause, context.Canceled) {
		err = errors.Join(cause, err)
	}
	d.terminal.line("", "the demo is over; nothing of it is left")
	return err
}
