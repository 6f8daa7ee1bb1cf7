package fedmsg

import (
	"net/url"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/bus/zmq"
	"github.com/notifyd/notifyd/internal/yamltext"
)

// zmq writes the section bus.zmq.
func (i *importer) zmq() {
	i.line(1, "zmq:")
	names := i.endpoints()
	i.srv()
	i.replays(names)
}

// endpoints writes where publishers are, and gives their names.
func (i *importer) endpoints() map[string]bool {
	n, _ := i.take("endpoints")
	var entries []yamltext.Entry
	if n != nil {
		entries = i.Mapping(n, "endpoints should be an object")
	}
	i.mistakenly(2)
	names, first := map[string]bool{}, map[string]string{}
	var lines []string
	for _, e := range entries {
		if e.Key == "relay_inbound" {
			i.remark(2, "relay_inbound is left out: there publishers connect to fedmsg's relay. See `notifyd relay --in`.")
			continue
		}
		var good []string
		for _, address := range i.texts(e.Value, "the addresses of "+quoted(e.Key)) {
			canonical, err := zmq.CheckAddress(address)
			switch {
			case err != nil:
				i.remark(2, "%s is left out: %v", quoted(e.Key), err)
			case first[canonical] != "":
				i.remark(2, "%s: %s is left out: it is listed under %s already", quoted(e.Key), quoted(address),
					quoted(first[canonical]))
			default:
				first[canonical] = e.Key
				good = append(good, quoted(address))
			}
		}
		i.mistakenly(2)
		if len(good) > 0 {
			names[e.Key] = true
			lines = append(lines, quoted(e.Key)+": ["+strings.Join(good, ", ")+"]")
		}
	}
	if len(lines) == 0 {
		i.line(2, "endpoints: {}")
		return names
	}
	i.line(2, "endpoints:")
	for _, l := range lines {
		i.line(3, "%s", l)
	}
	return names
}

// srv writes the domains whose DNS names publishers.
func (i *importer) srv() {
	n, ok := i.take("srv_endpoints")
	if !ok {
		return
	}
	var good []string
	for _, domain := range i.texts(n, "srv_endpoints") {
		name, err := zmq.CheckDomain(domain)
		switch {
		case err != nil:
			i.remark(2, "srv_endpoints: %s is left out: %v", quoted(domain), err)
		case !slices.Contains(good, quoted(name)):
			good = append(good, quoted(name))
		}
	}
	i.mistakenly(2)
	if len(good) > 0 {
		i.line(2, "srv: [%s]", strings.Join(good, ", "))
	}
}

// replays writes the stores of publishers.
func (i *importer) replays(names map[string]bool) {
	n, ok := i.take("replay_endpoints")
	if !ok {
		return
	}
	var lines []string
	for _, e := range i.Mapping(n, "replay_endpoints should be an object") {
		address, ok := i.Text(e.Value, "the address of the store of "+quoted(e.Key)+" should be a text")
		if !ok {
			continue
		}
		if _, err := zmq.CheckAddress(address); err != nil {
			i.remark(2, "replay_endpoints: %s is left out: %v", quoted(e.Key), err)
		} else if !names[e.Key] {
			i.remark(2, "replay_endpoints: %s is left out: no endpoint has this name", quoted(e.Key))
		} else {
			lines = append(lines, quoted(e.Key)+": "+quoted(address))
		}
	}
	i.mistakenly(2)
	if len(lines) == 0 {
		return
	}
	i.line(2, "replay:")
	i.line(3, "endpoints:")
	for _, l := range lines {
		i.line(4, "%s", l)
	}
}

// backlog writes the section bus.backlog: fedmsg asks a datagrepper only where it knows since when.
func (i *importer) backlog() {
	address, folder := i.text("datagrepper_url"), i.text("status_directory")
	i.mistakenly(1)
	if address == "" {
		return
	}
	address = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(address, "/"), "/raw"), "/")
	u, err := url.Parse(address)
	usable := err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") && u.User == nil &&
		u.RawQuery == "" && u.Fragment == ""
	switch {
	case !usable:
		i.remark(1, "datagrepper_url is left out: it is no http or https URL without login and query")
	case folder == "":
		i.remark(1, "Nothing missed is asked for: fedmsg had no status_directory. To do so: backlog: {datagrepper: %s}",
			quoted(address))
	default:
		i.line(1, "backlog:")
		i.line(2, "datagrepper: %s", quoted(address))
	}
}

// publish writes the section bus.publish.
func (i *importer) publish() {
	prefix, environment := i.text("topic_prefix"), i.text("environment")
	var relays []string
	if n, ok := i.take("relay_inbound"); ok {
		relays = i.texts(n, "relay_inbound")
	}
	i.mistakenly(1)
	i.publishing(prefix, environment, relays)
}
