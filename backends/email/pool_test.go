package email

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends/email/fakesmtp"
)

func TestConnectionsAreReusedAndRenewed(t *testing.T) {
	f := newFarEnd(t, fakesmtp.Options{})
	c := f.config()
	c.PerConnection = 30
	b := newBackend(t, c)
	for i := range 100 {
		if err := b.Send(t.Context(), sample(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	if n := f.smtp.Connections(); n != 4 {
		t.Errorf("100 messages at 30 a connection took %d connections, want 4", n)
	}
	perConnection := map[int]int{}
	for _, m := range f.messages() {
		perConnection[m.Connection]++
	}
	for n, count := range perConnection {
		if count > 30 {
			t.Errorf("connection %d carried %d messages", n, count)
		}
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	f := newFarEnd(t, fakesmtp.Options{})
	var mu sync.Mutex
	most := 0
	f.play(func(fakesmtp.Stage, string) fakesmtp.Reply {
		n := f.smtp.OpenConnections()
		mu.Lock()
		defer mu.Unlock()
		most = max(most, n)
		return fakesmtp.Reply{}
	})
	c := f.config()
	c.Connections = 3
	b := newBackend(t, c)
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			if err := b.Send(t.Context(), sample(fmt.Sprint(i))); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if most > 3 || f.smtp.Connections() > 3 || len(f.messages()) != 60 {
		t.Errorf("%d at once, %d in all, %d messages; want 3, 3 and 60", most, f.smtp.Connections(), len(f.messages()))
	}
}

// Whoever waits for a connection must not wait beyond its context.
func TestWaitingForAConnectionEnds(t *testing.T) {
	f := newFarEnd(t, fakesmtp.Options{})
	c := f.config()
	c.Connections = 1
	b := newBackend(t, c)
	entered := make(chan struct{}, 10)
	f.play(func(s fakesmtp.Stage, _ string) fakesmtp.Reply {
		entered <- struct{}{}
		return fakesmtp.Reply{Delay: time.Minute}
	})
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() { first <- b.Send(ctx, sample("first")) }()
	<-entered
	short, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	if err := b.Send(short, sample("second")); class(err) != "later" {
		t.Errorf("Send while all connections are busy = %v", err)
	}
	cancel()
	if err := <-first; class(err) != "later" {
		t.Errorf("the cancelled Send = %v", err)
	}
}

func TestRunClosesIdleConnections(t *testing.T) {
	t.Parallel() // it waits
	f := newFarEnd(t, fakesmtp.Options{})
	c := f.config()
	c.Idle = time.Second
	b := newBackend(t, c)
	if err := b.Send(t.Context(), sample("1")); err != nil {
		t.Fatal(err)
	}
	if f.smtp.OpenConnections() != 1 {
		t.Errorf("%d connections open after a Send, want 1", f.smtp.OpenConnections())
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	eventually(t, "the idle connection is closed", func() bool { return f.smtp.OpenConnections() == 0 })
	if err := b.Send(t.Context(), sample("2")); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run = %v", err)
	}
	eventually(t, "Run has closed the rest", func() bool { return f.smtp.OpenConnections() == 0 })
	if err := b.Send(t.Context(), sample("3")); err != nil {
		t.Errorf("Send while draining = %v", err)
	}
	eventually(t, "nothing is kept while draining", func() bool { return f.smtp.OpenConnections() == 0 })
}
