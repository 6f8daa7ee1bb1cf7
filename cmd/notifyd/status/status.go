// Package status is what `notifyd status` says: whether the daemon is ready, which endpoints are connected and when a
// message came from each last, which backends are down, which services have fallen silent, and which daemons share the
// database.
//
// Ask asks the operator listener of a daemon, /readyz and /metrics, as a monitoring system does. It is bounded in time
// and size, and changes nothing. What is silent the daemon says: see package bus/pace.
//
// # What is down
//
//   - the daemon, where it says that it is not ready;
//   - an endpoint none of whose addresses is connected. fedmsg lists more addresses for a service than it uses, so a
//     single one that is not connected is no fault;
//   - an endpoint that is silent;
//   - a backend that says so;
//   - a bridge whose last attempt failed;
//   - a service that is silent.
package status

import (
	"fmt"
	"time"

	"github.com/notifyd/notifyd/bus/pace"
)

// A Report is what is known of a daemon. Its JSON is an interface: doc/status.md.
type Report struct {
	Ready     bool       `json:"ready"`
	Problem   string     `json:"problem"`  // why it is not ready
	Warnings  []string   `json:"warnings"` // what works but should be changed
	Endpoints []Endpoint `json:"endpoints"`
	Backends  []Backend  `json:"backends"`
	Bridges   []Bridge   `json:"bridges"`
	Services  []Service  `json:"services"`
	Nodes     []Node     `json:"nodes"` // the daemons on one PostgreSQL database; empty on SQLite
	Down      []string   `json:"down"`  // what is down, in words
}

// An Endpoint is one address of a source.
type Endpoint struct {
	Name        string     `json:"name"`
	Address     string     `json:"address"`
	Connected   bool       `json:"connected"`
	Received    float64    `json:"received"`     // messages since the start of the daemon
	LastMessage *time.Time `json:"last_message"` // nil: none since the start
	Ended       bool       `json:"ended"`        // its input is spent, as that of a file is
	Standby     bool       `json:"standby"`      // another node receives from it
	Silent      bool       `json:"silent"`       // no address of the endpoint has said anything for too long
}

// State says in words how an endpoint stands.
func (e Endpoint) State() string {
	switch {
	case e.Ended:
		return "ended"
	case e.Standby:
		return "standby"
	case e.Connected && e.Silent:
		return "silent"
	case e.Connected:
		return "connected"
	}
	return "not connected"
}

// A Backend is a way to people.
type Backend struct {
	Name string `json:"name"`
	Down bool   `json:"down"`
}

// A Node is a daemon on the database.
type Node struct {
	Name    string    `json:"name"`
	Version string    `json:"version"`
	Started time.Time `json:"started"`
	Seen    time.Time `json:"seen"`  // when it was there last
	Gone    bool      `json:"gone"`  // it was killed, or is cut off from the database
	This    bool      `json:"this"`  // the one that was asked
	Holds   []string  `json:"holds"` // what it alone does: doc/operating.md
}

// A Bridge leads to another bus.
type Bridge struct {
	Name          string  `json:"name"` // to_amqp.main
	To            string  `json:"to"`
	Up            bool    `json:"up"`
	Behind        float64 `json:"behind"`         // messages that were not looked at yet
	BehindSeconds float64 `json:"behind_seconds"` // since when the oldest of them is stored
	Sent          float64 `json:"sent"`           // messages since the start of the daemon
	Lost          float64 `json:"lost"`           // messages since the bridge was made
}

// Judge fills in what is down.
func (r *Report) Judge() {
	r.Down = []string{}
	if !r.Ready {
		r.Down = append(r.Down, "notifyd is not ready: "+r.Problem)
	}
	connected, silent, ended := map[string]bool{}, map[string]bool{}, map[string]bool{}
	var names []string
	for _, e := range r.Endpoints {
		if _, known := connected[e.Name]; !known {
			names, ended[e.Name] = append(names, e.Name), true
		}
		ended[e.Name] = ended[e.Name] && (e.Ended || e.Standby)
		connected[e.Name] = connected[e.Name] || e.Connected
		silent[e.Name] = e.Silent
	}
	for _, name := range names {
		switch {
		case ended[name]:
		case !connected[name]:
			r.Down = append(r.Down, "endpoint "+name+" is not connected")
		case silent[name]:
			r.Down = append(r.Down, "endpoint "+name+" is silent")
		}
	}
	for _, b := range r.Backends {
		if b.Down {
			r.Down = append(r.Down, "backend "+b.Name+" is down")
		}
	}
	for _, b := range r.Bridges {
		if !b.Up {
			r.Down = append(r.Down, fmt.Sprintf("bridge %s is down; %.0f messages wait", b.Name, b.Behind))
		}
	}
	for _, s := range r.Services {
		if s.State == pace.Silent {
			r.Down = append(r.Down, "service "+s.Name+" of "+s.Under+" is silent")
		}
	}
}
