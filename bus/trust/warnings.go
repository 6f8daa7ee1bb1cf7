package trust

import (
	"bytes"
	"fmt"
	"slices"
	"time"
)

// warnings says what is wrong with the files at now. A CA whose certificate is over is no fault beside its renewed one.
func (a *authority) warnings(now time.Time) []string {
	var all []string
	for _, c := range a.cas {
		valid := validAt(c.Certificate, now)
		switch {
		case !valid && !a.renewed(c, now):
			all = append(all, fmt.Sprintf("the certificate of the CA %s is valid from %s to %s", nameOf(c.Subject),
				day(c.NotBefore), day(c.NotAfter)))
		case valid && a.revocation && !c.listed(now):
			all = append(all, fmt.Sprintf("%s: what it has signed is not checked", c.unlisted(now)))
		}
	}
	return all
}

// renewed reports whether another certificate of the same CA is valid.
func (a *authority) renewed(old *ca, now time.Time) bool {
	return slices.ContainsFunc(a.cas, func(c *ca) bool {
		return bytes.Equal(c.RawSubject, old.RawSubject) && validAt(c.Certificate, now)
	})
}

// unlisted says why no list of c counts at now.
func (c *ca) unlisted(now time.Time) string {
	switch end := c.listedUntil(); {
	case len(c.lists) == 0:
		return fmt.Sprintf("the file of revoked certificates holds no list of %s", nameOf(c.Subject))
	case !end.IsZero() && end.Before(now):
		return fmt.Sprintf("the list of revoked certificates of %s is out of date since %s", nameOf(c.Subject),
			end.UTC().Format(time.DateTime))
	}
	return fmt.Sprintf("the list of revoked certificates of %s is of a time that lies ahead", nameOf(c.Subject))
}

// listedUntil gives the end of the last list of c; zero where there is none, or it has no end.
func (c *ca) listedUntil() time.Time {
	var last time.Time
	for _, list := range c.lists {
		if list.nextUpdate.IsZero() {
			return time.Time{}
		}
		if list.nextUpdate.After(last) {
			last = list.nextUpdate
		}
	}
	return last
}

// crlExpires gives the time from which on a CA has no list that is in date.
func (a *authority) crlExpires() time.Time {
	var first time.Time
	for _, c := range a.cas {
		if end := c.listedUntil(); !end.IsZero() && (first.IsZero() || end.Before(first)) {
			first = end
		}
	}
	return first
}
