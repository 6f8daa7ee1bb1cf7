package amqp

import (
	"context"
	"crypto/tls"
	"net"
	"os"
	"time"

	amqp091 "github.com/rabbitmq/amqp091-go"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/sessions"
)

// dial connects, with TLS where the URL says so.
func (c BrokerConfig) dial(ctx context.Context, a address) (*guard, error) {
	config, err := c.tlsConfig(a)
	if err != nil {
		return nil, sessions.Fail(FailedTLS, err)
	}
	limited, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	dialer := net.Dialer{KeepAlive: 30 * time.Second}
	conn, err := dialer.DialContext(limited, "tcp", net.JoinHostPort(a.host, a.port))
	if err != nil {
		return nil, sessions.Fail(FailedDial, err)
	}
	g := newGuard(ctx, conn, bus.MaxPayload, bus.MaxHeld, c.Timeout)
	if config != nil {
		secured := tls.Client(conn, config)
		if err := secured.HandshakeContext(limited); err != nil {
			conn.Close()
			return nil, sessions.Fail(FailedTLS, err)
		}
		g.Conn = secured
	}
	return g, nil
}

// open logs in. It has no time limit, but ends with g.
func (c BrokerConfig) open(g *guard, a address, name string) (*amqp091.Connection, error) {
	hostname, _ := os.Hostname()
	return amqp091.Open(g, amqp091.Config{
		SASL: c.login(a), Vhost: a.vhost, Heartbeat: c.Heartbeat, Locale: "en_US", FrameSize: frameSize,
		Properties: amqp091.Table{
			"product": "notifyd", "connection_name": "notifyd " + name + " on " + hostname,
			"capabilities": amqp091.Table{
				"consumer_cancel_notify": true, "connection.blocked": true, "authentication_failure_close": true,
				"publisher_confirms": true,
			},
		},
	})
}

// frameSize is the largest frame that we ask for. The broker may want smaller ones.
const frameSize = 128 << 10
