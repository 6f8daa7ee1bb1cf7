package migratest

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // database/sql driver "pgx"
)

// shared is the cluster of this test process.
var shared cluster

// A cluster is a PostgreSQL server in a temporary folder. It is started when the first test needs it.
type cluster struct {
	mu      sync.Mutex
	main    bool // Main runs the tests and will stop it
	started bool
	err     error // of the start, which is attempted once
	folder  string
	port    int
	count   int
	end     chan struct{} // closed: stop
	ended   chan struct{} // closed: stopped
}

// database makes an empty database and returns its URL.
func (c *cluster) database() (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.main {
		return "", errors.New("this package's TestMain does not call migratest.Main")
	}
	if !c.started {
		c.started = true
		c.err = c.start()
	}
	if c.err != nil {
		return "", c.err
	}
	admin, err := sql.Open("pgx", c.url("postgres"))
	if err != nil {
		return "", err
	}
	defer admin.Close()
	c.count++
	name := "test" + strconv.Itoa(c.count)
	if _, err := admin.Exec("CREATE DATABASE " + name); err != nil {
		return "", fmt.Errorf("create database: %w", err)
	}
	return c.url(name), nil
}

func (c *cluster) url(database string) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s?sslmode=disable", c.port, database)
}

func (c *cluster) start() error {
	return c.build("initdb", []string{"-U", "postgres", "-A", "trust", "-N", "--locale=C.UTF-8", "-E", "UTF8"})
}

// build makes the data of the server with a program of PostgreSQL, which is told its folder with -D, and serves it.
func (c *cluster) build(program string, arguments []string, serving ...string) error {
	folder, err := os.MkdirTemp("", "notifyd-postgres-")
	if err != nil {
		return err
	}
	c.folder = folder
	who, err := account()
	if err != nil {
		return err
	}
	if who != nil {
		if err := os.Chown(folder, int(who.Uid), int(who.Gid)); err != nil {
			return err
		}
	}
	data := filepath.Join(folder, "data")
	maker := exec.Command(filepath.Join(binaries(), program), append([]string{"-D", data}, arguments...)...)
	maker.Dir, maker.Env = folder, append(os.Environ(), "HOME="+folder)
	maker.SysProcAttr = &syscall.SysProcAttr{Credential: who}
	if out, err := maker.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", program, err, out)
	}
	if c.port, err = freePort(); err != nil {
		return err
	}
	return c.serve(data, who, serving...)
}

// serve starts the server and waits until it answers. The goroutine stays on its thread for the life of the server:
// Pdeathsig is sent when the starting thread ends, not the process (prctl(2), PR_SET_PDEATHSIG).
func (c *cluster) serve(data string, who *syscall.Credential, more ...string) error {
	var log bytes.Buffer
	server := exec.Command(filepath.Join(binaries(), "postgres"), append([]string{"-D", data, "-p", strconv.Itoa(c.port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
		"-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=200"}, more...)...)
	server.Dir, server.Stdout, server.Stderr = c.folder, &log, &log
	server.SysProcAttr = &syscall.SysProcAttr{Credential: who, Pdeathsig: syscall.SIGINT}
	c.end, c.ended = make(chan struct{}), make(chan struct{})
	begun := make(chan error)
	go func() {
		defer close(c.ended)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := server.Start()
		begun <- err
		if err != nil {
			return
		}
		<-c.end
		_ = server.Process.Signal(syscall.SIGINT) // fast shutdown
		_ = server.Wait()
	}()
	if err := <-begun; err != nil {
		return err
	}
	if err := c.answer(); err != nil {
		close(c.end)
		<-c.ended
		c.end = nil
		return fmt.Errorf("%w: %s", err, log.String())
	}
	return nil
}

// answer polls until the server accepts a connection.
func (c *cluster) answer() error {
	pool, err := sql.Open("pgx", c.url("postgres"))
	if err != nil {
		return err
	}
	defer pool.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := pool.PingContext(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("postgres does not answer: %w", err)
		}
	}
}

// halt stops the server.
func (c *cluster) halt() {
	if c.end != nil {
		close(c.end)
		<-c.ended
		c.end = nil
	}
}

func (c *cluster) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.halt()
	if c.folder != "" {
		_ = os.RemoveAll(c.folder)
	}
}

// account returns the account to run the server with, since PostgreSQL refuses to run as root. nil: our own.
func account() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// binaries returns the folder of initdb and postgres, "" for none. Debian keeps them out of PATH.
func binaries() string {
	if p, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(p); err == nil { // all programs are where the real one is
			p = real
		}
		return filepath.Dir(p)
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		return ""
	}
	return filepath.Dir(slices.Max(found))
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
