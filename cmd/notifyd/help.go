package main

// helpCmd is `notifyd help [COMMAND]`: it prints the same as COMMAND --help.
type helpCmd struct {
	Command []string `arg:"" optional:"" help:"The command, such as: filter test. None: the program."`
}

// Run parses the command line as if --help stood behind the command. The exit status is that of the command line so
// read: 2 for a command that there is not.
func (c *helpCmd) Run(e *env) error {
	return exitStatus(run(e, append(c.Command, "--help")))
}
