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
		alias := Fold(e.Key)
		if _, twice := b.Accounts[alias]; twice {
			b.wrong(e.Node, "%q stands here a second time", e.Key)
			continue
		}
		switch {
		case strings.HasPrefix(account, "@"):
			b.wrong(e.Value, "%q is a group; an account is a person", account)
		case strings.ContainsAny(account, " \t"):
			b.wrong(e.Value, "%q is no account: it has a space in it", account)
		default:
			b.Accounts[strings.Clone(alias)] = b.name(account)
		}
	}
}

// readPeople reads `people`: what is known of each account.
func (b *builder) readPeople(n ast.Node) {
	for _, e := range b.entries(n) {
		if _, twice := b.People[e.Key]; twice {
			b.wrong(e.Node, "%q stands here a second time", e.Key)
			continue
		}
		if strings.HasPrefix(e.Key, "@") {
			b.wrong(e.Node, "%q is a group; an account is a person", e.Key)
			continue
		}
		b.People[b.name(e.Key)] = b.readPerson(e.Value)
	}
}

func (b *builder) readPerson(n ast.Node) (p Person) {
	for _, e := range b.entries(n) {
		switch e.Key {
		case "mails":
			p.Mails = b.list(e.Value)
		case "nicks":
			for _, text := range b.list(e.Value) {
				nick, err := ParseNick(text, nil)
				if err != nil {
					b.wrong(e.Value, "%v", err)
				}
				p.Nicks = append(p.Nicks, nick)
			}
		case "disabled":
			p.Disabled = b.truth(e.Value)
		case "bot":
			p.Bot = b.truth(e.Value)
		case "private":
			p.Private = b.truth(e.Value)
		default:
			b.wrong(e.Node, "unknown key %q: there is mails, nicks, disabled, bot and private", e.Key)
		}
	}
	return p
}

// truth returns true or false.
func (b *builder) truth(n ast.Node) bool {
	truth, ok := n.(*ast.BoolNode)
	if !ok {
		b.wrong(n, "true or false is expected here")
		return false
	}
	return truth.Value
}
