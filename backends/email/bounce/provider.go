package bounce

import (
	"encoding/json"
	"strings"
)

// fromProvider reads the reports of a provider that writes JSON.
func (m *Mail) fromProvider(r *Report) bool {
	text := strings.TrimSpace(m.text())
	text = strings.NewReplacer("!\n ", "", "\n", "").Replace(text[:min(len(text), maxText)]) // folded on its way
	var outer struct{ Message string }
	if !strings.HasPrefix(text, "{") {
		return false
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	if decoder.Decode(&outer) == nil && strings.HasPrefix(outer.Message, "{") {
		text = outer.Message
	}
	var said struct {
		NotificationType, EventType string
		Bounce                      struct {
			BounceType, BounceSubType string
			BouncedRecipients         []struct{ EmailAddress, Action, Status, DiagnosticCode string }
		}
		Complaint struct {
			ComplainedRecipients []struct{ EmailAddress string }
		}
		Delivery struct{ Recipients []string }
	}
	if json.NewDecoder(strings.NewReader(text)).Decode(&said) != nil {
		return false
	}
	for _, one := range said.Complaint.ComplainedRecipients {
		r.Recipients = append(r.Recipients, Recipient{Address: one.EmailAddress, Kind: Complaint})
	}
	for _, one := range said.Delivery.Recipients {
		r.Recipients = append(r.Recipients, Recipient{Address: one, Kind: Success})
	}
	for _, one := range said.Bounce.BouncedRecipients {
		n := notice{action: strings.ToLower(one.Action), status: statusIn(one.Status), diagnostic: one.DiagnosticCode}
		kind, status := verdict(n, "")
		switch {
		case said.Bounce.BounceSubType == "MailboxFull":
			kind = Full
		case said.Bounce.BounceSubType == "MessageTooLarge", strings.HasSuffix(said.Bounce.BounceSubType, "Rejected"):
			kind = Content
		case said.Bounce.BounceType == "Permanent" && (said.Bounce.BounceSubType == "NoEmail" || kind == Unknown):
			kind = Hard
		case said.Bounce.BounceType == "Transient" && (kind == Hard || kind == Unknown):
			kind = Soft
		}
		r.Recipients = append(r.Recipients, Recipient{Address: one.EmailAddress, Kind: kind, Status: status,
			Diagnostic: oneLine(one.DiagnosticCode)})
	}
	if len(r.Recipients) == 0 {
		return false
	}
	r.Kind = r.Recipients[0].Kind
	r.Status, r.Words = r.Recipients[0].Status, r.Recipients[0].Diagnostic
	return true
}
