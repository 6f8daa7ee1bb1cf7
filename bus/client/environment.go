package client

import (
	"cmp"
	"fmt"

	"github.com/goccy/go-yaml"

	"github.com/notifyd/notifyd/bus/zmq"
)

// The variables of the environment that are read are those which notifyd itself reads over its configuration. That file
// is not read: it holds secrets, which programs that publish have no need of.
const (
	publishVariable = "NOTIFYD_BUS__PUBLISH__"
	zmqVariable     = "NOTIFYD_BUS__ZMQ__"
)

// fromEnvironment sets what no option says. The defaults are fedmsg's.
func (s *publishing) fromEnvironment(getenv func(string) string) error {
	s.prefix = cmp.Or(s.prefix, getenv(publishVariable+"PREFIX"), "org.fedoraproject")
	s.env = cmp.Or(s.env, getenv(publishVariable+"ENV"), "dev")
	s.modname = cmp.Or(s.modname, program())
	if s.poster != nil || s.relay != "" || s.bind != "" {
		return nil
	}
	if getenv(publishVariable+"HTTP__URL") == "" {
		s.relay = cmp.Or(getenv(publishVariable+"RELAY"), "tcp://127.0.0.1:2003")
		return nil
	}
	var err error
	s.ownPoster = true
	if s.poster, err = posterFromEnvironment(getenv); err != nil {
		return fmt.Errorf("environment %sHTTP__…: %w", publishVariable, err)
	}
	return nil
}

// posterFromEnvironment makes the Poster that the environment describes as bus.publish.http does.
func posterFromEnvironment(getenv func(string) string) (*Poster, error) {
	get := func(key string) string { return getenv(publishVariable + "HTTP__" + key) }
	c := PosterConfig{URL: get("URL"), Sender: get("SENDER"), Token: get("TOKEN"), HMACKey: get("HMAC_KEY")}
	for key, into := range map[string]*string{"TOKEN_FILE": &c.Token, "HMAC_KEY_FILE": &c.HMACKey} {
		if file := get(key); file != "" {
			var err error
			if *into, err = ReadSecret(file); err != nil {
				return nil, err
			}
		}
	}
	return NewPoster(c)
}

// zmqFromEnvironment gives the endpoints that the environment names or says how to find: the variables are named as
// the keys of bus.zmq, and hold YAML or JSON, such as what fedmsg-config prints.
func zmqFromEnvironment(getenv func(string) string) (c zmq.Config, err error) {
	if text := getenv(zmqVariable + "ENDPOINTS"); text != "" {
		if c.Endpoints, err = zmq.ParseEndpoints([]byte(text)); err != nil {
			return c, fmt.Errorf("environment %sENDPOINTS: %w", zmqVariable, err)
		}
	}
	c.EndpointsFile = getenv(zmqVariable + "ENDPOINTS_FILE")
	c.SRVServer = getenv(zmqVariable + "SRV_SERVER")
	for name, into := range map[string]*[]string{"SRV": &c.SRV, "TOPICS": &c.Topics} {
		var list zmq.Addresses
		if err := yaml.Unmarshal([]byte(getenv(zmqVariable+name)), &list); err != nil {
			return c, fmt.Errorf("environment %s%s: a list was expected", zmqVariable, name)
		}
		*into = list
	}
	return c, nil
}
