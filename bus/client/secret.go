package client

import (
	"fmt"
	"strings"

	"github.com/notifyd/notifyd/internal/watch"
)

// maxSecret bounds a file of secrets in bytes.
const maxSecret = 64 << 10

// ReadSecret reads a token or an HMAC key from a file: its first line that is not empty. So the file may be the one of
// the server, which takes any line.
func ReadSecret(file string) (string, error) {
	content, err := watch.ReadFile(file, maxSecret)
	if err != nil {
		return "", err
	}
	secret := firstLine(string(content))
	if secret == "" {
		return "", fmt.Errorf("%s is empty", file)
	}
	return secret, nil
}

func firstLine(text string) string {
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			return line
		}
	}
	return ""
}
