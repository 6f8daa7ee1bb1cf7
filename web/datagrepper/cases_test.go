package datagrepper_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// A stored is a message of the cases.
type stored struct {
	ID          string         `json:"msg_id"`
	Topic       string         `json:"topic"`
	Timestamp   float64        `json:"timestamp"`
	I           int64          `json:"i"`
	Agent       *string        `json:"agent_name"`
	Users       []string       `json:"users"`
	Packages    []string       `json:"packages"`
	Headers     map[string]any `json:"headers"`
	Msg         any            `json:"msg"`
	Crypto      *string        `json:"crypto"`
	Certificate *string        `json:"certificate"`
	Signature   *string        `json:"signature"`
}

// A testCase is a request to datagrepper, and what it answered.
type testCase struct {
	Name    string             `json:"name"`
	Request string             `json:"request"`
	Method  string             `json:"method"`
	Headers map[string]*string `json:"headers"`
	Config  struct {
		Delta float64  `json:"default_query_delta"`
		CORS  []string `json:"cors_domains"`
	} `json:"config"`
	Status  int                        `json:"status"`
	Expect  map[string]json.RawMessage `json:"expect"`
	Fixed   map[string]json.RawMessage `json:"fixed"`
	Kind    string                     `json:"kind"`
	Version string                     `json:"version"`
}

// unserved are the cases that cannot hold, by the beginning of their path or by their name, and why.
var unserved = map[string]string{
	"meta-new-koji":     "the sentences of our catalogue",
	"meta-new-noschema": "the sentences of our catalogue",
	"meta-old-copr":     "the sentences of our catalogue",
	"id-meta-old":       "the sentences of our catalogue",
}

func (c testCase) unserved() string {
	for what, why := range unserved {
		if c.Name == what || strings.HasSuffix(what, "/") && strings.HasPrefix(c.Request, what) || c.Request == what {
			return why
		}
	}
	return ""
}

// TestRecordedCases plays the requests that were recorded at the real datagrepper, of both versions. The contract must
// hold, and of what is wrong there the answer that was proposed instead. What is an accident there is a choice, and is
// counted.
func TestRecordedCases(t *testing.T) {
	messages := sharedLines[stored](t, "messages.jsonl")
	cases := sharedLines[testCase](t, "cases.jsonl")
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		store := load(t, d, messages)
		times := make(map[string]float64)
		for _, m := range messages {
			times[m.ID] = m.Timestamp
		}
		held, of := make(map[string]int), make(map[string]int)
		for _, c := range cases {
			versions := []bool{c.Version == "old"}
			if c.Version == "both" {
				versions = []bool{false, true}
			}
			for _, old := range versions {
				kind := c.Kind + " " + map[bool]string{false: "new", true: "old"}[old]
				of[kind]++
				problem := play(t, store, times, cases, c, old)
				switch why := c.unserved(); {
				case problem == "":
					held[kind]++
				case why != "":
					of[kind+", "+why]++
				case c.Kind == "quirk":
					t.Logf("our choice: %s: %s", c.Name, problem)
				default:
					t.Errorf("%s, old %t: %s\n\t%s", c.Name, old, c.Request, problem)
				}
			}
		}
		for _, kind := range slices.Sorted(maps.Keys(of)) {
			t.Logf("%s: %d of %d hold", kind, held[kind], of[kind])
		}
	})
}

func sharedLines[T any](t *testing.T, name string) (all []T) {
	t.Helper()
	file, err := os.Open(filepath.Join("..", "..", "..", "shared", "cases", "datagrepper", name))
	if err != nil {
		t.Skipf("needs ../shared/cases/datagrepper/%s", name)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 8<<20)
	for lines.Scan() {
		var one T
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	if len(all) == 0 {
		t.Fatalf("nothing in %s, %v", name, lines.Err())
	}
	return all
}

// play sends the request of a case, and says what is not as it should be.
func play(t *testing.T, store *history.Store, times map[string]float64, all []testCase, c testCase,
	old bool,
) string {
	t.Helper()
	origins := c.Config.CORS
	if origins == nil {
		origins = []string{".*"}
	}
	a := ask(t, store, question{method: c.Method, target: c.Request, headers: c.Headers, old: old, origins: origins,
		delta: c.Config.Delta})
	a.times = times
	status, expect := c.Status, c.Expect
	if as := c.Fixed["as"]; as != nil {
		i := slices.IndexFunc(all, func(other testCase) bool { return `"`+other.Name+`"` == string(as) })
		status, expect = all[i].Status, all[i].Expect
	} else if c.Kind == "defect" {
		expect = maps.Clone(c.Fixed)
		if expect["same_text"] != nil {
			expect["error_text"] = c.Expect["error_text"]
		}
		if err := json.Unmarshal(expect["status"], &status); err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		delete(expect, "status")
		delete(expect, "same_text")
	}
	if a.status != status {
		return fmt.Sprintf("status %d, want %d: %.200s", a.status, status, a.body)
	}
	for _, what := range slices.Sorted(maps.Keys(expect)) {
		if problem := a.differs(what, expect[what]); problem != "" {
			return what + ": " + problem
		}
	}
	return ""
}
