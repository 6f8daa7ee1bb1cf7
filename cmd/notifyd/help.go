package main

// helpCmd is `notifyd help [COMMAND]`: it prints the same as COMMAND --help.
type helpCmd struct {
	Command []string `arg:"" optional:"" help:"The command, such as: filter test. None: the program."`
}

// Run parses the command line as if --help followed the command. The exit status is that of this command line: 2 for
// a command that does not exist.
func (c *helpCmd) Run(e *env) error {
	return exitStatus(run(e, append(c.Command, "--help")))
}
