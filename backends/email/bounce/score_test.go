package bounce_test

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/backends/email/bounce"
)

// A returned mail and what others say that it is.
type known struct {
	Name, Raw string
	Encoding  string `json:"raw_encoding"`
	Want      struct {
		Kind      string
		Addresses []string
		Status    string
	}
}

func (k known) raw() []byte {
	if k.Encoding != "latin1" {
		return []byte(k.Raw)
	}
	var b []byte
	for _, r := range k.Raw {
		b = append(b, byte(r))
	}
	return b
}

// part gives one of n parts, at random but always the same.
func (k known) part(n int) int { return int(sha256.Sum256([]byte(k.Name))[0]) % n }

// cases reads the mails, where they are.
func cases(t *testing.T) (all []known) {
	file, err := os.Open(filepath.Join("..", "..", "..", "..", "shared", "cases", "bounces.jsonl"))
	if err != nil {
		t.Skip("no returned mails to score by: ../shared/cases/bounces.jsonl is absent")
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		var k known
		if err := json.Unmarshal(lines.Bytes(), &k); err != nil {
			t.Fatal(err)
		}
		all = append(all, k)
	}
	return all
}

// same reports whether our kind is theirs. They have no word for a delay, which they call soft, nor for a refusal of
// the sender, which they call content where they call it anything.
func same(got bounce.Kind, want string) bool {
	switch got {
	case bounce.Delayed:
		return want == "soft"
	case bounce.Policy:
		return want == "content"
	case bounce.Written, bounce.Success, bounce.Unknown:
		return want == "none"
	}
	return string(got) == want
}

// A tally counts what is right.
type tally struct{ right, of, ended, named, addresses int }

func (s tally) String() string {
	return fmt.Sprintf("%d of %d kinds right (%.1f %%), %d ended that must not be; %d of %d name the recipient",
		s.right, s.of, 100*float64(s.right)/float64(max(s.of, 1)), s.ended, s.named, s.addresses)
}

func (s *tally) add(got bounce.Report, k known) {
	if len(k.Want.Addresses) > 0 {
		s.addresses++
		if names(got, k.Want.Addresses) {
			s.named++
		}
	}
	if k.Want.Kind == "" {
		return
	}
	s.of++
	if same(got.Kind, k.Want.Kind) {
		s.right++
	}
	ends := got.Kind == bounce.Hard || got.Kind == bounce.Complaint
	if ends && k.Want.Kind != "hard" && k.Want.Kind != "complaint" {
		s.ended++
	}
}

// TestScore prints how many kinds are right, of all and of five parts, so that one sees how much luck is in it:
//
//	go test ./backends/email/bounce -run TestScore -v
func TestScore(t *testing.T) {
	var whole tally
	parts := make([]tally, 5)
	for _, k := range cases(t) {
		got := bounce.Read(k.raw())
		whole.add(got, k)
		parts[k.part(len(parts))].add(got, k)
		switch {
		case k.Want.Kind != "" && !same(got.Kind, k.Want.Kind):
			t.Logf("%s: %s, want %s: %s %q", k.Name, got.Kind, k.Want.Kind, got.Status, got.Words)
		case k.Want.Kind == "" && os.Getenv("SHOW") == "unlabelled":
			t.Logf("%s: %s %s %q", k.Name, got.Kind, got.Status, got.Words)
		case !names(got, k.Want.Addresses) && os.Getenv("SHOW") == "addresses":
			t.Logf("%s: %v, want %v", k.Name, got.Recipients, k.Want.Addresses)
		}
	}
	for i, part := range parts {
		t.Logf("part %d: %s", i, part)
	}
	t.Logf("whole: %s", whole)
	if whole.ended > 0 || float64(whole.right) < 0.97*float64(whole.of) {
		t.Error("too few are right, or an address would be ended")
	}
}

func names(r bounce.Report, want []string) bool {
	for _, w := range want {
		is := func(one bounce.Recipient) bool { return strings.EqualFold(one.Address, w) }
		if !slices.ContainsFunc(r.Recipients, is) {
			return false
		}
	}
	return true
}
