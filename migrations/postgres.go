package migrations

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
)

// CheckURL reports whether a postgres:// URL can be parsed, without connecting. The error does not hold the URL.
func CheckURL(url string) error {
	_, err := parseURL(url)
	return err
}

func parseURL(url string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, errors.New("the postgres URL cannot be parsed") // the driver's text may hold the password
	}
	return config, nil
}

// connectPostgres makes a pool of connections. Where the URL names several hosts, each connection is made to the one
// that can be written to, whichever that is then.
func connectPostgres(c Config) (*DB, error) {
	config, err := parseURL(c.DSN)
	if err != nil {
		return nil, err
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = cmp.Or(c.Name, "notifyd")
	}
	if c.look {
		config.RuntimeParams["default_transaction_read_only"] = "on"
	} else if severalHosts(config) && config.ValidateConnect == nil {
		config.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	config.ConnectTimeout = cmp.Or(config.ConnectTimeout, connectWithin)
	config.DialFunc = newDialer(config.ConnectTimeout).DialContext
	w := &watchful{}
	for name, value := range serverParams {
		if _, set := config.RuntimeParams[name]; !set {
			w.names, w.values = append(w.names, name), append(w.values, value.String())
		}
	}
	if _, set := config.RuntimeParams["jit"]; !set {
		// PostgreSQL thinks that what looks into one partition at a time looks into all, and compiles it for seconds.
		w.names, w.values = append(w.names, "jit"), append(w.values, "off")
	}
	config.Tracer = w
	pool := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(w.connected), stdlib.OptionShouldPing(w.ping),
		stdlib.OptionResetSession(w.reuse))
	pool.SetMaxOpenConns(postgresConns)
	pool.SetMaxIdleConns(postgresConns)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	g, err := gorm.Open(postgres.New(postgres.Config{Conn: pool}), gormConfig())
	if err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	d := &DB{Writer: g, Reader: g, Postgres: true, writer: pool}
	if c.look {
		d.Writer = nil
	}
	return d, nil
}

// severalHosts reports whether a URL names more than one server. A host is there twice where TLS is preferred, with it
// and without.
func severalHosts(c *pgx.ConnConfig) bool {
	for _, f := range c.Fallbacks {
		if f.Host != c.Host || f.Port != c.Port {
			return true
		}
	}
	return false
}

// connected notes when a connection was made, and tells the server how soon to notice that we are gone. A server that
// does not know a parameter, or a pooler that refuses, is used without.
func (w *watchful) connected(ctx context.Context, conn *pgx.Conn) error {
	conn.PgConn().CustomData()[born] = time.Now()
	ctx, cancel := context.WithTimeout(ctx, connectWithin)
	defer cancel()
	_, err := conn.Exec(ctx, "SELECT set_config(p.name, p.value, false) FROM unnest($1::text[], $2::text[]) p(name, value)"+
		" JOIN pg_settings s ON s.name = p.name", pgx.QueryExecModeExec, w.names, w.values)
	if refused := (*pgconn.PgError)(nil); err != nil && !errors.As(err, &refused) {
		return errors.Join(err, conn.Close(ctx))
	}
	return nil
}

// ping looks whether a connection that was not used for a while still works. It closes one that does not, since pgx
// would wait for an answer for as long as its caller does.
func (w *watchful) ping(ctx context.Context, p stdlib.ShouldPingParams) bool {
	if p.IdleDuration > time.Second {
		limit, cancel := context.WithTimeout(ctx, pingWithin)
		defer cancel()
		if p.Conn.Ping(limit) != nil {
			p.Conn.Close(limit)
		}
	}
	return false
}

// reuse gives an error for a connection that is not to be used any more; another is made then.
func (w *watchful) reuse(_ context.Context, conn *pgx.Conn) error {
	made, _ := conn.PgConn().CustomData()[born].(time.Time)
	if conn.IsClosed() || w.stale(made) {
		return driver.ErrBadConn
	}
	return nil
}
