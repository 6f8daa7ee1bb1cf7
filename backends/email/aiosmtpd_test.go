package email

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/backendtest"
	"github.com/notifyd/notifyd/internal/exectest"
)

// taken is a message that aiosmtpd took.
type taken struct {
	From    string
	To      []string
	Options []string
	TLS     bool
	Content string
}

func takenBy(t *testing.T, c *exectest.Child) []taken {
	t.Helper()
	var out []taken
	for line := range strings.Lines(c.Text()) {
		var m taken
		if strings.HasPrefix(line, "{") && strings.HasSuffix(line, "\n") {
			if err := json.Unmarshal([]byte(line), &m); err != nil {
				t.Fatal(err)
			}
			out = append(out, m)
		}
	}
	return out
}

// Another server's habits: AUTH LOGIN only, nothing before STARTTLS, SMTPUTF8 offered.
func TestAiosmtpd(t *testing.T) {
	t.Parallel() // it waits
	python := exectest.Python(t, "aiosmtpd")
	port, cert := exectest.FreePort(t), selfSigned(t)
	server := exectest.Start(t, exec.Command(python, "testdata/aiosmtpd_server.py", strconv.Itoa(port), cert.file,
		cert.key))
	server.Listening(t, fmt.Sprintf("127.0.0.1:%d", port))
	c := Config{
		Host: "127.0.0.1", Port: port, CAFile: cert.file, Username: "notifyd", Password: "open sesame",
		From: "notifyd@example.org", EnvelopeFrom: "bounces@example.org", Timeout: 10 * time.Second,
	}
	b := newBackend(t, c)
	big := backendtest.Samples()[0]
	big.Text = strings.Repeat("this is too long. ", 3000)
	for _, step := range []struct {
		to, want string
		notice   backends.Notice
	}{
		{"alice@example.org", "sent", backendtest.Samples()[2]},
		{"gone@example.org", "refused", backendtest.Samples()[0]},
		{"grey@example.org", "later", backendtest.Samples()[0]},
		{"grey@example.org", "sent", backendtest.Samples()[0]},
		{"big@example.org", "refused", big},
		{"drop@example.org", "later", backendtest.Samples()[0]},
		{"drop@example.org", "sent", backendtest.Samples()[0]},
	} {
		err := b.Send(t.Context(), backends.Parcel{ID: "x", To: step.to, Notices: []backends.Notice{step.notice}})
		if class(err) != step.want {
			t.Errorf("%s: %v, which is %s, want %s", step.to, err, class(err), step.want)
		}
		if err != nil && (strings.Contains(err.Error(), "@") || strings.Contains(err.Error(), "sesame")) {
			t.Errorf("the error %q leaks", err)
		}
	}
	eventually(t, "three messages are taken", func() bool { return len(takenBy(t, server)) == 3 })
	for _, m := range takenBy(t, server) {
		checkMessage(t, []byte(m.Content))
		if m.From != "bounces@example.org" || !m.TLS || strings.Contains(strings.Join(m.Options, " "), "UTF8") {
			t.Errorf("envelope %q %q, TLS %v", m.From, m.Options, m.TLS)
		}
	}
	c.Password = "wrong password"
	if err := newBackend(t, c).Send(t.Context(), sample("y")); class(err) != "unavailable" ||
		!strings.Contains(err.Error(), "535") || strings.Contains(err.Error(), "wrong password") {
		t.Errorf("with a wrong password Send = %v", err)
	}
}
