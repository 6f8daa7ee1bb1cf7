package tail

import "strings"

// These are the colours of fedmsg-tail --really-pretty, by SGR number.
const (
	keyColour    = "\x1b[33m" // yellow
	textColour   = "\x1b[32m" // green
	numberColour = "\x1b[34m" // blue
	wordColour   = "\x1b[35m" // true, false, null
	plainColour  = "\x1b[39m"
)

// colour colours indented JSON that has no control characters but the newline.
func colour(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		end, code := token(text, i)
		if code == "" {
			b.WriteString(text[i:end])
		} else {
			b.WriteString(code + text[i:end] + plainColour)
		}
		i = end
	}
	return b.String()
}

// token gives the end of the token at i, and its colour; "" for what has none.
func token(text string, i int) (end int, code string) {
	end = i + 1
	switch c := text[i]; {
	case c == '"':
		for ; end < len(text) && text[end] != '"'; end++ {
			if text[end] == '\\' {
				end++
			}
		}
		end = min(end+1, len(text))
		if strings.HasPrefix(text[end:], ":") {
			return end, keyColour
		}
		return end, textColour
	case c == '-' || c >= '0' && c <= '9':
		return i + span(text[i:], "-+.eE0123456789"), numberColour
	case c >= 'a' && c <= 'z':
		return i + span(text[i:], "truefalsn"), wordColour
	}
	return end, ""
}

// span is the length of the head of text that has only the given characters.
func span(text, chars string) int {
	return len(text) - len(strings.TrimLeft(text, chars))
}
