package backends

import "strings"

// SecretMark stands in the texts of a notice where its secret goes.
const SecretMark = "{secret}"

// Reveal puts the secret that Secret refers to into the texts of a notice. It is done in memory, for one attempt to
// send: what is stored has the mark, and a backend never sees it.
func (n *Notice) Reveal(secret string) {
	for _, part := range []*string{&n.Title, &n.Text, &n.Link} {
		*part = strings.ReplaceAll(*part, SecretMark, secret)
	}
	n.Secret = ""
}
