package values

import (
	"strings"
	"unicode"
)

// The fields of an object that name a person.
var (
	loginKeys = []string{"login", "username", "user_name", "userName", "nickname", "nick", "uid", "fas_username",
		"fas_name", "preferred_username", "account", "account_name", "accountName", "uniqueName"}
	fullNameKeys = []string{"full_name", "fullname", "fullName", "display_name", "displayName", "displayname",
		"real_name", "realname", "realName", "human_name"}
	addressKeys = []string{"email", "mail", "emailAddress", "email_address", "mailAddress", "raw"}
	personKeys  = []string{"user", "author", "actor", "person", "sender", "owner", "creator", "committer", "createdBy",
		"submitter", "uploader", "member", "identity", "agent", "by", "value"}
	typeKeys = []string{"type", "__typename", "account_type", "accountType", "kind"}
)

// object reads the object of a person, or one that holds such.
func (w *identity) object(object map[string]any, within int) {
	w.kind(object)
	for _, key := range loginKeys {
		if v, has := object[key]; has {
			w.field(v, within)
		}
	}
	whole := false
	for _, key := range fullNameKeys {
		if s, is := object[key].(string); is && !IsPlaceholder(s) {
			w.names, whole = append(w.names, strings.TrimSpace(s)), true
		}
	}
	w.ownName(object["name"], whole, within)
	if s, is := object["summary"].(string); is && w.empty() && isReference(object["type"]) {
		w.names = append(w.names, strings.TrimSpace(s))
	}
	for _, key := range addressKeys {
		if s, is := object[key].(string); is && strings.Contains(s, "@") && len(s) <= maxPerson {
			w.address(strings.TrimSpace(s))
		}
	}
	if !w.empty() {
		return
	}
	for _, key := range personKeys {
		if v, has := object[key]; has {
			if w.read(v, within-1); !w.empty() {
				return
			}
		}
	}
	if len(object) == 1 {
		for key, v := range object {
			if _, is := v.(map[string]any); is || key == "slug" || key == "id" || key == "url" {
				w.read(v, within-1)
			}
		}
	}
}

// isReference reports the type of what stands for a person: user_reference.
func isReference(kind any) bool {
	s, _ := kind.(string)
	return s == "user" || s == "user_reference"
}

// field reads a field that should hold a login, and may hold an address, a full name or the object of a person.
func (w *identity) field(v any, within int) {
	if s, is := v.(string); is && strings.ContainsFunc(strings.TrimSpace(s), unicode.IsSpace) && !isLDAP(s) {
		if s = strings.TrimSpace(s); !IsPlaceholder(s) && len(s) <= maxPerson {
			w.names = append(w.names, s)
		}
		return
	}
	w.read(v, within-1)
}

func isLDAP(s string) bool { return strings.Contains(s, "=") || strings.Contains(s, "@") }

// ownName reads the field name. It is the login where a full name stands beside it, or where it is one word and nobody
// is named yet.
func (w *identity) ownName(v any, whole bool, within int) {
	s, is := v.(string)
	if !is {
		w.read(v, within-1)
		return
	}
	if s = strings.TrimSpace(s); IsPlaceholder(s) || len(s) > maxPerson {
		return
	}
	switch {
	case len(w.logins) > 0, strings.ContainsFunc(s, unicode.IsSpace) && !strings.Contains(s, "@"):
		w.names = append(w.names, s)
	case whole && isWord(s):
		w.logins = append(w.logins, s)
	default:
		w.text(s, within)
	}
}

// kind reads what the object says it is.
func (w *identity) kind(object map[string]any) {
	for _, key := range typeKeys {
		s, _ := object[key].(string)
		switch strings.ToLower(s) {
		case "organization", "organisation", "team", "group":
			w.group = true
		case "bot", "app", "integration":
			w.bot = true
		}
	}
	for _, key := range []string{"is_bot", "bot", "isBot"} {
		if is, _ := object[key].(bool); is {
			w.bot = true
		}
	}
}
