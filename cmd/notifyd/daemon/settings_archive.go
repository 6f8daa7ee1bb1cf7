package daemon

import (
	"slices"
	"strings"
	"time"

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
		DefaultDelta: a.DefaultDelta, Origins: a.Origins,
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
