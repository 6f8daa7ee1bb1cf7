package say

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"
	"gorm.io/gorm"

	"github.com/notifyd/notifyd/bus/pace"
	"github.com/notifyd/notifyd/cmd/notifyd/leases"
	"github.com/notifyd/notifyd/history"
)

// Silences listens to services and endpoints, and says when one falls silent and is back: in the log, in its metrics,
// and by a Voice.
type Silences struct {
	*pace.Watch
	Voice *Voice
	DB    *gorm.DB // that writes
	// Endpoints gives the endpoints that there are, and whether each is connected.
	Endpoints func() map[string]bool
	Now       func() time.Time
	Log       *slog.Logger

	// Gather is nil where this node hears everything itself. Otherwise it hands over what all nodes have heard, and gives
	// the endpoints of all in place of Endpoints.
	Gather func(ctx context.Context, heard func(of pace.Subject, at time.Time, messages int)) (map[string]bool, error)

	// LostAfter is how long an endpoint may be without a connection: it is looked at so often.
	LostAfter time.Duration

	mu      sync.Mutex
	pending []pace.Change // that are not said yet
	limit   *rate.Limiter
	began   time.Time // Run
	stored  time.Time
	fresh   bool // nothing was stored
}

const (
	watched = time.Minute
	stored  = 5 * time.Minute // how often the paces are stored
	// A stranger may make up services; so there are at most so many messages at once, and one more every two minutes.
	// What is too much for that is put together in one.
	burst    = 10
	eachSaid = 2 * time.Minute
	maxTold  = 100 // of those together that are named
)

// Restore reads what is known of the paces.
func (s *Silences) Restore(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.limit == nil {
		s.limit = rate.NewLimiter(rate.Every(eachSaid), burst)
	}
	s.pending = nil // who knew of them says so
	stored, err := s.Voice.Store.Paces(ctx, 2*pace.MaxServices)
	if err != nil {
		return err
	}
	s.fresh = len(stored) == 0
	var rows []pace.Row
	for _, p := range stored {
		of := pace.Subject{What: p.What, Name: p.Name, Under: p.Under}
		rows = append(rows, pace.Row{Subject: of, Last: p.Heard, Silent: p.Silent, Lost: p.Lost, Record: p.Record})
	}
	if err := s.Watch.Restore(rows); err != nil {
		s.Log.Error("the pace of some services is not known any more", "error", err)
	}
	return nil
}

// Run looks every minute, until ctx ends; then it stores what it knows. Where nothing is known it learns from the
// history first.
func (s *Silences) Run(ctx context.Context) error {
	tick := time.NewTicker(max(time.Second, min(watched, s.LostAfter/4)))
	defer tick.Stop()
	s.mu.Lock()
	s.began = s.Now()
	fresh := s.fresh
	s.mu.Unlock()
	if fresh {
		if err := s.learn(ctx); err != nil && ctx.Err() == nil {
			s.Log.Error("the paces of services cannot be learned from the history", "error", err)
		}
	}
	s.Look(ctx)
	for {
		select {
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), leases.ErrLost) {
				return nil // another node stores what it knows
			}
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			defer cancel()
			s.store(last, true)
			return nil
		case <-tick.C:
			s.Look(ctx)
		}
	}
}

// Look looks whether anything has changed, and says so.
func (s *Silences) Look(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Now()
	endpoints, err := s.gather(ctx)
	if err != nil {
		if ctx.Err() == nil {
			s.Log.Error("cannot look for silences; trying again", "error", err)
		}
		return
	}
	if endpoints != nil {
		s.Connected(endpoints, now)
	}
	changes := s.Tick(now)
	for _, c := range changes {
		if c.Back {
			s.Log.Info(c.String())
		} else {
			s.Log.Warn(c.String(), "usual_per_hour", c.PerHour, "missing_minutes", c.Missing)
		}
	}
	s.pending = append(s.pending, changes...)
	if len(s.pending) > 0 || now.Sub(s.stored) >= stored {
		s.storeLocked(ctx, false)
	}
}

func (s *Silences) store(ctx context.Context, all bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.storeLocked(ctx, all)
}

// storeLocked stores what has changed, and what is to be said of it, in one transaction. What was pending stays so
// where that fails, or where too much was said already.
func (s *Silences) storeLocked(ctx context.Context, all bool) {
	now := s.Now()
	sayings, cost := s.sayings(now)
	waiting := map[pace.Subject]bool{} // of what cannot be said yet nothing is stored: after a kill it would never be said
	if cost == 0 {
		for _, c := range s.pending {
			waiting[c.Subject] = true
		}
	}
	rows, gone := s.Rows(all)
	var paces, dead []history.Pace
	for _, r := range rows {
		if waiting[r.Subject] {
			continue
		}
		paces = append(paces, history.Pace{What: r.What, Under: r.Under, Name: r.Name, Heard: r.Last, Silent: r.Silent,
			Lost: r.Lost, Record: r.Record})
	}
	for _, of := range gone {
		dead = append(dead, history.Pace{What: of.What, Under: of.Under, Name: of.Name})
	}
	err := s.DB.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := s.Voice.Store.SavePaces(tx, paces); err != nil {
			return err
		}
		if err := s.Voice.Store.DeletePaces(tx, dead); err != nil {
			return err
		}
		for event, some := range sayings {
			if err := s.Voice.Add(tx, event, some...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.Log.Error("the paces of services are not stored; trying again", "error", err)
		return
	}
	s.Saved(waiting)
	s.stored = now
	if cost > 0 {
		s.limit.AllowN(now, cost)
		s.pending = nil
	}
}

// sayings gives what is to be said of the changes that are pending, and how many messages that is: one for each, or if
// those are too many one for all that are silent and one for all that are back. 0: it must wait.
func (s *Silences) sayings(now time.Time) (map[string][]Saying, int) {
	left := int(s.limit.TokensAt(now))
	all := map[string][]Saying{}
	if len(s.pending) <= left {
		for _, c := range s.pending {
			all[eventOf(c)] = append(all[eventOf(c)], Saying{c.Subject.String(), sourceOf(c)})
		}
		return all, len(s.pending)
	}
	by := map[string][]pace.Change{}
	for _, c := range s.pending {
		by[eventOf(c)] = append(by[eventOf(c)], c)
	}
	if len(by) > left {
		return nil, 0
	}
	for event, changes := range by {
		body := Many{What: "many", Count: len(changes)}
		for _, c := range changes[:min(len(changes), maxTold)] {
			body.Sources = append(body.Sources, sourceOf(c))
		}
		all[event] = []Saying{{fmt.Sprint("many ", now.Unix()), body}}
	}
	return all, len(by)
}

func eventOf(c pace.Change) string {
	if c.Back {
		return SourceBack
	}
	return SourceSilent
}

// Source is the body of source.silent and source.back, about one service or endpoint.
type Source struct {
	What    string  `json:"what"`           // service or endpoint
	Name    string  `json:"name"`           // of the service or the endpoint
	Under   string  `json:"under"`          // the words before it in the topic; "" for an endpoint
	Since   string  `json:"since"`          // when it was heard last
	Usual   float64 `json:"usual_per_hour"` // messages in this hour of the week
	Weeks   int     `json:"weeks"`          // that this is known from
	Reason  string  `json:"reason"`         // silent or not connected
	Minutes float64 `json:"missing"`        // minutes with messages that are missing
}

// Many is the body where there are too many for one message each.
type Many struct {
	What    string   `json:"what"` // many
	Count   int      `json:"count"`
	Sources []Source `json:"sources"` // the first hundred
}

func sourceOf(c pace.Change) Source {
	reason := "silent"
	if c.Lost {
		reason = "not connected"
	}
	return Source{c.What, c.Name, c.Under, c.Since.UTC().Format(time.RFC3339), round(c.PerHour), c.Weeks, reason,
		round(c.Missing)}
}

// round gives a number with two digits, which is what is known of it.
func round(v float64) float64 {
	var r float64
	fmt.Sscanf(fmt.Sprintf("%.2g", v), "%g", &r)
	return r
}

// Silent gives what is silent, in words.
func (s *Silences) Silent() []string {
	var all []string
	states, _ := s.States()
	for _, state := range states {
		switch {
		case state.State == pace.Silent && state.Lost:
			all = append(all, state.Subject.String()+" is not connected")
		case state.State == pace.Silent:
			all = append(all, state.Subject.String()+" is silent")
		}
	}
	return all
}
