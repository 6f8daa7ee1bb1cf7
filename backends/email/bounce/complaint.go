package bounce

import (
	"regexp"
	"strings"
)

// complains reports whether a mail is a report of abuse (RFC 5965), or what some providers send instead.
func (m *Mail) complains() bool {
	kind, parameters := contentType(m.head.first("content-type"))
	if kind == "multipart/report" && strings.EqualFold(parameters["report-type"], "feedback-report") {
		return true
	}
	for _, p := range m.parts {
		if p.kind == "message/feedback-report" {
			return true
		}
	}
	subject := strings.ToLower(strings.TrimSpace(m.Header("Subject")))
	if strings.HasPrefix(subject, "complaint about message from") && m.returned.has("x-hmxmroriginalrecipient") {
		return true
	}
	return m.head.has("x-hmxmroriginalrecipient") || abuse.MatchString(m.said())
}

var (
	abuse    = regexp.MustCompile(`(?i)^\s*this is an? ([\w.!-]+ )?e-?mail abuse report`)
	feedback = regexp.MustCompile(`(?im)^\s*(feedback-type|original-rcpt-to|original-mail-from|` +
		`abuse-type)\s*:\s*(.*)$`)
)

// complaint fills in what a complaint says. "not spam" takes a complaint back; a failed authentication is ours to mend.
func (m *Mail) complaint(r *Report) {
	r.Kind, r.Words = Complaint, "called unwanted by its reader"
	texts := m.said()
	for _, p := range m.parts {
		if p.kind == "message/feedback-report" {
			texts = p.text
			break
		}
	}
	for _, found := range feedback.FindAllStringSubmatch(texts, maxParts) {
		switch value := strings.TrimSpace(found[2]); strings.ToLower(found[1]) {
		case "feedback-type":
			switch strings.ToLower(value) {
			case "not-spam":
				r.Kind = Success
			case "auth-failure", "dmarc", "dkim":
				r.Kind = Policy
			}
		case "original-rcpt-to":
			if a := addressIn(value); a != "" {
				r.Recipients = append(r.Recipients, Recipient{Address: a})
			}
		}
	}
	original := m.head.first("x-hmxmroriginalrecipient") + " " + m.returned.first("x-hmxmroriginalrecipient")
	if a := addressIn(original); a != "" && len(r.Recipients) == 0 {
		r.Recipients = []Recipient{{Address: a}}
	}
	for i := range r.Recipients {
		r.Recipients[i].Kind = r.Kind
	}
}
