package bounce

import (
	"regexp"
	"strings"
)

// meanings are what statuses mean by themselves (RFC 3463 and the registry of IANA), without their class. "" leaves it
// to the words: the status is used for anything.
var meanings = map[string]Kind{
	"1.1": Hard, "1.2": Hard, "1.3": Hard, "1.4": Hard, "1.6": Hard, "1.10": Hard,
	"1.7": Policy, "1.8": Policy, "1.9": Content,
	"2.1": Soft, "2.2": Full, "2.3": Content, "2.4": Soft,
	"3.1": Soft, "3.2": Soft, "3.3": Content, "3.4": Content, "3.5": Soft,
	"4.0": Soft, "4.1": Soft, "4.2": Soft, "4.3": Soft, "4.4": Hard, "4.5": Soft, "4.6": Soft, "4.7": Soft,
	"5.3": Soft, "5.6": Policy,
	"6.0": Content, "6.1": Content, "6.2": Content, "6.3": Content, "6.4": Content, "6.5": Content, "6.6": Content,
	"6.7": Content, "6.8": Content, "6.9": Content, "6.10": Content,
	"7.2": Policy, "7.3": Policy, "7.4": Policy, "7.5": Policy, "7.6": Policy, "7.7": Policy, "7.8": Policy,
	"7.9": Policy, "7.10": Policy, "7.11": Policy, "7.12": Policy, "7.13": Soft, "7.14": Policy,
	"7.15": Soft, "7.16": Soft, "7.17": Hard, "7.18": Hard, "7.19": Soft,
	"7.20": Policy, "7.21": Policy, "7.22": Policy, "7.23": Policy, "7.24": Policy, "7.25": Policy, "7.26": Policy,
	"7.27": Policy, "7.28": Soft, "7.29": Policy, "7.30": Policy,
}

// byStatus gives what a status means; "" where it says nothing of use. Of a class that may pass nothing is for ever.
func byStatus(status string) Kind {
	class, detail, ok := strings.Cut(status, ".")
	if !ok {
		return ""
	}
	kind := meanings[detail]
	switch {
	case class == "2":
		return Success
	case class == "4" && (kind == Hard || kind == Policy || kind == ""):
		return Soft
	case kind == "" && strings.HasPrefix(detail, "7.") && len(detail) > 3: // one provider's from 5.7.500 on
		return Policy
	}
	return kind
}

// code is a reply code (RFC 5321) where a server says it.
var code = regexp.MustCompile(`(?:^|[\s:;<>#("-])([45]\d\d)(?:[\s\-:<]|$)`)

// codeIn gives the first reply code in a text; "" for none.
func codeIn(text string) string {
	if found := code.FindStringSubmatch(text[:min(len(text), maxField)]); found != nil {
		return found[1]
	}
	return ""
}

// byCode gives what a reply code means by itself, at a stage of the dialogue; "" where it says nothing of use.
func byCode(code string, at stage) Kind {
	switch code {
	case "":
		return ""
	case "521", "556":
		return Hard
	case "452":
		return Soft
	case "552":
		if at == ofContent {
			return Content
		}
		return Full
	case "523":
		return Content
	case "530", "535", "500", "501", "502", "503", "504", "555":
		return Policy
	case "550", "551", "553", "554":
		switch at {
		case ofContent:
			return Content
		case ofSender:
			return Policy
		}
		return ""
	}
	if code[0] == '4' {
		return Soft
	}
	return ""
}

// A stage is what of the dialogue a server has refused.
type stage int

const (
	unsaid stage = iota
	ofSender
	ofRecipient
	ofContent
)

var stages = []struct {
	said *regexp.Regexp
	at   stage
}{
	{regexp.MustCompile(`(in reply to|after) (the )?(end of data|data command|data)\b|>>> data|` +
		`did not like our data|` +
		`failed after i sent the message|failed on data|end of data|message-body|body refused|sent data`), ofContent},
	{regexp.MustCompile(`(in reply to|after) (the )?(rcpt)|>>> rcpt|did not like our rcpt|<<< rcpt|send: rcpt|` +
		`smtp:rcpt|does not like recipient`),
		ofRecipient},
	{regexp.MustCompile(`(in reply to|after) (the )?(mail from|helo|ehlo|lhlo|initial|connect)|>>> (mail|helo|` +
		`ehlo)|` +
		`did not like our (mail|helo|ehlo)|host greeting|greeting failed|` +
		`(my name|sender) was rejected`), ofSender},
}

func stageIn(text string) stage {
	for _, s := range stages {
		if s.said.MatchString(text) {
			return s.at
		}
	}
	return unsaid
}
