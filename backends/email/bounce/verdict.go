package bounce

import (
	"regexp"
	"strings"
)

// report fills in what a report says.
func (m *Mail) report(r *Report) {
	if m.fromProvider(r) {
		return
	}
	text := m.said()
	for _, n := range m.notices() {
		kind, status := verdict(n, text)
		r.Recipients = append(r.Recipients, Recipient{Address: n.address, Kind: kind, Status: status,
			Diagnostic: oneLine(n.diagnostic)})
	}
	if len(r.Recipients) == 0 {
		kind, status := verdict(notice{}, text+"\n\n"+reason.FindString(m.Header("Subject")))
		if kind == Unknown {
			kind = judge(plain(m.Header("Subject")), "", status, "")
		}
		if onlyDelay(m.Header("Subject"), text) {
			kind = Delayed
		}
		r.Recipients = []Recipient{{Kind: kind, Status: status, Diagnostic: oneLine(excerpt(text))}}
	}
	if named := m.addressees(); r.Recipients[0].Address == "" && len(named) > 0 {
		first := r.Recipients[0]
		r.Recipients = nil
		for _, a := range named {
			first.Address = a
			r.Recipients = append(r.Recipients, first)
		}
	}
	r.Kind = mildest(r.Recipients)
	for _, one := range r.Recipients {
		if r.Status == "" {
			r.Status = one.Status
		}
		if r.Words == "" && one.Kind == r.Kind {
			r.Words = one.Diagnostic
		}
	}
}

// notices are the fields about recipients: of the parts that are for them, or else of the texts.
func (m *Mail) notices() (all []notice) {
	for _, p := range m.parts {
		if isStatus(p.kind) {
			all = append(all, notices(p.text)...)
		}
	}
	if len(all) == 0 {
		all = notices(m.said())
	}
	return all
}

// order is how little a kind says against an address. A report about several may be about people to whom our mail was
// passed on, so the least of it counts.
var order = map[Kind]int{Success: 0, Delayed: 1, Soft: 2, Unknown: 3, Content: 4, Policy: 5, Full: 6, Hard: 7}

func mildest(all []Recipient) Kind {
	kind := all[0].Kind
	for _, r := range all[1:] {
		if order[r.Kind] < order[kind] {
			kind = r.Kind
		}
	}
	return kind
}

// verdict is what a report means for one recipient, and the status that counts.
func verdict(n notice, text string) (Kind, string) {
	status := statusIn(n.diagnostic)
	if status == "" {
		status = n.status
	}
	switch n.action {
	case "delivered", "relayed", "expanded":
		return Success, status
	case "delayed":
		return Delayed, status
	}
	if n == (notice{}) {
		text = excerpt(text)
		said := focus(text)
		if status = statusIn(said); status == "" {
			status = statusIn(text)
		}
		return judge(plain(said), plain(text), status, codeIn(said)), status
	}
	return judge(plain(n.diagnostic), plain(excerpt(text)), status, codeIn(n.diagnostic)), status
}

// judge weighs what a server says, what the reporter says around it, the status and the code.
func judge(server, around, status, code string) Kind {
	kind, weak := byWords(server)
	precise := byStatus(status)
	at := stageIn(server + " " + around)
	switch said, vague := byWords(around); {
	case kind != "" && !weak:
	case precise != "" && !(precise == Hard && said == Full):
		kind = precise
	case said != "" && (kind == "" || !vague):
		kind, weak = said, vague
	}
	if kind == "" {
		kind = byCode(code, at)
	}
	if kind == "" {
		kind = byCode(codeIn(around), at)
	}
	return careful(kind, weak, status, code, at)
}

// careful takes back that an address has ended, where the rest of the reply is about something else: only a server that
// refuses the recipient for ever ends it.
func careful(kind Kind, loose bool, status, code string, at stage) Kind {
	if kind == "" {
		return Unknown
	}
	if kind != Hard {
		return kind
	}
	switch own := byStatus(status); {
	case strings.HasPrefix(status, "4") || status == "" && strings.HasPrefix(code, "4"):
		return Soft
	case own == Full || own == Content || own == Policy && status != "5.7.12" && status != "5.7.2":
		return own
	case loose && at == ofContent && own != Hard:
		return Content
	case at == ofSender && own != Hard:
		return Policy
	}
	return Hard
}

var delay = regexp.MustCompile(`(?i)(warning message only|only a (temporary|notification)|` +
	`do not need to re-?send|message (is|has been) delayed|` +
	`no action is required|will (be )?continue[\w ]* (try|attempt)|still (un|being)|delivery (is )?delayed|` +
	`will keep trying|not yet been delivered)`)

// reason is a subject that says why, as those of Sendmail do.
var reason = regexp.MustCompile(`(?i)^(returned mail|delivery failure|failure notice|undeliverable( mail)?)\s*:\s*` +
	`(user|host|recipient|mail ?box|address|unknown|no such|addressee|message)\b.*`)

// onlyDelay reports a report without fields that says that it is none yet.
func onlyDelay(subject, text string) bool {
	return delay.MatchString(text) || strings.Contains(strings.ToLower(subject), "delayed") ||
		strings.HasPrefix(strings.ToLower(subject), "warning: could not send")
}

// boiler is what reports say in any case, and what has words in it that mean something elsewhere.
var boiler = regexp.MustCompile(`(?im)(for further assistance|if you do so, please|delete your own text|` +
	`please do not reply|scanned (for|by)|has been checked|learn more|` +
	`please (try|verify|check|contact|direct|send|include|forward)|` +
	`this (is an |message was )?(automatic|created)|contact (your|the|support)|you do not need to|privileged|` +
	`message contains \[?\d+\]? (file )?attachment|confidential|no need to (re)?send|` +
	`mime[- ](encapsulated|format)|in mime|multi-?part message|legible|mail reader)` +
	`[^.\n]*|^.*(\bsubject:|\bsent:|server de generazione).*$`)

// excerpt is the part of a report's text that is about the reason.
func excerpt(text string) string {
	text = boiler.ReplaceAllString(text, "")
	if at := strings.Index(text, "\n____"); at > 100 {
		text = text[:at]
	}
	return text[:min(len(text), 6000)]
}

// focus is the lines of a text in which a server speaks: those with a code, and the two behind each.
func focus(text string) string {
	var all []string
	left := 0
	for line := range strings.SplitSeq(text, "\n") {
		switch {
		case code.MatchString(line) || statusIn(line) != "":
			left = 3
		case strings.TrimSpace(line) == "":
			left = 0
		}
		if left > 0 {
			all = append(all, line)
			left--
		}
	}
	return strings.Join(all, "\n")
}

func oneLine(s string) string {
	s = strings.TrimSpace(spaces.ReplaceAllString(s, " "))
	if len(s) > 500 {
		s = strings.ToValidUTF8(s[:500], "")
	}
	return s
}
