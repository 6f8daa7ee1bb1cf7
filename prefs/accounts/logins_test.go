package accounts_test

import (
	"crypto/rand"
	"errors"
	"strconv"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/prefs/accounts"
)

// A desk is Logins on a database with two users. The first has an address (1), which may sign in, and an identity (1).
type desk struct {
	*accounts.Logins
	db    *migrations.DB
	clock time.Time
	told  []bool // of each login: was its place seen before
}

func eachDesk(t *testing.T, f func(t *testing.T, d *desk)) {
	migratest.Each(t, func(t *testing.T, db *migrations.DB) {
		d := &desk{db: db, clock: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)}
		d.Logins = accounts.NewLogins(db.Writer, db.Reader, func() time.Time { return d.clock }, rand.Reader,
			accounts.Bounds{})
		d.OnBegin(func(_ *gorm.DB, _ accounts.Login, seen bool) error { d.told = append(d.told, seen); return nil })
		d.exec(t, "INSERT INTO users (name, zone, created_at) VALUES ('alice', '', 1), ('bob', '', 1)")
		d.exec(t, "INSERT INTO destinations (user_id, backend, address, confirmed, is_on, disabled, every, at_count, "+
			"at_time, weekdays, created_at, sign_in) VALUES (1, 'email', 'a@example.org', true, true, '', 0, 0, '', 0, 1, true)")
		d.exec(t, "INSERT INTO identities (user_id, issuer, subject, name, groups, created_at, used_at) "+
			"VALUES (1, 'https://id.example.org', 's1', 'alice', '[]', 1, 1)")
		f(t, d)
	})
}

func (d *desk) exec(t *testing.T, query string, args ...any) {
	t.Helper()
	if err := d.db.Writer.Exec(query, args...).Error; err != nil {
		t.Fatal(err)
	}
}

func (d *desk) begin(t *testing.T, l accounts.Login) string {
	t.Helper()
	key, err := d.Begin(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// state says how a key is answered: "in", or the error in short.
func (d *desk) state(t *testing.T, key string) string {
	t.Helper()
	_, err := d.Find(t.Context(), key, "192.0.2.1", "curl/8")
	var disabled *accounts.DisabledError
	switch {
	case err == nil:
		return "in"
	case errors.Is(err, accounts.ErrNoLogin):
		return "out"
	case errors.As(err, &disabled):
		return "disabled: " + disabled.Reason
	}
	t.Fatal(err)
	return ""
}

var mail = accounts.Login{User: 1, Way: accounts.ByMail, Destination: 1, Network: "192.0.2.1", Agent: "curl/8"}

func TestLoginEnds(t *testing.T) {
	oidc := accounts.Login{User: 1, Way: "fedora", Identity: 1, SID: "s-9"}
	tx := func(f func(d *desk, tx *gorm.DB) error) func(*testing.T, *desk, accounts.Login) error {
		return func(t *testing.T, d *desk, _ accounts.Login) error {
			return d.db.Writer.Transaction(func(tx *gorm.DB) error { return f(d, tx) })
		}
	}
	count := func(_ int, err error) error { return err }
	for name, c := range map[string]struct {
		begin        accounts.Login
		end          func(t *testing.T, d *desk, l accounts.Login) error
		others, bobs string // what becomes of another login of the user, by nothing, and of one of somebody else
		mine         string
	}{
		"End": {begin: mail, mine: "out", others: "in", end: func(t *testing.T, d *desk, l accounts.Login) error {
			return d.End(t.Context(), 1, l.ID)
		}},
		"End of somebody else's": {begin: mail, mine: "in", others: "in",
			end: func(t *testing.T, d *desk, l accounts.Login) error {
				if err := d.End(t.Context(), 2, l.ID); !errors.Is(err, accounts.ErrNoLogin) {
					t.Errorf("End = %v", err)
				}
				return nil
			}},
		"EndOthers": {begin: mail, mine: "in", others: "out", end: func(t *testing.T, d *desk, l accounts.Login) error {
			n, err := d.EndOthers(t.Context(), 1, l.ID)
			if n != 1 {
				t.Errorf("%d others ended, want 1", n)
			}
			return err
		}},
		"EndByDestination": {begin: mail, mine: "out", others: "in",
			end: tx(func(d *desk, tx *gorm.DB) error { return d.EndByDestination(tx, 1) })},
		"EndByDestination 0": {begin: mail, mine: "in", others: "in",
			end: tx(func(d *desk, tx *gorm.DB) error { return d.EndByDestination(tx, 0) })},
		"EndByIdentity": {begin: oidc, mine: "out", others: "in",
			end: tx(func(d *desk, tx *gorm.DB) error { return d.EndByIdentity(tx, 1) })},
		"EndAll": {begin: oidc, mine: "out", others: "out",
			end: tx(func(d *desk, tx *gorm.DB) error { return d.EndAll(tx, 1) })},
		"EndBySID": {begin: oidc, mine: "out", others: "in",
			end: func(t *testing.T, d *desk, _ accounts.Login) error {
				return count(d.EndBySID(t.Context(), "https://id.example.org", "s-9"))
			}},
		"EndBySID of another provider": {begin: oidc, mine: "in", others: "in",
			end: func(t *testing.T, d *desk, _ accounts.Login) error {
				return count(d.EndBySID(t.Context(), "https://other.example.org", "s-9"))
			}},
		"EndBySubject": {begin: oidc, mine: "out", others: "in",
			end: func(t *testing.T, d *desk, _ accounts.Login) error {
				return count(d.EndBySubject(t.Context(), "https://id.example.org", "s1"))
			}},
		"the user is deleted": {begin: mail, mine: "out", others: "out",
			end: tx(func(_ *desk, tx *gorm.DB) error { return tx.Exec("DELETE FROM users WHERE id = 1").Error })},
		"the user is disabled": {begin: mail, mine: "disabled: spam", others: "disabled: spam",
			end: tx(func(_ *desk, tx *gorm.DB) error {
				return tx.Exec("UPDATE users SET disabled = 'spam' WHERE id = 1").Error
			})},
		"unused": {begin: mail, mine: "out", others: "out", bobs: "out",
			end: func(t *testing.T, d *desk, _ accounts.Login) error {
				d.clock = d.clock.Add(accounts.DefaultBounds.Idle)
				return nil
			}},
		"pruned": {begin: mail, mine: "out", others: "out", bobs: "out",
			end: func(t *testing.T, d *desk, _ accounts.Login) error {
				d.clock = d.clock.Add(accounts.DefaultBounds.Life)
				return d.db.Writer.Transaction(func(tx *gorm.DB) error {
					if err := d.Prune(tx); err != nil {
						return err
					}
					var left int64
					if err := tx.Table("logins").Count(&left).Error; err != nil || left != 0 {
						t.Errorf("%d logins are left (%v)", left, err)
					}
					return nil
				})
			}},
	} {
		t.Run(name, func(t *testing.T) {
			eachDesk(t, func(t *testing.T, d *desk) {
				key := d.begin(t, c.begin)
				other, bob := d.begin(t, accounts.Login{User: 1, Way: "x"}), d.begin(t, accounts.Login{User: 2, Way: "x"})
				l, err := d.Find(t.Context(), key, "", "")
				if err != nil {
					t.Fatal(err)
				}
				if err := c.end(t, d, l); err != nil {
					t.Fatal(err)
				}
				bobs := c.bobs
				if bobs == "" {
					bobs = "in"
				}
				for i, got := range []string{d.state(t, key), d.state(t, other), d.state(t, bob)} {
					if want := []string{c.mine, c.others, bobs}[i]; got != want {
						t.Errorf("login %d is %q, want %q", i+1, got, want)
					}
				}
			})
		})
	}
}

func TestLoginLastsWhileItIsUsed(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		key := d.begin(t, mail)
		for d.clock.Sub(time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)) < 29*24*time.Hour {
			d.clock = d.clock.Add(5 * 24 * time.Hour)
			if d.clock.Day() == 1 { // the 30th day
				break
			}
			if got := d.state(t, key); got != "in" {
				t.Fatalf("%v: %s", d.clock, got)
			}
		}
		d.clock = time.Date(2026, 4, 1, 10, 0, 0, 0, time.UTC)
		if got := d.state(t, key); got != "out" {
			t.Errorf("after 30 days of use: %s", got)
		}
	})
}

func TestLoginNotesItsUse(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		key := d.begin(t, mail)
		began := d.clock
		for _, c := range []struct {
			after         time.Duration
			network, want string
			used          time.Duration
		}{
			{59 * time.Second, "198.51.100.1", "192.0.2.1", 0}, // to the minute: not every page writes
			{time.Minute, "198.51.100.1", "198.51.100.1", time.Minute},
		} {
			d.clock = began.Add(c.after)
			if _, err := d.Find(t.Context(), key, c.network, "curl/8"); err != nil {
				t.Fatal(err)
			}
			list, err := d.List(t.Context(), 1)
			if err != nil || len(list) != 1 || list[0].Network != c.want || !list[0].Used.Equal(began.Add(c.used)) {
				t.Errorf("after %v: %+v, %v", c.after, list, err)
			}
		}
	})
}

func TestFreshness(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		key := d.begin(t, mail)
		fresh := func() bool {
			l, err := d.Find(t.Context(), key, "", "")
			if err != nil {
				t.Fatal(err)
			}
			return l.IsFresh(d.clock)
		}
		if !fresh() {
			t.Error("a new login is not fresh")
		}
		for range 9 { // use does not extend it
			d.clock = d.clock.Add(time.Minute)
			fresh()
		}
		if !fresh() {
			t.Error("not fresh after 9 minutes")
		}
		d.clock = d.clock.Add(time.Minute)
		if fresh() {
			t.Error("fresh after 10 minutes")
		}
		l, _ := d.Find(t.Context(), key, "", "")
		if err := d.Freshen(t.Context(), 2, l.ID); !errors.Is(err, accounts.ErrNoLogin) {
			t.Errorf("somebody else's login was freshened: %v", err)
		}
		if err := d.Freshen(t.Context(), 1, l.ID); err != nil || !fresh() {
			t.Errorf("not fresh after Freshen (%v)", err)
		}
		if (accounts.Login{Fresh: d.clock}).IsFresh(d.clock) {
			t.Error("nobody is fresh")
		}
	})
}

func TestNobodyBeginsByWhatWasTakenAway(t *testing.T) {
	for name, c := range map[string]struct {
		take  string
		begin accounts.Login
	}{
		"not confirmed":   {"UPDATE destinations SET confirmed = false", mail},
		"right taken":     {"UPDATE destinations SET sign_in = false", mail},
		"refused":         {"UPDATE destinations SET disabled = 'no such user'", mail},
		"deleted":         {"DELETE FROM destinations", mail},
		"of another user": {"UPDATE destinations SET user_id = 2", mail},
		"unlinked":        {"DELETE FROM identities", accounts.Login{User: 1, Way: "x", Identity: 1}},
		"bound to others": {"UPDATE identities SET user_id = 2", accounts.Login{User: 1, Way: "x", Identity: 1}},
		"no such user":    {"DELETE FROM users WHERE id = 1", accounts.Login{User: 1, Way: "x"}},
	} {
		t.Run(name, func(t *testing.T) {
			eachDesk(t, func(t *testing.T, d *desk) {
				d.exec(t, c.take)
				if _, err := d.Begin(t.Context(), c.begin); !errors.Is(err, accounts.ErrNoWay) {
					t.Errorf("Begin = %v, want %v", err, accounts.ErrNoWay)
				}
			})
		})
	}
	t.Run("disabled", func(t *testing.T) {
		eachDesk(t, func(t *testing.T, d *desk) {
			d.exec(t, "UPDATE users SET disabled = 'asked for it'")
			var disabled *accounts.DisabledError
			if _, err := d.Begin(t.Context(), mail); !errors.As(err, &disabled) || disabled.Reason != "asked for it" {
				t.Errorf("Begin = %v", err)
			}
		})
	})
}

func TestOldestLoginMakesRoom(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		first := d.begin(t, mail)
		second := d.begin(t, mail)
		for range 99 {
			d.begin(t, mail)
		}
		if d.state(t, first) != "out" || d.state(t, second) != "in" {
			t.Errorf("the first is %s, the second %s", d.state(t, first), d.state(t, second))
		}
	})
}

func TestPlaces(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		for i, c := range []struct {
			network, agent string
			seen           bool
		}{
			{"192.0.2.1", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", true}, // the first
			{"192.0.2.77", "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0", true},
			{"198.51.100.1", "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0", false},
			{"198.51.100.1", "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0", true},
			{"192.0.2.1", "curl/8", false},
			{"2001:db8:1:2::/64", "curl/8", false},
			{"2001:db8:1:3::/64", "curl/8", true},
		} {
			l := mail
			l.Network, l.Agent = c.network, c.agent
			d.begin(t, l)
			if d.told[i] != c.seen {
				t.Errorf("%d: %s with %s: seen %v, want %v", i, c.network, c.agent, d.told[i], c.seen)
			}
		}
	})
}

func TestAgentWords(t *testing.T) {
	const mozilla, webkit = "Mozilla/5.0 ", "AppleWebKit/537.36 (KHTML, like Gecko) "
	for agent, want := range map[string]string{
		"": "an unknown program",
		mozilla + "(X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                       "Firefox on Linux",
		mozilla + "(Windows NT 10.0; Win64; x64) " + webkit + "Chrome/140.0 Safari/537.36 Edg/140.0": "Edge on Windows",
		mozilla + "(X11; Linux x86_64) " + webkit + "Chrome/140.0.0.0 Safari/537.36":                 "Chrome on Linux",
		mozilla + "(iPhone; CPU iPhone OS 18_0 like Mac OS X) " + webkit + "Version/18 Safari/604.1": "Safari on iPhone",
		mozilla + "(Linux; Android 14) " + webkit + "SamsungBrowser/25.0 Chrome/121.0 Safari/537.36": "Samsung Internet on Android",
		"curl/8.5.0": "curl",
	} {
		if got := accounts.AgentWords(agent); got != want {
			t.Errorf("AgentWords(%q) = %q, want %q", agent, got, want)
		}
	}
}

// TestKeysAreDigests checks that what stands in the database signs nobody in.
func TestKeysAreDigests(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		key := d.begin(t, mail)
		var row struct{ KeyHash string }
		if err := d.db.Reader.Raw("SELECT * FROM logins").Scan(&row).Error; err != nil {
			t.Fatal(err)
		}
		if len(key) < 43 || row.KeyHash == key || d.state(t, row.KeyHash) != "out" {
			t.Errorf("key %s is stored as %s", key, row.KeyHash)
		}
		for i := range 3 {
			if d.state(t, key+strconv.Itoa(i)) != "out" || d.state(t, "") != "out" {
				t.Error("a wrong key signs somebody in")
			}
		}
	})
}
