package zmq

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

// An address is a ZeroMQ endpoint in the terms of package net.
type address struct {
	network string // tcp or unix
	host    string // host:port, or the path
}

func (a address) String() string {
	if a.network == "unix" {
		return "ipc://" + a.host
	}
	return "tcp://" + a.host
}

// CheckAddress gives an address in its plain form. The error says what was expected.
func CheckAddress(text string) (string, error) {
	a, err := parseAddress(text)
	if err != nil {
		return "", err
	}
	return a.String(), nil
}

// parseAddress reads tcp://host:port or ipc://path. The host * becomes 127.0.0.1, as in fedmsg's subscribers.
func parseAddress(text string) (address, error) {
	if path, ok := strings.CutPrefix(text, "ipc://"); ok {
		if path == "" || path == "*" || len(path) > 100 { // a socket's path has 108 bytes on Linux, fewer elsewhere
			return address{}, fmt.Errorf("address %q: a path of 1 to 100 bytes was expected after ipc://", text)
		}
		return address{"unix", path}, nil
	}
	if at := strings.LastIndexByte(text, '@'); at >= 0 { // what stands before it may be a password
		return address{}, fmt.Errorf("address …@%q: ZeroMQ knows no logins; tcp://host:port was expected", text[at+1:])
	}
	rest, ok := strings.CutPrefix(text, "tcp://")
	if !ok {
		return address{}, fmt.Errorf("address %q: tcp://host:port or ipc:///path was expected", text)
	}
	host, port, err := net.SplitHostPort(rest)
	if err != nil || host == "" || strings.ContainsAny(host, ";/ ") {
		return address{}, fmt.Errorf("address %q: tcp://host:port was expected", text)
	}
	if host == "*" {
		host = "127.0.0.1"
	}
	if _, err := net.LookupPort("tcp", port); err != nil || port == "*" {
		return address{}, fmt.Errorf("address %q: %q is no port", text, port)
	}
	return address{"tcp", net.JoinHostPort(host, port)}, nil
}

// dial connects, and resolves the name each time. TCP keep-alive finds within half a minute that a machine is gone.
func (a address) dial(ctx context.Context, timeout time.Duration) (net.Conn, error) {
	return a.dialBy(ctx, timeout, nil)
}

// dialBy is dial with a resolver of its own; nil: the system's.
func (a address) dialBy(ctx context.Context, timeout time.Duration, resolver *net.Resolver) (net.Conn, error) {
	d := net.Dialer{Timeout: timeout, KeepAliveConfig: keepAlive, Resolver: resolver}
	return d.DialContext(ctx, a.network, a.host)
}

// listen opens a listening socket. The file of a Unix socket at which nobody listens is replaced.
func (a address) listen(ctx context.Context) (net.Listener, error) {
	if a.network == "unix" {
		var d net.Dialer
		if conn, err := d.DialContext(ctx, a.network, a.host); err == nil {
			conn.Close()
		} else if isSocket(a.host) && errors.Is(err, syscall.ECONNREFUSED) {
			os.Remove(a.host) // where this fails, Listen does
		}
	}
	l := net.ListenConfig{KeepAliveConfig: keepAlive}
	return l.Listen(ctx, a.network, a.host)
}

func isSocket(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode()&os.ModeSocket != 0
}

var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3}
