package daemon

import (
	"net"
	"path/filepath"
	"testing"
)

func TestTellSystemd(t *testing.T) {
	if err := tellSystemd("READY=1"); err != nil {
		t.Errorf("without a service manager: %v", err)
	}
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	if err := tellSystemd("READY=1"); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 100)
	n, err := socket.Read(got)
	if err != nil || string(got[:n]) != "READY=1" {
		t.Errorf("the service manager read %q, %v; want READY=1", got[:n], err)
	}
	t.Setenv("NOTIFY_SOCKET", path+".gone")
	if tellSystemd("READY=1") == nil {
		t.Error("no error although nobody listens")
	}
}
