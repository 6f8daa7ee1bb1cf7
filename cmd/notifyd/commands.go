package main

import (
	"runtime/debug"

	"github.com/alecthomas/kong"
)

// commandLine is the whole command line: each command but help is a struct in a file of its own.
type commandLine struct {
	Config  string           `short:"c" type:"path" env:"NOTIFYD_CONFIG" placeholder:"FILE" help:"Configuration file (default: /etc/notifyd/notifyd.yaml where it exists)."`
	Version kong.VersionFlag `help:"Print the version and exit."`

	Serve    serveCmd  `cmd:"" help:"Run the daemon."`
	Settings configCmd `cmd:"" name:"config" help:"Check and show the configuration."`
	Queue    queueCmd  `cmd:"" help:"Look at what was given up, and send it again."`
	Status   statusCmd `cmd:"" help:"Ask the daemon what is connected, what is down, and who has fallen silent."`

	Demo    demoCmd    `cmd:"" help:"Show the whole path at work: no server, no account, no network."`
	Publish publishCmd `cmd:"" help:"Publish messages on the bus: lines of stdin, one text, or a JSON document."`
	Tail    tailCmd    `cmd:"" help:"Show the messages on the bus as they come."`
	Trigger triggerCmd `cmd:"" help:"Run a command for messages."`
	Relay   relayCmd   `cmd:"" help:"Let publishers connect, and hand on what they send, signed if you like."`
	Gateway gatewayCmd `cmd:"" help:"Let subscribers connect, and hand on what publishers send."`
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
