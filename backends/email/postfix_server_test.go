package email

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/internal/exectest"
)

const master = "/usr/lib/postfix/sbin/master"

// postfix is a private Postfix: nothing leaves it, and every mailbox of example.test is one maildir.
type postfix struct {
	*exectest.Child
	port  int
	inbox string
	cert  certificate
	seen  map[string]bool // files of the inbox that a test has had
}

func startPostfix(t *testing.T) *postfix {
	t.Helper()
	exectest.Program(t, master)
	if os.Getuid() != 0 && os.Getenv("NOTIFYD_REQUIRE") != "1" {
		t.Skip("needs root, to start Postfix")
	}
	dir := t.TempDir()
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) { // Postfix delivers as nobody
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for sub, owner := range map[string]string{"etc": "root", "spool": "root", "lib": "postfix", "mail": "nobody"} {
		ownedDir(t, filepath.Join(dir, sub), owner)
	}
	port, cert := exectest.FreePort(t), selfSigned(t)
	writeConfig(t, dir, port, cert)
	etc := filepath.Join(dir, "etc")
	if out, err := exec.Command("postfix", "-c", etc, "check").CombinedOutput(); err != nil {
		t.Fatalf("postfix check: %v\n%s", err, out)
	}
	cmd := exec.Command(master, "-s", "-c", etc)
	cmd.Env = append(os.Environ(), "MAIL_CONFIG="+etc)
	p := &postfix{
		Child: exectest.Start(t, cmd), port: port, cert: cert,
		inbox: filepath.Join(dir, "mail", "inbox", "new"), seen: map[string]bool{},
	}
	t.Cleanup(func() { p.Stop(t) }) // with its children, which write below dir
	p.Listening(t, fmt.Sprintf("127.0.0.1:%d", port))
	return p
}

func ownedDir(t *testing.T, dir, owner string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	u, err := user.Lookup(owner)
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
}

func writeConfig(t *testing.T, dir string, port int, cert certificate) {
	t.Helper()
	etc := filepath.Join(dir, "etc")
	for _, f := range []string{"dynamicmaps.cf", "postfix-files", "post-install", "postfix-script",
		"dynamicmaps.cf.d", "postfix-files.d"} {
		if out, err := exec.Command("cp", "-r", "/etc/postfix/"+f, etc).CombinedOutput(); err != nil {
			t.Fatalf("copy %s: %v %s", f, err, out)
		}
	}
	settings := map[string]string{
		"compatibility_level": "3.6", "queue_directory": dir + "/spool", "data_directory": dir + "/lib",
		"mail_owner":   "postfix",
		"setgid_group": "postdrop", "inet_interfaces": "127.0.0.1", "inet_protocols": "ipv4", "myhostname": "mx.test",
		"mydestination": "", "mynetworks": "127.0.0.0/8", "smtp_host_lookup": "native", "disable_dns_lookups": "yes",
		"default_transport": "error:outside refused", "relay_transport": "error:outside refused",
		"virtual_mailbox_domains": "example.test", "virtual_mailbox_base": dir + "/mail",
		"virtual_mailbox_maps": "static:inbox/",
		"virtual_minimum_uid":  "1", "virtual_uid_maps": "static:65534", "virtual_gid_maps": "static:65534",
		"smtpd_tls_cert_file": cert.file, "smtpd_tls_key_file": cert.key, "smtpd_tls_security_level": "may",
		"maillog_file": "/dev/stdout", "message_size_limit": "20000",
		"smtpd_recipient_restrictions": "check_recipient_access inline:{ { grey@example.test = 450 4.7.1 try later }" +
			" { gone@example.test = 550 5.1.1 no such user } { full@example.test = 552 5.2.2 mailbox full }" +
			" { foreign@example.test = 554 5.7.1 Relay access denied } }, permit_mynetworks, reject",
	}
	var main strings.Builder
	for _, k := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&main, "%s = %s\n", k, settings[k])
	}
	services, err := os.ReadFile("/etc/postfix/master.cf")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(services), "\n")
	for i, l := range lines {
		switch fields := strings.Fields(l); {
		case strings.HasPrefix(l, "smtp ") && strings.HasSuffix(l, "smtpd"):
			lines[i] = fmt.Sprintf("127.0.0.1:%d inet n - n - - smtpd", port)
		case len(fields) > 7 && fields[4] == "y" && l[0] != '#':
			lines[i] = strings.Join(append(append(slices.Clone(fields[:4]), "n"), fields[5:]...), " ")
		}
	}
	for name, content := range map[string]string{"main.cf": main.String(), "master.cf": strings.Join(lines, "\n")} {
		if err := os.WriteFile(filepath.Join(etc, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func (p *postfix) config() Config {
	return Config{
		Host: "127.0.0.1", Port: p.port, CAFile: p.cert.file, From: "notifyd@example.test",
		FromName:   "Notices — Beispiel",
		ListDomain: "lists.example.test", Timeout: 20 * time.Second,
	}
}

// delivered waits for n new messages in the maildir.
func (p *postfix) delivered(t *testing.T, n int) map[string][]byte {
	t.Helper()
	var fresh []string
	eventually(t, fmt.Sprintf("%d messages in the maildir", n), func() bool {
		files, _ := filepath.Glob(filepath.Join(p.inbox, "*"))
		fresh = slices.DeleteFunc(files, func(f string) bool { return p.seen[f] })
		return len(fresh) >= n
	})
	if len(fresh) != n {
		t.Errorf("%d messages in the maildir, want %d", len(fresh), n)
	}
	out := map[string][]byte{}
	for _, f := range fresh {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[f], p.seen[f] = data, true
	}
	return out
}

var farewell = regexp.MustCompile(`disconnect from .* mail=(?:\d+/)?(\d+)`)

// counter counts transactions from now on. carried waits until Postfix has logged the end of connections with n of
// them, and returns how many each had.
func (p *postfix) counter() (carried func(t *testing.T, n int) []int) {
	start := len(p.Text())
	return func(t *testing.T, n int) (each []int) {
		t.Helper()
		eventually(t, fmt.Sprintf("%d transactions in the log", n), func() bool {
			each = nil
			sum := 0
			for _, found := range farewell.FindAllStringSubmatch(p.Text()[start:], -1) {
				k, _ := strconv.Atoi(found[1])
				each = append(each, k)
				sum += k
			}
			return sum == n
		})
		return each
	}
}
