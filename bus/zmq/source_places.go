package zmq

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/metric"
	"github.com/notifyd/notifyd/internal/watch"
)

// Publishers are found in three ways: they are written in the configuration, listed in a file, or named by the DNS. A
// name, and an address, that an earlier way has is left to it. So nobody who may write the file, and nobody who can
// forge an answer of the DNS, puts an address under a name that the configuration trusts.

func byPlace(a, b place) int {
	return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.addr.host, b.addr.host),
		strings.Compare(a.addr.network, b.addr.network))
}

// writtenPlaces reads Config.Endpoints.
func writtenPlaces(c Config) ([]place, error) {
	var all []place
	named := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(c.Endpoints)) {
		if len(c.Endpoints[name]) == 0 {
			return nil, fmt.Errorf("endpoints: %s: no address; take the name out, or give it one", name)
		}
		for _, text := range c.Endpoints[name] {
			a, err := parseAddress(text)
			if err != nil {
				return nil, fmt.Errorf("endpoints: %s: %w", name, err)
			}
			if first, twice := named[a.String()]; twice {
				return nil, fmt.Errorf("endpoints: %s: %s is listed under %s already", name, a, first)
			}
			named[a.String()] = name
			all = append(all, place{name: name, addr: a})
		}
	}
	return all, nil
}

// openFinders opens what finds publishers beside those that are written in the configuration.
func (s *Source) openFinders() (err error) {
	if path := s.config.EndpointsFile; path != "" {
		s.files, err = watch.New(endpointsFiles(path), s.config.EndpointsCheck, s.log)
		if err != nil {
			return fmt.Errorf("endpoints_file: %w", err)
		}
	}
	s.domains, err = newDomains(s.config, s.log)
	return err
}

// startFinders looks for changes until ctx ends. It gives a channel that receives a value after changes.
func (s *Source) startFinders(ctx context.Context, all *sync.WaitGroup) <-chan struct{} {
	changed := make(chan struct{}, 1)
	change := func() {
		select {
		case changed <- struct{}{}:
		default: // one is waiting, and what is found is looked at after it
		}
	}
	if s.files != nil {
		all.Go(func() { s.files.Run(ctx) })
		all.Go(func() {
			for {
				select {
				case <-s.files.Updates():
					change()
				case <-ctx.Done():
					return
				}
			}
		})
	}
	for _, d := range s.domains {
		all.Go(func() { d.run(ctx, change) })
	}
	return changed
}

// places gives the places to connect to, in order. It is called by one goroutine.
func (s *Source) places() []place {
	ways := [][]place{s.written}
	if s.files != nil {
		ways = append(ways, s.files.Load())
	}
	for _, d := range s.domains {
		ways = append(ways, d.places())
	}
	var all []place
	names, addrs := map[string]int{}, map[address]string{}
	if s.reserved != nil {
		for _, name := range s.reserved() {
			names[name] = -1
		}
		for _, p := range s.written {
			names[p.name] = 0 // two sources that are written under one name are a mistake that the program refuses
		}
	}
	for way, found := range ways {
		for _, p := range found {
			owner, known := names[p.name]
			other, taken := addrs[p.addr]
			switch {
			case known && owner != way:
				s.leaveOut(p, "the name is in use already")
			case taken:
				s.leaveOut(p, "the address is listed under "+other)
			default:
				names[p.name], addrs[p.addr] = way, p.name
				all = append(all, p)
			}
		}
	}
	slices.SortFunc(all, byPlace)
	return all
}

// leaveOut logs once that a place is not used.
func (s *Source) leaveOut(p place, why string) {
	if !s.leftOut[p] && len(s.leftOut) < maxPlaces {
		s.leftOut[p] = true
		s.log.Warn("an address is left out", "endpoint", p.name, "address", p.addr.String(), "reason", why)
	}
}

// update makes the endpoints those of places. It gives the ones that have come and gone; all others stay as they are.
func (s *Source) update() (come, gone []*endpoint) {
	before := map[place]*endpoint{}
	for _, e := range s.current() {
		before[e.place] = e
	}
	var now []*endpoint
	for _, p := range s.places() {
		e := before[p]
		delete(before, p)
		if e == nil {
			e = newEndpoint(s, p)
			come = append(come, e)
		}
		now = append(now, e)
	}
	s.mu.Lock()
	s.endpoints = now
	s.mu.Unlock()
	return come, slices.Collect(maps.Values(before))
}

// current gives the endpoints at this moment.
func (s *Source) current() []*endpoint {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.endpoints
}

// forget gives the room of a name back that no endpoint has any more.
func (s *Source) forget(in *bus.Intake, name string) {
	if !slices.ContainsFunc(s.current(), func(e *endpoint) bool { return e.name == name }) {
		in.Forget(name)
	}
}

// Finds reports whether endpoints may come and go: a Source is bus.Finding.
func (s *Source) Finds() bool { return s.files != nil || len(s.domains) > 0 }

// Reserve leaves names to other sources: what is found under them is left out, as under names that are written down.
func (s *Source) Reserve(names func() []string) {
	s.reserved = names
	s.update()
}

// Warnings says what hinders the finding of publishers: a Source is bus.Warning.
func (s *Source) Warnings() []string {
	var all []string
	if s.files != nil && s.files.Err() != nil {
		all = append(all, fmt.Sprintf("the last good list of bus.zmq.endpoints_file stays in use: %v", s.files.Err()))
	}
	for _, d := range s.domains {
		if problem := d.problem(); problem != "" {
			all = append(all, "bus.zmq.srv: "+problem)
		}
	}
	return all
}

var fileGoodDesc = &metric.Desc{Name: "notifyd_zmq_endpoints_file_successful", Type: metric.Gauge,
	Help: "0 while a mistake in bus.zmq.endpoints_file keeps the last good list of endpoints in use."}

// collectFinders emits how the finding of publishers goes.
func (s *Source) collectFinders(emit metric.Emit) {
	if s.files != nil {
		emit(fileGoodDesc, metric.Bool(s.files.Err() == nil))
	}
	for _, d := range s.domains {
		d.collect(emit)
	}
}
