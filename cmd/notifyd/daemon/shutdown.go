package daemon

import (
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A stopPlan divides the time of an orderly stop (stop.within). The steps count from the signal, so that a slow step
// shortens the next ones and the whole still ends in time. A part that is stuck at its step is named in the error and
// abandoned: the process ends, and the next start continues with what was committed.
type stopPlan struct {
	intake time.Duration // sources have ended
	flow   time.Duration // received frames are committed, and sends in hand are finished and recorded
	joined time.Duration // router and outbox have ended: they need a moment to notice that their time is over
	fed    time.Duration // what was committed last is handed to the outlets
	rest   time.Duration // connections and pages are closed
	close  time.Duration // the time for closing the database after that
	drain  time.Duration // of flow, for sends in hand
	pages  time.Duration // of rest, for requests that are being answered
}

func (s Settings) stopPlan() stopPlan {
	whole := s.Stop.Within
	flow := whole * 5 / 8
	return stopPlan{
		intake: whole / 4, flow: flow, joined: whole * 6 / 8, fed: whole * 13 / 16, rest: whole * 7 / 8, close: whole / 8,
		drain: min(s.Outbox.Drain, flow*3/5), pages: whole / 10,
	}
}

// stuckError names the parts that did not end in time; nil when there are none.
func stuckError(stuck []string, within time.Duration) error {
	if len(stuck) == 0 {
		return nil
	}
	return fmt.Errorf("not ended within stop.within (%s): %s", within, strings.Join(stuck, ", "))
}

// notify sends a state to the service manager, and logs a failure to do so.
func (s *Service) notify(state string) {
	if err := tellSystemd(state); err != nil {
		s.log.Warn("cannot tell the service manager our state", "state", state, "error", err)
	}
}

// reloading returns the state of a service that reads its configuration again. The time shows the manager which of
// its signals this answers (sd_notify(3)).
func reloading() string {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return "RELOADING=1" // a kernel without the clock
	}
	return fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", now.Nano()/1000)
}

// tellSystemd sends a state such as READY=1 to the service manager that started us, if one did (sd_notify(3)). A
// manager that does not listen is no reason to stop.
func tellSystemd(state string) error {
	socket := os.Getenv("NOTIFY_SOCKET")
	if socket == "" {
		return nil
	}
	conn, err := net.Dial("unixgram", socket)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Write([]byte(state))
	return err
}
