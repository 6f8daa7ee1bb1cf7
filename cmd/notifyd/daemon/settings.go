package daemon

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/notifyd/notifyd/bus/backlog"
	"github.com/notifyd/notifyd/bus/pace"
	"github.com/notifyd/notifyd/bus/trust"
	"github.com/notifyd/notifyd/cmd/notifyd/config"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon/accounts"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon/directories"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon/reports"
	"github.com/notifyd/notifyd/history/readers"
	"github.com/notifyd/notifyd/migrations"
)

// Settings are the sections of the program itself. Each bus and each backend has a section that its own package
// decodes. A key with the zero value gets its default from defaults.
type Settings struct {
	Log       logSettings
	Database  databaseSettings
	Web       webSettings
	Metrics   metricsSettings
	Directory directories.Settings
	Admin     adminSettings
	Catalogue catalogueSettings
	Rules     rulesSettings
	History   historySettings
	Outbox    outboxSettings
	Stop      stopSettings
	Trust     trust.Config    `section:"bus.trust"`
	Backlog   backlog.Config  `section:"bus.backlog"`
	Publish   PublishSettings `section:"bus.publish"`
	Pace      pace.Config     `section:"bus.pace"`
	Reports   reports.Settings
	Accounts  accounts.Settings
}

type logSettings struct {
	Level  string `yaml:"level"`
	Format string `yaml:"format"`
}

type databaseSettings struct {
	DSN string `yaml:"dsn" secret:"true"` // path of an SQLite file, or postgres://…
}

type webSettings struct {
	Listen  string `yaml:"listen"`   // host:port, or unix:/path; "" switches the pages off
	BaseURL string `yaml:"base_url"` // as people reach it; links in mails start with it
	// Proxies are the networks whose X-Forwarded-For is trusted.
	Proxies []string        `yaml:"trusted_proxies"`
	Archive archiveSettings `yaml:"datagrepper"`
}

type metricsSettings struct {
	Listen string `yaml:"listen"` // /metrics, /healthz, /readyz; "" switches it off
}

type adminSettings struct {
	// Socket is where the commands user, filter and destination reach the daemon. "" is beside an SQLite file.
	Socket string `yaml:"socket"`
}

// AdminSocket returns the path of the socket for commands; "" where there is none. On PostgreSQL commands work on the
// database, as nodes do.
func (s Settings) AdminSocket() string {
	switch {
	case s.Admin.Socket == "none", IsPostgres(s.Database.DSN):
		return ""
	case s.Admin.Socket == "":
		return s.Database.DSN + ".sock"
	}
	return s.Admin.Socket
}

type catalogueSettings struct {
	Folder string        `yaml:"folder"` // a site's own entries
	Check  time.Duration `yaml:"check"`  // how often to look for a change
}

type rulesSettings struct {
	Snapshot string `yaml:"snapshot"` // file that keeps the index of the filters for the next start; see settings.snapshot
}

// noSnapshot is the value in the file that turns the snapshot off.
const noSnapshot = "none"

// snapshot returns the file of the snapshot, "" for none. Without a setting the file lies beside an SQLite file.
func (s Settings) snapshot() string {
	switch {
	case s.Rules.Snapshot == noSnapshot, s.Rules.Snapshot == "" && IsPostgres(s.Database.DSN):
		return ""
	case s.Rules.Snapshot == "":
		return s.Database.DSN + ".rules"
	}
	return s.Rules.Snapshot
}

type stopSettings struct {
	Within time.Duration `yaml:"within"` // the longest time of an orderly stop
}

// defaultSettings is the configuration of a machine where nothing was configured.
func defaultSettings() Settings {
	return Settings{
		Log:       logSettings{Level: "info", Format: "text"},
		Database:  databaseSettings{DSN: "notifyd.db"},
		Web:       webSettings{Listen: "127.0.0.1:8080", BaseURL: "http://127.0.0.1:8080", Archive: defaultArchive()},
		Metrics:   metricsSettings{Listen: "127.0.0.1:8081"},
		Directory: directories.Defaults(),
		Catalogue: catalogueSettings{Check: 10 * time.Second},
		History: historySettings{Keep: 30 * 24 * time.Hour, KeepBytes: 10 << 30, Prune: 10 * time.Minute,
			Readers: readers.Config{Members: true}},
		Outbox:   defaultOutbox(),
		Stop:     stopSettings{Within: 20 * time.Second},
		Publish:  DefaultPublish(),
		Reports:  reports.Defaults(),
		Accounts: accounts.Defaults(),
	}
}

// LoadSettings decodes the program's own sections of f. Sections of buses and backends are decoded where they are
// opened.
func LoadSettings(f *config.File) (Settings, error) {
	s := defaultSettings()
	sections := []struct {
		name string
		into any
	}{
		{"log", &s.Log}, {"database", &s.Database}, {"web", &s.Web}, {"metrics", &s.Metrics},
		{"admin", &s.Admin}, {"directory", &s.Directory},
		{"catalogue", &s.Catalogue}, {"rules", &s.Rules}, {"history", &s.History}, {"outbox", &s.Outbox}, {"stop", &s.Stop},
		{"bus.trust", &s.Trust}, {"bus.backlog", &s.Backlog}, {"bus.publish", &s.Publish},
		{"bus.pace", &s.Pace}, {"reports", &s.Reports}, {"accounts", &s.Accounts},
	}
	var errs []error
	for _, section := range sections {
		if section.into == any(&s.Directory) {
			directories.Sections(f)
		}
		errs = append(errs, f.Section(section.name)(section.into))
	}
	s.Trust.SetDefaults() // also where the section is not used
	s.Backlog.SetDefaults()
	s.Pace.SetDefaults()
	errs = append(errs, f.InSection("", s.check()), f.InSection("bus.publish", s.Publish.check()),
		f.InSection("bus.pace", s.Pace.Check()), f.InSection("accounts", s.Accounts.Check()))
	return s, errors.Join(errs...)
}

// A complaint notes that the value of a key is wrong, and what was expected.
type complaint func(key, format string, args ...any)

func (s Settings) check() error {
	var errs []error
	var bad complaint = func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: %s", key, fmt.Sprintf(format, args...)))
	}
	if _, err := s.Log.level(); err != nil {
		bad("log.level", "%q; expected debug, info, warn or error", s.Log.Level)
	}
	if s.Log.Format != "text" && s.Log.Format != "json" {
		bad("log.format", "%q; expected text or json", s.Log.Format)
	}
	s.Database.check(bad)
	if err := s.Accounts.CheckListen(s.Web.Listen, s.Web.Proxies); err != nil {
		bad("accounts", "%v", err)
	}
	for key, address := range map[string]string{"web.listen": s.Web.Listen, "metrics.listen": s.Metrics.Listen} {
		if socket, ok := strings.CutPrefix(address, unixPrefix); ok && key == "web.listen" {
			if !filepath.IsAbs(socket) || len(socket) > maxSocket {
				bad(key, "%q; expected the absolute path of a socket, of at most %d bytes", address, maxSocket)
			}
			continue
		}
		_, port, err := net.SplitHostPort(address)
		if err == nil {
			_, err = net.LookupPort("tcp", port)
		}
		if address != "" && err != nil {
			bad(key, "%q; expected host:port, such as 127.0.0.1:8080, or for the pages unix:/path", address)
		}
	}
	if !isBaseURL(s.Web.BaseURL) {
		bad("web.base_url", "%q; expected an http or https URL without login, query and fragment", s.Web.BaseURL)
	}
	for key, d := range map[string]time.Duration{"directory.check": s.Directory.Check,
		"catalogue.check": s.Catalogue.Check, "stop.within": s.Stop.Within, "history.prune": s.History.Prune} {
		if d < 100*time.Millisecond || d > time.Hour {
			bad(key, "%s; expected between 100ms and 1h", d)
		}
	}
	s.History.check(bad)
	s.Web.Archive.check(bad)
	if _, err := s.Web.proxies(); err != nil {
		bad("web.trusted_proxies", "%v; expected networks such as 192.0.2.0/24", err)
	}
	socket := s.Web.Listen == "" || strings.HasPrefix(s.Web.Listen, unixPrefix)
	if !socket && len(s.Web.Proxies) == 0 && strings.HasPrefix(s.Web.BaseURL, "https:") {
		bad("web.trusted_proxies", "empty, and web.base_url is https, so a proxy stands in front; without its network here "+
			"all visitors would count as one and share one limit; expected the network of the proxy, such as [127.0.0.1/32]")
	}
	errs = append(errs, s.Outbox.check(), s.Reports.CheckSettings())
	if kept := min(s.Outbox.KeepDone, s.Outbox.KeepDead); len(s.Reports.Mail) > 0 && kept < 48*time.Hour {
		bad("reports.mail", "needs outbox.keep_done and outbox.keep_dead of at least 48h, and one is %s: "+
			"what was mailed is known by them", kept)
	}
	for key, name := range map[string]string{"catalogue.folder": s.Catalogue.Folder, "reports.folder": s.Reports.Folder} {
		if info, err := os.Stat(name); name != "" && (err != nil || !info.IsDir()) {
			bad(key, "%q is no folder that can be read", name)
		}
	}
	return errors.Join(errs...)
}

func (d databaseSettings) check(bad complaint) {
	if IsPostgres(d.DSN) {
		if err := migrations.CheckURL(d.DSN); err != nil {
			bad("database.dsn", "%v; expected postgres://user:password@host:port/name", err)
		}
	} else if strings.Contains(d.DSN, "password=") { // the driver's other form would become a file's name
		bad("database.dsn", "looks like keywords for PostgreSQL; expected a postgres:// URL, or the path of an SQLite file")
	}
	if d.DSN == "" {
		bad("database.dsn", "empty; expected the path of an SQLite file or a postgres:// URL")
	}
	if scheme, _, ok := strings.Cut(d.DSN, "://"); ok && scheme != "postgres" && scheme != "postgresql" {
		bad("database.dsn", "begins with %q; expected the path of an SQLite file or a postgres:// URL", scheme+"://")
	}
}

// isBaseURL reports whether a path can be appended to text: behind the host it contains only a path.
func isBaseURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") && u.User == nil &&
		u.RawQuery == "" && !u.ForceQuery && u.Fragment == "" && !strings.Contains(u.Path, "//")
}

// manage returns the URL of the page where people change what they receive; "" where there are no pages.
func (w webSettings) manage() string {
	if w.Listen == "" {
		return ""
	}
	return w.BaseURL
}

func (w webSettings) proxies() ([]netip.Prefix, error) {
	var networks []netip.Prefix
	for _, text := range w.Proxies {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, err
		}
		networks = append(networks, network)
	}
	return networks, nil
}

func (l logSettings) level() (slog.Level, error) {
	var level slog.Level
	return level, level.UnmarshalText([]byte(strings.ToUpper(l.Level)))
}

// logger returns a logger that writes to w as configured, from level on.
func (l logSettings) logger(w io.Writer, level slog.Leveler) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if l.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
