package accounts_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs/accounts"
)

// A sink refuses the first attempt of each parcel, so that there is a second secret of it, and keeps what it got.
type sink struct {
	mu      sync.Mutex
	tried   map[string]bool
	secrets []string
	taken   chan string
}

func (s *sink) Send(_ context.Context, p backends.Parcel) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets = append(s.secrets, strings.TrimPrefix(p.Notices[0].Link, "https://n.example.org/"))
	if !s.tried[p.ID] {
		s.tried[p.ID] = true
		return errors.New("451 try again")
	}
	s.taken <- p.Notices[0].Text
	return nil
}

// TestNoSecretIsStored mails a link, a code and an undo through an outbox. Then it looks for their secrets in every
// byte that the database has written: its file, its log and a copy of it, or the whole folder of the server.
func TestNoSecretIsStored(t *testing.T) {
	each(t, func(w *world) {
		w.Mailed = accounts.NewMailed(accounts.MailedConfig{Writer: w.db.Writer, Reader: w.db.Reader, Now: time.Now,
			Random: rand.Reader})
		o := outbox.New(w.db.Writer, w.db.Reader, w.db.Postgres, outbox.Config{Fill: w.Fill, RetryFirst: time.Millisecond,
			RetryMost: time.Millisecond, Poll: 10 * time.Millisecond}, time.Now, rand.Reader)
		got := &sink{tried: map[string]bool{}, taken: make(chan string, 10)}
		purposes := []accounts.MailPurpose{accounts.MailSignIn, accounts.MailConfirm, accounts.MailUndo}
		for _, p := range purposes {
			w.in(func(tx *gorm.DB) error {
				r := accounts.MailRequest{Purpose: p, User: 7, Backend: "email", Address: "a@example.org"}
				ticket, err := w.Ask(tx, r)
				if err != nil {
					return err
				}
				_, err = o.Add(tx, []outbox.Delivery{{Message: ticket.Message, Destination: "account:email:a@example.org",
					Backend: "email", Address: ticket.Address, DueAt: time.Now(), Notice: backends.Notice{ID: ticket.Message,
						Secret: ticket.Ref, Title: "needle in the queue", Text: "It is " + backends.SecretMark,
						Link: "https://n.example.org/" + backends.SecretMark}}})
				return err
			})
		}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var running sync.WaitGroup
		running.Go(func() {
			if err := o.Run(ctx, map[string]backends.Backend{"email": got}); err != nil {
				t.Error(err)
			}
		})
		for range purposes {
			select {
			case text := <-got.taken:
				if strings.Contains(text, backends.SecretMark) {
					t.Errorf("the mail says %q", text)
				}
			case <-time.After(time.Minute):
				t.Fatal("nothing was sent")
			}
		}
		stop()
		running.Wait()
		if len(got.secrets) != 2*len(purposes) {
			t.Fatalf("the sink got %d secrets", len(got.secrets))
		}
		w.look(got.secrets)
		for i, secret := range got.secrets {
			used := 0
			for _, p := range purposes {
				if _, err := w.Find(t.Context(), p, secret); err == nil {
					used++
				}
			}
			if used != 1 {
				t.Errorf("secret %d is good for %d things", i, used)
			}
		}
	})
}

// look looks for secrets in what the database has written.
func (w *world) look(secrets []string) {
	w.Helper()
	var folder string
	if w.db.Postgres {
		if err := w.db.Writer.Raw("SHOW data_directory").Scan(&folder).Error; err != nil {
			w.Fatal(err)
		}
	} else {
		var file string
		name := w.db.Writer.Raw("SELECT file FROM pragma_database_list WHERE name = 'main'")
		if err := name.Scan(&file).Error; err != nil {
			w.Fatal(err)
		}
		folder = filepath.Dir(file)
		if err := w.db.Writer.Exec("VACUUM INTO ?", filepath.Join(folder, "backup.db")).Error; err != nil {
			w.Fatal(err)
		}
	}
	found := false
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // the server has deleted it
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		found = found || bytes.Contains(content, []byte("needle in the queue"))
		for _, secret := range secrets {
			if bytes.Contains(content, []byte(secret)) {
				w.Errorf("%s holds the secret %s", path, secret)
			}
		}
		return err
	})
	if err != nil || !found {
		w.Fatalf("not even the title of the mail was found in %s: %v", folder, err)
	}
}
