package backends

// A Grouping is what notices have in common, told by whoever made them: a backend merges by it (see Merge) and knows
// nothing else of what they are about. The zero Grouping stands for the convention: the same objects, or the same kind
// and actor.
type Grouping struct {
	Keys   []string            `json:"keys,omitempty"`   // notices of one App that share a key belong together; the most particular first
	Plural []Part              `json:"plural,omitempty"` // the sentence about several of them; empty: one made by convention
	Values map[string][]string `json:"values,omitempty"` // what Plural names, of this notice
}

// A Part is a piece of a sentence about several notices: a text, or what a name stands for over all of them. These names are
// given: count (how many notices), failures (how many of them are errors), actors, users, packages and objects; the others
// are those of Values. A name stands for the set of its values, shown as a series: "a, b and c".
type Part struct {
	Text   string `json:"text,omitempty"` // shown as it is; then Name is empty
	Name   string `json:"name,omitempty"`
	Sum    bool   `json:"sum,omitempty"` // the values are numbers: show what they add up to
	One    string `json:"one,omitempty"` // with Many: show a number and the word that fits it: "1 build", "2 builds"
	Many   string `json:"many,omitempty"`
	If     string `json:"if,omitempty"`     // show the part only where this name stands for something
	Unless string `json:"unless,omitempty"` // show it only where this name stands for nothing
}
