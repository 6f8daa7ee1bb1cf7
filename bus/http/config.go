package http

import (
	"fmt"
	"net"
	"regexp"
	"strconv"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// senderName is what a sender may be called: it stands in logs, metrics and the history.
var senderName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.@-]{0,62}$`)

// check refuses what cannot be meant. An error names the key.
func (c Config) check() error {
	_, port, err := net.SplitHostPort(c.Listen)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	switch {
	case err != nil:
		return fmt.Errorf("listen: %q; host:port was expected, such as 127.0.0.1:8090", c.Listen)
	case (c.CertFile == "") != (c.KeyFile == ""):
		return fmt.Errorf("cert_file and key_file: both or none")
	case len(c.Senders)+len(c.Hooks) == 0:
		return fmt.Errorf("senders, hooks: one was expected, or nobody could send")
	case c.MaxBody < 1024 || c.MaxBody > mostBody:
		return fmt.Errorf("max_body: %d; 1024 to %d was expected", c.MaxBody, mostBody)
	case c.MaxLines < 1 || c.MaxLines > 100_000:
		return fmt.Errorf("max_lines: %d; 1 to 100000 was expected", c.MaxLines)
	case c.MaxRequests < 1 || c.MaxRequests > 10_000:
		return fmt.Errorf("max_requests: %d; 1 to 10000 was expected", c.MaxRequests)
	}
	for key, d := range map[string]time.Duration{"read_timeout": c.ReadTimeout, "commit_timeout": c.CommitTimeout} {
		if d < 10*time.Millisecond || d > 10*time.Minute {
			return fmt.Errorf("%s: %v; 10ms to 10m was expected", key, d)
		}
	}
	return nil
}

// checkTopics checks the topics that a sender may use.
func checkTopics(topics []string) error {
	if len(topics) == 0 {
		return fmt.Errorf(`topics: those were expected that it may send under; "#" is all`)
	}
	for _, t := range topics {
		if t != allTopics && (bus.CheckTopic(t) != nil || regexp.MustCompile(`[*#]|^\.|\.$`).MatchString(t)) {
			return fmt.Errorf("topics: %q; the first words of topics were expected, such as org.example.prod.wiki", t)
		}
	}
	return nil
}
