package people

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/all"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/prefs/personal"
	"github.com/notifyd/notifyd/prefs/returned"
)

func TestMain(m *testing.M) { os.Exit(migratest.Main(m)) }

func try(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newDesk has alice, whose name is "12", and bob, whose number is 2.
func newDesk(t *testing.T, d *migrations.DB) *Desk {
	t.Helper()
	store := prefs.Open(prefs.Config{Writer: d.Writer, Reader: d.Reader, Now: time.Now, Random: rand.Reader,
		ClaimedNames: func() bool { return true }})
	for _, name := range []string{"alice", "bob"} {
		_, err := store.Accounts.Register(t.Context(), name, "", "email", name+"@example.org")
		try(t, err)
	}
	exporter := &personal.Exporter{Reader: d.Reader, Prefs: store, Backends: all.Infos(), Now: time.Now}
	return &Desk{Prefs: store, Backends: all.Infos(), Export: exporter.Write, Now: time.Now}
}

func status(err error) int {
	var f *Fault
	if errors.As(err, &f) {
		return f.Status
	}
	return 0
}

// TestSomebodyIsFound in each way that a person can be named, and nobody where it fits several.
func TestSomebodyIsFound(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		desk := newDesk(t, d)
		try(t, d.Writer.Exec("INSERT INTO identities (user_id, issuer, subject, name, groups, created_at, used_at) "+
			"VALUES (2, 'https://id.example.org:8443/x', 'bob-7', '', '[]', 0, 0)").Error)
		irc, err := desk.Prefs.Destinations.Add(t.Context(), 1, "irc", "alice@libera")
		try(t, err)
		for who, want := range map[string]uint{
			"1": 1, "id:2": 2, "bob": 2, "name:alice": 1, "alice@example.org": 1, "email:bob@EXAMPLE.org": 2,
			"https://id.example.org:8443/x:bob-7": 2,
			"":                                    0, "3": 0, "id:bob": 0, "name:": 0, "ali": 0,
			"alice@libera": 0, "irc:alice@libera": 0,
			"https://id.example.org:8443/x:bob": 0, "https://id.example.org:8443/x": 0, ":": 0, "a:b:c": 0,
		} {
			u, err := desk.find(t.Context(), who)
			if u.ID != want || (want == 0) != (status(err) == NotThere) {
				t.Errorf("%q: %d, %v; want %d", who, u.ID, err, want)
			}
		}
		code, err := desk.Prefs.Destinations.NewCode(t.Context(), 1, irc.ID)
		try(t, err)
		try(t, desk.Prefs.Destinations.Confirm(t.Context(), 1, irc.ID, code))
		if u, err := desk.find(t.Context(), "irc:alice@libera"); u.ID != 1 {
			t.Errorf("a confirmed nick: %d, %v", u.ID, err)
		}
		try(t, d.Writer.Exec("UPDATE users SET name = '2' WHERE id = 1").Error)
		if _, err := desk.find(t.Context(), "2"); status(err) != NotThere || !strings.Contains(err.Error(), "several") {
			t.Errorf("a number that is a name too: %v", err)
		}
	})
}

// TestEveryVerbIsNoted: whoever changes something is named in the audit, and nothing is changed of anybody
// else. A verb that is new must be here.
func TestEveryVerbIsNoted(t *testing.T) {
	notes := map[string]struct {
		ask  Ask
		what accounts.What
	}{
		"user.show":           {Ask{User: "alice"}, accounts.AccountLook},
		"user.rename":         {Ask{User: "alice", Text: "alicia"}, accounts.AccountRename},
		"user.delete":         {Ask{User: "alice"}, accounts.AccountDelete},
		"user.end-sessions":   {Ask{User: "alice"}, accounts.LoginEndAll},
		"user.let-in":         {Ask{User: "alice", Text: "alice@new.example.org"}, accounts.DestinationSignIn},
		"user.reset-passkeys": {Ask{User: "alice"}, accounts.PasskeyRemove},
		"token.new":           {Ask{User: "alice", Text: "laptop"}, accounts.TokenNew},
		"token.revoke":        {Ask{User: "alice", ID: 1}, accounts.TokenRevoke},
		"filter.show":         {Ask{ID: 1}, accounts.AccountLook},
		"filter.off":          {Ask{ID: 1, Text: "too much"}, accounts.FilterOff},
		"destination.show":    {Ask{ID: 1}, accounts.AccountLook},
		"destination.on":      {Ask{ID: 1}, accounts.DestinationOn},
		"destination.off":     {Ask{ID: 1}, accounts.DestinationOff},
		"destination.delete":  {Ask{ID: 1}, accounts.DestinationDelete},
		"user.disable":        {Ask{User: "alice", Text: "a robot"}, accounts.AccountDisable},
		"user.enable":         {Ask{User: "alice"}, accounts.AccountEnable},
		"user.assign":         {Ask{User: "alice", Text: "alison"}, accounts.AccountRename},
		"user.rebind":         {Ask{From: "https://old.example.org", Text: "https://new.example.org"}, accounts.IdentityMove},
		"user.free":           {Ask{Text: "gone"}, ""},
		"user.invite":         {Ask{Text: "carol@example.org", For: time.Hour}, ""},
		"user.invitations":    {Ask{}, ""},
		"user.withdraw":       {Ask{Text: "dave@example.org"}, ""},
		"user.list":           {Ask{}, ""},
		"user.audit":          {Ask{User: "alice"}, ""},
		"token.list":          {Ask{User: "alice"}, ""},
		"filter.list":         {Ask{User: "alice"}, ""},
		"destination.list":    {Ask{User: "alice"}, ""},
		"mail.receive":        {Ask{Message: []byte("550 no such user")}, accounts.DestinationRefuse},
	}
	for verb := range verbs {
		one, listed := notes[verb]
		if !listed {
			t.Errorf("what does %s note?", verb)
			continue
		}
		t.Run(verb, func(t *testing.T) {
			d := migratest.Copy(t)
			desk := newDesk(t, d)
			prepare(t, d, desk, verb)
			last := lastEntry(t, desk)
			one.ask.Verb = verb
			if _, err := desk.Answer(t.Context(), "root", one.ask); err != nil {
				t.Fatal(err)
			}
			got, by := lastEntry(t, desk), whoDoes(verb)
			switch {
			case one.what == "" && got.ID != last.ID:
				t.Errorf("it notes %s", got.What)
			case one.what != "" && (got.What != one.what || got.User != 1 || got.By.Kind != by.Kind ||
				got.By.Name != by.Name):
				t.Errorf("it notes %+v, want %s by %+v", got, one.what, by)
			}
			if _, err := desk.Prefs.Accounts.ByName(t.Context(), "bob"); err != nil {
				t.Errorf("bob: %v", err)
			}
		})
	}
}

// whoDoes gives who is noted for a verb that root asks for.
func whoDoes(verb string) accounts.Actor {
	if verb == "mail.receive" { // the report ends the address, not whoever hands it over
		return accounts.Actor{Kind: accounts.Daemon}
	}
	return accounts.Actor{Kind: accounts.Command, Name: "root"}
}

// prepare makes what a verb needs.
func prepare(t *testing.T, d *migrations.DB, desk *Desk, verb string) {
	t.Helper()
	switch verb {
	case "mail.receive":
		desk.Receive = refused(t, desk)
	case "token.revoke":
		_, err := desk.Prefs.Tokens.New(t.Context(), 1, "laptop")
		try(t, err)
	case "user.end-sessions":
		begin(t, desk, 1)
	case "user.reset-passkeys":
		try(t, d.Writer.Exec("INSERT INTO passkeys (user_id, credential_id, credential, name, created_at, used_at) "+
			"VALUES (1, 'a', '{}', 'phone', 1, 0)").Error)
	case "user.enable":
		try(t, desk.Prefs.Accounts.Disable(t.Context(), 1, "a robot", accounts.ByOperator))
	case "user.rebind":
		try(t, d.Writer.Exec("INSERT INTO identities (user_id, issuer, subject, name, groups, created_at, used_at) "+
			"VALUES (1, 'https://old.example.org', '7', '', '[]', 0, 0)").Error)
	case "user.free":
		u, err := desk.Prefs.Accounts.Register(t.Context(), "gone", "", "email", "gone@example.org")
		try(t, err)
		try(t, desk.Prefs.Accounts.Delete(t.Context(), u.ID))
	case "user.withdraw":
		_, err := desk.Prefs.Invitations.Invite(t.Context(), "dave@example.org", time.Hour)
		try(t, err)
	}
}

// refused takes every mail as a report that alice's mailbox does not exist.
func refused(t *testing.T, desk *Desk) func(context.Context, Ask) (backends.Received, error) {
	t.Helper()
	own, err := desk.Prefs.Destinations.List(t.Context(), 1)
	try(t, err)
	return func(ctx context.Context, a Ask) (backends.Received, error) {
		e := returned.Event{Parcel: "1", Kind: returned.Hard, Words: string(a.Message), At: time.Now()}
		_, err := desk.Prefs.Destinations.Returned(ctx, own[0].ID, e, prefs.Verdict{
			Sent: func(*gorm.DB, string) ([]returned.Sent, error) { return nil, nil },
			Tell: func(*gorm.DB, prefs.Destination, []prefs.Destination, string) error { return nil },
		})
		return backends.Received{Kind: returned.Hard}, err
	}
}

func begin(t *testing.T, desk *Desk, user uint) {
	t.Helper()
	own, err := desk.Prefs.Destinations.List(t.Context(), user)
	try(t, err)
	_, err = desk.Prefs.Logins.Begin(t.Context(), accounts.Login{User: user, Way: accounts.ByMail, Destination: own[0].ID})
	try(t, err)
}

func lastEntry(t *testing.T, desk *Desk) (last accounts.Entry) {
	t.Helper()
	for e, err := range desk.Prefs.Audit.Walk(t.Context(), 0, time.Time{}) {
		try(t, err)
		last = e
	}
	return last
}

// serve opens a desk's socket, and returns its path.
func serve(t *testing.T, desk *Desk) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := Listen(t.Context(), path)
	try(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- desk.Serve(ctx, l, time.Second, slog.New(slog.NewTextHandler(t.Output(), nil))) }()
	t.Cleanup(func() {
		stop()
		try(t, <-ended)
	})
	return path
}

// TestTheSocketAnswers as a desk of one's own does: answers, faults and archives.
func TestTheSocketAnswers(t *testing.T) {
	desk := newDesk(t, migratest.Copy(t))
	far, err := Dial(t.Context(), serve(t, desk), -1)
	try(t, err)
	defer far.Close()
	near := Own(desk, func() error { return nil })
	for _, a := range []Ask{{Verb: "user.list"}, {Verb: "filter.list", User: "bob"}, {Verb: "user.show", User: "mallory"},
		{Verb: "filter.show", ID: 99}, {Verb: "no.verb"}, {Verb: "user.rename", User: "bob", Text: "\x00"}} {
		one, err1 := far.Ask(t.Context(), a)
		two, err2 := near.Ask(t.Context(), a)
		if string(one) != string(two) || fmt.Sprint(err1) != fmt.Sprint(err2) || status(err1) != status(err2) {
			t.Errorf("%+v: the daemon says %s, %v; a desk of one's own %s, %v", a, one, err1, two, err2)
		}
	}
	if _, err := far.Ask(t.Context(), Ask{Verb: "user.rename", User: "bob", Text: "robert"}); err != nil {
		t.Error(err)
	}
	if e := lastEntry(t, desk); e.By.Name != nameOf(os.Geteuid()) || e.By.Kind != accounts.Command {
		t.Errorf("noted: %+v", e)
	}
	var archive bytes.Buffer
	if err := far.Archive(t.Context(), &archive, "robert"); err != nil || !bytes.HasPrefix(archive.Bytes(), []byte("PK")) {
		t.Errorf("archive of %d bytes, %v", archive.Len(), err)
	}
	if e := lastEntry(t, desk); e.What != accounts.AccountExport {
		t.Errorf("noted: %s", e.What)
	}
	if err := far.Archive(t.Context(), io.Discard, "mallory"); status(err) != NotThere {
		t.Errorf("archive of nobody: %v", err)
	}
}

// TestTheSocketIsBounded: what is no Ask, or too large, is refused; an archive that breaks off is no archive.
func TestTheSocketIsBounded(t *testing.T) {
	desk := newDesk(t, migratest.Copy(t))
	desk.Export = func(_ context.Context, w io.Writer, _ uint) error {
		_, err := w.Write(make([]byte, 1<<20))
		return errors.Join(err, errors.New("the disk is gone"))
	}
	path := serve(t, desk)
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}
	client := http.Client{Transport: &http.Transport{DialContext: dial}}
	defer client.CloseIdleConnections()
	large, _ := json.Marshal(Ask{Verb: "user.list", Text: strings.Repeat("x", 2*maxAsk)})
	for _, body := range []string{"", "nonsense", "[]", `{"verb":"user.list","sudo":true}`, string(large)} {
		answer, err := client.Post("http://x/ask", "application/json", strings.NewReader(body))
		try(t, err)
		if answer.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%.40q: %s", body, answer.Status)
		}
		answer.Body.Close()
	}
	far, err := Dial(t.Context(), path, -1)
	try(t, err)
	defer far.Close()
	if err := far.Archive(t.Context(), io.Discard, "bob"); err == nil || !strings.Contains(err.Error(), "broke off") {
		t.Errorf("half an archive: %v", err)
	}
}

// TestNobodyElseAnswersOrAsks: a socket in a wrong place, of others or for others is refused, with words.
func TestNobodyElseAnswersOrAsks(t *testing.T) {
	desk := newDesk(t, migratest.Copy(t))
	folder := t.TempDir()
	file := filepath.Join(folder, "file")
	try(t, os.WriteFile(file, nil, 0o600))
	if _, err := Listen(t.Context(), file); err == nil || !strings.Contains(err.Error(), "is no socket") {
		t.Errorf("a file in its place: %v", err)
	}
	if _, err := Dial(t.Context(), file, -1); err == nil || !strings.Contains(err.Error(), "is no socket") {
		t.Errorf("a file in its place: %v", err)
	}
	if _, err := Dial(t.Context(), filepath.Join(folder, "nothing"), -1); !errors.Is(err, ErrNoDaemon) {
		t.Errorf("nothing there: %v", err)
	}
	path := serve(t, desk)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	try(t, os.Chmod(path, 0o660))
	if _, err := Dial(t.Context(), path, -1); err == nil || !strings.Contains(err.Error(), "others may use") {
		t.Errorf("a socket for all: %v", err)
	}
	left := filepath.Join(folder, "left")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: left, Net: "unix"})
	try(t, err)
	l.SetUnlinkOnClose(false)
	try(t, os.Chmod(left, 0o600))
	try(t, l.Close())
	if _, err := Dial(t.Context(), left, -1); !errors.Is(err, ErrNoDaemon) {
		t.Errorf("of a process that was killed: %v", err)
	}
	again, err := Listen(t.Context(), left)
	try(t, err)
	try(t, again.Close())
	if os.Geteuid() != 0 {
		t.Skip("needs root: to give a socket to somebody else")
	}
	try(t, os.Chmod(path, 0o600))
	try(t, os.Chown(path, 4711, -1))
	if _, err := Dial(t.Context(), path, -1); err == nil || !strings.Contains(err.Error(), "belongs to uid 4711") {
		t.Errorf("a socket of somebody else: %v", err)
	}
	if _, err := Listen(t.Context(), path); err == nil || !strings.Contains(err.Error(), "belongs to uid 4711") {
		t.Errorf("a socket of somebody else in its place: %v", err)
	}
	stranger := withValue(peer(4711))
	if _, err := asked(nil, stranger, &Ask{}); err == nil || !strings.Contains(err.Error(), "uid 4711 may not") {
		t.Errorf("somebody else asks: %v", err)
	}
	if _, err := asked(nil, withValue(nil), &Ask{}); err == nil {
		t.Error("nobody asks, and may")
	}
}

func withValue(addr net.Addr) *http.Request {
	r, _ := http.NewRequestWithContext(context.WithValue(context.Background(), peerKey{}, addr), "POST", "/ask", nil)
	return r
}

// TestThePeerIsKnown by the kernel.
func TestThePeerIsKnown(t *testing.T) {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	try(t, err)
	defer syscall.Close(pair[1])
	file := os.NewFile(uintptr(pair[0]), "pair")
	c, err := net.FileConn(file)
	try(t, errors.Join(err, file.Close()))
	defer c.Close()
	if uid := peerOf(c); uid != os.Geteuid() {
		t.Errorf("uid %d", uid)
	}
	one, other := net.Pipe()
	defer one.Close()
	defer other.Close()
	if uid := peerOf(one); uid != nobody {
		t.Errorf("a pipe has the uid %d", uid)
	}
}

// TestWhatIsToldAboutAnAccount: by the command line as on the pages its owner is told that it is off and why, beside
// what is held; whoever runs a command reads who did what, and what to do about a name that is not to be had.
func TestWhatIsToldAboutAnAccount(t *testing.T) {
	desk := newDesk(t, migratest.Copy(t))
	var told []outbox.Delivery
	desk.Queue = func(_ context.Context, d outbox.Delivery) error { told = append(told, d); return nil }
	desk.BaseURL = "https://notify.example.org"
	ask := func(a Ask) (string, error) {
		got, err := desk.Answer(t.Context(), "root", a)
		return string(got), err
	}
	herself := accounts.WithActor(t.Context(), accounts.Actor{Kind: accounts.Person, ID: 1})
	_, err := desk.Prefs.Tokens.New(herself, 1, "laptop")
	try(t, err)
	_, err = ask(Ask{Verb: "user.disable", User: "alice", Text: "a robot"})
	try(t, err)
	if len(told) != 1 || !strings.Contains(told[0].Notice.Text, "a robot") || told[0].Notice.Link != "" ||
		!strings.HasPrefix(told[0].Destination, outbox.Account) {
		t.Errorf("told %+v", told)
	}
	got, err := ask(Ask{Verb: "user.audit", User: "alice"})
	if err != nil || !strings.Contains(got, `"who":"its owner"`) || strings.Contains(got, `"who":"you"`) {
		t.Errorf("the audit: %s, %v", got, err)
	}
	_, err = ask(Ask{Verb: "user.assign", User: "alice", Text: "ally"})
	try(t, err)
	for want, a := range map[string]Ask{
		"user assign":         {Verb: "user.rename", User: "alice@example.org", Text: "alf"},
		"user show name:ally": {Verb: "user.assign", User: "bob", Text: "ally"},
	} {
		if _, err := ask(a); status(err) != Failed || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v does not say %q", a.Verb, err, want)
		}
	}
}
