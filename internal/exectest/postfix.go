package exectest

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const postfixMaster = "/usr/lib/postfix/sbin/master"

// A Postfix is a private mail server: nothing leaves this machine. Child is nil until Start.
type Postfix struct {
	*Child
	Folder string // where everybody may read; below mail its commands, which run as nobody, may write
	Etc    string // its configuration
	Port   int    // of SMTP at 127.0.0.1
}

// NewPostfix makes the folders of a Postfix. A test that is not root's is skipped.
func NewPostfix(t testing.TB) *Postfix {
	t.Helper()
	Program(t, postfixMaster)
	if os.Getuid() != 0 && os.Getenv("NOTIFYD_REQUIRE") != "1" {
		t.Skip("needs root, to start Postfix")
	}
	p := &Postfix{Folder: t.TempDir(), Port: FreePort(t)}
	p.Etc = filepath.Join(p.Folder, "etc")
	for d := p.Folder; d != os.TempDir() && d != "/"; d = filepath.Dir(d) { // Postfix delivers as nobody
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, owner := range map[string]string{"etc": "root", "spool": "root", "lib": "postfix", "mail": "nobody"} {
		ownedFolder(t, filepath.Join(p.Folder, name), owner)
	}
	return p
}

// Configure writes main.cf and master.cf. settings come over what keeps Postfix private.
func (p *Postfix) Configure(t testing.TB, settings map[string]string) {
	t.Helper()
	for _, f := range []string{"dynamicmaps.cf", "postfix-files", "post-install", "postfix-script", "dynamicmaps.cf.d",
		"postfix-files.d"} {
		tool(t, "cp", "-r", "/etc/postfix/"+f, p.Etc)
	}
	all := map[string]string{
		"compatibility_level": "3.6", "queue_directory": p.Folder + "/spool", "data_directory": p.Folder + "/lib",
		"mail_owner": "postfix", "setgid_group": "postdrop", "inet_interfaces": "127.0.0.1", "inet_protocols": "ipv4",
		"myhostname": "mx.test", "mydestination": "", "mynetworks": "127.0.0.0/8", "smtp_host_lookup": "native",
		"disable_dns_lookups": "yes", "default_transport": "error:outside refused",
		"relay_transport": "error:outside refused", "maillog_file": "/dev/stdout",
	}
	maps.Copy(all, settings)
	var main strings.Builder
	for _, k := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&main, "%s = %s\n", k, all[k])
	}
	services, err := os.ReadFile("/etc/postfix/master.cf")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(services), "\n")
	for i, l := range lines {
		switch fields := strings.Fields(l); {
		case strings.HasPrefix(l, "smtp ") && strings.HasSuffix(l, "smtpd"):
			lines[i] = fmt.Sprintf("127.0.0.1:%d inet n - n - - smtpd", p.Port)
		case len(fields) > 7 && fields[4] == "y" && l[0] != '#': // no chroot
			lines[i] = strings.Join(append(append(slices.Clone(fields[:4]), "n"), fields[5:]...), " ")
		}
	}
	for name, content := range map[string]string{"main.cf": main.String(), "master.cf": strings.Join(lines, "\n")} {
		if err := os.WriteFile(filepath.Join(p.Etc, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// Start starts it. It is stopped when the test is over, with its children, which write below Folder.
func (p *Postfix) Start(t testing.TB) {
	t.Helper()
	tool(t, "chmod", "-R", "a+rX", p.Etc)
	tool(t, "postfix", "-c", p.Etc, "check")
	cmd := exec.Command(postfixMaster, "-s", "-c", p.Etc)
	cmd.Env = append(os.Environ(), "MAIL_CONFIG="+p.Etc)
	p.Child = Start(t, cmd)
	t.Cleanup(func() { p.Stop(t) })
	p.Listening(t, fmt.Sprintf("127.0.0.1:%d", p.Port))
}

func tool(t testing.TB, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
}

func ownedFolder(t testing.TB, folder, owner string) {
	t.Helper()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	u, err := user.Lookup(owner)
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	if err := os.Chown(folder, uid, gid); err != nil {
		t.Fatal(err)
	}
}
