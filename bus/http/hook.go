package http

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	nethttp "net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/bus"
)

// A Hook is where one service sends its webhooks: /hooks/NAME.
type Hook struct {
	// Adapter says what kind of service it is. Must be set.
	Adapter string `yaml:"adapter"`
	// Secret is what the service signs with, or sends. Several, a line each, are all good.
	Secret string `yaml:"secret" secret:"true"`
	// Prefix is before the topics, such as org.example.prod. "": none.
	Prefix string `yaml:"prefix"`
	// Pings says that pings become messages too.
	Pings bool `yaml:"pings"`
	// Rate is messages a second, by default 50; Burst how many may come at once, by default 1000.
	Rate  float64 `yaml:"rate"`
	Burst int     `yaml:"burst"`
	// MaxBody is the size of a request's body in bytes. Default 1 MiB.
	MaxBody int64 `yaml:"max_body"`
}

// hooksPath is where webhooks are sent to.
const hooksPath = "/hooks/"

const (
	hookBody  = 1 << 20
	hookBurst = 1000
	// longID is the length from which an id of a delivery is replaced by its digest.
	longID = 200
	// maxHeader bounds a header that a message keeps.
	maxHeader = 512
)

// A hook is a Hook that was checked.
type hook struct {
	*sender
	*adapter
	secrets []string
	prefix  string
	pings   bool
	maxBody int64
}

func newHook(name string, h Hook, adapters map[string]*adapter, c Config, log *slog.Logger) (*hook, error) {
	made := &hook{sender: &sender{name: name, topics: []string{allTopics}}, adapter: adapters[h.Adapter],
		secrets: lines(h.Secret), pings: h.Pings, maxBody: h.MaxBody}
	if h.Prefix != "" {
		if err := checkTopics([]string{h.Prefix}); err != nil || h.Prefix == allTopics {
			return nil, fmt.Errorf("prefix: %q; the first words of topics were expected", h.Prefix)
		}
		made.prefix = h.Prefix + "."
	}
	switch {
	case !senderName.MatchString(name):
		return nil, errors.New("a name of letters, digits and _ . @ - was expected")
	case c.Senders[name].Topics != nil:
		return nil, errors.New("a sender has the same name")
	case made.adapter == nil:
		return nil, fmt.Errorf("adapter: %q; one of %s was expected, or one of adapters", h.Adapter, knownAdapters(adapters))
	case len(made.secrets) == 0:
		return nil, errors.New("secret: one was expected, or anybody could send")
	case made.maxBody < 1024 || made.maxBody > mostBody:
		return nil, fmt.Errorf("max_body: %d; 1024 to %d was expected", made.maxBody, mostBody)
	}
	return made, made.bound(h.Rate, h.Burst, c, log)
}

func knownAdapters(all map[string]*adapter) string {
	var names []string
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// reasonUnauthorized is why a webhook is dropped that does not prove its sender.
const reasonUnauthorized = "unauthorized"

// errPrivate is the error of what is not for everybody: it is answered as if it were taken, and is no message.
var errPrivate = errors.New("private")

const reasonPrivate = "private"

// errPing is the error of a ping: it is answered 200, and is no message.
var errPing = errors.New("a ping")

// deliver answers POST /hooks/NAME and /hooks/NAME/SECRET.
func (s *Source) deliver(w nethttp.ResponseWriter, r *nethttp.Request) (ids []string, err error) {
	name, token, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, hooksPath), "/")
	h := s.parties.Load().hooks[name]
	if h == nil {
		return nil, problemOf(nethttp.StatusNotFound, "")
	}
	leave, err := s.unproved.enter()
	if err != nil {
		return nil, err
	}
	defer func() { leave() }()
	b, err := s.unproved.read(r.Context(), w, r, h.maxBody, s.config.ReadTimeout)
	if err != nil {
		return nil, err
	}
	defer b.release()
	d := delivery{header: r.Header, token: token, raw: b.bytes, now: s.now()}
	var noJSON error
	d.payload, noJSON = h.payload(d)
	proof := h.verify(h.secrets, d)
	if proof == "" {
		h.meter.Dropped(reasonUnauthorized)
		return nil, unauthorized()
	}
	leave()
	if leave, err = b.prove(r.Context(), h.room, s.config.ReadTimeout); err != nil {
		leave = func() {}
		return nil, err
	}
	if noJSON != nil {
		return nil, problemOf(nethttp.StatusUnprocessableEntity, "%v", noJSON)
	}
	return s.take(r, h, d, proof)
}

// take makes a message of a delivery that is its sender's, and hands it over.
func (s *Source) take(r *nethttp.Request, h *hook, d delivery, proof string) (ids []string, err error) {
	made, err := h.message(d, proof)
	if errors.Is(err, errPrivate) {
		h.meter.Dropped(reasonPrivate)
		return []string{}, nil
	}
	if err != nil {
		h.meter.Dropped(reasonRefused)
		return nil, problemOf(nethttp.StatusUnprocessableEntity, "%v", err)
	}
	if !h.pings && slices.Contains(h.adapter.Pings, strings.TrimPrefix(made.topic, h.prefix)) {
		return nil, errPing
	}
	if err := s.admit(h.sender, 1); err != nil {
		h.meter.Dropped(reasonRate)
		return nil, err
	}
	return s.hand(r.Context(), h.sender, []draft{made})
}

// payload gives the JSON in a delivery.
func (a *adapter) payload(d delivery) ([]byte, error) {
	kind, _, _ := mime.ParseMediaType(d.header.Get("Content-Type"))
	if a.Form == "" || kind != "application/x-www-form-urlencoded" {
		return d.raw, nil
	}
	form, err := url.ParseQuery(string(d.raw))
	if err != nil || !form.Has(a.Form) {
		return nil, fmt.Errorf("a form with the field %s was expected", a.Form)
	}
	return []byte(form.Get(a.Form)), nil
}

// deliveryID is the id of the message of a delivery: that by which the service tells deliveries apart, so that one that
// comes again is the same message. Without one, it is made of the body and the minute.
func (h *hook) deliveryID(d delivery, body any) string {
	id := h.id.Text(scope{d.header, body})
	if id == "" {
		sum := sha256.New()
		fmt.Fprintf(sum, "%s\x00%d\x00", h.name, d.now.Unix()/60) // never fails
		sum.Write(d.payload)
		return h.name + "-" + hex.EncodeToString(sum.Sum(nil)[:16])
	}
	if len(id) > longID {
		sum := sha256.Sum256([]byte(id))
		return h.name + "-" + hex.EncodeToString(sum[:16])
	}
	return id
}

// maxTopic is the length of the topic of a webhook.
const maxTopic = min(bus.MaxTopic, 255)
