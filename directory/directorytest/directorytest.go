// Package directorytest holds every source of the directory to what directory.Source promises.
//
// The test of a source says how to open one against a good server and at any address, and which bad answers of its own
// protocol it must refuse:
//
//	directorytest.Run(t, directorytest.Kit{
//		Good: func(t *testing.T) directory.Source { return open(t, "http://"+server(t).Addr()) },
//		At:   func(t *testing.T, address string) directory.Source { return open(t, "http://"+address) },
//		Bad: map[string]func(t *testing.T) directory.Source{
//			"an error of the server": ...,
//			"an answer that is cut":  ...,
//		},
//		Secret: "hunter2",
//	})
//
// Run then also tries peers that speak no protocol at all: one that is not there, one that accepts and never answers,
// one that sends noise, one that never ends.
package directorytest

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/notifyd/notifyd/directory"
)

// A Kit is what Run needs to know of a kind of source.
type Kit struct {
	// Good opens a source that asks a good server, which knows something.
	Good func(t *testing.T) directory.Source
	// At opens a source that asks whoever listens at an address, host:port, without TLS. Nil: this kind has no server.
	At func(t *testing.T, address string) directory.Source
	// Bad opens sources whose server answers something that must not become Facts.
	Bad map[string]func(t *testing.T) directory.Source
	// Secret is a password or token that the sources are opened with. It must not stand in an error. "": there is none.
	Secret string
}

// Run runs all tests of a Kit.
func Run(t *testing.T, kit Kit) {
	t.Run("good", kit.good)
	t.Run("canceled", kit.canceled)
	for name, open := range kit.Bad {
		t.Run(name, func(t *testing.T) {
			f, err := kit.fetch(t, open(t), 20*time.Second, nil)
			kit.refused(t, f, err)
		})
	}
	if kit.At == nil {
		return
	}
	t.Run("absent", func(t *testing.T) {
		f, err := kit.fetch(t, kit.At(t, nowhere(t)), 5*time.Second, nil)
		kit.refused(t, f, err)
	})
	t.Run("silent", kit.silent)
	t.Run("noise", kit.noise)
	t.Run("endless", kit.endless)
}

// fetch fetches within a time, and fails the test when that takes longer.
func (kit Kit) fetch(t *testing.T, s directory.Source, within time.Duration, last *directory.Facts) (*directory.Facts,
	error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	began := time.Now()
	f, err := s.Fetch(ctx, last)
	if took := time.Since(began); took > within+3*time.Second {
		t.Errorf("Fetch took %v of %v", took, within)
	}
	return f, err
}

// refused checks that a Fetch has failed as it should.
func (kit Kit) refused(t *testing.T, f *directory.Facts, err error) {
	t.Helper()
	if err == nil {
		t.Errorf("Fetch returned %+v, want an error", f)
		return
	}
	if f != nil {
		t.Errorf("Fetch returned facts beside the error %v", err)
	}
	if kit.Secret != "" && strings.Contains(err.Error(), kit.Secret) {
		t.Errorf("the error tells the secret: %v", err)
	}
}

// good: facts that know something, that can be stored, and that a second Fetch gives back or makes anew without
// changing the first.
func (kit Kit) good(t *testing.T) {
	s := kit.Good(t)
	first, err := kit.fetch(t, s, 20*time.Second, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c := first.Counts(); max(c.Groups, c.Packages, c.Accounts, c.People) <= 0 {
		t.Errorf("the good server knows nothing: %+v", c)
	}
	text := stored(t, first)
	if kit.Secret != "" && strings.Contains(text, kit.Secret) {
		t.Error("the facts hold the secret")
	}
	last := &directory.Facts{}
	if err := json.Unmarshal([]byte(text), last); err != nil {
		t.Fatalf("facts cannot be read again: %v", err)
	}
	second, err := kit.fetch(t, s, 20*time.Second, last)
	if err != nil {
		t.Fatal(err)
	}
	if again := stored(t, last); again != text {
		t.Errorf("the second Fetch changed the facts of the first:\n%s\n%s", text, again)
	}
	if second != last && !reflect.DeepEqual(second.Counts(), first.Counts()) {
		t.Errorf("two fetches of the same: %+v and %+v", first.Counts(), second.Counts())
	}
}

func stored(t *testing.T, f *directory.Facts) string {
	t.Helper()
	text, err := json.Marshal(f)
	if err != nil {
		t.Fatalf("facts cannot be stored: %v", err)
	}
	return string(text)
}

func (kit Kit) canceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f, err := kit.Good(t).Fetch(ctx, nil)
	kit.refused(t, f, err)
}

func (kit Kit) silent(t *testing.T) {
	address := Listen(t, func(_ net.Conn, closed <-chan struct{}) { <-closed })
	f, err := kit.fetch(t, kit.At(t, address), 300*time.Millisecond, nil)
	kit.refused(t, f, err)
}

func (kit Kit) noise(t *testing.T) {
	for seed := range uint64(5) {
		address := Listen(t, func(c net.Conn, _ <-chan struct{}) {
			random := rand.NewChaCha8([32]byte{byte(seed)})
			noise := make([]byte, 2000)
			if _, err := random.Read(noise); err != nil {
				return
			}
			if _, err := c.Write(noise); err != nil {
				return // the source has heard enough
			}
		})
		f, err := kit.fetch(t, kit.At(t, address), 2*time.Second, nil)
		kit.refused(t, f, err)
	}
}

// most is how much memory an endless answer may take, in bytes.
const most = 256 << 20

func (kit Kit) endless(t *testing.T) {
	address := Listen(t, func(c net.Conn, _ <-chan struct{}) {
		chunk := []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[" + strings.Repeat(`"x",`, 1<<14))
		for {
			if _, err := c.Write(chunk); err != nil {
				return
			}
			chunk = []byte(strings.Repeat(`"x",`, 1<<14))
		}
	})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f, err := kit.fetch(t, kit.At(t, address), 3*time.Second, nil)
	runtime.ReadMemStats(&after)
	kit.refused(t, f, err)
	if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > most {
		t.Errorf("an endless answer took %d MiB", grown>>20)
	}
}

// Listen starts a server that calls serve for each connection, and closes the connection when serve returns. closed
// ends with the test. It returns the server's address.
func Listen(t *testing.T, serve func(c net.Conn, closed <-chan struct{})) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	closed := make(chan struct{})
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				stop := context.AfterFunc(t.Context(), func() { c.Close() })
				defer stop()
				serve(c, closed)
			})
		}
	})
	t.Cleanup(func() {
		close(closed)
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		all.Wait()
	})
	return l.Addr().String()
}

// nowhere returns an address where nobody listens.
func nowhere(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
