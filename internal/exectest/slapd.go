package exectest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The login of a Slapd's administrator.
const (
	SlapdAdmin    = "cn=admin,dc=example,dc=org"
	SlapdPassword = "of the administrator"
)

// schema are attributes that other servers have, and OpenLDAP does not; and one for nicks and one for who is private.
const schema = `
attributetype ( 1.3.6.1.4.1.99999.1.1 NAME 'nsAccountLock' SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.99999.1.2 NAME 'userAccountControl' SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.99999.1.3 NAME 'chatNick' SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.99999.1.4 NAME 'isPrivate' SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
objectclass ( 1.3.6.1.4.1.99999.2.1 NAME 'communityAccount' SUP top AUXILIARY
	MAY ( nsAccountLock $ userAccountControl $ chatNick $ isPrivate ) )
`

// A Slapd is OpenLDAP's server with the entries of a file, below dc=example,dc=org.
type Slapd struct {
	// LDIF is the file of its entries.
	LDIF string
	// Unchecked takes entries that do not fit the schema.
	Unchecked bool
	// Lines are added to its configuration: limits, and files for TLS.
	Lines string

	Address string // host:port; Start sets it
	Socket  string // Start sets it
}

// Start loads the entries and starts the server.
func (s *Slapd) Start(t testing.TB) {
	t.Helper()
	program, folder := Program(t, "/usr/sbin/slapd"), t.TempDir()
	s.Address, s.Socket = fmt.Sprintf("127.0.0.1:%d", FreePort(t)), filepath.Join(folder, "ldapi")
	entries, err := os.ReadFile(s.LDIF)
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(folder, "slapd.conf")
	for name, text := range map[string]string{
		"own.schema": schema,
		"in.ldif":    strings.TrimPrefix(string(entries), "version: 1\n\n"), // slapadd takes it for an entry
		"slapd.conf": s.config(folder),
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(folder, "db"), 0o700); err != nil {
		t.Fatal(err)
	}
	add := []string{"-T", "add", "-q", "-f", config, "-l", filepath.Join(folder, "in.ldif")}
	if s.Unchecked {
		add = append(add, "-s")
	}
	tool(t, program, add...)
	child := Start(t, exec.Command(program, "-f", config, "-d", "0", "-h",
		"ldap://"+s.Address+" ldapi://"+strings.ReplaceAll(s.Socket, "/", "%2F")))
	child.Listening(t, s.Address)
}

func (s *Slapd) config(folder string) string {
	return fmt.Sprintf(`
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
include %[1]s/own.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
%[2]s
database mdb
suffix dc=example,dc=org
rootdn %[3]s
rootpw "%[4]s"
directory %[1]s/db
overlay memberof
access to * by dn.exact=%[3]s write by users read by anonymous auth
`, folder, s.Lines, SlapdAdmin, SlapdPassword)
}

// Modify changes an entry. lines say how, as in LDIF after "changetype: modify".
func (s *Slapd) Modify(t testing.TB, dn string, lines ...string) {
	t.Helper()
	modify := exec.Command(Program(t, "ldapmodify"), "-x", "-H", "ldap://"+s.Address,
		"-D", SlapdAdmin, "-w", SlapdPassword)
	modify.Stdin = strings.NewReader("dn: " + dn + "\nchangetype: modify\n" + strings.Join(lines, "\n") + "\n")
	if out, err := modify.CombinedOutput(); err != nil {
		t.Fatalf("ldapmodify: %v\n%s", err, out)
	}
}
