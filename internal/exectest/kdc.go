package exectest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// KDCRealm is the realm of a KDC.
const KDCRealm = "EXAMPLE.ORG"

// A KDC is MIT's Kerberos server with a realm of its own.
type KDC struct {
	*Child
	Address string // host:port, by TCP
	Config  string // path of a krb5.conf that names it
	Folder  string
	env     []string
}

// NewKDC makes a realm and starts its server.
func NewKDC(t testing.TB) *KDC {
	t.Helper()
	util := Program(t, "/usr/sbin/kdb5_util")
	k := &KDC{Folder: t.TempDir(), Address: fmt.Sprintf("127.0.0.1:%d", FreePort(t))}
	k.Config = filepath.Join(k.Folder, "krb5.conf")
	k.write(t, "krb5.conf", fmt.Sprintf(`
[libdefaults]
  default_realm = %[1]s
  dns_lookup_kdc = false
  rdns = false
[realms]
  %[1]s = {
    kdc = %[2]s
  }
[logging]
  kdc = STDERR
`, KDCRealm, k.Address))
	k.write(t, "kdc.conf", fmt.Sprintf(`
[realms]
  %[1]s = {
    database_name = %[2]s/principal
    key_stash_file = %[2]s/stash
    acl_file = %[2]s/kadm5.acl
    kdc_listen = ""
    kdc_tcp_listen = %[3]s
    max_life = 24h
  }
`, KDCRealm, k.Folder, k.Address))
	k.env = append(os.Environ(), "KRB5_CONFIG="+k.Config, "KRB5_KDC_PROFILE="+filepath.Join(k.Folder, "kdc.conf"),
		"KRB5RCACHEDIR="+k.Folder)
	k.run(t, util, "create", "-s", "-r", KDCRealm, "-P", "of the database")
	k.Serve(t)
	return k
}

// Serve starts the server, as again after Kill.
func (k *KDC) Serve(t testing.TB) {
	t.Helper()
	cmd := exec.Command(Program(t, "/usr/sbin/krb5kdc"), "-n", "-r", KDCRealm, "-P", filepath.Join(k.Folder, "pid"))
	cmd.Env = k.env
	k.Child = Start(t, cmd)
	k.Listening(t, k.Address)
}

// Add adds a principal with a random key that must prove itself. more is options of kadmin's addprinc.
func (k *KDC) Add(t testing.TB, principal string, more ...string) {
	t.Helper()
	k.Admin(t, "addprinc -randkey +requires_preauth "+strings.Join(append(more, principal), " "))
}

// Keytab gives the path of a new file with the keys of a principal as they are.
func (k *KDC) Keytab(t testing.TB, principal string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "keytab")
	k.Admin(t, fmt.Sprintf("ktadd -k %s -norandkey %s", file, principal))
	return file
}

// Admin runs a command of kadmin.
func (k *KDC) Admin(t testing.TB, command string) {
	t.Helper()
	k.run(t, Program(t, "/usr/sbin/kadmin.local"), "-r", KDCRealm, "-q", command)
}

func (k *KDC) run(t testing.TB, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = k.env
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Contains(string(out), ": Unable") || strings.Contains(string(out), " while ") {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
}

func (k *KDC) write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(k.Folder, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
