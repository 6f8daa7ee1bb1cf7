package values

import (
	"slices"
	"strings"
)

// placeholders are what programs write where they know no person: the nothing of their language as a text, or a word
// for it.
var placeholders = []string{"null", "(null)", "none", "nil", "<nil>", "<none>", "undefined", "unknown", "(unknown)",
	"<unknown>", "nan", "n/a", "-", "--", "?", "<no value>", "(none)", "anonymous"}

// nobodies are the names of accounts that stand for no person at the places where they are.
var nobodies = []string{"nobody", "ghost", "root"}

// services are names that stand for a machine or a part of it.
var services = []string{"localhost", "localhost.localdomain", "daemon", "apache", "httpd", "www-data", "nginx", "cron",
	"host", "http", "https", "ldap", "nfs", "imap", "smtp", "cifs", "mail", "postgres", "mysql", "systemd"}

// IsNobody reports whether a name stands for no person: "null", "None", "anonymous", "root", the name of a host or of a
// service. An account that the map has by that name is a person all the same: see People.
func IsNobody(name string) bool {
	if len(name) > 20 && strings.IndexByte(name, '.') < 0 && !strings.HasSuffix(name, "[bot]") {
		return false
	}
	name = strings.TrimSpace(name)
	lower := strings.ToLower(name)
	return slices.Contains(placeholders, lower) || slices.Contains(nobodies, lower) || isService(lower) ||
		isHostName(lower) || strings.HasSuffix(lower, "[bot]")
}

// IsUnnamed reports whether a name is only the word that a program writes where it knows no person.
func IsUnnamed(name string) bool {
	return len(name) < 20 && slices.Contains(placeholders, strings.ToLower(strings.TrimSpace(name)))
}

func isService(name string) bool { return slices.Contains(services, strings.ToLower(name)) }

// isHostName reports whether a name is one of a host: it has three labels at least, below a domain that can be bought,
// or is a number of the Internet.
func isHostName(name string) bool {
	if strings.Count(name, ".") < 2 || strings.ContainsAny(name, "@/: ") {
		return false
	}
	return isDomain(name) || strings.Trim(name, "0123456789.") == ""
}

// People leaves out the names that stand for no person. An account that the map has by that name is a person.
func People(accounts map[string]string, names []string) []string {
	return slices.DeleteFunc(names, func(name string) bool {
		if !IsNobody(name) {
			return false
		}
		_, person := accountOf(accounts, name)
		return !person
	})
}
