package mail_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/notifyd/notifyd/bus/client"
	busmail "github.com/notifyd/notifyd/bus/mail"
	"github.com/notifyd/notifyd/cmd/notifyd/mail"
)

// A poster keeps what it is given, or answers with an error.
type poster struct {
	calls [][][]byte
	err   error
	after int // calls that succeed before the error
}

func (p *poster) PostJSON(_ context.Context, objects ...[]byte) ([]string, error) {
	if p.err != nil && len(p.calls) == p.after {
		return nil, fmt.Errorf("post: %w", p.err)
	}
	p.calls = append(p.calls, objects)
	return make([]string, len(objects)), nil
}

// receiver gives one with the program's mappings.
func receiver(t *testing.T, p *poster) (*mail.Receiver, *bytes.Buffer) {
	t.Helper()
	all, err := busmail.Load("")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	options := busmail.Options{Now: time.Unix(1_780_000_000, 0)}
	return &mail.Receiver{Poster: p, Mappings: all, Options: options, Out: &out}, &out
}

const listed = "List-Id: <tea.example.org>\nSubject: Hot\nMessage-ID: <%d@example.org>\n\nHot.\n"

// TestOne: the status says what the mail system is to do.
func TestOne(t *testing.T) {
	refused := func(status int) error { return &client.Refusal{Status: status} }
	for name, c := range map[string]struct {
		err    error
		status mail.Status
	}{
		"stored":           {nil, mail.OK},
		"unreachable":      {errors.New("connection refused"), mail.TempFail},
		"does not keep up": {refused(http.StatusServiceUnavailable), mail.TempFail},
		"too many":         {refused(http.StatusTooManyRequests), mail.TempFail},
		"a bad gateway":    {refused(http.StatusBadGateway), mail.TempFail},
		"a wrong token":    {refused(http.StatusUnauthorized), mail.NoPerm},
		"another topic":    {refused(http.StatusForbidden), mail.NoPerm},
		"no message":       {refused(http.StatusUnprocessableEntity), mail.DataErr},
		"too large":        {refused(http.StatusRequestEntityTooLarge), mail.DataErr},
		"no such page":     {refused(http.StatusNotFound), mail.Config},
		"a redirect":       {refused(http.StatusMovedPermanently), mail.Config},
	} {
		p := &poster{err: c.err}
		r, _ := receiver(t, p)
		status, err := r.One(t.Context(), strings.NewReader(fmt.Sprintf(listed, 1)))
		if status != c.status || (err == nil) != (status == mail.OK) || (len(p.calls) == 1) != (status == mail.OK) {
			t.Errorf("%s: status %d, %v, want %d; %d calls", name, status, err, c.status, len(p.calls))
		}
	}
}

func TestOneThatIsNoMessage(t *testing.T) {
	p := &poster{err: errors.New("nobody may be asked")}
	r, out := receiver(t, p)
	if status, err := r.One(t.Context(), strings.NewReader("Subject: Hot\n\nHot.")); status != mail.OK || err != nil ||
		out.String() != "no message: no mapping takes it\n" {
		t.Errorf("%d, %v, %q", status, err, out)
	}
	if status, err := r.One(t.Context(), iotest.ErrReader(io.ErrUnexpectedEOF)); status != mail.TempFail || err == nil {
		t.Errorf("a mail that cannot be read: %d, %v", status, err)
	}
	r.Options.Require = []string{"{"}
	if status, err := r.One(t.Context(), strings.NewReader("")); status != mail.Config || err == nil {
		t.Errorf("a requirement that cannot be read: %d, %v", status, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r.Options.Require, p.err = nil, &client.Refusal{Status: http.StatusNotFound}
	if status, _ := r.One(ctx, strings.NewReader(fmt.Sprintf(listed, 1))); status != mail.TempFail {
		t.Errorf("a command that was stopped: %d", status)
	}
}

// TestArchive: the mails of an archive go in batches, in their order, and the report says what did not go.
func TestArchive(t *testing.T) {
	var b strings.Builder
	for i := range 450 {
		fmt.Fprintf(&b, "From a\n"+listed+"\n", i)
	}
	b.WriteString("From a\nSubject: nothing\n\n\nFrom a\nX-Notifyd-Topic: x\n\n")
	file := filepath.Join(t.TempDir(), "mbox")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &poster{}
	r, out := receiver(t, p)
	status, err := r.Archive(t.Context(), file)
	if status != mail.OK || err != nil || len(p.calls) != 3 || !bytes.Contains(p.calls[2][49], []byte("449@example.org")) {
		t.Errorf("%d, %v, %d calls", status, err, len(p.calls))
	}
	if want := "450 messages handed over\n1 mail not: no mapping takes it\n1 mail not: notifyd has sent it\n"; out.String() != want {
		t.Errorf("%q, want %q", out, want)
	}
	p = &poster{err: &client.Refusal{Status: http.StatusServiceUnavailable}, after: 1}
	r, out = receiver(t, p)
	if status, err := r.Archive(t.Context(), file); status != mail.TempFail || err == nil ||
		!strings.HasPrefix(out.String(), "200 messages handed over\n") {
		t.Errorf("a daemon that goes away: %d, %v, %q", status, err, out)
	}
	if status, err := r.Archive(t.Context(), file+"x"); status != mail.NoInput || err == nil {
		t.Errorf("an archive that is not there: %d, %v", status, err)
	}
}
