package records

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/cmd/notifyd/tail"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/outbox"
)

// A Receiver is somebody who got a message, or is still to get it.
type Receiver struct {
	Delivery    int64  `json:"delivery"` // as `notifyd queue show` names it
	Destination string `json:"destination"`
	User        string `json:"user"` // "" where the destination is gone
	Backend     string `json:"backend"`
	Address     string `json:"address"`
	State       string `json:"state"`
	Time        string `json:"time"` // when it ended, or was added
	Reason      string `json:"reason,omitempty"`
}

// ReceiverOf makes a Receiver of a delivery.
func ReceiverOf(e outbox.Entry, user string) Receiver {
	at := e.FinishedAt
	if at.IsZero() {
		at = e.AddedAt
	}
	return Receiver{
		Delivery: e.ID, Destination: e.Destination, User: user, Backend: e.Backend, Address: e.Address,
		State: string(e.State), Time: at.UTC().Format(time.RFC3339), Reason: e.LastError,
	}
}

// A WholeMessage is all that is known of a message.
type WholeMessage struct {
	Summary
	Claimed   string          `json:"claimed_id,omitempty"`
	Mended    []string        `json:"mended,omitempty"`
	Receivers []Receiver      `json:"receivers"`
	Payload   json.RawMessage `json:"payload"` // as it was received; a text where it is no JSON
}

// WholeOf puts together what is known of a message.
func WholeOf(s history.Selected, receivers []Receiver) WholeMessage {
	whole := WholeMessage{Summary: summaryOf(s), Claimed: s.ClaimedID, Receivers: append([]Receiver{}, receivers...),
		Payload: s.Payload}
	if m, err := s.Message(); err == nil {
		whole.Mended = m.Mended
	}
	if !json.Valid(s.Payload) {
		text, err := bus.Canonical(string(s.Payload)) // a text always has one
		if err == nil {
			whole.Payload = text
		}
	}
	return whole
}

// PrintJSON prints it as one line of JSON.
func (m WholeMessage) PrintJSON(w io.Writer) error { return encode(w, m) }

// Print prints it for people.
func (m WholeMessage) Print(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, field := range [][2]string{
		{"id", m.ID}, {"claimed id", m.Claimed}, {"number", fmt.Sprint(m.Number)}, {"topic", m.Topic}, {"kind", m.Kind},
		{"title", m.Title}, {"summary", m.Summary.Summary}, {"link", m.Link}, {"sent", m.Time}, {"received", m.Received},
		{"source", m.Source}, {"trust", m.Trust.words()}, {"by", m.Actor}, {"users", strings.Join(m.Users, " ")},
		{"packages", strings.Join(m.Packages, " ")}, {"mended", strings.Join(m.Mended, "; ")},
	} {
		if field[1] != "" {
			fmt.Fprintf(table, "%s\t%s\n", field[0], oneLine(field[1]))
		}
	}
	for i, r := range m.Receivers {
		name := ""
		if i == 0 {
			name = "receivers"
		}
		fmt.Fprintf(table, "%s\t%s\n", name, oneLine(r.words()))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, m.Payload, "", "  "); err != nil {
		pretty.Reset()
		pretty.Write(m.Payload)
	}
	_, err := fmt.Fprintln(w, "\n"+tail.Visible(pretty.String()))
	return err
}

func (s Standing) words() string {
	said := bus.Verdict(s.Verdict).Words()
	if s.Signer != "" {
		said += " by " + s.Signer
	}
	if s.Reason != "" {
		said += ": " + s.Reason
	}
	if s.Marked {
		said += " (marked by the policy)"
	}
	return said
}

func (r Receiver) words() string {
	text := fmt.Sprintf("%s at %s: %s by %s to %s (delivery %d)", r.State, r.Time, r.User, r.Backend, r.Address,
		r.Delivery)
	if r.Reason != "" {
		text += ": " + r.Reason
	}
	return text
}
