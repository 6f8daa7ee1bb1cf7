package directories

import (
	"crypto/sha256"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/notifyd/notifyd/cmd/notifyd/config"
	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/directory/all"
)

// Settings is the section directory, without the sections of the sources.
type Settings struct {
	File  string        `yaml:"file"`
	Check time.Duration `yaml:"check"` // how often to look for a change
	// Precedence has the names of sources, the most trusted first. Those that are not named come after, by their names;
	// the file is then before all others.
	Precedence []string `yaml:"precedence"`
	Bots       []string `yaml:"bots"` // names of accounts that are programs; * is any text
	// Confirm is for which addresses the directory's word is enough: none, mails or all.
	Confirm string `yaml:"confirm"`
}

// The values of Settings.Confirm.
const (
	ConfirmNone  = "none"
	ConfirmMails = "mails"
	ConfirmAll   = "all"
)

// Defaults are the settings where nothing is configured.
func Defaults() Settings { return Settings{Check: 10 * time.Second, Confirm: ConfirmNone} }

// IsSure reports whether the directory's word is enough for addresses of a backend. Nicks are another thing than mails:
// most directories let people enter any.
func (s Settings) IsSure(backend string) bool {
	return s.Confirm == ConfirmAll || s.Confirm == ConfirmMails && backend == "email"
}

// place says where a source stands: the lower, the more it counts.
func (s Settings) place(name string) int {
	if at := slices.Index(s.Precedence, name); at >= 0 {
		return at
	}
	switch name {
	case fileName:
		return len(s.Precedence)
	case Local: // it has only those who have signed in
		return len(s.Precedence) + 2
	}
	return len(s.Precedence) + 1
}

// Alone returns the directory as the file alone has it, for commands that ask no servers; nil where there is none.
func (s Settings) Alone() (*directory.Snapshot, error) {
	if s.File == "" {
		return nil, nil
	}
	f, err := directory.ReadFacts(s.File, false)
	if err != nil {
		return nil, err
	}
	return directory.Merge(directory.Policy{Bots: s.Bots}, directory.Part{Name: fileName, Facts: f}), nil
}

var emptySum = sha256.Sum256(nil)

// Sections names the sections of the sources, which stand within the section directory, to a configuration. Call it
// before that section is decoded.
func Sections(f *config.File) {
	for _, driver := range all.Drivers() {
		f.Section("directory." + driver.Name)
	}
}

// OpenSources opens the sources that a configuration has.
func OpenSources(f *config.File, s Settings, log *slog.Logger) (map[string]directory.Config, error) {
	sources := map[string]directory.Config{}
	for _, driver := range all.Drivers() {
		section := "directory." + driver.Name
		decode := f.Section(section)
		if !f.Has(section) {
			continue
		}
		opened, err := driver.Open(decode, log.With("driver", driver.Name))
		if err != nil {
			return nil, f.InSection(section, err)
		}
		for name, source := range opened {
			if _, twice := sources[name]; twice || name == fileName || name == Local {
				return nil, f.InSection(section, fmt.Errorf("%s: another source has this name", name))
			}
			sources[name] = source
		}
	}
	for _, name := range s.Precedence {
		if _, known := sources[name]; !known && name != fileName && name != Local {
			return nil, f.InSection("", fmt.Errorf("directory.precedence: there is no source %q", name))
		}
	}
	if !slices.Contains([]string{ConfirmNone, ConfirmMails, ConfirmAll}, s.Confirm) {
		return nil, f.InSection("", fmt.Errorf("directory.confirm: %q; expected %s, %s or %s", s.Confirm, ConfirmNone,
			ConfirmMails, ConfirmAll))
	}
	return sources, checkBots(f, s.Bots)
}

// Local is the name of the source that each node reads from its own database: the groups of those who have signed in.
const Local = "signed-in"

func checkBots(f *config.File, bots []string) error {
	for _, name := range bots {
		if strings.Trim(name, "* ") == "" || len(name) > directory.MaxName {
			return f.InSection("", fmt.Errorf("directory.bots: %q would name everybody, or is too long", name))
		}
	}
	return nil
}
