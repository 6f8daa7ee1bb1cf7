package desktop

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"strings"
	"syscall"

	"github.com/godbus/dbus/v5"
)

// errLink says that a link is none that a browser should get from us.
var errLink = errors.New("the link is not http or https")

// openable says whether a link may be opened: an absolute http or https URL of printable ASCII.
func openable(link string) bool {
	u, err := url.Parse(link)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return false
	}
	return !strings.ContainsFunc(link, func(r rune) bool { return r <= ' ' || r > '~' })
}

// openLink opens a link in the person's browser: by the desktop's portal (XDG Desktop Portal, OpenURI), else by
// xdg-open. No shell sees the link.
func openLink(ctx context.Context, bus *dbus.Conn, link string) error {
	if !openable(link) {
		return errLink
	}
	portal := bus.Object("org.freedesktop.portal.Desktop", "/org/freedesktop/portal/desktop")
	call := portal.CallWithContext(ctx, "org.freedesktop.portal.OpenURI.OpenURI", 0, "", link, map[string]dbus.Variant{})
	if call.Err == nil {
		return nil
	}
	program, err := exec.LookPath("xdg-open")
	if err != nil {
		return fmt.Errorf("open link: no portal (%w) and no xdg-open", call.Err)
	}
	return launch(ctx, program, link)
}

// launch runs a program in a session of its own and gives what it says within ctx. One that runs for longer is the
// browser itself: it outlives us, and the goroutine that reaps it ends with it.
func launch(ctx context.Context, program, link string) error {
	browser := exec.Command(program, link)
	browser.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := browser.Start(); err != nil {
		return fmt.Errorf("open link: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- browser.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			return fmt.Errorf("open link: %s: %w", program, err)
		}
	case <-ctx.Done():
	}
	return nil
}

func variant(s string) dbus.Variant { return dbus.MakeVariant(s) }
