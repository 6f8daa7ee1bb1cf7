package values

import (
	"net/url"
	"strings"
)

// Accounts is what is known about the people of one message.
type Accounts struct {
	// Map leads from what else people are called (nicks, mail addresses, OpenIDs, logins) to the accounts that they are
	// known by. Addresses and URLs stand in it in small letters, the login at a forge as "github:ally".
	Map map[string]string
	// App is the application that the message is of: the name of the forge for its logins.
	App string
	// Domain is that of the community that the message's root names: an address below it is an account.
	Domain string
	// Same says that a login at the application is the account of that name.
	Same bool
	// Told leads from logins to accounts, where the message brings such a table with it.
	Told map[string]any
}

// Bridged reports whether a body came through a web hook of another site: {"body": …, "headers": …, "agent": …}. A
// forge whose messages stand on the bus by themselves speaks of its own accounts.
func Bridged(body map[string]any) bool {
	_, wrapped := body["body"].(map[string]any)
	_, hasAgent := body["agent"]
	_, hasHeaders := body["headers"]
	return wrapped && (hasAgent || hasHeaders)
}

// Domain gives the domain that the root of a topic stands for: org.example is example.org.
func Domain(root string) string {
	first, rest, ok := strings.Cut(root, ".")
	if !ok || strings.Contains(rest, ".") {
		return ""
	}
	return rest + "." + first
}

// Person gives who is meant, for sentences: the account where the map knows one, else the nick or login, else the full
// name, else what stands before the @ of the address. It gives nothing where nobody is meant. Of a list it gives the
// first.
func (a *Accounts) Person(v any) string {
	who := identify(v)
	if found, ok := a.find(who, a.App); ok {
		return found
	}
	for _, names := range [][]string{who.logins, who.names} {
		if len(names) > 0 {
			return names[0]
		}
	}
	for _, address := range who.addresses {
		local, _, _ := strings.Cut(address, "@")
		if name := principal(local); name != "" {
			return name
		}
		if local != "" {
			return local
		}
	}
	return ""
}

// Account gives the account that is meant, for sets. It gives nothing where only a full name or a foreign address is
// stated, and for organisations, programs and what stands for nobody.
func (a *Accounts) Account(v any) string {
	if s, is := v.(string); is && isWord(s) {
		if found, ok := accountOf(a.Map, s); ok {
			return found
		}
		if IsNobody(s) {
			return ""
		}
		return s
	}
	who := identify(v)
	if found, ok := a.find(who, ""); ok {
		return found
	}
	if who.group || who.bot {
		return ""
	}
	for _, address := range who.addresses {
		if local := a.local(address); local != "" {
			return local
		}
	}
	if len(who.logins) > 0 && !IsNobody(who.logins[0]) {
		return who.logins[0]
	}
	if s, is := v.(string); is && len(who.names) > 0 && who.names[0] == strings.TrimSpace(s) && s[0] != '@' {
		return who.names[0] // at some places accounts have spaces in them
	}
	return ""
}

// Login gives the account behind a login at a forge, for sets: by the map, else the login itself where the forge's
// accounts are the community's.
func (a *Accounts) Login(v any) string {
	who := identify(v)
	for _, login := range who.logins {
		if account, is := a.Told[login].(string); is && account != "" {
			return a.Account(account)
		}
	}
	if found, ok := a.find(who, a.App); ok {
		return found
	}
	if !a.Same || who.group || who.bot || len(who.logins) == 0 || IsNobody(who.logins[0]) {
		return ""
	}
	return who.logins[0]
}

// AppendPeople appends the accounts in a value that a field for people gives. A word is one as it stands there; of an
// object, an address or the like it is what Account gives. A number is nobody.
func (a *Accounts) AppendPeople(to []string, v any) []string { return a.appendPeople(to, v, 0) }

func (a *Accounts) appendPeople(to []string, v any, depth int) []string {
	name := ""
	switch v := v.(type) {
	case string:
		if name = v; !isWord(v) && !IsUnnamed(v) {
			name = a.Account(v)
		} else if strings.Trim(v, "0123456789") == "" {
			name = ""
		}
	case map[string]any:
		name = a.Account(v)
	case []any:
		if depth < maxWithin {
			for _, x := range v[:min(len(v), MaxSet)] {
				if len(to) >= maxTexts {
					break
				}
				to = a.appendPeople(to, x, depth+1)
			}
		}
	}
	if name != "" {
		to = append(to, name)
	}
	return to
}

// find looks all that somebody is called up in the map, first as a name at the forge.
func (a *Accounts) find(who identity, forge string) (string, bool) {
	if len(a.Map) == 0 || who.group {
		return "", false
	}
	names := who.names
	if len(who.logins) > 0 { // whoever has an account writes what full name they like
		names = nil
	}
	for _, names := range [][]string{who.logins, who.urls, who.addresses, names} {
		for _, name := range names {
			if forge != "" {
				if found, ok := a.Map[forge+":"+name]; ok {
					return found, true
				}
				if found, ok := a.Map[forge+":"+strings.ToLower(name)]; ok {
					return found, true
				}
			}
			if found, ok := accountOf(a.Map, name); ok {
				return found, true
			}
		}
	}
	return "", false
}

// local gives the account in an address of the community, or of Fedora: those who have one there have it by their
// account.
func (a *Accounts) local(address string) string {
	local, domain, _ := strings.Cut(address, "@")
	domain = strings.ToLower(domain)
	if domain != "fedoraproject.org" && (a.Domain == "" || domain != a.Domain) {
		return ""
	}
	return strings.ToLower(principal(local))
}

// principal gives the account in the first part of an address, which at Kerberos is also bob/admin, and host/… for what
// is no person.
func principal(local string) string {
	account, instance, divided := strings.Cut(local, "/")
	if divided && (isService(account) || strings.Contains(instance, ".")) {
		return ""
	}
	return account
}

// accountOf looks name up as it is and, where it is an address or URL, in small letters and without a slash at the end.
// A name that looks like a login at a forge, "github:ally", is none: only find knows where a login is from.
func accountOf(accounts map[string]string, name string) (string, bool) {
	if len(accounts) == 0 || name == "" || strings.Contains(name, ":") && !strings.ContainsAny(name, "@/") {
		return "", false
	}
	found, ok := accounts[name]
	if !ok && strings.ContainsAny(name, "@:") {
		found, ok = accounts[strings.TrimSuffix(strings.ToLower(name), "/")]
	}
	return found, ok
}

// openID gives the account in an OpenID of the forms http://alice.id.fedoraproject.org/ and …/id/alice, or "".
func openID(name string) string {
	rest, isURL := strings.CutPrefix(name, "https://")
	if !isURL {
		rest, isURL = strings.CutPrefix(name, "http://")
	}
	host, path, _ := strings.Cut(rest, "/")
	if nick, _, ok := strings.Cut(host, ".id."); ok && nick != "" {
		return nick
	}
	if !isURL {
		return ""
	}
	_, nick, found := strings.Cut("/"+strings.Trim(path, "/"), "/id/")
	if nick, err := url.PathUnescape(nick); found && err == nil && !strings.Contains(nick, "/") {
		return nick
	}
	return ""
}
