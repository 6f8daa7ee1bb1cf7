package daemon

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/backlog"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon/holes"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon/nodes"
	"github.com/notifyd/notifyd/internal/metric"
)

// openHoles reads what the sources may lack since the daemon ran last.
func (s *Service) openHoles(ctx context.Context) error {
	s.archives = map[string][]bus.Archive{}
	for _, source := range s.sources {
		if archived, ok := source.(bus.Archived); ok {
			for name, archive := range archived.Archives() {
				s.archives[name] = append(s.archives[name], archive)
			}
		}
	}
	s.holes = holes.New(holes.Config{
		Store: s.history, Metrics: s.metrics.holes, NotifyWithin: s.settings.Backlog.NotifyWithin,
		Fillable: s.fillable,
		Now:      s.env.Now, Log: s.log,
	})
	s.listening = &nodes.Sources{
		Leases: s.leases, Several: s.db.Postgres, All: s.sources, Holes: s.holes, DB: s.db.Writer, Log: s.log,
		Names: sourceNames,
	}
	mine := map[string]bus.Source{} // the others' are taken up when this node gets the lease
	for name, source := range s.sources {
		if !s.listening.Single(name) {
			mine[name] = source
		}
	}
	names := sourceNames(mine)
	ours := func(source string) bool { return !s.db.Postgres || slices.Contains(names, source) }
	return s.holes.Restore(ctx, s.db.Writer, ours, names)
}

// fillable reports whether somebody can be asked for what a source lacks.
func (s *Service) fillable(name string) bool {
	return len(s.archives[name]) > 0 || s.settings.Backlog.Has(name)
}

// archivesOf returns who can fill the holes of a source, in the order in which they are asked: the publishers' own
// stores, and the datagrepper.
func (s *Service) archivesOf(name string) []bus.Archive {
	all := slices.Clip(s.archives[name])
	if s.settings.Backlog.Has(name) {
		all = append(all, backlog.NewDatagrepper(s.settings.Backlog, s.env.Now))
	}
	return all
}

// wants returns what a source would receive live; nil: everything.
func (s *Service) wants(name string) func(topic string) bool {
	for _, source := range s.sources {
		selective, ok := source.(bus.Selective)
		if ok && slices.Contains(sourceNames(map[string]bus.Source{"": source}), name) {
			return func(topic string) bool { return selective.Wants(name, topic) }
		}
	}
	return nil
}

// startFillers starts what fills holes: it ends with the sources, since it hands frames over as they do.
func (s *Service) startFillers(intake *runGroup, in *bus.Intake) {
	if len(s.archives) == 0 && s.settings.Backlog.Datagrepper == "" {
		return
	}
	intake.start("holes", func(ctx context.Context) error {
		f := &fillers{service: s, in: in, running: map[string]*filling{}}
		f.run(ctx)
		return nil
	})
}

// The fillers fill the holes of all sources, one for each that somebody can be asked for. Sources may come and go.
type fillers struct {
	service *Service
	in      *bus.Intake
	running map[string]*filling // by source
	known   map[string]connects // as last looked at
	all     sync.WaitGroup
}

// A filling is a filler that runs.
type filling struct {
	stop  context.CancelFunc
	ended chan struct{}
}

// connectionsWatched is how often the sources and their connections are looked at. The first message after a lost
// connection says that one was lost; but it may be long in coming, and what was lost should not wait for it.
const connectionsWatched = time.Second

// run looks at the sources until ctx ends.
func (f *fillers) run(ctx context.Context) {
	defer f.all.Wait()
	tick := time.NewTicker(connectionsWatched)
	defer tick.Stop()
	for name := range f.service.connects() {
		f.begin(ctx, name)
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			f.look(ctx)
		}
	}
}

// look opens a hole for each source that was connected, and sees which sources have come and gone.
func (f *fillers) look(ctx context.Context) {
	now := f.service.connects()
	for name, n := range now {
		f.begin(ctx, name)
		if n.up > f.known[name].up || n.again > f.known[name].again {
			f.service.holes.Reconnected(name)
		}
	}
	for name := range f.known {
		if _, there := now[name]; !there {
			f.end(name)
		}
	}
	f.known = now
}

// begin starts the filler of a source, where it does not run and somebody can be asked.
func (f *fillers) begin(ctx context.Context, name string) {
	s := f.service
	if f.running[name] != nil || !s.fillable(name) {
		return
	}
	filler := &backlog.Filler{
		Source: name, Config: s.settings.Backlog, Archives: s.archivesOf(name), Wants: s.wants(name),
		Holes: s.holes.Of(name), Put: f.in.Put, Now: s.env.Now, Random: rand.Float64, Log: s.log,
	}
	part, stop := context.WithCancel(ctx)
	one := &filling{stop, make(chan struct{})}
	f.running[name] = one
	f.all.Go(func() {
		defer close(one.ended)
		defer stop()
		filler.Run(part)
	})
}

// end ends the filler of a source that is gone: what it handed over would find no place any more.
func (f *fillers) end(name string) {
	if one := f.running[name]; one != nil {
		one.stop()
		<-one.ended
		delete(f.running, name)
	}
}

// connects is what is known of the connections of a source, by the name in its metrics.
type connects struct {
	up    float64 // that it has
	again float64 // that were made after a first
	open  bool    // frames can come: its input is not spent, as that of a file
}

// connects leaves out what is on standby.
func (s *Service) connects() map[string]connects { return connectsOf(s.listening.Running()) }

func connectsOf(sources map[string]bus.Source) map[string]connects {
	all := map[string]connects{}
	for _, source := range sources {
		metered, ok := source.(bus.Metered)
		if !ok {
			continue
		}
		metered.Collect(func(d *metric.Desc, value float64, labels ...string) {
			at := slices.Index(d.Labels, "source")
			if at < 0 || at >= len(labels) {
				return
			}
			n := all[labels[at]]
			switch d.Name {
			case bus.ConnectedMetric:
				n.up, n.open = n.up+value, true
			case bus.ReconnectsMetric:
				n.again += value
			}
			all[labels[at]] = n
		})
	}
	return all
}

// sourceNames returns the names of all sources, as in Frame.Source: one bus may have several.
func sourceNames(sources map[string]bus.Source) []string {
	return slices.Sorted(maps.Keys(connectsOf(sources)))
}

// endpoints gives the sources that frames can come from, and whether each is connected.
func (s *Service) endpoints() map[string]bool {
	up := map[string]bool{}
	for name, n := range s.connects() {
		if n.open {
			up[name] = n.up > 0
		}
	}
	return up
}
