package bounce

import (
	"regexp"
	"strings"
)

// A notice is what a report says of one recipient in fields (RFC 3464, 2.3).
type notice struct {
	address    string
	action     string
	status     string
	diagnostic string
	remote     bool // another server has said it
}

// fieldName begins a field that is about a recipient, however it is written.
var fieldName = regexp.MustCompile(`^(?i:\s{0,3}(final-recipient|original-recipient|x-actual-recipient|action|` +
	`status|` +
	`diagnostic-code|remote-mta|x-supplementary-info))\s*:\s*(.*)$`)

// otherField begins any other field.
var otherField = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{1,40}:\s`)

// notices reads the fields of all recipients in a text. A new recipient begins with a field that the last one has
// already: empty lines between recipients are lost, and stand where none belong.
func notices(text string) (all []notice) {
	var now map[string]string
	end := func() {
		if n := asNotice(now); n != (notice{}) {
			all = append(all, n)
		}
		now = map[string]string{}
	}
	end()
	name := ""
	for line := range strings.SplitSeq(text, "\n") {
		found := fieldName.FindStringSubmatch(line)
		switch {
		case found != nil:
			name = strings.ToLower(found[1])
			if _, again := now[name]; again {
				end()
			}
			now[name] = strings.TrimSpace(found[2])
		case name != "" && line != "" && isBlank(line[0]) && len(now[name]) < maxField:
			now[name] += " " + strings.TrimSpace(line)
		case strings.TrimSpace(line) == "" || otherField.MatchString(line):
			name = ""
		case name == "diagnostic-code" && len(now[name]) < maxField: // folded without a blank
			now[name] += " " + strings.TrimSpace(line)
		default:
			name = ""
		}
		if len(all) > maxParts {
			return all
		}
	}
	end()
	return all
}

func asNotice(f map[string]string) notice {
	if len(f) == 0 || f["action"] == "" && f["status"] == "" && f["diagnostic-code"] == "" {
		return notice{}
	}
	action, _, _ := strings.Cut(strings.ToLower(f["action"]), " ")
	n := notice{action: strings.Trim(action, "()."), status: statusIn(f["status"]), diagnostic: f["diagnostic-code"],
		remote: f["remote-mta"] != ""}
	for _, name := range []string{"original-recipient", "final-recipient", "x-actual-recipient"} {
		if a := addressIn(f[name]); a != "" && n.address == "" {
			n.address = a
		}
	}
	if kind, words, ok := strings.Cut(n.diagnostic, ";"); ok && !strings.Contains(strings.TrimSpace(kind), " ") {
		n.diagnostic = strings.TrimSpace(words)
	}
	if _, comment, ok := strings.Cut(f["status"], "("); ok && n.diagnostic == "" {
		n.diagnostic = strings.TrimSuffix(comment, ")")
	}
	return n
}

// address is one in a text.
var address = regexp.MustCompile(`[A-Za-z0-9!#$%&'*+/=?^_{|}~.\-]+@[A-Za-z0-9][A-Za-z0-9.\-]*[A-Za-z0-9]`)

// addressIn gives the first address in a field; "" for none.
func addressIn(value string) string {
	if _, after, ok := strings.Cut(value, ";"); ok {
		value = after
	}
	return address.FindString(value[:min(len(value), 1024)])
}

// statusIn gives the first enhanced status (RFC 3463) in a text; "" for none. The numbers of addresses and versions are
// none.
func statusIn(text string) string {
	for _, at := range enhanced.FindAllStringIndex(text[:min(len(text), maxField)], 20) {
		before, after := byte(' '), byte(' ')
		if at[0] > 0 {
			before = text[at[0]-1]
		}
		if at[1] < len(text) {
			after = text[at[1]]
		}
		goesOn := isDigit(after) || after == '.' && at[1]+1 < len(text) && isDigit(text[at[1]+1])
		if !isPartOfNumber(before) && !goesOn {
			return text[at[0]:at[1]]
		}
	}
	return ""
}

var enhanced = regexp.MustCompile(`[245]\.\d{1,3}\.\d{1,3}`)

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isPartOfNumber(c byte) bool {
	return isDigit(c) || c == '.' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
