package back_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends/email/back"
	"github.com/notifyd/notifyd/internal/exectest"
)

// dovecot starts a private Dovecot, with one mailbox in a Maildir, and returns its port and the folder of new mails.
func dovecot(t *testing.T) (port int, fresh string) {
	t.Helper()
	program := exectest.Program(t, "dovecot")
	if os.Getuid() != 0 && os.Getenv("NOTIFYD_REQUIRE") != "1" {
		t.Skip("needs root, to start Dovecot")
	}
	folder, err := os.MkdirTemp("", "dovecot") // its sockets need a short path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	port = exectest.FreePort(t)
	config := fmt.Sprintf(`base_dir = %[1]s/run
state_dir = %[1]s/state
log_path = /dev/stderr
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
first_valid_uid = 0
default_internal_user = dovecot
default_login_user = dovenull
mail_location = maildir:%[1]s/mail
mail_uid = 65534
mail_gid = 65534
service imap-login {
  inet_listener imap {
    port = %[2]d
  }
  inet_listener imaps {
    port = 0
  }
}
passdb {
  driver = static
  args = password=secret
}
userdb {
  driver = static
  args = uid=65534 gid=65534 home=%[1]s/mail
}
`, folder, port)
	for _, name := range []string{"mail/cur", "mail/new", "mail/tmp", "run", "state"} {
		if err := os.MkdirAll(filepath.Join(folder, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"mail", "mail/cur", "mail/new", "mail/tmp"} {
		if err := os.Chown(filepath.Join(folder, name), 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "dovecot.conf")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	child := exectest.Start(t, exec.Command(program, "-F", "-c", file))
	t.Cleanup(func() { child.Stop(t) })
	child.Listening(t, fmt.Sprintf("127.0.0.1:%d", port))
	return port, filepath.Join(folder, "mail", "new")
}

// TestDovecot: what lies in a mailbox is taken once; what cannot be noted stays and comes again.
func TestDovecot(t *testing.T) {
	port, fresh := dovecot(t)
	put := func(name, message string) {
		if err := os.WriteFile(filepath.Join(fresh, name), []byte(message), 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(filepath.Join(fresh, name), 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
	put("1.a.b", hard(report))
	put("2.a.b", "Delivered-To: <r-"+reply+"@b.example.org>\n"+answer)
	put("3.a.b", "From: x@y\n\nnothing of ours\n")
	d := &desk{err: fmt.Errorf("the database is away")}
	r := receiver(d)
	r.Config.IMAP = back.IMAP{Host: "127.0.0.1", Port: port, TLS: "none", Username: "box", Password: "secret",
		Folder: "INBOX", Every: 100 * time.Millisecond, Delete: true}
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { r.Poll(ctx) })
	defer done.Wait()
	defer cancel()
	waitFor(t, "a first attempt", func() bool { return counted(r)["hard later"] > 0 })
	d.mu.Lock()
	d.err = nil
	d.mu.Unlock()
	waitFor(t, "all three", func() bool { return strings.Contains(d.all(), "answer") && counted(r)["written stray"] == 1 })
	if got := d.all(); got != `hard 550 5.1.1 <…> unknown user; asked; command of 7; answer "did mute 2d"` {
		t.Errorf("%q", got)
	}
	waitFor(t, "an empty mailbox", func() bool {
		left, _ := filepath.Glob(filepath.Join(filepath.Dir(fresh), "*", "*.a.b*"))
		return len(left) == 0
	})
	if c := counted(r); c["hard done"] != 1 || c["command done"] != 1 {
		t.Errorf("counted %v", c)
	}
}

// waitFor waits until something holds, for the mailbox is another program's.
func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.NewTimer(30 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("waited for %s in vain", what)
		}
	}
}
