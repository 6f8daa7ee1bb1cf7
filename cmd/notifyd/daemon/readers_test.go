package daemon

import (
	"crypto/rand"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon/directories"
	"github.com/notifyd/notifyd/history/readers"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
)

// whoReads returns a service that knows who may read what, by a policy and a directory; no directory for "".
func whoReads(t *testing.T, c readers.Config, people string) *Service {
	t.Helper()
	s := &Service{log: slog.New(slog.DiscardHandler)}
	set := defaultSettings()
	set.History.Readers = c
	set.Accounts.Helpers = accounts.Members{Names: []string{"helen"}, Groups: []string{"web"}}
	s.settings = set
	if err := s.tune(set); err != nil {
		t.Fatal(err)
	}
	file := ""
	if people != "" {
		file = filepath.Join(t.TempDir(), "people.yaml")
		if err := os.WriteFile(file, []byte(people), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	set.Directory.File = file
	s.directory, err = directories.Open(t.Context(), directories.Config{Settings: set.Directory, Log: s.log})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestOnlyReadersAreNotified: who may not see the messages of a source gets no notice of them, and a filter that sends
// once waits for a message that its owner may see.
func TestOnlyReadersAreNotified(t *testing.T) {
	private := readers.Config{Members: true, Sources: map[string]readers.Rule{"private": {Groups: []string{"infra"}}}}
	staff, proved := readers.Config{Groups: []string{"infra"}}, accounts.OfDirectory
	from := func(source, id string) bus.Frame {
		f := push(id, "bash")
		f.Source = source
		return f
	}
	for _, c := range []struct {
		name, people string
		config       readers.Config
		oneShot      bool
		proof        accounts.Proof
		want         string
		left         float64
	}{
		{"in the group", "groups: {infra: [alice]}", private, false, proved, "m1 m2", 0},
		{"in another group", "groups: {infra: [bob], web: [alice]}", private, false, proved, "m2", 1},
		{"claims to be in the group", "groups: {infra: [alice]}", private, false, accounts.Claimed, "m2", 1},
		{"there is no such group", "groups: {web: [alice]}", private, false, proved, "m2", 1},
		{"there is no directory", "", private, false, proved, "m2", 1},
		{"sends once", "groups: {infra: [bob]}", private, true, proved, "m2", 1},
		{"sends once, in the group", "groups: {infra: [alice]}", private, true, proved, "m1", 0},
		{"groups only, in none", "groups: {infra: [bob]}", staff, false, proved, "", 2},
		{"groups only, in one", "groups: {infra: [alice]}", staff, false, proved, "m1 m2", 0},
		{"everybody", "", readers.Config{Members: true}, false, proved, "m1 m2", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			migratest.Each(t, func(t *testing.T, d *migrations.DB) {
				s := whoReads(t, c.config, c.people)
				r, alice, _, _ := aRouter(t, d, about("bash", c.oneShot))
				err := d.Writer.Exec("UPDATE users SET proof = ? WHERE id = ?", string(c.proof), alice.ID).Error
				if err != nil {
					t.Fatal(err)
				}
				r.readers, r.mayRead = s.reading().Policy, s.reading().MayRead
				if err := r.persist(t.Context(), []bus.Frame{from("private", "m1"), from("public", "m2")}); err != nil {
					t.Fatal(err)
				}
				if got := owedTo(t, d); got != c.want {
					t.Errorf("owed %q, want %q", got, c.want)
				}
				left := testutil.ToFloat64(r.metrics.unreadable.WithLabelValues("private")) +
					testutil.ToFloat64(r.metrics.unreadable.WithLabelValues("public"))
				if left != c.left {
					t.Errorf("%v matches are counted as left out, want %v", left, c.left)
				}
			})
		})
	}
}

// TestRestrictedStaysInside: what is restricted goes to no outlet, no bridge and no mailing list.
func TestRestrictedStaysInside(t *testing.T) {
	private := map[string]readers.Rule{"private": {Groups: []string{"infra"}}}
	s := whoReads(t, readers.Config{Members: true, Sources: private}, "")
	r := s.reading()
	if r.MayLeave("private") || !r.MayLeave("public") || r.Public().Has("private") || r.SeenBy(nil).Has("private") {
		t.Error("what is restricted may leave")
	}
}

// TestOperatorsSeeWhatIsRestricted only where the configuration says so, by a proved name or a group. They get no
// notices of it for being operators.
func TestOperatorsSeeWhatIsRestricted(t *testing.T) {
	restricted := map[string]readers.Rule{"private": {Groups: []string{"infra"}}}
	for _, operators := range []bool{false, true} {
		c := readers.Config{Members: true, Operators: operators, Sources: restricted}
		s := whoReads(t, c, "groups: {web: [wendy], infra: [ian]}")
		db := migratest.Copy(t)
		s.prefs = prefs.Open(prefs.Config{Writer: db.Writer, Reader: db.Reader, Now: time.Now, Random: rand.Reader})
		for _, c := range []struct {
			user  prefs.User
			sees  bool
			reads bool
		}{
			{prefs.User{ID: 1, Name: "ian", Proof: accounts.OfDirectory}, true, true},
			{prefs.User{ID: 2, Name: "ian", Proof: accounts.Claimed}, false, false},
			{prefs.User{ID: 3, Name: "helen", Proof: accounts.OfOperator}, operators, false},
			{prefs.User{ID: 4, Name: "helen", Proof: accounts.Claimed}, false, false},
			{prefs.User{ID: 5, Name: "wendy", Proof: accounts.OfProvider}, operators, false},
			{prefs.User{ID: 6}, false, false},
		} {
			if sees := s.reading().SeenBy(&c.user).Has("private"); sees != c.sees {
				t.Errorf("operators %v: %+v sees it: %v", operators, c.user, sees)
			}
			if reads := s.reading().MayRead("private", c.user); reads != c.reads {
				t.Errorf("operators %v: %+v is told of it: %v", operators, c.user, reads)
			}
		}
	}
}

// TestNothingIsSaidOfRestrictedMessages: what notifyd says on the bus of what it has sent names none of them.
func TestNothingIsSaidOfRestrictedMessages(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		s := whoReads(t, readers.Config{Members: true, Sources: map[string]readers.Rule{"private": {}}}, "")
		r, _, _, _ := aRouter(t, d, about("bash", false))
		hidden := push("m1", "bash")
		hidden.Source = "private"
		if err := r.persist(t.Context(), []bus.Frame{hidden, push("m2", "bash")}); err != nil {
			t.Fatal(err)
		}
		left, err := s.reading().Sayable(d.Reader.WithContext(t.Context()), r.history, []outbox.Sent{
			{ID: "one", Messages: []string{"m1"}, Topics: []string{"t"}},
			{ID: "digest", Messages: []string{"m1", "m2", "gone"}, Topics: []string{"a", "b", "c"}},
		})
		want := []outbox.Sent{{ID: "digest", Messages: []string{"m2"}, Topics: []string{"b"}}}
		if err != nil || !reflect.DeepEqual(left, want) {
			t.Errorf("left %+v, %v, want %+v", left, err, want)
		}
	})
}
