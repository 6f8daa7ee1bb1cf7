package tlsfiles_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/internal/pkitest"
	"github.com/notifyd/notifyd/internal/tlsfiles"
)

func read(name string, _ int64) ([]byte, error) { return os.ReadFile(name) }

func TestConfig(t *testing.T) {
	folder := t.TempDir()
	p, err := pkitest.New(time.Now())
	if err == nil {
		err = p.Write(folder)
	}
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(folder, name) }
	all := tlsfiles.Files{
		CA: at("ca.crt"), Cert: at(pkitest.Git + ".crt"), Key: at(pkitest.Git + ".key"),
	}
	c, err := all.Config(read)
	if err != nil || c.RootCAs == nil || len(c.Certificates) != 1 {
		t.Fatalf("%+v, %v", c, err)
	}
	if c, err := (tlsfiles.Files{}).Config(read); err != nil || c.RootCAs != nil || c.Certificates != nil {
		t.Errorf("of no files: %+v, %v", c, err)
	}
	for want, f := range map[string]tlsfiles.Files{
		"ca_file: open /no":                 {CA: "/no"},
		"keys.asc holds no PEM certificate": {CA: at("keys.asc")},
		"both or none":                      {Cert: all.Cert},
		"cert_file, key_file: open /no":     {Cert: all.Cert, Key: "/no"},
		"private key does not match":        {Cert: all.Cert, Key: at(pkitest.Shell + ".key")},
	} {
		if _, err := f.Config(read); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", f, err, want)
		}
	}
}
