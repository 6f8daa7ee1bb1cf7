package fedmsg

import (
	"strconv"
	"strings"

	"github.com/notifyd/notifyd/internal/text"
)

// elsewhere says where notifyd has what other keys of fedmsg's are about.
var elsewhere = []struct{ key, advice string }{
	{"irc", "the bot that says everything in channels. Who wants notices on IRC adds an address (doc/irc.md)"},
	{"fedmsg.consumers.gateway.port", "`notifyd relay` hands everything on, to any number of subscribers (doc/relay.md)"},
	{"sign_messages", "`notifyd publish --sign` and `notifyd relay --sign` sign (doc/relay.md)"},
	{"certnames", "--cert and --key name the files that sign"},
	{"ssldir", "--cert and --key name the files that sign"},
	{"persistent_store", "bus.zmq.replay.listen answers by what is stored (doc/holes.md)"},
	{"conglomerators", "a destination's grouping and digests do this (doc/web.md)"},
	{"datanommer.enabled", "the history keeps every message"},
	{"datanommer.sqlalchemy.url", "database.dsn is where the history is"},
	{"logging", "log.level and log.format"},
}

// silent are keys that need no word: notifyd has what they are about, or they are about sockets and processes.
var silent = []string{
	"name", "high_water_mark", "io_threads", "zmq_enabled", "zmq_linger", "zmq_strict", "zmq_tcp_keepalive",
	"zmq_tcp_keepalive_cnt", "zmq_tcp_keepalive_idle", "zmq_tcp_keepalive_intvl", "zmq_reconnect_ivl",
	"zmq_reconnect_ivl_max", "post_init_sleep", "timeout", "active", "print_config", "config_filename", "mute", "mode",
	"topic_prefix_re", "crl_cache", "crl_cache_expiry", "ca_cert_cache", "ca_cert_cache_expiry", "crypto_backend",
	"crypto_validate_backends",
}

// mostNamed bounds how many keys the last remark names.
const mostNamed = 60

// rest says what was not carried over.
func (i *importer) rest() {
	for _, e := range elsewhere {
		if _, there := i.take(e.key); there {
			i.remark(0, "%s is left out: %s.", e.key, e.advice)
		}
	}
	for _, key := range silent {
		delete(i.keys, key)
	}
	var left []string
	for _, key := range i.order {
		if _, there := i.keys[key]; there && len(left) < mostNamed {
			left = append(left, quoted(text.ElideRunes(key, 60)))
		}
	}
	if len(left) == 0 {
		return
	}
	i.remark(0, "notifyd has no such settings, so these are left out:")
	for len(left) > 0 {
		n := min(4, len(left))
		i.remark(0, "%s", strings.Join(left[:n], ", "))
		left = left[n:]
	}
}

// quoted writes a text so that it is one in YAML, and harmless in a comment and on a terminal. Go's escapes are YAML's.
func quoted(s string) string { return strconv.QuoteToGraphic(s) }
