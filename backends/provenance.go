package backends

import "github.com/notifyd/notifyd/internal/text"

// A Provenance is how far the sender of a message is proved. The zero Provenance says nothing: the site checks nobody,
// or the message comes from where all are believed. Whoever makes a notice writes it; a backend only shows it.
//
// Its names in JSON are those of doc/api.md and of notices that are stored.
//
// A notice with a Standing is a marked one. Of it a backend
//
//   - shows Standing before the title, in words: "[unsigned] …";
//   - shows Caution where it has room for a sentence;
//   - passes every name of the message that it shows through Shown. Title and Text are written so already, and there
//     is no Link: a stranger's message must not become a click.
type Provenance struct {
	// Standing says in a few words why people should doubt the message: "unsigned", "wrong signer".
	Standing string `json:"standing,omitzero"`
	// Caution says in a sentence or two what Standing means, to somebody who never heard of signatures.
	Caution string `json:"caution,omitzero"`
	// Signer is who has signed the message, where that is proved. Then Standing is "".
	Signer string `json:"signer,omitzero"`
	// Unconfirmed says that the notice takes back one that went out before: another message, which is proved, has
	// claimed its id. Then Standing and Caution are set, and say so.
	Unconfirmed bool `json:"unconfirmed,omitzero"`
}

// Tag is what stands before a title: "[unsigned] ", or "".
func (p Provenance) Tag() string {
	if p.Standing == "" {
		return ""
	}
	return "[" + p.Standing + "] "
}

// Shown is a name of the message as people may see it: defanged where the notice is marked.
func (p Provenance) Shown(name string) string {
	if p.Standing == "" {
		return name
	}
	return text.Defang(name)
}
