package zmq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/notifyd/notifyd/internal/metric"
)

// A domain is one that says in the DNS where its publishers are: in the SRV records (RFC 2782) of _fedmsg._tcp. All
// records count, whatever their priority and weight, as in fedmsg. The last good answer stays until there is another:
// no answer, or an empty one, is more often a fault than the end of a publisher. The target "." says that there is
// none.
type domain struct {
	name     string
	resolver *net.Resolver
	every    time.Duration
	timeout  time.Duration
	log      *slog.Logger

	mu      sync.Mutex
	found   []place
	failure string // why the last question was not answered, in words that stay the same; "": it was
	asked   bool
	refused string // the targets that were refused last
}

const (
	maxRecords    = 200         // of one domain
	maxDomains    = 50          // in the configuration
	srvRetryFirst = time.Second // pause after a first failure; it doubles up to srv_check
)

// resolverAt asks the name server at an address; "": those of the system.
func resolverAt(server string) *net.Resolver {
	r := &net.Resolver{PreferGo: true}
	if server != "" {
		r.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, server)
		}
	}
	return r
}

// run asks again and again until ctx ends, and calls changed after each change of what it has found.
func (d *domain) run(ctx context.Context, changed func()) {
	pause := min(srvRetryFirst, d.every)
	for {
		places, err := d.ask(ctx)
		if ctx.Err() != nil {
			return
		}
		next := d.every
		if err != nil {
			next, pause = pause, min(2*pause, d.every)
		} else {
			pause = min(srvRetryFirst, d.every)
		}
		if d.take(places, err) {
			changed()
		}
		if !wait(ctx, next) {
			return
		}
	}
}

// ask gives the places that the domain names.
func (d *domain) ask(ctx context.Context) ([]place, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	_, records, err := d.resolver.LookupSRV(ctx, "fedmsg", "tcp", d.name+".") // the dot: no search list is tried
	if err != nil && len(records) == 0 {
		return nil, err // with records it tells of others whose names are no names
	}
	if len(records) > maxRecords {
		d.log.Warn("a domain has too many SRV records; the others are left out", "records", len(records), "most", maxRecords)
		records = records[:maxRecords]
	}
	var places []place
	var refused []string
	for _, r := range records {
		target := strings.TrimSuffix(r.Target, ".")
		if target == "" {
			continue
		}
		a, err := parseAddress("tcp://" + net.JoinHostPort(target, strconv.Itoa(int(r.Port))))
		if err != nil || r.Port == 0 {
			refused = append(refused, fmt.Sprintf("%s:%d", target, r.Port))
			continue
		}
		places = append(places, place{name: d.name, addr: a, via: d.name})
	}
	slices.SortFunc(places, byPlace)
	d.refuse(refused)
	return slices.Compact(places), nil
}

// refuse logs targets that are no addresses, once.
func (d *domain) refuse(targets []string) {
	slices.Sort(targets)
	text := strings.Join(targets, " ")
	if text != d.refused && text != "" {
		d.log.Warn("SRV records that name no address are left out", "targets", text)
	}
	d.refused = text
}

// take notes an answer, or why there is none, and says whether there are other places now. A failure is logged once,
// and so is its end.
func (d *domain) take(places []place, err error) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	before, first := d.failure, !d.asked
	d.failure, d.asked = srvFailure(err), true
	if err != nil {
		if d.failure != before {
			d.log.Warn("no answer for SRV records; the last good one stays", "reason", d.failure,
				"addresses", len(d.found), "error", err)
		}
		return false
	}
	same := slices.Equal(places, d.found)
	if first || before != "" || !same {
		d.log.Info("SRV records found", "addresses", len(places))
	}
	d.found = places
	return !same
}

// srvFailure gives the reason for which a question failed. The text of an error may be another each time.
func srvFailure(err error) string {
	var e *net.DNSError
	switch {
	case err == nil:
		return ""
	case !errors.As(err, &e):
		return "the question failed"
	case e.IsNotFound:
		return "there are no such records"
	case e.IsTimeout:
		return "no name server answered in time"
	}
	return "the name server failed"
}

// places gives what was found last.
func (d *domain) places() []place {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.found
}

// problem says for an operator why the domain's list may not be what it should be; "" when it is.
func (d *domain) problem() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failure == "" {
		return ""
	}
	return fmt.Sprintf("the last good SRV records of %s stay in use (%d addresses): %s", d.name, len(d.found), d.failure)
}

var (
	srvAddressesDesc = &metric.Desc{Name: "notifyd_zmq_srv_addresses", Type: metric.Gauge, Labels: []string{"source"},
		Help: "Addresses in the last good answer for the SRV records of a domain."}
	srvAnsweredDesc = &metric.Desc{Name: "notifyd_zmq_srv_answered", Type: metric.Gauge, Labels: []string{"source"},
		Help: "0 while the last question for the SRV records of a domain had no good answer."}
)

func (d *domain) collect(emit metric.Emit) {
	d.mu.Lock()
	defer d.mu.Unlock()
	emit(srvAddressesDesc, float64(len(d.found)), d.name)
	emit(srvAnsweredDesc, metric.Bool(d.asked && d.failure == ""), d.name)
}

// CheckDomain gives the name of a domain that can be asked for SRV records, in its plain form.
func CheckDomain(text string) (string, error) {
	name := strings.ToLower(strings.TrimSuffix(text, "."))
	if !isName(name) || strings.ContainsAny(name, "/:@ ") || strings.HasPrefix(name, "_") {
		return "", fmt.Errorf("%q; a domain such as example.org was expected", text)
	}
	return name, nil
}

// newDomains checks the names of domains. An error names the key.
func newDomains(c Config, log *slog.Logger) ([]*domain, error) {
	if len(c.SRV) > maxDomains {
		return nil, fmt.Errorf("srv: %d domains; at most %d", len(c.SRV), maxDomains)
	}
	resolver := resolverAt(c.SRVServer)
	var all []*domain
	for _, text := range c.SRV {
		name, err := CheckDomain(text)
		if err != nil {
			return nil, fmt.Errorf("srv: %w", err)
		}
		if slices.ContainsFunc(all, func(d *domain) bool { return d.name == name }) {
			return nil, fmt.Errorf("srv: %s is there twice", name)
		}
		all = append(all, &domain{
			name: name, resolver: resolver, every: c.SRVCheck, timeout: c.Timeout, log: log.With("domain", name),
		})
	}
	return all, nil
}
