package migrations

import (
	"context"
	"errors"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// A connection may die without a word: a cable, a firewall, a host that is switched off. These are the times after
// which each side takes the other for gone. A node must notice before its leases run out, and the server must end the
// transactions of a node that is gone, since others wait for their locks.
const (
	connectWithin = 5 * time.Second  // to one host, with the greetings; connect_timeout in the URL wins
	pingWithin    = 5 * time.Second  // before a connection is used again
	quietFor      = 3 * time.Second  // then the other side is asked whether it is there
	askedEvery    = 2 * time.Second  // and again
	askedTimes    = 2                // before it is taken for gone
	unconfirmed   = 6 * time.Second  // of what was sent: TCP_USER_TIMEOUT (RFC 5482), which wins over askedTimes
	idleWithin    = 10 * time.Second // in a transaction: a node that is stopped must not keep its locks
)

// answerWithin is the time of a statement whose caller sets no deadline: for a server that hangs.
var answerWithin = time.Minute

// serverParams say the same to the server (PostgreSQL, "Connection Settings"). What the URL sets wins.
var serverParams = map[string]time.Duration{
	"tcp_keepalives_idle":                 quietFor,
	"tcp_keepalives_interval":             askedEvery,
	"tcp_user_timeout":                    unconfirmed,
	"client_connection_check_interval":    quietFor,
	"idle_in_transaction_session_timeout": idleWithin,
}

// tcpUserTimeout is TCP_USER_TIMEOUT of Linux (tcp(7)); package syscall does not name it.
const tcpUserTimeout = 0x12

// newDialer makes a dialer whose connections end when the other side does not answer any more.
func newDialer(timeout time.Duration) *net.Dialer {
	return &net.Dialer{
		Timeout:         timeout,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: quietFor, Interval: askedEvery, Count: askedTimes},
		Control: func(network, _ string, raw syscall.RawConn) error {
			if !strings.HasPrefix(network, "tcp") || runtime.GOOS != "linux" {
				return nil
			}
			var failed error
			err := raw.Control(func(fd uintptr) {
				failed = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, int(unconfirmed.Milliseconds()))
			})
			return errors.Join(err, failed)
		},
	}
}

// A watchful tracer (pgx.QueryTracer, pgx.CopyFromTracer) gives each statement a deadline, unless its caller has one:
// so whoever knows that a statement takes long says how long. It also finds out that the server cannot be written to
// any more. Then all connections that were made before are thrown away, since the URL may lead to another server by
// now.
type watchful struct {
	names, values []string     // the server's parameters
	demoted       atomic.Int64 // when a statement was refused, in nanoseconds
}

// born is the key of the time at which a connection was made.
const born = "notifyd born"

type cancelKey struct{}

// TraceQueryStart implements pgx.QueryTracer.
func (w *watchful) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return limited(ctx)
}

// TraceCopyFromStart implements pgx.CopyFromTracer.
func (w *watchful) TraceCopyFromStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceCopyFromStartData) context.Context {
	return limited(ctx)
}

// limited gives a context with a deadline.
func limited(ctx context.Context) context.Context {
	if _, there := ctx.Deadline(); there {
		return ctx
	}
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	return context.WithValue(ctx, cancelKey{}, cancel)
}

// TraceQueryEnd implements pgx.QueryTracer.
func (w *watchful) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryEndData) {
	w.ended(ctx, data.Err)
}

// TraceCopyFromEnd implements pgx.CopyFromTracer.
func (w *watchful) TraceCopyFromEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceCopyFromEndData) {
	w.ended(ctx, data.Err)
}

func (w *watchful) ended(ctx context.Context, err error) {
	if cancel, ok := ctx.Value(cancelKey{}).(context.CancelFunc); ok {
		cancel()
	}
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == readOnly {
		w.demoted.Store(time.Now().UnixNano())
	}
}

// readOnly is the SQLSTATE of a statement that writes, on a server that is a standby now or takes no writes
// (read_only_sql_transaction).
const readOnly = "25006"

// stale reports whether a connection that was made then is to be thrown away.
func (w *watchful) stale(made time.Time) bool { return made.UnixNano() <= w.demoted.Load() }
