package trust

import (
	"fmt"
	"time"
)

// warnings says what is wrong with the files at now.
func (a *authority) warnings(now time.Time) []string {
	var all []string
	for _, c := range a.cas {
		if !validAt(c.Certificate, now) {
			if !a.renewed(c, now) {
				all = append(all, fmt.Sprintf("the certificate of the CA %s is valid from %s to %s", c.Subject,
					day(c.NotBefore), day(c.NotAfter)))
			}
			continue
		}
		switch {
		case !a.revocation || c.listed(now):
		case len(c.lists) == 0:
			all = append(all, fmt.Sprintf("the file of revoked certificates holds no list of %s: what it has signed is "+
				"not checked", c.Subject))
		default:
			all = append(all, fmt.Sprintf("the list of revoked certificates of %s is out of date since %s: what it has "+
				"signed is not checked", c.Subject, c.lists[len(c.lists)-1].nextUpdate.UTC().Format(time.DateTime)))
		}
	}
	return all
}

// renewed reports whether another certificate of the same CA is valid.
func (a *authority) renewed(old *ca, now time.Time) bool {
	for _, c := range a.cas {
		if string(c.RawSubject) == string(old.RawSubject) && validAt(c.Certificate, now) {
			return true
		}
	}
	return false
}

// crlExpires gives the time of the first list of a CA to be out of date; of several lists of one CA the last counts.
func (a *authority) crlExpires() time.Time {
	var first time.Time
	for _, c := range a.cas {
		var last time.Time
		for _, list := range c.lists {
			if list.nextUpdate.After(last) {
				last = list.nextUpdate
			}
		}
		if !last.IsZero() && (first.IsZero() || last.Before(first)) {
			first = last
		}
	}
	return first
}
