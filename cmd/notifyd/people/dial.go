package people

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"
)

// A Line is a Desk that somebody can ask: that of the daemon, or one's own.
type Line interface {
	Ask(ctx context.Context, a Ask) (json.RawMessage, error)
	Archive(ctx context.Context, w io.Writer, who string) error
	Close() error
}

// ErrNoDaemon is the error of Dial where no daemon answers at the socket.
var ErrNoDaemon = errors.New("no daemon answers")

// maxAnswer bounds an answer, in bytes: a page of a list.
const maxAnswer = 16 << 20

type remote struct{ client *http.Client }

// Dial connects to the daemon's socket at a path. It must belong to the user of the database, to whoever asks, or to
// root, and nobody else may be allowed to write to it: or another user of the machine could stand in the daemon's
// place. owner is the uid of the database.
func Dial(ctx context.Context, path string, owner int) (Line, error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoDaemon
	}
	if err != nil {
		return nil, fmt.Errorf("admin socket: %w", err)
	}
	trusted := func(uid int) bool { return uid == 0 || uid == os.Geteuid() || os.Geteuid() == 0 && uid == owner }
	switch {
	case info.Mode().Type() != fs.ModeSocket:
		return nil, fmt.Errorf("admin socket: %s is no socket", path)
	case !trusted(ownerOf(info)):
		return nil, fmt.Errorf("admin socket: %s belongs to %s: run this as that user, or as root", path,
			nameOf(ownerOf(info)))
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("admin socket: others may use %s (mode %04o, want 0600); is it the daemon's?", path,
			info.Mode().Perm())
	}
	dialer := net.Dialer{Timeout: 5 * time.Second}
	c, err := dialer.DialContext(ctx, "unix", path)
	if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoDaemon // it was killed, and its socket is left
	}
	if err != nil {
		return nil, fmt.Errorf("admin socket: %w", err)
	}
	uid := peerOf(c)
	if err := c.Close(); err != nil {
		return nil, fmt.Errorf("admin socket: %w", err)
	}
	if !trusted(uid) {
		return nil, fmt.Errorf("admin socket: a process of %s answers at %s", nameOf(uid), path)
	}
	return &remote{&http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", path)
		},
	}}}, nil
}

// Ask asks the daemon.
func (r *remote) Ask(ctx context.Context, a Ask) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*askTime)
	defer cancel()
	body, err := r.post(ctx, "ask", a)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	answer, err := io.ReadAll(io.LimitReader(body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("ask the daemon: %w", err)
	}
	return answer, nil
}

// Archive writes the daemon's archive of a person.
func (r *remote) Archive(ctx context.Context, w io.Writer, who string) error {
	body, err := r.post(ctx, "archive", Ask{Verb: "user.export", User: who})
	if err != nil {
		return err
	}
	defer body.Close()
	if _, err := io.Copy(w, body); err != nil {
		return fmt.Errorf("the archive broke off: %w", err)
	}
	return nil
}

func (r *remote) post(ctx context.Context, what string, a Ask) (io.ReadCloser, error) {
	asked, err := json.Marshal(a)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://notifyd/"+what, bytes.NewReader(asked))
	if err != nil {
		return nil, err
	}
	answer, err := r.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask the daemon: %w", err)
	}
	if answer.StatusCode == http.StatusOK {
		return answer.Body, nil
	}
	defer answer.Body.Close()
	f := &Fault{}
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxAsk)).Decode(f); err != nil || f.Status == 0 {
		return nil, fmt.Errorf("ask the daemon: it answers %s", answer.Status)
	}
	return nil, f
}

// Close ends the connection.
func (r *remote) Close() error {
	r.client.CloseIdleConnections()
	return nil
}

// own is a Desk of the command itself.
type own struct {
	desk  *Desk
	close func() error
}

// Own returns a line to a Desk in this process. close is called by Close.
func Own(d *Desk, close func() error) Line { return &own{d, close} }

// Ask asks.
func (o *own) Ask(ctx context.Context, a Ask) (json.RawMessage, error) {
	return o.desk.Answer(ctx, operator(), a)
}

// Archive writes an archive.
func (o *own) Archive(ctx context.Context, w io.Writer, who string) error {
	return o.desk.Archive(ctx, operator(), w, who)
}

// Close closes the database.
func (o *own) Close() error { return o.close() }

// operator is who runs this process. Behind sudo it is root: the environment, which says more, can be made up.
func operator() string { return nameOf(os.Getuid()) }
