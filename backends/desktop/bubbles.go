package desktop

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/esiqveland/notify"
	"github.com/godbus/dbus/v5"

	"github.com/notifyd/notifyd/backends"
)

// Bubbles shows notices through the notification server of a person's session (freedesktop.org, Desktop Notifications
// Specification 1.2). It is safe for concurrent use.
type Bubbles struct {
	log  *slog.Logger
	open func(ctx context.Context, bus *dbus.Conn, link string) error

	mu  sync.Mutex // guards bus; held while a bubble is shown
	bus *session

	running sync.WaitGroup // one goroutine a session, and one for each link that is being opened
}

// NewBubbles connects to nothing yet: Show does, and again when the bus was lost.
func NewBubbles(log *slog.Logger) *Bubbles { return &Bubbles{log: log, open: openLink} }

// callTimeout bounds each call over the bus.
const callTimeout = 10 * time.Second

// maxSingly is how many notices get a bubble each; more that come together become one summary.
const maxSingly = 4

// HasSession says whether there is a session bus to show bubbles on.
func HasSession() bool {
	_, err := sessionAddress()
	return err == nil
}

// ShowNotices shows notices as Show does: for a program that has them in hand, such as the demo.
func (b *Bubbles) ShowNotices(ctx context.Context, notices []backends.Notice) error {
	var items []Item
	for _, n := range notices {
		items = append(items, item(n, ""))
	}
	return b.Show(ctx, items, 0)
}

// Show shows each item as a bubble, or one that sums them up when they are many; critical ones always get their own.
// missed is how many older ones were deleted unseen. nil means that the notification server has taken all of them.
func (b *Bubbles) Show(ctx context.Context, items []Item, missed int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bus == nil || !b.bus.conn.Connected() {
		s, err := b.connect(ctx)
		if err != nil {
			return err
		}
		b.bus = s
	}
	if err := b.bus.show(ctx, arrange(items, missed)); err != nil {
		b.bus.conn.Close()
		b.bus = nil
		return err
	}
	return nil
}

// Close leaves the bus and waits for what it started. Bubbles stay on the screen, but their actions do nothing any
// more.
func (b *Bubbles) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var err error
	if b.bus != nil {
		err = b.bus.conn.Close()
		b.bus = nil
	}
	b.running.Wait()
	return err
}

// A session is one connection to the bus.
type session struct {
	conn    *dbus.Conn
	markup  bool // the body is markup: texts are escaped
	actions bool // bubbles can have buttons

	mu     sync.Mutex
	links  map[uint32]string // of the bubbles shown
	recent []uint32          // their ids, oldest first
}

// maxLinks bounds the bubbles whose link is remembered.
const maxLinks = 200

// sessionAddress finds the bus of this session. It starts none: a bus of our own would show nothing to anybody.
func sessionAddress() (string, error) {
	if address := os.Getenv("DBUS_SESSION_BUS_ADDRESS"); address != "" && address != "autolaunch:" {
		return address, nil
	}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		socket := filepath.Join(dir, "bus")
		if _, err := os.Stat(socket); err == nil {
			return "unix:path=" + dbus.EscapeBusAddressValue(socket), nil
		}
	}
	return "", errors.New("no session bus: neither DBUS_SESSION_BUS_ADDRESS nor $XDG_RUNTIME_DIR/bus is there")
}

// connect opens a session. The library gives no deadlines: closing the connection ends a call that hangs.
func (b *Bubbles) connect(ctx context.Context) (*session, error) {
	address, err := sessionAddress()
	if err != nil {
		return nil, err
	}
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	stop := limit(ctx, end)
	defer stop()
	conn, err := dbus.Connect(address, dbus.WithContext(life))
	if err != nil {
		end()
		return nil, fmt.Errorf("connect to the session bus: %w", err)
	}
	s, signals, err := newSession(conn)
	if err != nil {
		end()
		return nil, errors.Join(err, conn.Close())
	}
	b.running.Go(func() {
		defer end()
		b.listen(life, s, signals)
	})
	return s, nil
}

// limit calls end when ctx ends or callTimeout has passed, unless stop comes first.
func limit(ctx context.Context, end func()) (stop func()) {
	bound, cancel := context.WithTimeout(ctx, callTimeout)
	undo := context.AfterFunc(bound, end)
	return func() { undo(); cancel() }
}

// newSession asks the server what it can do, and for the signals of clicks. The signals are read here and not by
// notify.New: that one would panic on a signal with other contents, which any program on the bus can send.
func newSession(conn *dbus.Conn) (*session, <-chan *dbus.Signal, error) {
	caps, err := notify.GetCapabilities(conn)
	if err != nil {
		return nil, nil, fmt.Errorf("ask the notification server: %w", err)
	}
	s := &session{
		conn: conn, markup: slices.Contains(caps, "body-markup"), actions: slices.Contains(caps, "actions"),
		links: map[uint32]string{},
	}
	const server = "org.freedesktop.Notifications"
	err = conn.AddMatchSignal(dbus.WithMatchInterface(server), dbus.WithMatchSender(server))
	if err != nil {
		return nil, nil, fmt.Errorf("listen to the notification server: %w", err)
	}
	signals := make(chan *dbus.Signal, 64)
	conn.Signal(signals)
	return s, signals, nil
}

// show sends bubbles and remembers where their action leads.
func (s *session) show(ctx context.Context, bubbles []bubble) error {
	for _, b := range bubbles {
		stop := limit(ctx, func() { s.conn.Close() })
		id, err := notify.SendNotification(s.conn, b.notification(s.markup, s.actions))
		stop()
		if err != nil {
			return fmt.Errorf("show bubble: %w", err)
		}
		if b.link != "" && s.actions {
			s.remember(id, b.link)
		}
	}
	return nil
}

func (s *session) remember(id uint32, link string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.links[id] = link
	s.recent = append(slices.DeleteFunc(s.recent, func(old uint32) bool { return old == id }), id)
	if len(s.recent) > maxLinks {
		delete(s.links, s.recent[0])
		s.recent = s.recent[1:]
	}
}

func (s *session) link(id uint32) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.links[id]
}

// listen opens the links of bubbles that are clicked, until the connection ends.
func (b *Bubbles) listen(life context.Context, s *session, signals <-chan *dbus.Signal) {
	for {
		var signal *dbus.Signal
		select {
		case <-s.conn.Context().Done():
			return
		case signal = <-signals:
			if signal == nil {
				return
			}
		}
		link := s.link(clicked(signal))
		if link == "" {
			continue
		}
		b.running.Go(func() {
			ctx, cancel := context.WithTimeout(life, callTimeout)
			defer cancel()
			if err := b.open(ctx, s.conn, link); err != nil {
				b.log.Error("cannot open the link of a notice", "error", err)
			}
		})
	}
}

// clicked gives the bubble that a signal says was clicked, 0 for any other signal.
func clicked(signal *dbus.Signal) uint32 {
	if signal.Name != "org.freedesktop.Notifications.ActionInvoked" || len(signal.Body) != 2 {
		return 0
	}
	id, ok := signal.Body[0].(uint32)
	key, ok2 := signal.Body[1].(string)
	if !ok || !ok2 || key != "default" && key != "open" {
		return 0
	}
	return id
}
