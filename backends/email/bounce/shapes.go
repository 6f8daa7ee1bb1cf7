package bounce

import (
	"html"
	"regexp"
	"strings"
)

// daemon are who sends reports.
var daemon = regexp.MustCompile(`(?i)(mailer-?daemon|mail ?delivery|postmaster|poostmaster|mail ?administrator|` +
	`system administrator|` +
	`delivery (sub)?system|mail-?system|^<>$|bounce|mdaemon|smtp-?gateway|post ?office|mailerdaemon)`)

// machine is a name that nobody but a mail system has.
var machine = regexp.MustCompile(`(?i)mailer-?daemon|mail delivery (sub)?system|<>`)

// subjects are those of reports.
var subjects = regexp.MustCompile(`(?i)(undeliver|deliver\w* (status|failure|problem|error|report|notif|` +
	`has failed|delayed|incomplete)|` +
	`fail(ure|ed) (notice|mail|delivery|to deliver)|mail failure|returned (mail|to sender|message|e-?mail)|` +
	`mail(er)? (system )?error|` +
	`(mail|message|e-?mail)[\w ]* (not|could not|cannot|couldn't)( be)? (deliver|sent)|message status|` +
	`delivery\s+fail|` +
	`non recapitabile|unzustellbar|non remis|non distribu|nicht zugestellt|onbestelbaar|no se (puede|` +
	`pudo) entregar|` +
	`rejected|warning: (could|message)|notification d'[ée]tat|permanent delivery|mail delivery fail|nondeliver|` +
	`failure report|` +
	`bounced?\b|配信|送信エラー|エラー)`)

// openers begin the text of a report.
var openers = regexp.MustCompile(`(?i)(this is the [\w .!-]{0,40}(program|mail system|system|agent)|` +
	`this message was created automatically by|` +
	`(could|can|was|were|has|have)( ?not|n't)( been| be)? deliver|delivery (has failed|to the following|` +
	`of the following|status|error|failed)|` +
	`permanent(ly)? (fatal )?(error|fail)|undeliver|unable to deliver|returned to sender|` +
	`addresses had (\w+ )?(fatal|problems|delivery)|` +
	`transcript of session follows|delivering your mail|did not reach|` +
	`(final|original)-recipient\s*:|diagnostic-code\s*:|rcpt to)`)

// reports reports whether a mail says that another was, or was not, delivered.
func (m *Mail) reports() bool {
	kind, parameters := contentType(m.head.first("content-type"))
	if kind == "multipart/report" && parameters["report-type"] != "disposition-notification" &&
		parameters["report-type"] != "feedback-report" {
		return true
	}
	for _, p := range m.parts {
		if isStatus(p.kind) {
			return true
		}
	}
	if len(m.head["x-failed-recipients"]) > 0 || strings.Contains(m.text(), "notificationType") {
		return true
	}
	if m.answers() {
		return false
	}
	signs := 0
	from := m.Header("From") + " " + m.Header("Sender")
	if strings.TrimSpace(m.head.first("return-path")) == "<>" || daemon.MatchString(m.Header("Return-Path")) {
		signs++
	}
	switch {
	case machine.MatchString(from) && !m.away():
		signs += 3
	case daemon.MatchString(from):
		signs += 2
	}
	if subjects.MatchString(m.Header("Subject")) {
		signs++
	}
	if openers.MatchString(m.said()) {
		signs += 2
	}
	return signs >= 3
}

// quoted is what HTML mails quote.
var quoted = regexp.MustCompile(`(?is)<blockquote.*</blockquote>|<div[^>]{0,200}class="?gmail_quote.*|` +
	`<div[^>]{0,200}id="?(divRplyFwdMsg|appendonsend).*`)

// Text is what somebody has written: the first plain text, or else what is left of HTML without what it quotes.
func (m *Mail) Text() string {
	for _, kind := range []string{"text/plain", "text/html"} {
		for _, p := range m.parts {
			if p.kind != kind || p.attached {
				continue
			}
			if kind == "text/html" {
				return strings.TrimSpace(untagged(quoted.ReplaceAllString(p.text, "")))
			}
			return p.text
		}
	}
	return ""
}

// text is all that the mail says in texts.
func (m *Mail) text() string {
	var all []string
	for _, p := range m.parts {
		if p.kind == "text/plain" {
			all = append(all, p.text)
		}
	}
	if len(all) == 0 {
		for _, p := range m.parts {
			if p.kind == "text/html" {
				all = append(all, untagged(p.text))
			}
		}
	}
	return strings.Join(all, "\n\n")
}

// copied begins a copy of the mail that comes back, inside of the text.
var copied = regexp.MustCompile(`(?mi)^[>\s*-]*(below this line is a copy|this is a copy of (the|your) message|` +
	`here is a copy of|` +
	`(the )?original message( follows| header|:|\s*-)|original message follows|message header follows|` +
	`message headers follow|` +
	`unsent message follows|returned message|the header of the original|the headers? of (the|your)|` +
	`included is a copy|` +
	`a copy of (the|your) (original )?message|original message attached|undelivered message follows|` +
	`(your )?(original )?(mail|message) (is )?(attached|included|follows)|` +
	`begin (of )?(the )?(original|returned|forwarded) |end of message|quoted message|----- ?(original|` +
	`forwarded) ).*$`)

// head of a mail in the middle of a text.
var inner = regexp.MustCompile(`(?m)^((?:> ?)*Received: (from|by|\()|(?:> ?)*Return-Path: ?<|` +
	`DKIM-Signature:|X-Originating-IP:|Message-I[Dd]: ?<)`)

// said is the text without the mail that comes back in it.
func (m *Mail) said() string {
	text := m.text()
	for _, cut := range []*regexp.Regexp{copied, inner} {
		for _, at := range cut.FindAllStringIndex(text, 5) {
			if len(strings.TrimSpace(text[:at[0]])) > 60 {
				text = text[:at[0]]
				break
			}
		}
	}
	return text
}

var (
	hidden = regexp.MustCompile(`(?is)<style.*?</style>|<script.*?</script>|<head.*?</head>`)
	breaks = regexp.MustCompile(`(?i)<(br|p|div|tr|li|/tr|/p|/div)[^>]*>`)
	tags   = regexp.MustCompile(`<[a-zA-Z/!][^>]*>`)
)

// untagged is what is left of HTML as text.
func untagged(source string) string {
	source = hidden.ReplaceAllString(source, " ")
	source = breaks.ReplaceAllString(source, "\n")
	return html.UnescapeString(tags.ReplaceAllString(source, " "))
}

// named are the shapes of lines that name who could not be reached. The address is in the first group that has one.
var named = []*regexp.Regexp{
	regexp.MustCompile(`(?im)^\s*(?:final|original)?-?(?:recipient(?: address)?|undeliverable address|to|` +
		`failed recipient|address)\s*:\s*(?:rfc822;)?\s*<?(\S+@[^\s<>;,]+)`),
	regexp.MustCompile(`(?m)^\s*[>*-]*\s*<([^\s<>]+@[^\s<>]+)>`),
	regexp.MustCompile(`(?im)^(?:unknown user|user unknown|failed addresses follow|` +
		`unknown address)\s*:?\s*<?(\S+@[^\s<>;,]+)`),
	regexp.MustCompile(`(?i)(?:rcpt to|deliver\w* (?:your )?(?:mail|message)? ?to|not delivered to|failed for|` +
		`to the following (?:recipients?|address\S*)|` +
		`unable to deliver(?: message)? to)\s*:?\s*<?([^\s<>]+@[^\s<>;,]+)`),
	regexp.MustCompile(`(?m)^[\s*]*<?([^\s<>:;,()]+@[^\s<>:;,()]+)>?(?:\s*[:;(]|\s*$|\s+<)`),
}

// addressees are who the text says could not be reached, at most ten.
func (m *Mail) addressees() []string {
	var all []string
	seen := map[string]bool{}
	add := func(text string) {
		found := strings.TrimRight(address.FindString(text), ".")
		if key := strings.ToLower(found); found != "" && !seen[key] && len(all) < 10 && !daemon.MatchString(found) {
			seen[key] = true
			all = append(all, found)
		}
	}
	for _, value := range m.head["x-failed-recipients"] {
		for one := range strings.SplitSeq(value, ",") {
			add(one)
		}
	}
	text := m.said()
	for _, shape := range named {
		if len(all) > 0 {
			break
		}
		for _, found := range shape.FindAllStringSubmatch(text, 20) {
			add(found[1])
		}
	}
	return all
}
