package fedmsg

import (
	"strings"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/zmq"
)

// publishing writes how our own tools publish.
func (i *importer) publishing(prefix, environment string, relays []string) {
	var lines []string
	word := func(key, ours, value string) {
		switch {
		case value == "":
		case bus.CheckTopic(value) != nil:
			i.remark(1, "%s is left out: %s cannot stand in a topic", key, quoted(value))
		default:
			lines = append(lines, ours+": "+quoted(value))
		}
	}
	word("topic_prefix", "prefix", prefix)
	word("environment", "env", environment)
	if len(relays) > 0 {
		if _, err := zmq.CheckAddress(relays[0]); err != nil {
			i.remark(1, "relay_inbound is left out: %v", err)
		} else {
			lines = append(lines, "relay: "+quoted(strings.Replace(relays[0], "//*:", "//127.0.0.1:", 1)))
		}
		if len(relays) > 1 {
			i.remark(1, "relay_inbound has %d addresses; the first is used, as fedmsg does", len(relays))
		}
	}
	if len(lines) == 0 {
		return
	}
	i.line(1, "publish:")
	for _, l := range lines {
		i.line(2, "%s", l)
	}
}
