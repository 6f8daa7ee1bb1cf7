package nodes_test

import (
	"io"
	"net/http"
	"regexp"
	"time"
)

var client = http.Client{Timeout: 3 * time.Second}

// get asks a node; "" where it does not say that all is well.
func (n *node) get(path string) string {
	answer, err := client.Get("http://" + n.at(8081) + path)
	if err != nil {
		return ""
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil || answer.StatusCode != http.StatusOK {
		return ""
	}
	return string(text)
}

var connected = regexp.MustCompile(`(?m)^notifyd_source_connected\{.*source="site".* 1$`)

// ready reports whether a node works and has its queue.
func (n *node) ready() bool {
	return n.get("/readyz") != "" && connected.MatchString(n.get("/metrics"))
}
