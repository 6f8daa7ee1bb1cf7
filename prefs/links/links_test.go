package links_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/prefs/links"
)

const base = "https://n.example.org"

var key = []byte("0123456789abcdef")

// A clock is a time that tests set.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func newClock() *clock { return &clock{at: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)} }

// tokenOf returns the last part of a link.
func tokenOf(t *testing.T, link string) string {
	t.Helper()
	token, good := strings.CutPrefix(link, base+"/stop/")
	if !good {
		t.Fatalf("the link is %q", link)
	}
	return token
}

func refused(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, links.ErrToken) {
		t.Errorf("%s: error %v, want ErrToken", what, err)
	}
}

func TestVerify(t *testing.T) {
	c := newClock()
	s := links.New(key, base+"/", c.now)
	link := s.Unsubscribe(7, 9)
	token := tokenOf(t, link)
	for text, want := range map[string]links.Target{
		token:                   {Filter: 7, Destination: 9},
		tokenOf(t, s.Manage(9)): {Destination: 9},
	} {
		if got, err := s.Verify(text); err != nil || got != want {
			t.Errorf("Verify = %+v, %v, want %+v", got, err, want)
		}
	}
	for i := range token {
		forged := []byte(token)
		if forged[i]++; forged[i] == '{' {
			forged[i] = '0'
		}
		if got, err := s.Verify(string(forged)); err == nil {
			t.Errorf("letter %d changed: %+v", i, got)
		}
	}
	for _, bad := range []string{"", "A", token + "A", token[1:], strings.Repeat("A", 10000), "../" + token} {
		_, err := s.Verify(bad)
		refused(t, bad[:min(len(bad), 20)], err)
	}
	if other := links.New([]byte("another key, 16+"), base, c.now); other.Unsubscribe(7, 9) == link {
		t.Error("the key makes no difference")
	}
	c.at = c.at.Add(links.WideLife + time.Hour)
	if _, err := s.Verify(token); err != nil {
		t.Errorf("the link of a filter lives as short as a wide one: %v", err)
	}
	c.at = c.at.Add(links.Life - links.WideLife)
	_, err := s.Verify(token)
	refused(t, "an old link", err)
}

// A link that stops everything lives for two weeks, also where an older release has made it for half a year.
func TestWideLinksAreShort(t *testing.T) {
	c := newClock()
	s := links.New(key, base, c.now)
	for name, wide := range map[string]string{
		"new": tokenOf(t, s.Manage(9)), "of an older release": links.OldWide(s, 9, c.at.Add(links.Life)),
	} {
		for after, good := range map[time.Duration]bool{0: true, links.WideLife - time.Hour: true, links.WideLife: false,
			links.Life - time.Hour: false} {
			c.at = newClock().at.Add(after)
			if got, err := s.Verify(wide); (err == nil) != good || good && got != (links.Target{Destination: 9}) {
				t.Errorf("%s, after %s: %+v, %v", name, after, got, err)
			}
		}
		c.at = newClock().at
	}
}

func TestVerifyUndo(t *testing.T) {
	c := newClock()
	s := links.New(key, base, c.now)
	did := links.Change{Target: links.Target{Filter: 7, Destination: 9}, SwitchedOff: true}
	undo := s.Undo(did)
	if got, err := s.VerifyUndo(undo); err != nil || got != did {
		t.Errorf("VerifyUndo = %+v, %v", got, err)
	}
	_, err := s.VerifyUndo(tokenOf(t, s.Unsubscribe(7, 9)))
	refused(t, "a link of a mail takes nothing back", err)
	_, err = s.Verify(undo)
	refused(t, "an undo stops nothing", err)
	if s.Undo(links.Change{Target: did.Target}) != "" {
		t.Error("what changed nothing can be undone")
	}
	c.at = c.at.Add(links.UndoLife)
	_, err = s.VerifyUndo(undo)
	refused(t, "an old undo", err)
}

func TestNoLinksWithoutABase(t *testing.T) {
	for _, s := range []*links.Signer{nil, links.New(key, "", newClock().now)} {
		if all := s.Unsubscribe(1, 2) + s.Manage(2) + s.Filter(1); all != "" {
			t.Errorf("links without a base: %s", all)
		}
	}
}
