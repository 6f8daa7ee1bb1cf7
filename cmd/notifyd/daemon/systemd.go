package daemon

import (
	"net"
	"os"
)

// tellSystemd sends a state such as READY=1 to the service manager that started us, if one did (sd_notify(3)). A manager
// that does not listen is no reason to stop.
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
