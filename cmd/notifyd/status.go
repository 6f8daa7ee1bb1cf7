package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/notifyd/notifyd/cmd/notifyd/daemon"
	"github.com/notifyd/notifyd/cmd/notifyd/status"
)

// statusCmd asks a running daemon how it is, for people and for monitoring.
type statusCmd struct {
	JSON       bool          `name:"json" help:"One JSON object (doc/status.md)."`
	URL        string        `name:"url" placeholder:"URL" help:"The operator listener, such as http://127.0.0.1:8081 (default: metrics.listen of the configuration)."`
	NoServices bool          `name:"no-services" help:"Leave the services out: none that is silent counts as down."`
	Timeout    time.Duration `default:"15s" help:"How long all of it may take (default: ${default})."`
}

// The exit statuses of `notifyd status`, after those of monitoring plug-ins.
const (
	somethingDown = exitStatus(1)
	cannotAsk     = exitStatus(2)
)

// Run prints what the daemon says. The status is 0 where nothing is down, 1 where something is, and 2 where it cannot
// be asked.
func (c *statusCmd) Run(e *env) error {
	ctx, cancel := context.WithTimeout(e.ctx, c.Timeout)
	defer cancel()
	report, err := c.ask(ctx, e)
	if err != nil {
		if c.JSON {
			fmt.Fprintf(e.stdout, "%s\n", asJSON(map[string]string{"error": err.Error()}))
		}
		fmt.Fprintf(e.stderr, "notifyd: cannot be asked: %s\n", visible(err.Error()))
		return cannotAsk
	}
	if c.JSON {
		_, err = fmt.Fprintf(e.stdout, "%s\n", asJSON(report))
	} else {
		err = report.Print(e.stdout, e.now())
	}
	if err != nil {
		return errors.Join(err, cannotAsk)
	}
	if len(report.Down) > 0 {
		return somethingDown
	}
	return nil
}

func (c *statusCmd) ask(ctx context.Context, e *env) (*status.Report, error) {
	f, err := openConfig(e)
	if err != nil {
		return nil, err
	}
	set, err := daemon.LoadSettings(f)
	if err != nil {
		return nil, err
	}
	base := strings.TrimSuffix(c.URL, "/")
	if base == "" {
		if base, err = operatorURL(set.Metrics.Listen); err != nil {
			return nil, err
		}
	}
	report, err := status.Ask(ctx, base)
	if err != nil {
		return nil, err
	}
	if c.NoServices {
		report.Services = []status.Service{}
	}
	report.Judge()
	return &report, nil
}

// operatorURL gives the URL of a listener on this machine.
func operatorURL(listen string) (string, error) {
	if listen == "" {
		return "", errors.New("metrics.listen is off; --url names a daemon elsewhere")
	}
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port), nil
}

func asJSON(v any) string {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return "{}" // these types can always be written
	}
	return visible(string(text))
}
