// Command notifyd routes the messages of an open-source community to the people who have subscribed to them.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"
	_ "time/tzdata" // schedules name zones, and a machine may have none

	"github.com/alecthomas/kong"

	"github.com/notifyd/notifyd/cmd/notifyd/classic"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon"
)

// env is the part of the process that a command may use. Tests provide their own.
type env struct {
	ctx            context.Context
	stdin          io.Reader
	stdout, stderr io.Writer
	now            func() time.Time
	config         string // path of the configuration file; "" when none was named
	log            *slog.Logger
}

// daemon returns the part of the process that the daemon may use.
func (e *env) daemon() daemon.Env {
	return daemon.Env{Now: e.now, Stderr: e.stderr, Version: version()}
}

// An exitStatus ends a command with that status and prints nothing more.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// errSilent ends a command with status 1 and prints nothing more.
const errSilent = exitStatus(1)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	e := &env{
		ctx: ctx, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, now: time.Now,
		log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	}
	status := run(e, classic.Args(os.Args))
	stop()
	os.Exit(status)
}

// run parses args and runs the command that they name. It returns the exit status: 0, 1 for a failure, 2 for wrong
// usage.
func run(e *env, args []string) int {
	var line commandLine
	status := -1
	parser, err := kong.New(&line,
		kong.Name("notifyd"),
		kong.Description("Routes what happens in a community to the people who asked to hear of it."),
		kong.UsageOnError(),
		kong.Writers(e.stdout, e.stderr),
		kong.Exit(func(code int) { status = code }),
		kong.Vars{"version": version()},
	)
	if err != nil {
		fmt.Fprintln(e.stderr, "notifyd: bug:", err)
		return 1
	}
	parsed, err := parser.Parse(args)
	if status >= 0 { // --help and --version have printed
		return status
	}
	if err != nil {
		fmt.Fprintln(e.stderr, "notifyd:", err)
		return 2
	}
	e.config = line.Config
	if err := parsed.Run(e); err != nil {
		if errors.Is(err, daemon.ErrStopped) {
			return 0
		}
		if said := exitStatus(1); errors.As(err, &said) {
			return int(said)
		}
		fmt.Fprintln(e.stderr, "notifyd:", err)
		return 1
	}
	return 0
}
