package demo

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/notifyd/notifyd/backends/desktop"
	"github.com/notifyd/notifyd/bus"
)

// A scriptLine is one message of the invented afternoon.
type scriptLine struct {
	Topic string `yaml:"topic"`
	Msg   any    `yaml:"msg"`
}

func readScript(text []byte) ([]scriptLine, error) {
	var lines []scriptLine
	if err := yaml.UnmarshalWithOptions(text, &lines, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("bug: read the demo's messages: %w", err)
	}
	for i := range lines { // from YAML's numbers to those of a message on the bus
		text, err := json.Marshal(lines[i].Msg)
		if err == nil {
			lines[i].Msg, err = bus.ParseJSON(text)
		}
		if err != nil {
			return nil, fmt.Errorf("bug: read the demo's message %d: %w", i+1, err)
		}
	}
	return lines, nil
}

// freeAddress replaces port 0 by a free port, since the pages must know their own address.
func freeAddress(ctx context.Context, address string) (string, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return "", fmt.Errorf("listen for pages: %w", err)
	}
	return l.Addr().String(), l.Close()
}

// play prints where to look, and publishes the script again and again, until ctx ends or its time is over.
func (d *demo) play(ctx context.Context) error {
	links := map[string]string{}
	for _, address := range []string{aliceAddress, bellaAddress} {
		token, err := d.service.Prefs().Accounts.NewSignIn(ctx, address)
		if err != nil {
			return fmt.Errorf("make a sign-in link: %w", err)
		}
		links[address] = d.pages + "/signin/" + token
	}
	d.terminal.line("", "an invented community on a real bus; nothing leaves this machine, Ctrl-C ends it")
	d.terminal.line("pages", links[aliceAddress]+"   (one click signs you in as alice, whose name is proved)")
	d.terminal.line("pages", links[bellaAddress]+"   (as somebody whom the directory does not know)")
	d.terminal.line("IRC", d.irc.Addr().String()+"   (join it as "+guest+" with any client, no TLS, and say help to notifyd)")
	d.terminal.line("bus", d.publisher.Addr()+"   (try: notifyd tail --terse --endpoint "+d.publisher.Addr()+")")
	if err := d.quieten(ctx); err != nil {
		return fmt.Errorf("begin quiet hours: %w", err)
	}
	if err := d.publisher.WaitSubscribed(ctx, "org.example.demo."); err != nil {
		return errIfRunning(ctx, err)
	}
	var over <-chan time.Time
	if d.For > 0 {
		over = time.After(d.For)
	}
	counters := map[string]int64{} // each application is a process of its own and counts its own messages
	for i := 0; ; i++ {
		line := d.script[i%len(d.script)]
		app, _, _ := strings.Cut(line.Topic, ".")
		counters[app]++
		if err := d.publish(line, counters[app]); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-over:
			return nil
		case <-time.After(d.Every):
		}
	}
}

func (d *demo) publish(line scriptLine, counter int64) error {
	now := d.Daemon.Now()
	id, err := bus.NewID(now, rand.Reader)
	if err != nil {
		return err
	}
	m := &bus.Message{ID: id, Topic: "org.example.demo." + line.Topic, Time: now, Counter: counter, Username: "demo",
		Body: line.Msg}
	payload, err := bus.Encode(m)
	if err != nil {
		return fmt.Errorf("bug: encode the demo's message: %w", err)
	}
	if _, err := d.publisher.Publish(m.Topic, payload); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	if m, err = bus.Decode(bus.Frame{Topic: m.Topic, Payload: payload}, now); err != nil {
		return fmt.Errorf("bug: decode the demo's message: %w", err)
	}
	event := d.service.Describe(m)
	d.terminal.line("bus", event.Kind+": "+event.Prose().Summary)
	if app := d.muted.Load(); app != nil && event.App == *app {
		d.terminal.line("mute", "alice hears nothing of this: she has muted "+*app)
	}
	return nil
}

// showOnDesktop runs the agent of `notifyd desktop` against the demo's own stream, if there is a session bus.
func (d *demo) showOnDesktop(ctx context.Context) error {
	if !desktop.HasSession() {
		return nil
	}
	user, err := d.service.Prefs().Accounts.ByName(ctx, alice)
	if err != nil {
		return err
	}
	token, err := d.service.Prefs().Tokens.New(ctx, user.ID, "demo")
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "notifyd-demo-desktop-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	bubbles := desktop.NewBubbles(d.Log)
	agent, err := desktop.NewAgent(desktop.AgentConfig{
		Server: d.pages, Token: token, State: filepath.Join(folder, "state"), Show: bubbles.Show, Random: mathrand.Float64,
		Log: d.Log,
	})
	if err != nil {
		return err
	}
	d.terminal.line("desktop", "bubbles go to this session")
	return errors.Join(errIfRunning(ctx, agent.Run(ctx)), bubbles.Close())
}

// errIfRunning drops errors that the end of ctx causes.
func errIfRunning(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
