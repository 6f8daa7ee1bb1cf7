package fakesmtp_test

import (
	"context"
	"net/smtp"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends/email/fakesmtp"
)

func run(t *testing.T, o fakesmtp.Options) *fakesmtp.Server {
	t.Helper()
	s, err := fakesmtp.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v", err)
		}
		if n := s.OpenConnections(); n != 0 {
			t.Errorf("%d connections left open", n)
		}
	})
	return s
}

func send(s *fakesmtp.Server, body string) error {
	return smtp.SendMail(s.Addr().String(), nil, "from@example.org", []string{"to@example.org"}, []byte(body))
}

func TestKeepsAndBounds(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mail")
	s := run(t, fakesmtp.Options{Keep: 2, Maildir: dir, MaxBytes: 2000})
	for _, body := range []string{"one\r\n", "two\r\n", strings.Repeat("three\r\n", 100)} {
		if err := send(s, body); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	got, err := s.Wait(ctx, 3)
	if err != nil || len(got) != 2 || s.Dropped() != 1 {
		t.Fatalf("Wait = %d messages, %v, dropped %d", len(got), err, s.Dropped())
	}
	if string(got[0].Data) != "two\r\n" || got[0].To[0] != "to@example.org" || got[1].Connection != 3 {
		t.Errorf("kept %+v", got[0])
	}
	files, err := os.ReadDir(filepath.Join(dir, "new"))
	if err != nil || len(files) != 3 {
		t.Errorf("maildir has %d files, %v", len(files), err)
	}
	if err := send(s, strings.Repeat("long\r\n", 500)); err == nil || !strings.Contains(err.Error(), "552") {
		t.Errorf("oversize: %v, want 552", err)
	}
}

func TestScript(t *testing.T) {
	refuse := func(stage fakesmtp.Stage, r fakesmtp.Reply) fakesmtp.Script {
		return func(s fakesmtp.Stage, _ string) fakesmtp.Reply {
			if s == stage {
				return r
			}
			return fakesmtp.Reply{}
		}
	}
	for _, c := range []struct {
		stage fakesmtp.Stage
		reply fakesmtp.Reply
		want  string
		kept  int
	}{
		{fakesmtp.OnConnect, fakesmtp.Reply{Code: 554, Text: "go away"}, "554", 0},
		{fakesmtp.OnMail, fakesmtp.Reply{Code: 451, Text: "later"}, "451", 0},
		{fakesmtp.OnRcpt, fakesmtp.Reply{Code: 550, Text: "unknown"}, "550", 0},
		{fakesmtp.OnData, fakesmtp.Reply{Code: 554, Text: "spam"}, "554", 0},
		{fakesmtp.OnContent, fakesmtp.Reply{Drop: true}, "", 0},
		{fakesmtp.OnEnd, fakesmtp.Reply{Drop: true}, "", 1},
		{fakesmtp.OnRcpt, fakesmtp.Reply{Code: 450, Delay: time.Millisecond}, "450", 0},
	} {
		s := run(t, fakesmtp.Options{Script: refuse(c.stage, c.reply)})
		err := send(s, "hello\r\n")
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %+v: %v, want %q", c.stage, c.reply, err, c.want)
		}
		if got := len(s.Messages()); got != c.kept {
			t.Errorf("%s %+v: kept %d, want %d", c.stage, c.reply, got, c.kept)
		}
	}
}
