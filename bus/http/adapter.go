package http

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/notifyd/notifyd/bus/expression"
)

// An Adapter says how one kind of service sends its webhooks. Those that come with the program are files in adapters;
// a site's own are in the configuration.
//
// Which adapter a hook has is configured and never guessed, since services send each other's headers too.
type Adapter struct {
	// Doc is what it is for, in a sentence.
	Doc string `yaml:"doc"`
	// Also are other names of it.
	Also []string `yaml:"also"`
	// Signatures are ways to prove who sends, the strongest first. The first one that a request has the header of
	// decides: a right token does not rescue a wrong signature.
	Signatures []Signature `yaml:"signatures"`
	// Form is the field that has the JSON where the body is a form. "": the body is JSON, whatever its type says.
	Form string `yaml:"form"`
	// Topic and ID are expressions (bus/expression). An ID with a value that is missing is none: then the id is made of
	// the body and the minute.
	Topic string `yaml:"topic"`
	ID    string `yaml:"id"`
	// Action is an expression of what was done, for rules: the header notifyd_action of the message. "": none.
	Action string `yaml:"action"`
	// Pings are topics of requests that only try whether the hook works. They are answered 200, and are no messages.
	Pings []string `yaml:"pings"`
	// Envelope says that the body is a whole message of fedmsg, of which msg is taken.
	Envelope bool `yaml:"envelope"`
	// Headers are those that the message keeps.
	Headers []string `yaml:"headers"`
	// Private is an expression that has something where what is sent is not for everybody, such as a message between two
	// people. It is answered like any other, and becomes none.
	Private string `yaml:"private"`
	// Remove are paths in the body that nobody else should read; * is every item of a list, ** any depth.
	Remove []string `yaml:"remove"`
}

// anywhere in a path of Remove is any depth, also none.
const anywhere = "**"

// The schemes of signatures.
const (
	schemeHMAC     = "hmac"     // the HMAC-SHA256 of something, in a header
	schemeToken    = "token"    // the secret itself, in a header
	schemeBasic    = "basic"    // the secret is user:password of Authorization: Basic
	schemePath     = "path"     // the secret is the last part of the URL: /hooks/NAME/SECRET
	schemeStandard = "standard" // Standard Webhooks
)

// A Signature is a way to prove who sends.
type Signature struct {
	Scheme string `yaml:"scheme"`
	Header string `yaml:"header"`
	// Prefix is before each signature or token, such as sha256=. What lacks it is none of this scheme.
	Prefix string `yaml:"prefix"`
	// Encoding is hex, the default, or base64.
	Encoding string `yaml:"encoding"`
	// Over is what the body is where it is a form: raw, the default, is the form, payload the JSON in it.
	Over string `yaml:"over"`
	// Signed is what is signed: {body}, the default, {timestamp} and text around them.
	Signed string `yaml:"signed"`
	// Timestamp is the header of the time, or where the header is a list such as t=1,v1=2, the name before the =. A
	// time must be about now, and it must be signed.
	Timestamp string `yaml:"timestamp"`
	// Fields says that the header is such a list, of which Prefix (with its =) names the signatures.
	Fields bool `yaml:"fields"`
}

//go:embed adapters/*.yaml
var adapterFiles embed.FS

// readAdapters gives the adapters that come with the program and those of the site, by name, compiled.
func readAdapters(site map[string]Adapter) (map[string]*adapter, error) {
	all := map[string]*adapter{}
	files, err := fs.Glob(adapterFiles, "adapters/*.yaml")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := adapterFiles.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var a Adapter
		if err := yaml.UnmarshalWithOptions(text, &a, yaml.Strict()); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if err := addAdapter(all, strings.TrimSuffix(path.Base(file), ".yaml"), a); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(site)) {
		if err := addAdapter(all, name, site[name]); err != nil {
			return nil, fmt.Errorf("adapters.%s: %w", name, err)
		}
	}
	return all, nil
}

// addAdapter adds an adapter under its names. A site's own replaces one of the program.
func addAdapter(all map[string]*adapter, name string, a Adapter) error {
	compiled, err := a.compile()
	if err != nil {
		return err
	}
	for _, n := range append([]string{name}, a.Also...) {
		all[n] = compiled
	}
	return nil
}

// An adapter is an Adapter that was checked.
type adapter struct {
	Adapter
	topic, id, action, private expression.Expression

	remove [][]string
}

func (a Adapter) compile() (*adapter, error) {
	c := &adapter{Adapter: a}
	if len(a.Signatures) == 0 {
		return nil, errors.New("signatures: one was expected, or anybody could send")
	}
	for i, s := range a.Signatures {
		if err := s.check(); err != nil {
			return nil, fmt.Errorf("signatures: %d: %w", i+1, err)
		}
	}
	if a.Topic == "" {
		return nil, errors.New("topic: an expression was expected")
	}
	for _, e := range []struct {
		key, text string
		into      *expression.Expression
	}{{"topic", a.Topic, &c.topic}, {"id", a.ID, &c.id}, {"action", a.Action, &c.action},
		{"private", a.Private, &c.private}} {
		var err error
		if *e.into, err = expression.Parse(e.text, kinds); err != nil {
			return nil, fmt.Errorf("%s: %w", e.key, err)
		}
	}
	for _, p := range a.Remove {
		path := strings.Split(p, ".")
		if path[len(path)-1] == anywhere {
			return nil, fmt.Errorf("remove: %q; a name after ** was expected", p)
		}
		c.remove = append(c.remove, path)
	}
	return c, nil
}

// check refuses a way that proves nothing.
func (s Signature) check() error {
	needsHeader := s.Scheme == schemeHMAC || s.Scheme == schemeToken
	signsTime := strings.Contains(s.Signed, "{timestamp}")
	switch {
	case !slices.Contains([]string{schemeHMAC, schemeToken, schemeBasic, schemePath, schemeStandard}, s.Scheme):
		return fmt.Errorf("scheme: %q; hmac, token, basic, path or standard was expected", s.Scheme)
	case needsHeader != (s.Header != ""):
		return errors.New("header: one was expected with hmac and token only")
	case s.Encoding != "" && s.Encoding != "hex" && s.Encoding != "base64":
		return fmt.Errorf("encoding: %q; hex or base64 was expected", s.Encoding)
	case s.Over != "" && s.Over != "raw" && s.Over != "payload":
		return fmt.Errorf("over: %q; raw or payload was expected", s.Over)
	case s.Signed != "" && !strings.Contains(s.Signed, "{body}"):
		return errors.New("signed: {body} was expected in it")
	case (s.Timestamp != "") != signsTime:
		return errors.New("timestamp and {timestamp} in signed: both or none")
	case s.Fields && (s.Scheme != schemeHMAC || !strings.HasSuffix(s.Prefix, "=")):
		return errors.New("fields: hmac was expected, and a prefix that ends with =")
	}
	return nil
}
