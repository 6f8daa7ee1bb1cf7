package catalogue

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// TestJudged holds the sentences of real messages against what people who had written no entry said of them. The
// judgements are in testdata/judged.tsv, the messages are not part of the program. A sentence that has changed since is
// to be read again: judge it, and write its new digest, which the test tells.
func TestJudged(t *testing.T) {
	data, err := os.ReadFile("../../../shared/corpus/wider.jsonl")
	if err != nil {
		t.Skip("without the messages that were judged: wider.jsonl is not here")
	}
	judged := judgements(t)
	c := embeddedCatalogue(t)
	count := map[string]int{}
	for line := range bytes.Lines(data) {
		var l struct {
			N json.Number `json:"n"`
		}
		if err := json.Unmarshal(line, &l); err != nil {
			t.Fatal(err)
		}
		m, err := bus.DecodeLine(corpusMessage(t, line), time.Unix(1500000000, 0))
		if err != nil {
			t.Fatal(err)
		}
		e := c.Describe(m)
		j, there := judged[string(l.N)]
		if got := saidOf(e); !there || j.digest != got {
			t.Errorf("message %s is to be judged: digest %s, %q, %s", l.N, got, e.Prose().Summary, e.Severity)
			continue
		}
		count[j.verdict]++
	}
	all := count["good"] + count["acceptable"] + count["bad"]
	t.Logf("%d good, %d acceptable, %d bad", count["good"], count["acceptable"], count["bad"])
	if count["bad"] > 0 || 10*count["good"] < 8*all {
		t.Errorf("%d of %d are good and %d bad; want 8 of 10, and none", count["good"], all, count["bad"])
	}
}

// saidOf gives a digest of what people read of a message.
func saidOf(e *Event) string {
	p := e.Prose()
	sum := sha256.Sum256([]byte(p.Summary + "\n" + p.Link + "\n" + e.Severity.String()))
	return hex.EncodeToString(sum[:6])
}

// A judgement is what somebody said of one message: good (one would send it so), acceptable (one knows what it is
// about, and nothing is false) or bad.
type judgement struct{ verdict, digest string }

func judgements(t *testing.T) map[string]judgement {
	t.Helper()
	file, err := os.Open("testdata/judged.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r := csv.NewReader(file)
	r.Comma, r.Comment, r.FieldsPerRecord = '\t', '#', 4 // message, verdict, digest, remark
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	judged := map[string]judgement{}
	for _, row := range rows {
		switch row[1] {
		case "good", "acceptable", "bad":
		default:
			t.Errorf("message %s: verdict %q", row[0], row[1])
		}
		judged[row[0]] = judgement{row[1], row[2]}
	}
	return judged
}
