package ldap

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-ldap/ldap/v3"
)

// A person is an entry of a person.
type person struct {
	name              string
	mails, nicks      []string
	groups            []string // distinguished names, of memberOf
	disabled, private bool
}

// person reads an entry. It returns false for one that has no name that can be used.
func (p People) person(e *ldap.Entry) (person, bool) {
	name := e.GetEqualFoldAttributeValue(p.Name)
	if !usable(name) {
		return person{}, false
	}
	one := person{name: name, disabled: disabled(e), private: isTrue(e, p.Private)}
	for _, attribute := range p.Mail {
		one.mails = append(one.mails, texts(e, attribute)...)
	}
	for _, attribute := range p.Nick {
		one.nicks = append(one.nicks, texts(e, attribute)...)
	}
	if p.MemberOf != "" {
		one.groups = texts(e, p.MemberOf)
	}
	return one, true
}

// attributes are those that a search for people asks for.
func (p People) attributes() []string {
	all := append([]string{p.Name}, p.Mail...)
	all = append(all, p.Nick...)
	for _, name := range []string{p.Private, p.MemberOf} { // memberOf is operational: it comes where it is asked for
		if name != "" {
			all = append(all, name)
		}
	}
	return append(all, accountLock, accountControl, lockedTime, loginDisabled)
}

// The attributes by which servers say that an account is disabled. An account that has expired, or that is locked for
// a while after wrong passwords, is not.
const (
	accountLock    = "nsAccountLock"        // 389 Directory Server, FreeIPA: TRUE
	accountControl = "userAccountControl"   // Active Directory (MS-ADTS, 2.2.16): the bit ACCOUNTDISABLE
	lockedTime     = "pwdAccountLockedTime" // OpenLDAP (draft-behera-ldap-password-policy): locked until an administrator
	loginDisabled  = "loginDisabled"        // eDirectory: TRUE

	accountDisable = 0x2
	lockedForGood  = "000001010000Z"
)

func disabled(e *ldap.Entry) bool {
	bits, err := strconv.ParseInt(e.GetEqualFoldAttributeValue(accountControl), 10, 64)
	return isTrue(e, accountLock) || isTrue(e, loginDisabled) || err == nil && bits&accountDisable != 0 ||
		e.GetEqualFoldAttributeValue(lockedTime) == lockedForGood
}

func isTrue(e *ldap.Entry, attribute string) bool {
	return attribute != "" && strings.EqualFold(e.GetEqualFoldAttributeValue(attribute), "true")
}

// texts returns the values of an attribute that are text; Active Directory and photographs have others.
func texts(e *ldap.Entry, attribute string) []string {
	var all []string
	for _, v := range e.GetEqualFoldAttributeValues(attribute) {
		if v = strings.TrimSpace(v); v != "" && utf8.ValidString(v) {
			all = append(all, v)
		}
	}
	return all
}

// maxName bounds a name, in bytes.
const maxName = 256

// usable reports whether a name can be one on the bus, or that of a group.
func usable(name string) bool {
	return name != "" && len(name) <= maxName && utf8.ValidString(name) && !strings.HasPrefix(name, "@") &&
		!strings.ContainsFunc(name, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) })
}
