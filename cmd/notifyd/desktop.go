package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/notifyd/notifyd/backends/desktop"
)

// desktopCmd is the agent in a person's session: it reads the stream of notices and shows them over D-Bus.
type desktopCmd struct {
	Server    string `required:"" env:"NOTIFYD_SERVER" placeholder:"URL" help:"Address of notifyd, e.g. https://notify.example.org."`
	Token     string `xor:"token" env:"NOTIFYD_TOKEN" placeholder:"TEXT" help:"Token of the desktop destination. Others on this machine can see it: prefer --token-file."`
	TokenFile string `xor:"token" type:"path" env:"NOTIFYD_TOKEN_FILE" placeholder:"FILE" help:"File with the token; nobody else may read it (mode 0600)."`
	State     string `type:"path" env:"NOTIFYD_DESKTOP_STATE" placeholder:"FILE" help:"Remembers what was shown (default: notifyd/desktop.state in $XDG_STATE_HOME or ~/.local/state)."`
	PlainHTTP bool   `help:"Allow http:// to another machine. The token then crosses the network in the clear."`
}

// Run shows notices until the context ends.
func (c *desktopCmd) Run(e *env) error {
	token, err := c.token()
	if err != nil {
		return err
	}
	state, err := c.state()
	if err != nil {
		return err
	}
	bubbles := desktop.NewBubbles(e.log)
	agent, err := desktop.NewAgent(desktop.AgentConfig{
		Server: c.Server, Token: token, State: state, PlainHTTP: c.PlainHTTP,
		Show: bubbles.Show, Random: rand.Float64, Log: e.log,
	})
	if err != nil {
		return err
	}
	return errors.Join(agent.Run(e.ctx), bubbles.Close())
}

// maxToken bounds the token file, in bytes.
const maxToken = 4096

func (c *desktopCmd) token() (string, error) {
	if c.TokenFile == "" {
		return c.Token, nil
	}
	f, err := os.Open(c.TokenFile)
	if err != nil {
		return "", fmt.Errorf("read token: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("read token: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("read token: others may read %s (mode %04o); run: chmod 600 %s", c.TokenFile,
			info.Mode().Perm(), c.TokenFile)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxToken))
	if err != nil {
		return "", fmt.Errorf("read token: %w", err)
	}
	return strings.TrimSpace(string(data)), nil
}

func (c *desktopCmd) state() (string, error) {
	if c.State != "" {
		return c.State, nil
	}
	dir := os.Getenv("XDG_STATE_HOME")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("find a place for the state: %w; give --state", err)
		}
		dir = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(dir, "notifyd", "desktop.state"), nil
}
