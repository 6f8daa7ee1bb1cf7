package datagrepper

import (
	"strconv"
	"strings"
)

// quality is how much a client wants a media type by its Accept header (RFC 9110, section 12.5.1): that of the most
// specific range that the type is in. Without a header, and with */* alone, JSON is wanted.
func quality(accept, kind string) float64 {
	best, q := -1, 0.0
	major, _, _ := strings.Cut(kind, "/")
	for part := range strings.SplitSeq(accept, ",") {
		name, parameters, _ := strings.Cut(part, ";")
		rank := -1
		switch strings.ToLower(strings.TrimSpace(name)) {
		case kind:
			rank = 2
		case major + "/*":
			rank = 1
		case "*/*":
			rank = 0
		}
		if rank > best {
			best, q = rank, weight(parameters)
		}
	}
	return q
}

func weight(parameters string) float64 {
	for p := range strings.SplitSeq(parameters, ";") {
		if value, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(p)), "q="); ok {
			if q, err := strconv.ParseFloat(value, 64); err == nil && q >= 0 && q <= 1 {
				return q
			}
			return 0
		}
	}
	return 1
}
