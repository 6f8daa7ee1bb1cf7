package links_test

import (
	"strings"
	"testing"

	"github.com/notifyd/notifyd/prefs/links"
)

// TestShort: a token in an address is short, reads the same in capitals, and is good for one purpose.
func TestShort(t *testing.T) {
	s := links.New(key, "", newClock().now) // without pages, too
	want := links.Parcel{Destination: 4_000_000_000, Tag: links.Tag("parcel")}
	token := s.Return(want.Destination, "parcel")
	if len(token) > 29 || strings.Trim(token, "abcdefghijklmnopqrstuvwxyz234567") != "" {
		t.Errorf("token %q: %d letters", token, len(token))
	}
	for _, spelt := range []string{token, strings.ToUpper(token)} {
		if got, err := s.VerifyReturn(spelt); err != nil || got != want {
			t.Errorf("%s: %+v, %v", spelt, got, err)
		}
	}
	if token == s.Return(want.Destination, "another") || token == s.Return(1, "parcel") {
		t.Error("two parcels have one token")
	}
	_, err := s.VerifyReply(token)
	refused(t, "another purpose", err)
	_, err = links.New([]byte("another key 1234"), "", nil).VerifyReturn(token)
	refused(t, "another key", err)
	for i := range token {
		forged := []byte(token)
		forged[i] = map[bool]byte{true: 'b', false: 'a'}[forged[i] == 'a']
		_, err := s.VerifyReturn(string(forged))
		refused(t, "a changed letter", err)
	}
	for _, text := range []string{"", "a", token + "a", token[:len(token)-2], strings.Repeat("a", 200), "=" + token} {
		_, err := s.VerifyReturn(text)
		refused(t, text, err)
	}
}

// TestFolded: the token of a link goes into an address and back.
func TestFolded(t *testing.T) {
	s := links.New(key, base, newClock().now)
	token := tokenOf(t, s.Unsubscribe(7_000_000, 9_000_000))
	folded := links.Folded(token)
	if len(folded) > 50 || links.Unfolded(strings.ToUpper(folded)) != token {
		t.Errorf("%q is %q, and back %q", token, folded, links.Unfolded(folded))
	}
	if links.Folded("not%base64") != "" || links.Unfolded("not!base32") != "" {
		t.Error("what is no token was folded")
	}
}
