package email

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/notifyd/notifyd/internal/exectest"
)

// postfix is a private Postfix: every mailbox of example.test is one maildir.
type postfix struct {
	*exectest.Postfix
	inbox string
	cert  certificate
	seen  map[string]bool // files of the inbox that a test has had
}

func startPostfix(t *testing.T) *postfix {
	t.Helper()
	p := &postfix{Postfix: exectest.NewPostfix(t), cert: selfSigned(t), seen: map[string]bool{}}
	p.inbox = filepath.Join(p.Folder, "mail", "inbox", "new")
	p.Configure(t, map[string]string{
		"virtual_mailbox_domains": "example.test", "virtual_mailbox_base": p.Folder + "/mail",
		"virtual_mailbox_maps": "static:inbox/",
		"virtual_minimum_uid":  "1", "virtual_uid_maps": "static:65534", "virtual_gid_maps": "static:65534",
		"smtpd_tls_cert_file": p.cert.file, "smtpd_tls_key_file": p.cert.key, "smtpd_tls_security_level": "may",
		"message_size_limit": "20000",
		"smtpd_recipient_restrictions": "check_recipient_access inline:{ { grey@example.test = 450 4.7.1 try later }" +
			" { gone@example.test = 550 5.1.1 no such user } { full@example.test = 552 5.2.2 mailbox full }" +
			" { foreign@example.test = 554 5.7.1 Relay access denied } }, permit_mynetworks, reject",
	})
	p.Start(t)
	return p
}

func (p *postfix) config() Config {
	return Config{
		Host: "127.0.0.1", Port: p.Port, CAFile: p.cert.file, From: "notifyd@example.test",
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
