package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/notifyd/notifyd/bus/trust"
	"github.com/notifyd/notifyd/bus/zmq"
	"github.com/notifyd/notifyd/cmd/notifyd/classic"
	"github.com/notifyd/notifyd/cmd/notifyd/relay"
	"github.com/notifyd/notifyd/internal/watch"
)

// relayCmd does the jobs of fedmsg-relay and fedmsg-signing-relay: publishers that come and go connect to it, as
// fedmsg's do in their active mode, and subscribers find all that they send at one address.
type relayCmd struct {
	In    []string `sep:"none" default:"tcp://127.0.0.1:2003" placeholder:"ADDRESS" help:"Let publishers connect here; repeatable (default: ${default})."`
	Out   string   `default:"tcp://127.0.0.1:4001" placeholder:"ADDRESS" help:"Let subscribers connect here (default: ${default})."`
	Queue int      `default:"100000" placeholder:"N" help:"How many messages a subscriber may be behind; then it loses some (default: ${default})."`
	signFlags
	CA  string `name:"ca" type:"path" placeholder:"FILE" help:"With --sign: what is signed already by a certificate of this CA is handed on unchanged. Without: everything is signed anew."`
	CRL string `name:"crl" type:"path" placeholder:"FILE" help:"What that CA has revoked."`
	classic.Flags
	TopicPrefix string `hidden:""` // fedmsg-relay has it, and needs it no more than we do
	Daemon      bool   `hidden:""`
}

// Run relays until the context ends. It does not begin unless every address is free.
func (c *relayCmd) Run(e *env) error {
	c.Flags.Note(e.stderr)
	if c.PrintConfig {
		return (&configPrintCmd{}).Run(e)
	}
	config := relay.Config{In: c.In, Out: c.Out, Queue: c.Queue, Now: e.now, Log: e.log}
	if c.Daemon {
		return errors.New("--daemon: it stays in the foreground; a service manager runs it in the background")
	}
	var err error
	if config.Signer, config.Verifier, err = c.signing(e); err != nil {
		return err
	}
	r, err := relay.Open(e.ctx, config)
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "relaying from %s to %s\n", strings.Join(r.In(), ", "), r.Out())
	return r.Run(e.ctx)
}

// lookEvery is how often the files of --ca and --crl are looked at.
const lookEvery = 10 * time.Second

// signing gives what signs, and what says who has signed already; nil where that is nothing.
func (c *relayCmd) signing(e *env) (*trust.Signer, *watch.Watcher[*trust.Verifier], error) {
	signer, err := c.signFlags.open(e)
	switch {
	case err != nil:
		return nil, nil, err
	case c.Queue < 1:
		return nil, nil, errors.New("--queue: expected 1 or more")
	case signer == nil && c.CA != "":
		return nil, nil, errors.New("--ca is for --sign: without it, nothing is changed")
	case c.CA == "" && c.CRL != "":
		return nil, nil, errors.New("--crl needs --ca")
	case c.CA == "":
		return signer, nil, nil
	}
	verifier, err := watch.New(trust.Files(trust.Config{CA: c.CA, CRL: c.CRL}), lookEvery, e.log)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot check messages: %w", err)
	}
	warnOfTrust(e, verifier.Load())
	return signer, verifier, nil
}

// gatewayCmd does fedmsg-gateway's job: many subscribers find at one address what a few publishers send.
type gatewayCmd struct {
	Listen   string   `default:"tcp://127.0.0.1:9940" placeholder:"ADDRESS" help:"Let subscribers connect here (default: ${default})."`
	Endpoint []string `sep:"none" placeholder:"ADDRESS" help:"Publisher to subscribe to; repeatable (default: those that bus.zmq of the configuration names or finds)."`
	Topic    []string `sep:"none" placeholder:"PREFIX" help:"Only topics that begin so; repeatable."`
	Queue    int      `default:"10000" placeholder:"N" help:"How many messages a subscriber may be behind; then it loses some (default: ${default})."`
}

// Run hands on until the context ends. It does not begin unless the address is free.
func (c *gatewayCmd) Run(e *env) error {
	if c.Queue < 1 {
		return errors.New("--queue: expected 1 or more")
	}
	from := pickFlags{Endpoint: c.Endpoint, Topic: c.Topic}
	source, err := from.source(e, "gateway")
	if err != nil {
		return err
	}
	gateway, err := zmq.NewGateway(zmq.GatewayConfig{Listen: c.Listen, Queue: c.Queue, Late: true}, e.log)
	if err != nil {
		return err
	}
	if err := gateway.Bind(e.ctx); err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "handing on at %s\n", gateway.Addr())
	return relay.Gateway(e.ctx, source, gateway)
}
