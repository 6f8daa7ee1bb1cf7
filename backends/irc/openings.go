package irc

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Many servers bound how many people a client may begin to talk to: so many at once, then one more after a while. Who
// is among the last partners costs nothing, and a new connection does not begin anew. No token of 005 tells of it, so
// it is known by the family of the server (004), by the configuration, and by refusals (439, 707).

// An openingLimit is such a bound.
type openingLimit struct {
	most  int           // at once; 0: there is none
	every time.Duration // until one more
}

// families are the limits of servers by the beginning of their version, in lower case, as they are without a
// configuration of their own. UnrealIRCd lets a client that is logged in begin ten.
var families = []struct {
	version string
	limit   openingLimit
}{
	{"solanum", openingLimit{10, time.Minute}}, {"charybdis", openingLimit{10, time.Minute}},
	{"ircd-seven", openingLimit{10, time.Minute}}, {"unreal", openingLimit{4, 15 * time.Second}},
	{"bahamut", openingLimit{5, 45 * time.Second}}, {"u2.", openingLimit{10, 2 * time.Minute}},
	{"inspircd", openingLimit{}}, {"ngircd", openingLimit{}}, {"ergo", openingLimit{}}, {"oragono", openingLimit{}},
	{"hybrid", openingLimit{}}, {"ircd-hybrid", openingLimit{}}, {"ircsink", openingLimit{}},
}

// unknownFamily is the strictest that any server is known to have.
var unknownFamily = openingLimit{10, time.Minute}

func limitOf(version string, loggedIn bool) openingLimit {
	version = strings.ToLower(version)
	for _, f := range families {
		if !strings.HasPrefix(version, f.version) {
			continue
		}
		if f.version == "unreal" && loggedIn {
			return openingLimit{10, f.limit.every}
		}
		return f.limit
	}
	return unknownFamily
}

// The words of Network.NewTargets.
const (
	newTargetsAuto = "auto" // as the server is known to want it
	newTargetsAny  = "any"  // there is no limit
)

// parseOpenings reads how many conversations may be begun: "auto", "any", or "10 every 1m".
func parseOpenings(text string) (own openingLimit, err error) {
	switch text {
	case "", newTargetsAuto:
		return openingLimit{}, nil
	case newTargetsAny:
		return openingLimit{most: -1}, nil
	}
	most, every, ok := strings.Cut(text, " every ")
	if own.most, err = strconv.Atoi(most); err == nil && ok {
		own.every, err = time.ParseDuration(every)
	}
	if err != nil || !ok || own.most < 1 || own.most > 1000 || own.every < time.Second || own.every > time.Hour {
		return openingLimit{}, fmt.Errorf(`is %q, must be auto, any, or "10 every 1m": 1 to 1000, every 1s to 1h`, text)
	}
	return own, nil
}

const (
	openingSlack = 2 * time.Second // a server counts whole seconds, and the net is not even
	maxPartners  = 5               // who spoke to us costs nothing: so many of them
	maxTalks     = 20
)

// openings keep the book of conversations as Solanum does, which is the strictest: one is freed for each whole period
// since the last time that one was freed.
type openings struct {
	now func() time.Time

	mu       sync.Mutex
	own      openingLimit // of the configuration; most < 0: none
	known    openingLimit // what set was told last
	limit    openingLimit // the same, or what refusals have taught
	free     int
	last     time.Time
	with     []string        // the latest first, folded
	spokeTo  []string        // who spoke to us
	reserved map[string]bool // for parcels that are about to be sent
}

func newOpenings(own openingLimit, now func() time.Time) *openings {
	o := &openings{now: now, own: own, reserved: map[string]bool{}}
	o.set(openingLimit{})
	return o
}

// set takes over what is known of a server, unless the configuration says something else.
func (o *openings) set(limit openingLimit) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.own.most < 0:
		limit = openingLimit{}
	case o.own.most > 0:
		limit.most = o.own.most
		if limit.every == 0 {
			limit.every = unknownFamily.every
		}
	}
	if limit.most > 0 && o.own.every > 0 {
		limit.every = o.own.every
	}
	if limit != o.known { // a new connection does not begin anew, and keeps what refusals have taught
		o.known, o.limit, o.free, o.last = limit, limit, limit.most, o.now()
	}
}

// costs reports whether to talk to a nick begins a conversation that counts.
func (o *openings) costs(nick string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.limit.most > 0 && !slices.Contains(o.with, nick) && !slices.Contains(o.spokeTo, nick)
}

// reserve keeps a conversation for a nick. While none is free it gives how long to wait.
func (o *openings) reserve(nick string) (wait time.Duration, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.limit.most == 0 || o.reserved[nick] || slices.Contains(o.with, nick) || slices.Contains(o.spokeTo, nick) {
		return 0, true
	}
	if free, next := o.state(); free <= 0 {
		return next, false
	}
	o.reserved[nick] = true
	return 0, true
}

// release gives a reserved conversation back.
func (o *openings) release(nick string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.reserved, nick)
}

// begin is called when the first line goes out: the server counts from then. It fails where nothing was reserved and
// none is free.
func (o *openings) begin(nick string) (wait time.Duration, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	known := slices.Contains(o.with, nick) || slices.Contains(o.spokeTo, nick)
	if o.limit.most > 0 && !known {
		if free, next := o.state(); free <= 0 && !o.reserved[nick] {
			return next, false
		}
		o.refill()
		o.free = max(o.free-1, 0)
	}
	delete(o.reserved, nick)
	o.with = latest(o.with, nick, max(o.limit.most, 1))
	return 0, true
}

// state gives how many conversations are free and not reserved, and in how long there is one more. The caller holds the
// lock.
func (o *openings) state() (free int, next time.Duration) {
	now, period := o.now(), o.limit.every+openingSlack
	freed := max(int(now.Sub(o.last)/period), 0)
	free = min(o.limit.most, o.free+freed) - len(o.reserved)
	if freed > 0 {
		return free, period
	}
	return free, max(o.last.Add(period).Sub(now), 0)
}

// refill frees what time has freed. The caller holds the lock.
func (o *openings) refill() {
	now := o.now()
	if o.free >= o.limit.most {
		o.last = now
		return
	}
	if freed := int(now.Sub(o.last) / (o.limit.every + openingSlack)); freed > 0 {
		o.free, o.last = min(o.limit.most, o.free+freed), now
	}
}

// when gives in how long the conversation may begin that is the nth to wait, from 0.
func (o *openings) when(nth int) time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.limit.most == 0 {
		return 0
	}
	free, next := o.state()
	if nth -= free; nth < 0 {
		return 0
	}
	return next + time.Duration(nth)*(o.limit.every+openingSlack)
}

// giveBack undoes a take: nobody was there, and servers count only whom they find.
func (o *openings) giveBack(nick string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if at := slices.Index(o.with, nick); at >= 0 && o.limit.most > 0 {
		o.with = slices.Delete(o.with, at, at+1)
		o.free = min(o.free+1, o.limit.most)
	}
}

// spoke notes that somebody has spoken to us.
func (o *openings) spoke(nick string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.spokeTo = latest(o.spokeTo, nick, maxPartners)
}

// refused notes that the server wants slower conversations, and takes that for its limit where it is stricter than what
// was known.
func (o *openings) refused(nick string, wait time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	had := len(o.with)
	o.with = slices.DeleteFunc(o.with, func(n string) bool { return n == nick })
	if o.own.most < 0 {
		return
	}
	delete(o.reserved, nick)
	if o.limit.most == 0 {
		o.limit = openingLimit{most: min(max(had-1, 1), unknownFamily.most), every: max(wait, families[3].limit.every)}
	} else if o.free > 0 {
		o.limit.most = max(o.limit.most/2, 1)
	}
	o.free, o.last = 0, o.now().Add(max(wait-o.limit.every-openingSlack, 0))
}

// latest puts a name first, in a list of at most so many.
func latest(list []string, name string, most int) []string {
	list = slices.DeleteFunc(slices.Clone(list), func(n string) bool { return n == name })
	list = slices.Insert(list, 0, name)
	return list[:min(len(list), most, maxTalks)]
}
