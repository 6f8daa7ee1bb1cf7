package trust

import (
	"encoding/base64"
	"errors"
	"fmt"
)

// The bounds on what a message may carry, in bytes of base64.
const (
	maxSignature   = 32 << 10
	maxCertificate = 32 << 10
)

// decodeBase64 reads base64 as Python's b64decode does, which fedmsg's senders were tested against: a character outside
// of the alphabet is passed over, and all that follows the padding.
func decodeBase64(text string, most int) ([]byte, error) {
	if len(text) > most {
		return nil, fmt.Errorf("it has %d bytes, at most %d are read", len(text), most)
	}
	digits := make([]byte, 0, len(text))
	pads := 0
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c != '=' {
			if inAlphabet(c) {
				digits, pads = append(digits, c), 0
			}
			continue
		}
		if pads++; len(digits)%4 >= 2 && len(digits)%4+pads >= 4 {
			break
		}
	}
	switch {
	case len(digits) == 0:
		return nil, errors.New("it is no base64")
	case len(digits)%4 == 1, len(digits)%4 != 0 && len(digits)%4+pads < 4:
		return nil, errors.New("it is base64 that was cut off")
	}
	return base64.RawStdEncoding.AppendDecode(nil, digits)
}

func inAlphabet(c byte) bool {
	return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '+' || c == '/'
}
