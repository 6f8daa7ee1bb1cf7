package mail

import (
	netmail "net/mail"
	"regexp"
	"strings"

	"github.com/notifyd/notifyd/internal/text"
)

// Look implements expression.Scope with the places of Kinds.
func (m *Mail) Look(kind, name string) any {
	switch kind {
	case "header":
		return m.Header(name)
	case "address":
		_, address := m.mailbox(name)
		return address
	case "person":
		person, address := m.mailbox(name)
		if person == "" {
			return address
		}
		return person
	case "field":
		return m.Field(name)
	case "rows":
		words := strings.Fields(name)
		return m.rows(words[0], words[1:])
	case "parts":
		return m.texts(strings.Fields(name))
	case "text":
		return m.Text()
	case "id":
		return m.ID()
	}
	return nil
}

// plainAddress finds an address where the header cannot be read as it should be.
var plainAddress = regexp.MustCompile(`[A-Za-z0-9._%+/=-]{1,64}@[A-Za-z0-9.-]{1,190}`)

// mailbox gives name and address of the first mailbox in a header.
func (m *Mail) mailbox(header string) (person, address string) {
	raw := m.head.Get(header)
	raw = raw[:min(len(raw), maxHeader)]
	list, err := netmail.ParseAddressList(raw)
	if err == nil && len(list) > 0 {
		return text.OneLine(decoded(list[0].Name)), text.OneLine(list[0].Address)
	}
	address = plainAddress.FindString(raw)
	before, _, _ := strings.Cut(decoded(raw), "<")
	if person = strings.Trim(before, `" `); strings.Contains(person, "@") {
		person = ""
	}
	return person, address
}
