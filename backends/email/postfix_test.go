package email

import (
	"encoding/json"
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
	"sync"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/backendtest"
)

const master = "/usr/lib/postfix/sbin/master"

// mx is a private Postfix: nothing leaves it, and every mailbox of example.test is one maildir.
type mx struct {
	*child
	inbox string
	cert  certificate
}

func startPostfix(t *testing.T) mx {
	t.Helper()
	if _, err := os.Stat(master); err != nil {
		missing(t, "postfix")
	}
	if os.Getuid() != 0 {
		missing(t, "root, to start Postfix")
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
	port, cert := freePort(t), selfSigned(t)
	writeConfig(t, dir, port, cert)
	etc := filepath.Join(dir, "etc")
	if out, err := exec.Command("postfix", "-c", etc, "check").CombinedOutput(); err != nil {
		t.Fatalf("postfix check: %v\n%s", err, out)
	}
	cmd := exec.Command(master, "-s", "-c", etc)
	cmd.Env = append(os.Environ(), "MAIL_CONFIG="+etc)
	return mx{startChild(t, port, cmd), filepath.Join(dir, "mail", "inbox", "new"), cert}
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
	for _, f := range []string{"dynamicmaps.cf", "postfix-files", "post-install", "postfix-script", "dynamicmaps.cf.d", "postfix-files.d"} {
		if out, err := exec.Command("cp", "-r", "/etc/postfix/"+f, etc).CombinedOutput(); err != nil {
			t.Fatalf("copy %s: %v %s", f, err, out)
		}
	}
	settings := map[string]string{
		"compatibility_level": "3.6", "queue_directory": dir + "/spool", "data_directory": dir + "/lib", "mail_owner": "postfix",
		"setgid_group": "postdrop", "inet_interfaces": "127.0.0.1", "inet_protocols": "ipv4", "myhostname": "mx.test",
		"mydestination": "", "mynetworks": "127.0.0.0/8", "smtp_host_lookup": "native", "disable_dns_lookups": "yes",
		"default_transport": "error:outside refused", "relay_transport": "error:outside refused",
		"virtual_mailbox_domains": "example.test", "virtual_mailbox_base": dir + "/mail", "virtual_mailbox_maps": "static:inbox/",
		"virtual_minimum_uid": "1", "virtual_uid_maps": "static:65534", "virtual_gid_maps": "static:65534",
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

func (m mx) config() Config {
	return Config{
		Host: "127.0.0.1", Port: m.port, CAFile: m.cert.file, From: "notifyd@example.test", FromName: "Notices — Beispiel",
		ListDomain: "lists.example.test", Timeout: 20 * time.Second,
	}
}

// delivered waits until the maildir has n messages.
func (m mx) delivered(t *testing.T, n int) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	eventually(t, fmt.Sprintf("%d messages in the maildir", n), func() bool {
		files, _ := filepath.Glob(filepath.Join(m.inbox, "*"))
		return len(files) >= n
	})
	files, _ := filepath.Glob(filepath.Join(m.inbox, "*"))
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[f] = data
	}
	return out
}

// A real mail server takes everything we make, over STARTTLS, and what lies in the maildir reads as it was meant: by
// Go's parser and by Python's.
func TestPostfixDelivers(t *testing.T) {
	need(t, "/usr/bin/python3")
	server := startPostfix(t)
	b := newBackend(t, server.config())
	want := map[string]backends.Parcel{}
	for name, p := range gallery() {
		want["<p."+p.ID+"@lists.example.test>"] = p
		p.To = "alice+" + name + "@example.test"
		if err := b.Send(t.Context(), p); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	i := 0
	for name, n := range backendtest.Hostile() {
		n.Text = n.Text[:min(len(n.Text), 1000)] // the server's limit has its own test
		p := backends.Parcel{ID: fmt.Sprintf("hostile-%d", i), To: "bob@example.test", Notices: []backends.Notice{n}}
		want["<p."+p.ID+"@lists.example.test>"] = p
		if err := b.Send(t.Context(), p); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		i++
	}
	files := server.delivered(t, len(want))
	if len(files) != len(want) {
		t.Errorf("%d messages in the maildir, want %d", len(files), len(want))
	}
	second := python(t, files)
	for file, data := range files {
		checkMessage(t, []byte(strings.ReplaceAll(string(data), "\n", "\r\n")))
		m, err := parse(data)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		p, ok := want[m.get("Message-Id")]
		if !ok {
			t.Errorf("an unknown message %q", m.get("Message-Id"))
			continue
		}
		if got := m.get("Subject"); got != b.composer.subject(p) {
			t.Errorf("Subject = %q, want %q", got, b.composer.subject(p))
		}
		compare(t, second[file], m)
	}
	if !regexp.MustCompile(`with ESMTPS id`).Match(slices.Concat(slices.Collect(maps.Values(files))...)) {
		t.Error("no message came over TLS")
	}
}

// opinion is what Python's email package reads in a message.
type opinion struct {
	Subject, From, To, Text, HTML string
	Headers, Defects              []string
}

func python(t *testing.T, files map[string][]byte) map[string]opinion {
	t.Helper()
	cmd := exec.Command("/usr/bin/python3", append([]string{"testdata/read_mail.py"}, slices.Collect(maps.Keys(files))...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]opinion
	if err := json.Unmarshal(out, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func compare(t *testing.T, o opinion, m parsed) {
	t.Helper()
	if len(o.Defects) > 0 {
		t.Errorf("%s: Python finds defects %q", m.get("Message-Id"), o.Defects)
	}
	if o.Subject != m.get("Subject") || o.From != "Notices — Beispiel <notifyd@example.test>" || !strings.HasSuffix(o.To, "@example.test") {
		t.Errorf("Python reads Subject %q From %q To %q, Go %q", o.Subject, o.From, o.To, m.get("Subject"))
	}
	if o.Text != m.text || o.HTML != m.html {
		t.Errorf("%s: Python and Go read different texts:\n%q\n%q", m.get("Message-Id"), o.Text, m.text)
	}
	for _, h := range o.Headers {
		if !slices.Contains(known, mailKey(h)) {
			t.Errorf("Python finds a header %q", h)
		}
	}
}

func TestPostfixRefuses(t *testing.T) {
	server := startPostfix(t)
	b := newBackend(t, server.config())
	big := backendtest.Samples()[0]
	big.Text = strings.Repeat("this is too long. ", 2000)
	for _, c := range []struct {
		to, want, code string
		notice         backends.Notice
	}{
		{"gone@example.test", "refused", "550 5.1.1", backendtest.Samples()[0]},
		{"grey@example.test", "later", "450 4.7.1", backendtest.Samples()[0]},
		{"full@example.test", "refused", "552 5.2.2", backendtest.Samples()[0]},
		{"foreign@example.test", "later", "554 5.7.1", backendtest.Samples()[0]},
		{"alice@example.test", "refused", "552 5.3.4", big},
		{"alice@example.test", "sent", "", backendtest.Samples()[0]},
	} {
		err := b.Send(t.Context(), backends.Parcel{ID: "x", To: c.to, Notices: []backends.Notice{c.notice}})
		if class(err) != c.want {
			t.Errorf("%s: %v, which is %s, want %s", c.to, err, class(err), c.want)
		}
		if err != nil && (!strings.Contains(err.Error(), c.code) || strings.Contains(err.Error(), "@")) {
			t.Errorf("%s: the error %q lacks %s or tells an address", c.to, err, c.code)
		}
	}
	b.pool.close()
	if per := server.carried(t, 6); len(per) != 1 {
		t.Errorf("connections carried %v transactions, want one for all", per)
	}
}

// A hundred messages to a real server take as few connections as they are told to.
func TestPostfixReuse(t *testing.T) {
	server := startPostfix(t)
	c := server.config()
	c.PerConnection, c.Connections = 25, 2
	b := newBackend(t, c)
	start := time.Now()
	var wg sync.WaitGroup
	work := make(chan int)
	for range 2 {
		wg.Go(func() {
			for i := range work {
				if err := b.Send(t.Context(), backends.Parcel{ID: fmt.Sprint(i), To: "alice@example.test", Notices: backendtest.Samples()[:1]}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range 100 {
		work <- i
	}
	close(work)
	wg.Wait()
	t.Logf("100 messages in %v", time.Since(start))
	server.delivered(t, 100)
	b.pool.close()
	if per := server.carried(t, 100); len(per) > 5 || slices.Max(per) > 25 {
		t.Errorf("connections carried %v messages, want at most 5 of 25", per)
	}
}

var farewell = regexp.MustCompile(`disconnect from .* mail=(?:\d+/)?(\d+)`)

// carried waits until Postfix has logged the end of connections with n transactions, and gives how many each had.
func (m mx) carried(t *testing.T, n int) []int {
	t.Helper()
	var per []int
	eventually(t, fmt.Sprintf("%d transactions in the log", n), func() bool {
		per = nil
		sum := 0
		for _, l := range farewell.FindAllStringSubmatch(m.said(), -1) {
			k, _ := strconv.Atoi(l[1])
			per = append(per, k)
			sum += k
		}
		return sum == n
	})
	return per
}
