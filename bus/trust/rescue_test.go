package trust

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"

	"github.com/notifyd/notifyd/bus"
)

// TestAPanicOfTheLibraryIsAVerdict has the library meet a key that cannot be, as a mistake in it would. A message that
// any stranger may send must not stop the program.
func TestAPanicOfTheLibraryIsAVerdict(t *testing.T) {
	key, err := openpgp.NewEntity("Bot", "", "bot@example.org", nil)
	if err != nil {
		t.Fatal(err)
	}
	var signature bytes.Buffer
	if err := openpgp.DetachSign(&signature, key, bytes.NewReader([]byte("{}")), nil); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	m, err := bus.Decode(bus.Frame{Topic: "a.b", Payload: fmt.Appendf(nil,
		`{"topic":"a.b","msg":{},"msg_id":"2026-1","timestamp":%d,"crypto":"gpg","signature":%q}`, now.Unix(),
		base64.StdEncoding.EncodeToString(signature.Bytes()))}, now)
	if err != nil {
		t.Fatal(err)
	}
	if f := (&keyring{openpgp.EntityList{key}}).check(m, now); f.Verdict != bus.BodyOnly {
		t.Fatalf("by its own key: %+v", f)
	}
	if f := (&keyring{openpgp.EntityList{{}}}).check(m, now); f.Verdict != bus.Invalid || f.Reason == "" {
		t.Errorf("by a key that cannot be: %+v", f)
	}
}
