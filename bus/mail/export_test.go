package mail

// CheckMapping reads the text of a mapping as Load reads a file.
func CheckMapping(text []byte) error { return (&mapping{name: "tea"}).read(text) }
