package people

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/user"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/net/netutil"
)

// The socket speaks HTTP: POST /ask with an Ask, which answers JSON or a Fault; POST /archive, which answers a ZIP
// file.

// MaxPath bounds the path of a socket, in bytes (unix(7)).
const MaxPath = 107

// The bounds of the socket.
const (
	maxConnections = 16
	maxAsk         = 4 << 20 // bytes: subjects of many people
	askTime        = 30 * time.Second
)

// Listen opens the socket at a path, for this user and root alone. The caller owns the database, so a socket that is
// left there is that of a process that was killed; anything else at the path is not touched.
func Listen(ctx context.Context, path string) (net.Listener, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("admin socket: %w", err)
	default:
		if err := mayReplace(path, info); err != nil {
			return nil, err
		}
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("admin socket: %w", err)
		}
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("admin socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("admin socket: %w", err), l.Close())
	}
	return netutil.LimitListener(knowing{l}, maxConnections), nil
}

func mayReplace(path string, info fs.FileInfo) error {
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("admin socket: %s is there and is no socket; move it away, or set admin.socket", path)
	}
	if owner := ownerOf(info); owner != os.Geteuid() {
		return fmt.Errorf("admin socket: %s belongs to %s, and notifyd runs as %s; remove it, or set admin.socket", path,
			nameOf(owner), nameOf(os.Geteuid()))
	}
	return nil
}

func ownerOf(info fs.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid)
	}
	return -1
}

// nameOf returns the name of a user of this machine, or the number of one that it does not know.
func nameOf(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return "uid " + strconv.Itoa(uid)
}

type peerKey struct{}

// Serve answers on the socket until ctx ends. Open requests may then take as long as grace.
func (d *Desk) Serve(ctx context.Context, l net.Listener, grace time.Duration, log *slog.Logger) error {
	server := &http.Server{
		Handler:     d.handler(log),
		BaseContext: func(net.Listener) context.Context { return ctx },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, peerKey{}, c.RemoteAddr())
		},
		ReadTimeout: askTime, WriteTimeout: 2 * askTime, IdleTimeout: askTime, MaxHeaderBytes: 8 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
		defer cancel()
		if server.Shutdown(limit) != nil {
			server.Close()
		}
	})
	err := server.Serve(l)
	if !stop() {
		<-stopped
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve the admin socket: %w", err)
}

func (d *Desk) handler(log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /ask", func(w http.ResponseWriter, r *http.Request) {
		var a Ask
		operator, err := asked(w, r, &a)
		var answer json.RawMessage
		if err == nil {
			answer, err = d.Answer(r.Context(), operator, a)
		}
		if err != nil {
			refuse(w, err, log)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answer) // whoever has gone needs no answer
	})
	mux.HandleFunc("POST /archive", func(w http.ResponseWriter, r *http.Request) {
		var a Ask
		operator, err := asked(w, r, &a)
		if err != nil {
			refuse(w, err, log)
			return
		}
		out := &patient{w: w}
		if err := d.Archive(r.Context(), operator, out, a.User); err != nil && !out.begun {
			refuse(w, err, log)
		} else if err != nil {
			log.Error("an export broke off", "error", err)
			panic(http.ErrAbortHandler) // so that nobody takes a part for the whole
		}
	})
	return mux
}

// asked reads an Ask, and returns who asks.
func asked(w http.ResponseWriter, r *http.Request, a *Ask) (operator string, err error) {
	uid := nobody
	if known, ok := r.Context().Value(peerKey{}).(peer); ok {
		uid = int(known)
	}
	if uid != 0 && uid != os.Geteuid() {
		return "", fault(Failed, "%s may not: only %s and root may", nameOf(uid), nameOf(os.Geteuid()))
	}
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxAsk))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(a); err != nil {
		return "", fault(Failed, "what is asked cannot be read: %v", err)
	}
	return nameOf(uid), nil
}

// refuse answers an error. What is no fault of whoever asks is logged, and told in general.
func refuse(w http.ResponseWriter, err error, log *slog.Logger) {
	var f *Fault
	if !errors.As(err, &f) {
		log.Error("the admin socket could not answer", "error", err)
		f = &Fault{Status: Failed, Text: "the daemon could not do it: " + err.Error()}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusUnprocessableEntity)
	_ = json.NewEncoder(w).Encode(f)
}

// A patient writer gives a slow reader time for each part.
type patient struct {
	w     http.ResponseWriter
	begun bool
}

// Write writes a part.
func (p *patient) Write(part []byte) (int, error) {
	p.begun = true
	_ = http.NewResponseController(p.w).SetWriteDeadline(time.Now().Add(askTime))
	return p.w.Write(part)
}
