package bus_test

import (
	"testing"

	"github.com/notifyd/notifyd/bus"
)

func TestWordsOfAStanding(t *testing.T) {
	for _, c := range []struct {
		standing bus.Standing
		want     string
	}{
		{bus.Standing{Verdict: bus.Signed, Signer: "app01.example.org"}, "signed by app01.example.org"},
		{bus.Standing{Verdict: bus.Signed}, "signed"},
		{bus.Standing{Verdict: bus.BodyOnly, Signer: "Bot <bot@example.org>"}, "only the body is signed, by Bot <bot@example.org>"},
		{bus.Standing{Verdict: bus.WrongSigner, Signer: "app01.example.org"}, "wrong signer, by app01.example.org"},
		{bus.Standing{Verdict: bus.Stale, Signer: "app01.example.org"}, "stale signature, by app01.example.org"},
		{bus.Standing{Verdict: bus.Unsigned, Reason: "the message carries no signature"}, "unsigned"},
		{bus.Standing{Verdict: bus.Unchecked}, "signature not checked"},
		{bus.Standing{Verdict: bus.Invalid, Signer: "who it says"}, "signature invalid"},
		{bus.Standing{Verdict: bus.Trusted}, "trusted"},
	} {
		if got := c.standing.Words(); got != c.want {
			t.Errorf("%+v in words: %q, want %q", c.standing, got, c.want)
		}
	}
}

func TestEnvelopeOfAProofIsExact(t *testing.T) {
	payload := `{"topic":"t","msg":["\ud83d","\uDE00",NaN,-Infinity,"NaN"],"signature":"c2ln","timestamp":1}`
	got, err := bus.Canonical(decode(t, "t", payload).Proof().Envelope())
	want := `{"msg":["\ud83d","\ude00",NaN,-Infinity,"NaN"],"signature":"c2ln","timestamp":1,"topic":"t"}`
	if err != nil || string(got) != want {
		t.Errorf("canonical form of the envelope: %s, %v, want %s", got, err, want)
	}
}
