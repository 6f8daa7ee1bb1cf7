package backends

// A Grouping says which notices of a digest belong together, and what they say together. Whoever makes a notice sets
// it; Merge reads it, and knows nothing else of what notices are about. The terms are those of SQL and Alertmanager:
// notices with a common key are one group. The zero Grouping stands for the convention: the same objects, or the same
// kind and actor.
//
// Its names in JSON are those of doc/api.md and of notices that are stored.
type Grouping struct {
	// Keys are what the notice may share with others of the same App, the most particular first.
	Keys []string `json:"keys,omitempty"`
	// Template is the sentence about several notices that share a key; empty: one made by convention.
	Template []DigestPart `json:"plural,omitempty"`
	// Values are what the names in Template stand for, of this notice.
	Values map[string][]string `json:"values,omitempty"`
}

// A DigestPart is a piece of the sentence about several notices: a text, or a name that stands for its values over all
// of them, shown as a series: "a, b and c". Some names are always known: count (how many notices), failures (how many
// of them are errors), actors, users, packages and objects. The others are those of Values.
//
//	{Name: "actors"}, {Text: " started "}, {Name: "count", One: "build", Many: "builds"}
//
// says "alice and bob started 2 builds" over two notices.
type DigestPart struct {
	Text   string `json:"text,omitempty"` // shown as it is; then Name is empty
	Name   string `json:"name,omitempty"`
	Sum    bool   `json:"sum,omitempty"` // the values are numbers: show what they add up to
	One    string `json:"one,omitempty"` // with Many: show a number and the word that fits it: "1 build", "2 builds"
	Many   string `json:"many,omitempty"`
	If     string `json:"if,omitempty"`     // show the part only where this name stands for something
	Unless string `json:"unless,omitempty"` // show it only where this name stands for nothing
}
