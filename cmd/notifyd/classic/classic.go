// Package classic lets scripts that call fedmsg's tools, or datanommer's, call notifyd instead: by their names, and
// with the options that they all have.
//
//	ln -s /usr/local/bin/notifyd /usr/local/bin/fedmsg-logger
//	echo hello | fedmsg-logger --modname git --topic push
package classic

import (
	"fmt"
	"io"
	"path/filepath"
)

// tools are commands by the names of those tools.
var tools = map[string][]string{
	"fedmsg-logger":   {"publish"},
	"fedmsg-announce": {"publish", "--announce"},
	"fedmsg-tail":     {"tail"},
	"fedmsg-relay":    {"relay"},

	"datanommer-dump":   {"history", "export", "--format", "datagrepper", "--array"},
	"datanommer-stats":  {"history", "stats"},
	"datanommer-latest": {"history", "latest"},
}

// Args are the arguments of a process, those of the tool first by whose name it was called.
func Args(argv []string) []string {
	if len(argv) == 0 {
		return nil
	}
	tool := tools[filepath.Base(argv[0])]
	return append(tool[:len(tool):len(tool)], argv[1:]...)
}

// Flags are the options that fedmsg's tools share and that need no counterpart here. They are not in --help.
type Flags struct {
	IOThreads      string `name:"io-threads" hidden:""`
	Timeout        string `hidden:""`
	HighWaterMark  string `hidden:""`
	Linger         string `hidden:""`
	ConfigFilename string `hidden:""`
	CertPrefix     string `hidden:""`
	// PostInitSleep is in seconds.
	PostInitSleep float64 `hidden:""`
	// PrintConfig asks for the configuration instead of any work.
	PrintConfig bool `hidden:""`
	Cowsay      bool `hidden:""`
}

// Note says on w which of the options that were given do nothing, and what does their work.
func (f *Flags) Note(w io.Writer) {
	for _, option := range []struct{ name, value, instead string }{
		{"io-threads", f.IOThreads, "there is nothing to tune"},
		{"timeout", f.Timeout, "see --wait"},
		{"high-water-mark", f.HighWaterMark, "nothing is dropped before it is taken"},
		{"linger", f.Linger, "it ends when everything is taken"},
		{"config-filename", f.ConfigFilename, "fedmsg's files are Python; see --config"},
		{"cert-prefix", f.CertPrefix, "see --sign, --cert and --key"},
	} {
		if option.value != "" {
			fmt.Fprintf(w, "note: --%s does nothing here: %s\n", option.name, option.instead)
		}
	}
	if f.Cowsay {
		fmt.Fprintln(w, "note: --cowsay does nothing here: there is no cow; see --terse")
	}
}
