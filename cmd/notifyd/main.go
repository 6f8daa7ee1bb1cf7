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
	"runtime/debug"
	"syscall"
	"time"
	_ "time/tzdata" // schedules name zones, and a machine may have none

	"github.com/alecthomas/kong"

	"github.com/notifyd/notifyd/cmd/notifyd/classic"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon"
	"github.com/notifyd/notifyd/cmd/notifyd/reports"
	"github.com/notifyd/notifyd/cmd/notifyd/sources"
	"github.com/notifyd/notifyd/cmd/notifyd/verbs"
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
// usage; an error with a method ExitStatus has its own.
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
	if err := parsed.Run(e, e.records()); err != nil {
		if errors.Is(err, daemon.ErrStopped) {
			return 0
		}
		if said := exitStatus(1); errors.As(err, &said) {
			return int(said)
		}
		fmt.Fprintln(e.stderr, "notifyd:", err)
		if coded := (interface{ ExitStatus() int })(nil); errors.As(err, &coded) {
			return coded.ExitStatus()
		}
		return 1
	}
	return 0
}

// commandLine is the whole command line: each command but help is a struct in a file of its own.
type commandLine struct {
	Config  string           `short:"c" type:"path" env:"NOTIFYD_CONFIG" placeholder:"FILE" help:"Configuration file (default: /etc/notifyd/notifyd.yaml where it exists)."`
	Version kong.VersionFlag `help:"Print the version and exit."`

	Serve       serveCmd                 `cmd:"" help:"Run the daemon."`
	Settings    configCmd                `cmd:"" name:"config" help:"Check and show the configuration."`
	Queue       queueCmd                 `cmd:"" help:"Look at what was given up, and send it again."`
	History     historyCmd               `cmd:"" help:"Look at the messages that are kept, count them, write them to a file."`
	User        verbs.UserCommand        `cmd:"" help:"Work on the accounts of people."`
	Destination verbs.DestinationCommand `cmd:"" help:"Work on the addresses that notices go to."`

	Status statusCmd `cmd:"" help:"Ask the daemon what is connected, what is down, and who has fallen silent."`

	Directory sources.Command `cmd:"" help:"Look at the sources of the directory, and take what one of them says."`

	Report reports.Command `cmd:"" help:"Make a report of what was said: this week, owner changes, badges, or your own."`

	Demo    demoCmd    `cmd:"" help:"Show the whole path at work: no server, no account, no network."`
	Publish publishCmd `cmd:"" help:"Publish messages on the bus: lines of stdin, one text, or a JSON document."`
	Tail    tailCmd    `cmd:"" help:"Show the messages on the bus as they come."`
	Trigger triggerCmd `cmd:"" help:"Run a command for messages."`
	Relay   relayCmd   `cmd:"" help:"Let publishers connect, and hand on what they send, signed if you like."`
	Gateway gatewayCmd `cmd:"" help:"Let subscribers connect, and hand on what publishers send."`
	Mail    mailCmd    `cmd:"" help:"Make messages of mails: of bug trackers, archives and mailing lists."`
	Desktop desktopCmd `cmd:"" help:"Show notices on this desktop as they come (the agent in your session)."`

	Filter    filterCmd    `cmd:"" help:"Test, explain and check filters."`
	Bus       busCmd       `cmd:"" help:"Work on what comes from a bus."`
	Message   messageCmd   `cmd:"" help:"Work on single messages."`
	Catalogue catalogueCmd `cmd:"" help:"Work on the catalogue: what messages mean."`

	Help helpCmd `cmd:"" help:"Say what a command is for and what it takes: notifyd help filter test."`
}

// version is the module's version, or the revision it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return "notifyd " + info.Main.Version + " " + info.GoVersion
}

// helpCmd is `notifyd help [COMMAND]`: it prints the same as COMMAND --help.
type helpCmd struct {
	Command []string `arg:"" optional:"" help:"The command, such as: filter test. None: the program."`
}

// Run parses the command line as if --help followed the command. The exit status is that of this command line: 2 for
// a command that does not exist.
func (c *helpCmd) Run(e *env) error {
	return exitStatus(run(e, append(c.Command, "--help")))
}
