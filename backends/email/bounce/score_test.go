package bounce_test

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
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

// held reports whether a mail is of the half that is only scored: nothing was made to fit it.
func (k known) held() bool { return sha256.Sum256([]byte(k.Name))[0]%2 == 1 }

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

// TestScore prints how many kinds are right, on the half that the table was made with and on the one that it was not:
//
//	go test ./backends/email/bounce -run TestScore -v
func TestScore(t *testing.T) {
	all := cases(t)
	for _, held := range []bool{false, true} {
		right, of, ended, named, addresses := 0, 0, 0, 0, 0
		wrong := map[string]int{}
		for _, k := range all {
			if k.held() != held {
				continue
			}
			got := bounce.Read(k.raw())
			if len(k.Want.Addresses) > 0 {
				addresses++
				if names(got, k.Want.Addresses) {
					named++
				} else if testing.Verbose() && !held && os.Getenv("SHOW") == "addresses" {
					t.Logf("%s: %v, want %v", k.Name, got.Recipients, k.Want.Addresses)
				}
			}
			if k.Want.Kind == "" {
				if !held && os.Getenv("SHOW") == "unlabelled" {
					t.Logf("%s: %s %s %q", k.Name, got.Kind, got.Status, got.Words[:min(len(got.Words), 150)])
				}
				continue
			}
			of++
			if same(got.Kind, k.Want.Kind) {
				right++
			} else if wrong[k.Want.Kind+" taken for "+string(got.Kind)]++; !held {
				t.Logf("%s: %s, want %s: %s %q", k.Name, got.Kind, k.Want.Kind, got.Status, got.Words)
			}
			ends := got.Kind == bounce.Hard || got.Kind == bounce.Complaint
			if ends && k.Want.Kind != "hard" && k.Want.Kind != "complaint" {
				ended++
			}
		}
		t.Logf("held out %v: %d of %d kinds right (%.1f %%), %d ended that must not be; %d of %d name the recipient",
			held, right, of, 100*float64(right)/float64(of), ended, named, addresses)
		t.Logf("wrong: %v", wrong)
		least := 0.97
		if held {
			least = 0.91
		}
		if ended > 0 || float64(right) < least*float64(of) {
			t.Errorf("held out %v: too few are right, or an address would be ended", held)
		}
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
