package daemon

import (
	"slices"
	"strings"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/cmd/notifyd/config"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/history/readers"
	"github.com/notifyd/notifyd/history/retention"
	"github.com/notifyd/notifyd/rulespec/catalogue"
	"github.com/notifyd/notifyd/web"
	"github.com/notifyd/notifyd/web/datagrepper"
)

// archiveSettings are about the history for programs (doc/datagrepper.md).
type archiveSettings struct {
	Readers      string        `yaml:"readers"`       // nobody, members or everybody
	Root         bool          `yaml:"root"`          // also at /raw, /id and so on
	Version      string        `yaml:"version"`       // of datagrepper: 1 or 0.9
	DefaultDelta time.Duration `yaml:"default_delta"` // the window of queries that give none; 0: everything
	Origins      []string      `yaml:"origins"`       // whose pages may read the answers, as regular expressions
}

// The values of archiveSettings.
const (
	readByNobody    = "nobody"
	readByMembers   = "members"
	readByEverybody = "everybody"
	newDatagrepper  = "1"
	oldDatagrepper  = "0.9"
)

func defaultArchive() archiveSettings {
	return archiveSettings{Readers: readByNobody, Version: newDatagrepper, Origins: []string{".*"}}
}

func (a archiveSettings) check(bad complaint) {
	if !slices.Contains([]string{readByNobody, readByMembers, readByEverybody}, a.Readers) {
		bad("web.datagrepper.readers", "%q; expected nobody, members or everybody", a.Readers)
	}
	if a.Root && a.Readers == readByMembers {
		bad("web.datagrepper.root", "true; expected false where readers is members: old programs cannot sign in")
	}
	if a.Version != newDatagrepper && a.Version != oldDatagrepper {
		bad("web.datagrepper.version", "%q; expected 1 or 0.9", a.Version)
	}
	if a.DefaultDelta < 0 {
		bad("web.datagrepper.default_delta", "%s; expected 0s or more", a.DefaultDelta)
	}
	for _, pattern := range a.Origins {
		if _, err := datagrepper.CompileOrigin(pattern); err != nil {
			bad("web.datagrepper.origins", "%v; expected regular expressions such as https://.*\\.example\\.org", err)
		}
	}
}

// archive makes the history for programs; nil: nobody may read it.
func (s *Service) archive() (*web.Archive, error) {
	a := s.settings.Web.Archive
	if a.Readers == readByNobody {
		return nil, nil
	}
	public := a.Readers == readByEverybody
	handler, err := datagrepper.Handler(datagrepper.Options{
		History: s.history, Describe: s.describer.describe, Now: s.env.Now, Log: s.log, Private: !public,
		URL: strings.TrimSuffix(s.settings.Web.BaseURL, "/") + "/datagrepper", Old: a.Version == oldDatagrepper,
		DefaultDelta: a.DefaultDelta, Origins: a.Origins, Public: s.reading().Public,
	})
	if err != nil {
		return nil, err
	}
	archive := &web.Archive{Handler: handler, Public: public}
	if a.Root {
		archive.Root = datagrepper.Paths()
	}
	return archive, nil
}

// historySettings say how long which messages are kept (doc/operating.md).
type historySettings struct {
	Keep      time.Duration `yaml:"keep"`       // older messages are deleted
	KeepBytes config.Size   `yaml:"keep_bytes"` // beyond this size the oldest are deleted
	// SourceBytes bounds the messages of one source; 0: only KeepBytes does.
	SourceBytes config.Size   `yaml:"source_bytes"`
	Prune       time.Duration `yaml:"prune"` // the time between two deletions by age, or by rules
	// Readers say who may see messages, and be told of them.
	Readers readers.Config `yaml:"readers"`
	Rules   []historyRule  `yaml:"rules"` // the first that fits a message decides how long it is kept
}

type historyRule struct {
	Source    string        `yaml:"source"`
	Kind      string        `yaml:"kind"`
	Topic     string        `yaml:"topic"`
	Keep      time.Duration `yaml:"keep"`       // 0: as history.keep says
	KeepBytes config.Size   `yaml:"keep_bytes"` // 0: no bound of its own
}

// Retention gives the bounds of the history.
func (s Settings) Retention() history.Keep { return s.History.keep() }

// keep gives the bounds of settings that were checked.
func (h historySettings) keep() history.Keep {
	keep := history.Keep{Age: h.Keep, Bytes: int64(h.KeepBytes), SourceBytes: int64(h.SourceBytes)}
	if len(h.Rules) > 0 {
		keep.Rules, _ = h.rules()
	}
	return keep
}

func (h historySettings) rules() (*retention.Rules, error) {
	list := make([]retention.Rule, len(h.Rules))
	for i, r := range h.Rules {
		list[i] = retention.Rule{Source: r.Source, Kind: r.Kind, Topic: r.Topic, Keep: r.Keep, Bytes: int64(r.KeepBytes)}
	}
	return retention.New(list)
}

func (h historySettings) check(bad complaint) {
	if h.Keep < time.Hour {
		bad("history.keep", "%s; expected at least 1h", h.Keep)
	}
	if h.KeepBytes < 1<<20 {
		bad("history.keep_bytes", "%d; expected at least 1048576", h.KeepBytes)
	}
	if n := h.SourceBytes; n != 0 && n < 1<<20 {
		bad("history.source_bytes", "%d; expected at least 1048576, or 0 for no bound", n)
	}
	complain := func(below string, err error) {
		for line := range strings.Lines(err.Error()) {
			place, what, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			bad(below+place, "%s", what)
		}
	}
	if _, err := h.rules(); err != nil {
		complain("history.rules", err)
	}
	if err := h.Readers.Check(); err != nil {
		complain("history.readers.", err)
	}
}

// idle says which rules will never decide of a message.
func (h historySettings) idle(sources map[string]bus.Source, c *catalogue.Catalogue) []string {
	rules, err := h.rules()
	if err != nil {
		return nil
	}
	names := sourceNames(sources)
	if findsNames(sources) {
		names = nil
	}
	var kinds, warnings []string
	for _, k := range c.Kinds() {
		kinds = append(kinds, k.Kind, k.App+".unknown")
	}
	for _, idle := range rules.Idle(names, kinds) {
		warnings = append(warnings, "history.rules"+idle)
	}
	return warnings
}
