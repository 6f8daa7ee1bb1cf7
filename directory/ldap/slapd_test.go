package ldap

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/notifyd/notifyd/directory/fetch"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/internal/tlstest"
)

const (
	admin    = exectest.SlapdAdmin
	password = exectest.SlapdPassword
)

// A slapd is a running server.
type slapd struct {
	exectest.Slapd
	certificates tlstest.Certificates
}

// start starts OpenLDAP's server with our entries. lines are of its configuration.
func start(t *testing.T, lines string) *slapd {
	t.Helper()
	return startWith(t, exectest.Slapd{LDIF: "testdata/people.ldif", Lines: lines})
}

func startWith(t *testing.T, server exectest.Slapd) *slapd {
	t.Helper()
	folder := t.TempDir()
	certificates, err := tlstest.Make(folder, "client")
	if err != nil {
		t.Fatal(err)
	}
	server.Lines += fmt.Sprintf("\nTLSCACertificateFile %s\nTLSCertificateFile %s\nTLSCertificateKeyFile %s",
		certificates.CA, filepath.Join(folder, "server.pem"), filepath.Join(folder, "server.key"))
	server.Start(t)
	return &slapd{server, certificates}
}

// settings are those of a source that reads the server; change changes them.
func (s *slapd) settings(change func(*Settings)) Settings {
	_, port, _ := net.SplitHostPort(s.Address)
	set := Settings{
		URL: "ldap://localhost:" + port, BindDN: admin, Password: password, StartTLS: true,
		TLS: fetch.TLS{CAFile: s.certificates.CA},
		People: People{
			Base: "ou=people,dc=example,dc=org", Filter: "(objectClass=inetOrgPerson)",
			Nick: []string{"chatNick"}, Private: "isPrivate", Servers: map[string]string{"irc": "irc.example.org"},
		},
		Groups: Groups{Base: "ou=groups,dc=example,dc=org"},
	}
	if change != nil {
		change(&set)
	}
	return defaults(set)
}

func defaults(set Settings) Settings {
	c := Config{"one": set}
	c.SetDefaults()
	return c["one"]
}

// soon is a context that a fetch ends in.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}
