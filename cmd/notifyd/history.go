package main

import (
	"github.com/notifyd/notifyd/cmd/notifyd/config"
	"github.com/notifyd/notifyd/cmd/notifyd/loading"
	"github.com/notifyd/notifyd/cmd/notifyd/records"
)

// historyCmd is `notifyd history`: what is kept of the bus. It works on the configured database, beside the daemon or
// without one.
type historyCmd struct {
	List   records.ListCmd   `cmd:"" help:"List messages, the newest first."`
	Show   records.ShowCmd   `cmd:"" help:"Show one message whole: what it means, who sent it, who got it."`
	Stats  records.StatsCmd  `cmd:"" help:"Count messages and bytes by category, topic, day and the like."`
	Latest records.LatestCmd `cmd:"" help:"Show the newest message of each category."`
	Export records.ExportCmd `cmd:"" help:"Write messages to a file, the oldest first."`
	Prune  records.PruneCmd  `cmd:"" help:"Say what retention would delete now, by rule."`
	Import loading.Cmd       `cmd:"" help:"Put an archive into the history."`
}

// records returns the part of the process that the commands about the history may use.
func (e *env) records() *records.Env {
	return &records.Env{
		Ctx: e.ctx, Stdin: e.stdin, Stdout: e.stdout, Stderr: e.stderr, Now: e.now,
		Config: func() (*config.File, error) { return openConfig(e) },
	}
}
