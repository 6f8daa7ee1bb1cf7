package back

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/notifyd/notifyd/backends/email/bounce"
	"github.com/notifyd/notifyd/internal/tlsfiles"
	"github.com/notifyd/notifyd/internal/watch"
)

// The bounds of reading a mailbox.
const (
	mostMessages = 100 // that are taken at once; the rest is taken the next time
	imapTime     = 2 * time.Minute
	maxPause     = 30 * time.Minute // while the mailbox cannot be read
)

// Poll reads the mailbox again and again until ctx ends. What was taken is marked as seen, or deleted. What must come
// again stays as it is.
func (r *Receiver) Poll(ctx context.Context) {
	pause, failed := r.Config.IMAP.Every, false
	for {
		err := r.readMailbox(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			r.Log.Error("cannot read the mailbox of what comes back", "error", err)
			pause, failed = min(2*pause, maxPause), true
		case failed:
			r.Log.Info("the mailbox of what comes back can be read again")
			fallthrough
		default:
			pause, failed = r.Config.IMAP.Every, false
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// readMailbox takes what is new in the mailbox.
func (r *Receiver) readMailbox(ctx context.Context) error {
	c := r.Config.IMAP
	ctx, cancel := context.WithTimeout(ctx, imapTime)
	defer cancel()
	client, err := c.dial(ctx)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { client.Close() })
	defer stop()
	defer client.Close()
	if err := client.Login(c.Username, c.Password).Wait(); err != nil {
		return errors.New("log in: refused") // without what the server says: it may repeat the login
	}
	if _, err := client.Select(c.Folder, nil).Wait(); err != nil {
		return fmt.Errorf("open folder: %w", err)
	}
	fresh := &imap.SearchCriteria{NotFlag: []imap.Flag{imap.FlagSeen, imap.FlagDeleted}}
	found, err := client.UIDSearch(fresh, nil).Wait()
	if err != nil {
		return fmt.Errorf("search: %w", err)
	}
	uids := found.AllUIDs()
	for _, uid := range uids[:min(len(uids), mostMessages)] {
		if err := r.takeMessage(ctx, client, uid); err != nil {
			return err
		}
	}
	return client.Logout().Wait()
}

func (r *Receiver) takeMessage(ctx context.Context, client *imapclient.Client, uid imap.UID) error {
	whole := &imap.FetchItemBodySection{Peek: true, Partial: &imap.SectionPartial{Size: bounce.MaxBytes}}
	list, err := client.Fetch(imap.UIDSetNum(uid),
		&imap.FetchOptions{BodySection: []*imap.FetchItemBodySection{whole}}).Collect()
	if err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	for _, m := range list {
		raw := m.FindBodySection(whole)
		if _, err := r.Receive(ctx, nil, bytes.NewReader(raw)); err != nil {
			return err // it stays, and comes again
		}
	}
	flags := []imap.Flag{imap.FlagSeen}
	if r.Config.IMAP.Delete {
		flags = append(flags, imap.FlagDeleted)
	}
	store := &imap.StoreFlags{Op: imap.StoreFlagsAdd, Flags: flags, Silent: true}
	if err := client.Store(imap.UIDSetNum(uid), store, nil).Close(); err != nil {
		return fmt.Errorf("mark as seen: %w", err)
	}
	if r.Config.IMAP.Delete && client.Caps().Has(imap.CapUIDPlus) {
		if err := client.UIDExpunge(imap.UIDSetNum(uid)).Close(); err != nil {
			return fmt.Errorf("delete: %w", err)
		}
	}
	return nil
}

func (c IMAP) dial(ctx context.Context) (*imapclient.Client, error) {
	address := net.JoinHostPort(c.Host, strconv.Itoa(c.Port))
	raw, err := (&net.Dialer{Timeout: 20 * time.Second}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if err := raw.SetDeadline(time.Now().Add(imapTime)); err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	t, err := c.tls()
	if err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	options := &imapclient.Options{TLSConfig: t}
	switch c.TLS {
	case "none":
		return imapclient.New(raw, options), nil
	case "starttls":
		return imapclient.NewStartTLS(raw, options)
	}
	secure := tls.Client(raw, t)
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("tls: %w", err), raw.Close())
	}
	return imapclient.New(secure, options), nil
}

func (c IMAP) tls() (*tls.Config, error) {
	t, err := tlsfiles.Files{CA: c.CAFile}.Config(watch.ReadFile)
	if err != nil {
		return nil, err
	}
	t.ServerName = c.Host
	return t, nil
}
