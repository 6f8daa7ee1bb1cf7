package bustest

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/notifyd/notifyd/internal/secret"
)

// A report is what every bench has: the test that it reports to, what is logged, and the secrets that must stand
// nowhere.
type report struct {
	t       testing.TB
	log     *logbook
	secrets []string
}

func newReport(t testing.TB, secrets []string) *report {
	r := &report{t: t, log: &logbook{}, secrets: secrets}
	t.Cleanup(func() { r.checkSecrets("the log", r.log.String()) })
	return r
}

// broken reports a broken promise and goes on.
func (r *report) broken(promise, format string, args ...any) {
	r.t.Helper()
	r.t.Errorf("%s: %s", promise, fmt.Sprintf(format, args...))
}

// fatal reports a broken promise and ends the part.
func (r *report) fatal(promise, format string, args ...any) {
	r.t.Helper()
	r.t.Fatalf("%s: %s", promise, fmt.Sprintf(format, args...))
}

func (r *report) checkSecrets(where, text string) {
	for _, secret := range r.secrets {
		if strings.Contains(text, secret) {
			r.broken(promiseSecret, "%s has %q", where, secret)
		}
	}
}

// An opener is the field Open of a driver.
type opener[T any] func(decode func(any) error, log *slog.Logger) (T, error)

// openBy opens by a section in YAML, as the daemon does.
func openBy[T any](r *report, open opener[T], config string) (T, error) {
	log := slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	opened, err := open(decodeOf(config), log)
	if err != nil {
		r.checkSecrets("the error of Open", err.Error())
	}
	return opened, err
}

// decodeOf gives the decode of a section of the configuration.
func decodeOf(config string) func(any) error {
	return func(into any) error {
		if err := yaml.UnmarshalWithOptions([]byte(config), into, yaml.Strict()); err != nil {
			return errors.New(yaml.FormatError(err, false, false)) // which does not quote what may be a secret
		}
		return nil
	}
}

// checkMistaken looks what is done where decode fails. It gives what was opened all the same, which should be nothing.
func checkMistaken[T any](r *report, open opener[T]) (opened T) {
	boom := errors.New("boom")
	opened, err := open(func(into any) error {
		for _, key := range secret.Unmarked(into) {
			r.broken(promiseSecret, `%s looks like a secret and has no tag; secret:"true" masks it, "false" shows it`, key)
		}
		return boom
	}, slog.New(slog.NewTextHandler(r.log, nil)))
	if !errors.Is(err, boom) {
		r.broken(promiseMistake, "Open gives %v where decode fails, want the error of decode", err)
	}
	return opened
}
