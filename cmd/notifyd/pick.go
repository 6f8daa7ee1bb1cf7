package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/zmq"
	"github.com/notifyd/notifyd/cmd/notifyd/tail"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// pickFlags say where a command listens, and which messages of the bus it takes.
type pickFlags struct {
	Endpoint  []string `sep:"none" placeholder:"ADDRESS" help:"Publisher to subscribe to, such as tcp://127.0.0.1:4001; repeatable (default: those that bus.zmq of the configuration names or finds)."`
	Topic     []string `sep:"none" placeholder:"PREFIX" help:"Only topics that begin so; repeatable."`
	Include   string   `aliases:"inclusive-regexp" placeholder:"REGEXP" help:"Only topics in which this is found (RE2 syntax)."`
	Exclude   string   `aliases:"exclusive-regexp" default:"_heartbeat" placeholder:"REGEXP" help:"No topics in which this is found (default: ${default})."`
	Users     []string `placeholder:"NAME" help:"Only messages that concern one of these people; a list with commas."`
	Packages  []string `placeholder:"NAME" help:"Only messages about one of these packages; a list with commas."`
	Filter    string   `type:"path" placeholder:"FILTERS.yaml" help:"Only messages that a filter of this file matches (doc/rules.md)."`
	Owner     string   `placeholder:"NAME" help:"What @me stands for in filters that do not say their owner."`
	Directory string   `type:"path" placeholder:"FILE" help:"Groups, package owners and accounts. Rules about them need it."`
	Catalogue string   `type:"existingdir" placeholder:"DIR" help:"Folder of a site's catalogue, over the embedded one."`
}

// A picker decides by pickFlags.
type picker struct {
	flags            *pickFlags
	include, exclude tail.Pattern
	book             *catalogue.Catalogue
	filters          *filterSet // nil: without --filter
	env              *env
}

// picker reads the patterns and the files. A file with a mistake is an error: what it would pick is not known.
func (f *pickFlags) picker(e *env) (*picker, error) {
	p := &picker{flags: f, env: e}
	var err error
	if p.include, err = tail.ParsePattern(f.Include); err != nil {
		return nil, fmt.Errorf("--include: %w", err)
	}
	if p.exclude, err = tail.ParsePattern(f.Exclude); err != nil {
		return nil, fmt.Errorf("--exclude: %w", err)
	}
	if f.Filter == "" {
		p.book, err = loadCatalogue(f.Catalogue)
		return p, err
	}
	files := filterFlags{File: f.Filter, Directory: f.Directory, Catalogue: f.Catalogue, Owner: f.Owner}
	if p.filters, err = files.open(e); err != nil {
		return nil, err
	}
	p.book = p.filters.catalogue
	return p, p.filters.status(f.Filter, 0)
}

// source opens what is listened to: the endpoints of the flags, or else those of the configuration.
func (f *pickFlags) source(e *env, name string) (bus.Source, error) {
	c := zmq.Config{Endpoints: map[string]zmq.Addresses{name: f.Endpoint}, Topics: f.Topic}
	if len(f.Endpoint) > 0 {
		return zmq.New(c, e.log)
	}
	file, err := openConfig(e)
	if err != nil {
		return nil, err
	}
	c = zmq.Config{}
	if err := file.Section("bus.zmq")(&c); err != nil {
		return nil, err
	}
	if len(c.Endpoints) == 0 && !c.Finds() {
		return nil, errors.New("there is nothing to listen to: name an --endpoint, or set bus.zmq.endpoints, " +
			"endpoints_file or srv in the configuration (--config)")
	}
	c.Replay = zmq.ReplayConfig{} // that is for the daemon: it remembers what it has
	if len(f.Topic) == 0 {
		f.Topic = c.Topics
	}
	c.Topics = f.Topic
	source, err := zmq.New(c, e.log)
	if err != nil {
		return nil, file.InSection("bus.zmq", err)
	}
	return source, nil
}

// topic reports whether the topic of a message is wanted. What is not subscribed to may still come from an archive.
func (p *picker) topic(topic string) bool {
	subscribed := len(p.flags.Topic) == 0 || slices.ContainsFunc(p.flags.Topic, func(prefix string) bool {
		return strings.HasPrefix(topic, strings.TrimSuffix(prefix, "*"))
	})
	return subscribed && p.include.Match(topic) && (p.flags.Exclude == "" || !p.exclude.Match(topic))
}

// event describes a message that has its Standing. It is nil for one that is not wanted by what it means.
func (p *picker) event(m *bus.Message) *catalogue.Event {
	event := p.book.Describe(m)
	switch {
	case len(p.flags.Users) > 0 && !overlap(p.flags.Users, event.Users),
		len(p.flags.Packages) > 0 && !overlap(p.flags.Packages, event.Packages):
		return nil
	case p.filters != nil:
		matched := len(p.filters.match(event)) > 0
		p.filters.printExpensive(p.env.stderr, p.flags.Filter)
		if !matched {
			return nil
		}
	}
	return event
}

// overlap reports whether two lists have a name in common.
func overlap(wanted, names []string) bool {
	return slices.ContainsFunc(wanted, func(name string) bool { return slices.Contains(names, name) })
}
