package daemon

import (
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

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
