package storms

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/rescue"
)

// A Rescuer looks at what was not delivered, whether another destination of its owner is to have it. It may run on
// several nodes: a delivery is moved under the locks of both queues, once.
type Rescuer struct {
	Writer *gorm.DB
	Outbox *outbox.Outbox
	Rescue *rescue.Store
	Now    func() time.Time
	Log    *slog.Logger
	// Begin begins a transaction that stores deliveries: no destination can be closed until it ends.
	Begin func(ctx context.Context, tx *gorm.DB) error

	wake chan struct{}
}

// NewRescuer makes a Rescuer of its fields.
func NewRescuer(r *Rescuer) *Rescuer {
	r.wake = make(chan struct{}, 1)
	return r
}

// The bounds of the Rescuer.
const (
	lookEvery = 10 * time.Second
	mostOwed  = 500 // deliveries of one destination at a time
)

// Wake has it look at once: something has failed for good.
func (r *Rescuer) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run looks until ctx ends.
func (r *Rescuer) Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		if err := r.Look(ctx); err != nil && ctx.Err() == nil {
			r.Log.Error("cannot send elsewhere what was not delivered; trying again", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-r.wake:
		}
	}
}

// Look looks once at every destination that has a way round.
func (r *Rescuer) Look(ctx context.Context) error {
	moved := 0
	for _, critical := range []bool{true, false} {
		for after := uint(0); ; {
			routes, err := r.Rescue.Routes(ctx, critical, after)
			if err != nil {
				return err
			}
			for _, route := range routes {
				n, err := r.follow(ctx, route)
				if err != nil {
					return err
				}
				moved += n
				after = route.From
			}
			if len(routes) == 0 || ctx.Err() != nil {
				break
			}
		}
	}
	if moved > 0 {
		r.Outbox.Notify()
	}
	return nil
}

// follow moves what goes by a route, and gives how much that is.
func (r *Rescuer) follow(ctx context.Context, route rescue.Route) (moved int, err error) {
	owed, err := r.Outbox.Undelivered(ctx, []string{prefs.Key(route.From)}, route.Since, route.Critical, mostOwed)
	if err != nil {
		return 0, err
	}
	for _, e := range owed {
		why := route.Takes(rescue.Owed{Attempts: e.Attempts, DueAt: e.DueAt, AddedAt: e.AddedAt,
			Dead: e.State == outbox.Dead, LastError: e.LastError,
			Critical: e.Notice.Severity == "critical" && e.Notice.Standing == ""}, r.Now())
		if why == "" || e.Broken {
			continue
		}
		err := r.Writer.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
			if err := r.Begin(ctx, tx); err != nil {
				return err
			}
			if open, err := rescue.Open(tx, route.To); err != nil || !open {
				return err
			}
			done, err := r.Outbox.Reroute(tx, e.ID, instead(e, route, why, r.Now()), closing(route, why), route.Critical)
			if done {
				moved++
			}
			return err
		})
		if err != nil {
			return moved, fmt.Errorf("send elsewhere: %w", err)
		}
	}
	return moved, nil
}

// closing is what its owner reads of a delivery that went elsewhere.
func closing(route rescue.Route, why string) string {
	return fmt.Sprintf("your %s destination got it, because %s", route.ToBackend, why)
}

// instead is the delivery to the other destination. It says why it came there.
func instead(e outbox.Entry, route rescue.Route, why string, now time.Time) outbox.Delivery {
	n := e.Notice
	if len(e.Reasons) > 0 {
		n.Why = nil // they are made anew, with links for that destination
	}
	n.Text += "\n\nIt came here because " + why + "."
	return outbox.Delivery{Message: e.Message, Destination: prefs.Key(route.To), Backend: route.ToBackend,
		Address: route.ToAddress, Notice: n, Reasons: e.Reasons, DueAt: now, Hold: "fallback"}
}
