package daemon

import (
	"fmt"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/cmd/notifyd/config"
)

// PublishSettings is the section bus.publish: what a publisher sends by, where it does not say so itself.
type PublishSettings struct {
	Prefix string `yaml:"prefix"` // first words of each topic
	Env    string `yaml:"env"`    // the word after it
	Relay  string `yaml:"relay"`  // address that takes messages in
}

// DefaultPublish are fedmsg's own settings.
func DefaultPublish() PublishSettings {
	return PublishSettings{Prefix: "org.fedoraproject", Env: "dev", Relay: "tcp://127.0.0.1:2003"}
}

// LoadPublish decodes the section and nothing else.
func LoadPublish(f *config.File) (PublishSettings, error) {
	s := DefaultPublish()
	if err := f.Section("bus.publish")(&s); err != nil {
		return s, err
	}
	return s, f.InSection("bus.publish", s.check())
}

func (s PublishSettings) check() error {
	switch {
	case s.Prefix == "" || bus.CheckTopic(s.Prefix) != nil:
		return fmt.Errorf("prefix: %q; expected words such as org.example", s.Prefix)
	case s.Env == "" || bus.CheckTopic(s.Env) != nil:
		return fmt.Errorf("env: %q; expected a word such as dev, stg or prod", s.Env)
	case s.Relay == "":
		return fmt.Errorf("relay: empty; expected an address such as tcp://127.0.0.1:2003")
	}
	return nil
}
