package httpjson

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/directory/fetch"
)

// FASJSON is the web face of Fedora's and CentOS's account system. What is peculiar to it:
//
//   - A list is whole where it has no "page". Where it has, the pages are numbered; "next_page" cannot be trusted: it
//     may point at itself.
//   - Each page is cut from a new answer of LDAP in no order. Who is added or goes away in between makes others appear
//     twice or never. So people are counted: a sweep ends when there are as many as the server says.
//   - Fields without a value are null, lists too. Who is locked is missing. Who is private shows mail addresses all the
//     same, and nicks where is_private was not asked for.
//   - There are no conditional requests.

// An envelope is an answer.
type envelope struct {
	Result json.RawMessage `json:"result"`
	Page   *struct {
		Results int `json:"total_results"`
		Pages   int `json:"total_pages"`
	} `json:"page"`
}

// maxSweeps is how often a list is read from its beginning until it is whole.
const maxSweeps = 3

// sweep reads all pages of a list below the source's URL. read takes the rows of a page, and count says how many
// different ones there are so far.
func (s *source) sweep(ctx context.Context, at *url.URL, mask string, read func(rows json.RawMessage) error,
	count func() int) error {
	total := 0
	for range maxSweeps {
		again, err := s.sweepOnce(ctx, at, mask, read, &total)
		if err != nil {
			return err
		}
		if !again && count() >= total {
			return nil
		}
	}
	return fmt.Errorf("the list changes while it is read: %d of %d were seen in %d attempts; page_size decides how many "+
		"pages there are", count(), total, maxSweeps)
}

// sweepOnce reads the pages once. It returns true when the list has become another one in between.
func (s *source) sweepOnce(ctx context.Context, at *url.URL, mask string, read func(json.RawMessage) error,
	total *int) (again bool, err error) {
	for number := 1; number <= maxPages; number++ {
		answer, err := s.client.Get(ctx, s.page(at, number), fetch.Request{
			Accept: "application/json", Header: map[string]string{"X-Fields": mask},
		})
		if err != nil {
			return false, err
		}
		var e envelope
		if err := decode(answer.Body, &e); err != nil {
			return false, err
		}
		if len(e.Result) == 0 || string(e.Result) == "null" {
			return false, errors.New("the answer has no result")
		}
		if e.Page == nil {
			*total = 0 // the list is whole
			return false, read(e.Result)
		}
		if number > 1 && e.Page.Results != *total {
			*total = e.Page.Results
			return true, nil
		}
		*total = e.Page.Results
		if err := read(e.Result); err != nil {
			return false, err
		}
		if number >= e.Page.Pages {
			return false, nil
		}
	}
	return false, fmt.Errorf("there are more than %d pages", maxPages)
}

// page returns the URL of a page of a list.
func (s *source) page(at *url.URL, number int) *url.URL {
	u := *at
	if s.PageSize == 0 || s.Pages != pagesByNumber {
		return &u
	}
	query := u.Query()
	query.Set("page_size", strconv.Itoa(s.PageSize))
	query.Set("page_number", strconv.Itoa(number))
	u.RawQuery = query.Encode()
	return &u
}

// A user is what FASJSON says of an account, of the fields that are asked for.
type user struct {
	Name     string   `json:"username"`
	Mails    []string `json:"emails"`
	Bugzilla string   `json:"rhbzemail"`
	Nicks    []string `json:"ircnicks"`
	Private  *bool    `json:"is_private"`
	Locked   bool     `json:"locked"`
}

// userMask must name is_private: without it the server does not hide what private people hide.
const userMask = "{username,emails,rhbzemail,ircnicks,is_private,locked}"

// fetchUsers reads the list of all people.
func fetchUsers(s *source, ctx context.Context, _ request) (*directory.Facts, fetch.Stamp, error) {
	f := &directory.Facts{People: map[string]directory.Person{}, Accounts: map[string]string{}}
	seen := map[string]bool{}
	err := s.sweep(ctx, s.client.URL, userMask, func(rows json.RawMessage) error {
		var users []user
		if err := decode(rows, &users); err != nil {
			return err
		}
		for _, u := range users {
			if u.Name == "" {
				return errors.New("a person has no username")
			}
			if seen[u.Name] = true; u.Name != orphan {
				s.takeUser(f, u)
			}
		}
		return nil
	}, func() int { return len(seen) })
	return f, fetch.Stamp{}, err
}

// takeUser adds a person. The address for Bugzilla is another name only: it was given for bugs, not for notices.
func (s *source) takeUser(f *directory.Facts, u user) {
	p := directory.Person{
		Mails: slices.Concat([]string{}, u.Mails), Nicks: []directory.Nick{},
		Private:  u.Private == nil || *u.Private, // what is not said is not assumed
		Disabled: u.Locked,
	}
	for _, text := range u.Nicks {
		if p.Private {
			break
		}
		nick, err := directory.ParseNick(text, s.Servers)
		if err != nil {
			f.Note("a nick of " + u.Name + " cannot be read")
			continue
		}
		p.Nicks = append(p.Nicks, nick)
	}
	f.People[u.Name] = p
	if u.Bugzilla != "" {
		f.Accounts[u.Bugzilla] = u.Name
	}
}

// inPath matches the names that FASJSON takes in a URL.
var inPath = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,63}$`)

// fetchGroups reads the list of groups, and then the members of each.
func fetchGroups(s *source, ctx context.Context, r request) (*directory.Facts, fetch.Stamp, error) {
	names := map[string]bool{}
	err := s.sweep(ctx, s.client.URL, "{groupname}", func(rows json.RawMessage) error {
		var groups []struct {
			Name string `json:"groupname"`
		}
		if err := decode(rows, &groups); err != nil {
			return err
		}
		for _, g := range groups {
			if g.Name == "" {
				return errors.New("a group has no groupname")
			}
			names[g.Name] = true
		}
		return nil
	}, func() int { return len(names) })
	if err != nil {
		return nil, fetch.Stamp{}, err
	}
	f := &directory.Facts{Groups: map[string][]string{}}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if !s.wants(name) {
			continue
		}
		if !inPath.MatchString(name) {
			f.Note(fmt.Sprintf("group %.40q cannot be asked for: the server knows no such name in an address", name))
			continue
		}
		if err := s.takeMembers(ctx, f, name, r.last); err != nil {
			return nil, fetch.Stamp{}, fmt.Errorf("group %s: %w", name, err)
		}
	}
	return f, fetch.Stamp{}, nil
}

// takeMembers adds a group. One that is listed and then not there keeps the members that it had.
func (s *source) takeMembers(ctx context.Context, f *directory.Facts, group string, last *directory.Facts) error {
	members := map[string]bool{}
	at := *s.client.URL
	at.Path, at.RawPath = strings.TrimSuffix(at.Path, "/")+"/"+group+"/members/", ""
	err := s.sweep(ctx, &at, "{username}", func(rows json.RawMessage) error {
		var users []user
		if err := decode(rows, &users); err != nil {
			return err
		}
		for _, u := range users {
			members[u.Name] = u.Name != "" && u.Name != orphan
		}
		return nil
	}, func() int { return len(members) })
	if errors.Is(err, directory.ErrGone) {
		f.Note("group " + group + " is listed, and its members are not there")
		if last != nil && last.Groups[group] != nil {
			f.Groups[group] = last.Groups[group]
		}
		return nil
	}
	maps.DeleteFunc(members, func(_ string, is bool) bool { return !is })
	f.Groups[group] = slices.Sorted(maps.Keys(members))
	if f.Groups[group] == nil {
		f.Groups[group] = []string{}
	}
	return err
}

// wants reports whether a group is to be asked for.
func (s *source) wants(group string) bool {
	return len(s.Groups) == 0 || slices.ContainsFunc(s.Groups, func(pattern string) bool {
		return directory.Fits(group, pattern)
	})
}
