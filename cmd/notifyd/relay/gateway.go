package relay

import (
	"context"
	"errors"
	"sync"

	"github.com/notifyd/notifyd/bus"
)

// Gateway hands on what a source receives, whatever it is, until ctx ends. It is what `notifyd gateway` runs.
func Gateway(ctx context.Context, source bus.Source, outlet bus.Outlet) error {
	intake := bus.NewIntake(bus.IntakeConfig{})
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	handing, stopHanding := context.WithCancel(context.WithoutCancel(ctx))
	defer stopHanding()
	var errs [2]error
	var all sync.WaitGroup
	all.Go(func() {
		defer stop() // a gateway without an outlet has nothing to do
		errs[0] = outlet.Run(handing)
	})
	all.Go(func() {
		defer intake.Close()
		errs[1] = source.Run(ctx, intake)
	})
	for batch, open := intake.Next(handing); open; batch, open = intake.Next(handing) {
		for _, f := range batch {
			outlet.Publish(f)
			f.Done()
		}
	}
	stopHanding()
	all.Wait()
	return errors.Join(errs[:]...)
}
