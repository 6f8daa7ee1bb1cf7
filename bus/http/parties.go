package http

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"

	"github.com/notifyd/notifyd/bus"
)

// parties are those who may send: the senders and hooks of the configuration, by name. They are replaced whole.
type parties struct {
	senders map[string]*sender
	hooks   map[string]*hook
}

// meet makes the parties of c. Who was there before under the same name keeps its meter, its room and, where it has not
// changed, its rate.
func (s *Source) meet(c Config, before *parties) (*parties, error) {
	p := &parties{senders: map[string]*sender{}, hooks: map[string]*hook{}}
	for _, name := range slices.Sorted(maps.Keys(c.Senders)) {
		one, err := newSender(name, c.Senders[name], c, s.log)
		if err != nil {
			return nil, fmt.Errorf("senders.%s: %w", name, err)
		}
		s.settle(one, before)
		p.senders[name] = one
	}
	if err := distinct(p.senders); err != nil {
		return nil, err
	}
	adapters, err := readAdapters(c.Adapters)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(c.Hooks)) {
		one, err := newHook(name, c.Hooks[name], adapters, c, s.log)
		if err != nil {
			return nil, fmt.Errorf("hooks.%s: %w", name, err)
		}
		s.settle(one.sender, before)
		p.hooks[name] = one
	}
	return p, nil
}

// distinct refuses a token that two senders have: it says who sends, so each needs its own.
func distinct(senders map[string]*sender) error {
	first := map[[sha256.Size]byte]string{}
	for _, name := range slices.Sorted(maps.Keys(senders)) {
		for _, digest := range senders[name].digests {
			if other, twice := first[digest]; twice && other != name {
				return fmt.Errorf("senders.%s: token: that of senders.%s; another one was expected, since it says who sends", name,
					other)
			}
			first[digest] = name
		}
	}
	return nil
}

// settle gives one what it had before, or a room of its own: half of that of all, so that one that floods, or waits for
// the router, leaves the others theirs.
func (s *Source) settle(one *sender, before *parties) {
	old := before.all()[one.name]
	if old == nil {
		one.room = newRoom(max(1, s.config.MaxRequests/2), provedBytes/2, s.proved)
		return
	}
	one.room, one.meter = old.room, old.meter
	if old.limit.Limit() == one.limit.Limit() && old.limit.Burst() == one.limit.Burst() {
		one.limit = old.limit
	}
}

// all gives the senders, and the hooks as such, by name.
func (p *parties) all() map[string]*sender {
	if p == nil {
		return nil
	}
	all := maps.Clone(p.senders)
	for name, h := range p.hooks {
		all[name] = h.sender
	}
	return all
}

// meters gives the meters of all, by name.
func (p *parties) meters() (meters []*bus.Meter) {
	all := p.all()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		meters = append(meters, all[name].meter)
	}
	return meters
}

// Adapts gives the keys that Adapt takes: a Source is bus.Adaptable.
func (s *Source) Adapts() []string { return []string{"senders", "hooks", "adapters"} }

// Adapt takes the senders, hooks and adapters of a section. A request that has begun is answered as before.
func (s *Source) Adapt(decode func(any) error) error {
	var next Config
	if err := decode(&next); err != nil {
		return err
	}
	next.SetDefaults()
	c := s.config
	c.Senders, c.Hooks, c.Adapters = next.Senders, next.Hooks, next.Adapters
	if err := c.check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.parties.Load()
	now, err := s.meet(c, before)
	if err != nil {
		return err
	}
	s.parties.Store(now)
	if !s.running {
		return nil
	}
	was, is := before.all(), now.all()
	for name, one := range is {
		if was[name] == nil {
			one.meter.Connected(true)
		}
	}
	for name, one := range was {
		if is[name] == nil {
			one.meter.Ended()
			s.in.Forget(name)
		}
	}
	return nil
}
