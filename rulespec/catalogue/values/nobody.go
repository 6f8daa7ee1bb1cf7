package values

import (
	"net/netip"
	"slices"
	"strings"
)

// unnamed are what programs write where they know no person: the nothing of their language as a text, or a word for it.
var unnamed = setOf("null", "(null)", "none", "(none)", "<none>", "nil", "<nil>", "undefined", "unknown", "(unknown)",
	"<unknown>", "nan", "n/a", "-", "--", "?", "<no value>", "anonymous")

// nobodies are names that stand for no person wherever they are: accounts that everything without one runs under, and
// those of machines and services.
var nobodies = setOf("nobody", "ghost", "root", "localhost", "localhost.localdomain", "daemon", "apache", "httpd",
	"www-data", "nginx", "cron", "host", "http", "https", "ldap", "nfs", "imap", "smtp", "cifs", "mail", "postgres",
	"mysql", "systemd")

func setOf(words ...string) map[string]bool {
	set := make(map[string]bool, len(words))
	for _, w := range words {
		set[w] = true
	}
	return set
}

// maxNobody is how long the longest of these words is.
const maxNobody = 24

// IsNobody reports whether a name stands for no person: "null", "None", "anonymous", "root", the name of a host or of a
// service, that of a program as forges write it (tea[bot]). An account that the map has by that name is a person all
// the same: see People. Accounts such as admin or releng are no such names: people stand behind them.
func IsNobody(name string) bool {
	word := strings.TrimSpace(name)
	if len(word) <= maxNobody {
		if word = strings.ToLower(word); unnamed[word] || nobodies[word] {
			return true
		}
	}
	return strings.HasSuffix(word, "[bot]") || isHostName(word)
}

// IsUnnamed reports whether a name is only the word that a program writes where it knows no person.
func IsUnnamed(name string) bool {
	return len(name) <= maxNobody && unnamed[strings.ToLower(strings.TrimSpace(name))]
}

// isService reports whether a name is one of those that Kerberos puts before the name of a host.
func isService(name string) bool { return nobodies[strings.ToLower(name)] }

// isHostName reports whether a name is one of a host: it has three labels at least, below a domain that can be bought,
// or is an address of the Internet, as wikis name those without an account, or the name ~2026-1234 that they give them.
func isHostName(name string) bool {
	if rest, is := strings.CutPrefix(name, "~"); is && rest != "" {
		return strings.Trim(rest, "0123456789-") == ""
	}
	if strings.Count(name, ":") > 1 {
		_, err := netip.ParseAddr(name)
		return err == nil
	}
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
