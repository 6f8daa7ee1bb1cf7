package records

import (
	"encoding/json"
	"io"
	"time"

	"github.com/notifyd/notifyd/history"
)

// A Summary is a message as `history list --json` has it, without its content. The order of the fields is that of the
// manual.
type Summary struct {
	ID       string   `json:"id"`
	Number   int64    `json:"number"` // in this history
	Time     string   `json:"time"`   // when it was sent, RFC 3339 in UTC
	Received string   `json:"received"`
	Source   string   `json:"source"`
	Topic    string   `json:"topic"`
	App      string   `json:"app"`
	Kind     string   `json:"kind"`
	Title    string   `json:"title"`
	Summary  string   `json:"summary"`
	Link     string   `json:"link"`
	Actor    string   `json:"actor"`
	Users    []string `json:"users"`
	Packages []string `json:"packages"`
	Late     bool     `json:"late"`
	Trust    Standing `json:"trust"`
}

// A Standing is what was proved of the sender at the reception.
type Standing struct {
	Verdict string `json:"verdict"`
	Signer  string `json:"signer"`
	Method  string `json:"method"`
	Reason  string `json:"reason"`
	Marked  bool   `json:"marked"`
}

func summaryOf(s history.Selected) Summary {
	t := s.Standing
	return Summary{
		ID: s.MsgID, Number: s.ID, Time: stamp(s.Time), Received: stamp(s.Received), Source: s.Source, Topic: s.Topic,
		App: s.App, Kind: s.Kind, Title: s.Title, Summary: s.Summary, Link: s.Link, Actor: s.Actor,
		Users: list(s.Users), Packages: list(s.Packages), Late: s.Late,
		Trust: Standing{string(t.Verdict), t.Signer, string(t.Method), t.Reason, t.Marked},
	}
}

// JSON prints a Summary on one line.
func JSON(w io.Writer, s history.Selected) error { return encode(w, summaryOf(s)) }

func encode(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

func stamp(t time.Time) string { return t.Format(time.RFC3339Nano) }

// list makes a missing list an empty one, so that readers of the JSON need no case for null.
func list(names []string) []string { return append([]string{}, names...) }
