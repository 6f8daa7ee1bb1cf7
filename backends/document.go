package backends

// A Document is a notice that is a text of its own, such as a report: a backend that has room shows it as it is laid
// out, and says below why it came. The notice's Text is the same as plain text, for all others.
type Document struct {
	// HTML is a part of a page, without head and body, that we have written ourselves: what others published stands
	// escaped in it.
	HTML string `json:"html"`
	Foot string `json:"foot"` // a sentence that says why it came
}
