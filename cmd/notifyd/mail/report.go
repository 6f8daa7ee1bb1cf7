package mail

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/notifyd/notifyd/bus/mail"
	"github.com/notifyd/notifyd/internal/text"
)

// report says what became of an archive.
func (r *Receiver) report(sent int, passed map[string]int) {
	fmt.Fprintf(r.Out, "%s handed over\n", text.Plural(sent, "message", "messages"))
	for _, reason := range slices.Sorted(maps.Keys(passed)) {
		fmt.Fprintf(r.Out, "%s not: %s\n", text.Plural(passed[reason], "mail", "mails"), reason)
	}
}

// Show says what a mail becomes: the message, or why none, and why each mapping that was asked before passed it.
func Show(to io.Writer, out mail.Outcome) error {
	if out.Draft == nil {
		fmt.Fprintf(to, "no message: %s\n", out.Reason)
	} else {
		fmt.Fprintf(to, "mapping  %s\ntopic    %s\nid       %s\n", out.Mapping, out.Draft.Topic, out.Draft.ID)
	}
	for _, p := range out.Passed {
		fmt.Fprintf(to, "not %s: %s\n", p.Mapping, p.Reason)
	}
	if out.Draft == nil {
		return nil
	}
	var shown any
	if err := json.Unmarshal(out.Draft.Payload, &shown); err != nil {
		return err
	}
	encoder := json.NewEncoder(to)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(shown)
}
