package signin

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/notifyd/notifyd/internal/text"
)

// claims are what a provider says of somebody, by name.
type claims map[string]any

// The bounds on what is taken from claims.
const (
	claimMost  = 250  // bytes of a name, an address, a group
	groupsMost = 2000 // more than that counts as unknown
)

// readClaims reads an object in JSON. Numbers stay as they are written.
func readClaims(content []byte) (claims, error) {
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.UseNumber()
	var c claims
	if err := decoder.Decode(&c); err != nil {
		return nil, err
	}
	if c == nil {
		return nil, errors.New("no object")
	}
	return c, nil
}

// find gives the value of a claim. A name that is no claim itself is a path: realm_access.roles.
func (c claims) find(name string) (any, bool) {
	if value, ok := c[name]; ok && value != nil {
		return value, true
	}
	for i := range len(name) {
		if name[i] != '.' {
			continue
		}
		if inner, ok := c[name[:i]].(map[string]any); ok {
			if value, ok := claims(inner).find(name[i+1:]); ok {
				return value, true
			}
		}
	}
	return nil, false
}

// word gives a claim as a short text; "" where it is none.
func (c claims) word(name string) string {
	value, _ := c.find(name)
	return word(value)
}

// word makes a text of a value: also of a number and a truth value, but never of a list or an object.
func word(value any) string {
	var s string
	switch v := value.(type) {
	case string:
		s = strings.TrimSpace(v)
	case json.Number:
		s = v.String()
	case bool:
		s = map[bool]string{true: "true", false: "false"}[v]
	}
	if len(s) > claimMost || !utf8.ValidString(s) || !text.IsPlainLine(s) {
		return ""
	}
	return s
}

// truth reads a claim that should be true or false; some providers write it as a text.
func (c claims) truth(name string) bool { return c.word(name) == "true" }

// groups gives the groups of a claim. known is false where the provider does not say which there are: it has left them
// out because there are too many ("overage"), or wrote something that is no list of groups. Without a claim there are
// none: many providers leave out an empty list.
func (c claims) groups(name string) (groups []string, known bool) {
	value, ok := c.find(name)
	if !ok {
		return nil, !c.overage(name)
	}
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	if len(list) > groupsMost {
		return nil, false
	}
	for _, each := range list {
		if object, ok := each.(map[string]any); ok {
			each = object["name"]
		}
		group, ok := each.(string)
		if group = word(group); !ok {
			return nil, false
		}
		if group = strings.TrimPrefix(group, "/"); group != "" { // Keycloak writes paths
			groups = append(groups, group)
		}
	}
	slices.Sort(groups)
	return slices.Compact(groups), true
}

// elsewhere is where keyView puts the claims that the token names a source for. No source is ever asked: its address
// would be one that a token names.
const elsewhere = "notifyd:elsewhere"

// overage reports whether the groups were left out because there are too many.
func (c claims) overage(name string) bool {
	sources, _ := c[elsewhere].(map[string]any)
	if named, ok := c["_claim_names"].(map[string]any); ok && sources == nil { // UserInfo has them unchanged
		sources = named
	}
	_, moved := sources[name]
	return moved || c.truth("hasgroups")
}

// withoutSources moves _claim_names of a token's content out of the way: go-oidc refuses a token that names a source
// which is not there, as some providers do.
func withoutSources(content []byte) []byte {
	if !bytes.Contains(content, []byte(`_claim_`)) {
		return content
	}
	var all map[string]json.RawMessage
	if json.Unmarshal(content, &all) != nil {
		return content
	}
	if names, ok := all["_claim_names"]; ok {
		all[elsewhere] = names
	}
	delete(all, "_claim_names")
	delete(all, "_claim_sources")
	moved, err := json.Marshal(all)
	if err != nil {
		return content
	}
	return moved
}

// has reports whether a claim is a value, or a list that has it.
func (c claims) has(name, want string) (has, there bool) {
	value, there := c.find(name)
	if list, ok := value.([]any); ok {
		return slices.ContainsFunc(list, func(each any) bool { return strings.TrimPrefix(word(each), "/") == want }), true
	}
	return there && word(value) == want, there
}

// fill takes from others the claims that are missing.
func (c claims) fill(others claims) {
	for name, value := range others {
		if have, ok := c[name]; !ok || have == nil {
			c[name] = value
		}
	}
}
