package secret_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/notifyd/notifyd/internal/secret"
)

type peer struct {
	Name     string `yaml:"name"`
	AuthKey  string `yaml:"auth_key"`
	Password string `yaml:"password" secret:"true"`
	Next     *peer  `yaml:"next"`
}

type config struct {
	Tokens  []string        `yaml:"access_tokens"`
	Public  string          `yaml:"public_key" secret:"false"`
	Keyring string          `yaml:"keyring"`
	Hidden  string          `yaml:"hidden" secret:"true"`
	DSN     string          // no tag at all
	Peers   map[string]peer `yaml:"peers"`
	Retry   time.Duration   `yaml:"retry"`
}

func TestField(t *testing.T) {
	want := map[string]bool{
		"Tokens": true, "Public": false, "Keyring": false, "Hidden": true, "DSN": true, "Peers": false, "Retry": false,
	}
	for name, is := range want {
		f, _ := reflect.TypeFor[config]().FieldByName(name)
		if got := secret.Field(f); got != is {
			t.Errorf("Field(%s) = %v, want %v", name, got, is)
		}
	}
}

func TestUnmarked(t *testing.T) {
	want := []string{"access_tokens", "dsn", "peers.auth_key"}
	if got := secret.Unmarked(&config{}); !slices.Equal(got, want) {
		t.Errorf("Unmarked = %q, want %q", got, want)
	}
	if got := secret.Unmarked(nil); len(got) > 0 {
		t.Errorf("Unmarked(nil) = %q", got)
	}
}
