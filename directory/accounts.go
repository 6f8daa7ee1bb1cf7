package directory

import (
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// readAccounts reads `accounts`: a nick, a mail address or an OpenID URL, and the account that it belongs to. A name of
// two accounts is a mistake, because it would send one person's notices to another.
func (b *builder) readAccounts(n ast.Node) {
	for _, e := range b.entries(n) {
		account, ok := b.text(e.Value)
		if !ok {
			continue
		}
		alias := foldAlias(e.Key)
		if _, twice := b.accounts[alias]; twice {
			b.wrong(e.Node, "%q stands here a second time", e.Key)
			continue
		}
		switch {
		case strings.HasPrefix(account, "@"):
			b.wrong(e.Value, "%q is a group; an account is a person", account)
		case strings.ContainsAny(account, " \t"):
			b.wrong(e.Value, "%q is no account: it has a space in it", account)
		default:
			b.accounts[strings.Clone(alias)] = b.name(account)
		}
	}
}

// foldAlias returns a name in the form that Accounts uses: mail addresses and URLs in small letters, since senders
// write them in both cases, and URLs without a slash at the end. Nicks stay as they are.
func foldAlias(name string) string {
	name = strings.TrimSpace(name)
	if strings.Contains(name, "@") || strings.Contains(name, "://") {
		name = strings.TrimSuffix(strings.ToLower(name), "/")
	}
	return name
}
