package ldap

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/directory/fetch"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/internal/tlstest"
)

const (
	admin    = "cn=admin,dc=example,dc=org"
	password = "of the administrator"
)

// schema are attributes as other servers have them, under names that OpenLDAP does not have already.
const schema = `
attributetype ( 1.3.6.1.4.1.99999.1.1 NAME 'accountLock' SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.99999.1.2 NAME 'accountControl' SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.99999.1.3 NAME 'chatNick' SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.99999.1.4 NAME 'isPrivate' SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
objectclass ( 1.3.6.1.4.1.99999.2.1 NAME 'account2' SUP top AUXILIARY
	MAY ( accountLock $ accountControl $ chatNick $ isPrivate ) )
`

// A slapd is a running server.
type slapd struct {
	address, socket, folder string
	certificates            tlstest.Certificates
}

// start starts OpenLDAP's server with our entries. limits are lines of its configuration.
func start(t *testing.T, limits string) *slapd {
	t.Helper()
	return startWith(t, limits, "testdata/people.ldif", "-q")
}

// startWith starts it with the entries of a file, which slapadd reads with an option.
func startWith(t *testing.T, limits, file, option string) *slapd {
	t.Helper()
	s := &slapd{folder: t.TempDir(), address: "127.0.0.1:" + strconv.Itoa(exectest.FreePort(t))}
	program := exectest.Program(t, "/usr/sbin/slapd")
	var err error
	if s.certificates, err = tlstest.Make(s.folder, "client"); err != nil {
		t.Fatal(err)
	}
	s.socket = filepath.Join(s.folder, "ldapi")
	own := strings.NewReplacer("accountLock", accountLock, "accountControl", accountControl)
	s.write(t, "own.schema", own.Replace(schema))
	ldif, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, "people.ldif", own.Replace(strings.TrimPrefix(string(ldif), "version: 1\n\n")))
	if err := os.Mkdir(filepath.Join(s.folder, "db"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.write(t, "slapd.conf", fmt.Sprintf(`
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
include %[1]s/own.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
TLSCACertificateFile %[2]s
TLSCertificateFile %[3]s
TLSCertificateKeyFile %[4]s
%[5]s
database mdb
suffix dc=example,dc=org
rootdn %[6]s
rootpw "%[7]s"
directory %[1]s/db
overlay memberof
access to * by dn.exact=%[6]s write by users read by anonymous auth
`, s.folder, s.certificates.CA, filepath.Join(s.folder, "server.pem"), filepath.Join(s.folder, "server.key"), limits,
		admin, password))
	add := exec.Command(program, "-T", "add", "-f", filepath.Join(s.folder, "slapd.conf"), option,
		"-l", filepath.Join(s.folder, "people.ldif"))
	if out, err := add.CombinedOutput(); err != nil {
		t.Fatalf("slapadd: %v\n%s", err, out)
	}
	child := exectest.Start(t, exec.Command(program, "-f", filepath.Join(s.folder, "slapd.conf"), "-d", "0",
		"-h", "ldap://"+s.address+" ldapi://"+strings.ReplaceAll(s.socket, "/", "%2F")))
	child.Listening(t, s.address)
	return s
}

func (s *slapd) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.folder, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// settings are those of a source that reads the server; change changes them.
func (s *slapd) settings(change func(*Settings)) Settings {
	_, port, _ := net.SplitHostPort(s.address)
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
