package main

import (
	"fmt"
	"os"

	"github.com/notifyd/notifyd/cmd/notifyd/config"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon"
	"github.com/notifyd/notifyd/cmd/notifyd/fedmsg"
)

// defaultConfig is the file of a packaged notifyd, for when no file was named.
const defaultConfig = "/etc/notifyd/notifyd.yaml"

type configCmd struct {
	Check  configCheckCmd  `cmd:"" help:"Check the configuration and say what is wrong with it."`
	Print  configPrintCmd  `cmd:"" help:"Print the configuration in effect, with secrets masked."`
	Import configImportCmd `cmd:"" help:"Print sections of a configuration, made of that of another program."`
}

type configCheckCmd struct {
	Strict bool `help:"End with status 1 for warnings too, such as a file with secrets that others may read."`
}

// Run checks the whole configuration as serve would, without connecting to anything. For a setting that works but
// should be changed it prints a warning on standard error, and keeps status 0 unless it is to be strict.
func (c *configCheckCmd) Run(e *env) error {
	f, err := checkedConfig(e)
	if err != nil {
		return err
	}
	name := f.Name()
	if name == "" {
		name = "defaults and environment"
	}
	warnings := daemon.Warnings(f, e.daemon())
	for _, warning := range warnings {
		fmt.Fprintln(e.stderr, "warning:", warning)
	}
	if n := len(warnings); c.Strict && n > 0 {
		return fmt.Errorf("%s: works, with warnings: %d", name, n)
	}
	fmt.Fprintf(e.stdout, "%s: ok\n", name)
	return nil
}

type configPrintCmd struct{}

// Run prints the configuration that is in effect.
func (c *configPrintCmd) Run(e *env) error {
	f, err := checkedConfig(e)
	if err != nil {
		return err
	}
	return f.Print(e.stdout)
}

type configImportCmd struct {
	From string `required:"" enum:"fedmsg" help:"Whose configuration it is: fedmsg, as fedmsg-config prints it."`
	File string `arg:"" placeholder:"FILE" help:"The JSON that fedmsg-config printed; - is standard input."`
}

// Run writes the sections to standard output, with a comment for whatever could not be carried over.
func (c *configImportCmd) Run(e *env) error {
	text, err := readAtMost(e.stdin, c.File, fedmsg.MaxConfig)
	if err != nil {
		return err
	}
	sections, err := fedmsg.Import(text)
	if err != nil {
		return fmt.Errorf("import %s: %w", c.File, err)
	}
	_, err = e.stdout.Write(sections)
	return err
}

// checkedConfig reads the configuration and checks it.
func checkedConfig(e *env) (*config.File, error) {
	f, err := openConfig(e)
	if err != nil {
		return nil, err
	}
	return f, daemon.Check(f, e.daemon())
}

// openConfig reads the file that --config names, or the packaged one where it exists, or none.
func openConfig(e *env) (*config.File, error) {
	name := e.config
	if name == "" {
		if _, err := os.Stat(defaultConfig); err == nil {
			name = defaultConfig
		}
	}
	return config.Read(name, os.Environ())
}
