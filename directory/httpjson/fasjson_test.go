package httpjson_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/directory/httpjson"
)

// A fakeFAS answers as FASJSON does. Its lists are by path.
type fakeFAS struct {
	*testing.T
	lists map[string][]map[string]any
	// page changes a page before it is sent; nil: nothing is changed
	page  func(number, total int, rows []map[string]any) (int, []map[string]any)
	masks map[string]string
	asked int
}

func (s *fakeFAS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asked++
	s.masks[r.URL.Path] = r.Header.Get("X-Fields")
	if !strings.HasSuffix(r.URL.Path, "/") {
		http.Redirect(w, r, r.URL.Path+"/?"+r.URL.RawQuery, http.StatusMovedPermanently)
		return
	}
	rows, there := s.lists[r.URL.Path]
	if !there {
		http.NotFound(w, r)
		return
	}
	answer := map[string]any{"result": rows}
	if size, err := strconv.Atoi(r.URL.Query().Get("page_size")); err == nil {
		number, err := strconv.Atoi(r.URL.Query().Get("page_number"))
		if err != nil {
			s.Error(err)
		}
		pages, total := (len(rows)+size-1)/size, len(rows)
		rows = rows[min((number-1)*size, total):min(number*size, total)]
		if s.page != nil {
			total, rows = s.page(number, total, rows)
		}
		answer = map[string]any{"result": rows, "page": map[string]any{"total_results": total, "page_size": size,
			"page_number": number, "total_pages": pages, "next_page": "http://" + r.Host + r.URL.String()}} // itself
	}
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		s.Error(err)
	}
}

func newFAS(t *testing.T, people int) *fakeFAS {
	s := &fakeFAS{T: t, lists: map[string][]map[string]any{}, masks: map[string]string{}}
	for i := range people {
		s.lists["/users/"] = append(s.lists["/users/"], map[string]any{"username": fmt.Sprintf("p%02d", i),
			"emails": []string{fmt.Sprintf("P%02d@example.org", i)}, "ircnicks": nil, "is_private": false})
	}
	return s
}

func (s *fakeFAS) users(pageSize int) httpjson.Settings {
	set := settings("fasjson-users", serve(s.T, s.ServeHTTP)+"/users/")
	set.PageSize = pageSize
	return set
}

func TestUsersByPages(t *testing.T) {
	s := newFAS(t, 25)
	for _, size := range []int{0, 1, 4, 25, 100} {
		f := fetched(t, s.users(size))
		if len(f.People) != 25 || !slices.Equal(f.People["p24"].Mails, []string{"P24@example.org"}) {
			t.Errorf("with pages of %d: %d people", size, len(f.People))
		}
	}
	if mask := s.masks["/users/"]; !strings.Contains(mask, "is_private") {
		t.Errorf("the mask %q lacks is_private", mask)
	}
}

// TestUsersThatMove: the list is another one in the middle of a sweep.
func TestUsersThatMove(t *testing.T) {
	t.Run("one who is on two pages", func(t *testing.T) {
		s := newFAS(t, 10)
		s.page = func(number, total int, rows []map[string]any) (int, []map[string]any) {
			if number == 2 {
				rows = append([]map[string]any{s.lists["/users/"][0]}, rows...)
			}
			return total, rows
		}
		if f := fetched(t, s.users(4)); len(f.People) != 10 || s.asked != 3 {
			t.Errorf("%d people after %d pages", len(f.People), s.asked)
		}
	})
	t.Run("one who is on no page at first", func(t *testing.T) {
		s := newFAS(t, 10)
		s.page = func(number, total int, rows []map[string]any) (int, []map[string]any) {
			if number == 2 && s.asked < 3 {
				rows = rows[1:]
			}
			return total, rows
		}
		if f := fetched(t, s.users(4)); len(f.People) != 10 || s.asked != 6 {
			t.Errorf("%d people after %d pages", len(f.People), s.asked)
		}
	})
	t.Run("one who comes in between", func(t *testing.T) {
		s := newFAS(t, 10)
		s.page = func(number, total int, rows []map[string]any) (int, []map[string]any) {
			if s.asked == 2 {
				total++
			}
			return total, rows
		}
		if f := fetched(t, s.users(4)); len(f.People) != 10 || s.asked != 5 {
			t.Errorf("%d people after %d pages", len(f.People), s.asked)
		}
	})
	t.Run("one who never comes", func(t *testing.T) {
		s := newFAS(t, 10)
		s.page = func(_, total int, rows []map[string]any) (int, []map[string]any) { return total + 1, rows }
		if f, err := open(t, s.users(4)).Fetch(t.Context(), nil); err == nil || f != nil {
			t.Errorf("a list that lacks one is taken: %+v", f)
		}
	})
}

func TestGroupsWithMembers(t *testing.T) {
	s := newFAS(t, 0)
	s.lists["/groups/"] = []map[string]any{{"groupname": "infra"}, {"groupname": "web"}, {"groupname": "../users"},
		{"groupname": "hidden"}, {"groupname": "empty"}}
	s.lists["/groups/infra/members/"] = []map[string]any{{"username": "alice"}, {"username": "bob"}, {"username": "orphan"}}
	s.lists["/groups/web/members/"] = []map[string]any{{"username": "carol"}}
	s.lists["/groups/empty/members/"] = []map[string]any{}
	set := settings("fasjson-groups", serve(t, s.ServeHTTP)+"/groups/")
	f := fetched(t, set)
	want := map[string][]string{"infra": {"alice", "bob"}, "web": {"carol"}, "empty": {}}
	if !reflect.DeepEqual(f.Groups, want) || len(f.Notes) != 2 {
		t.Errorf("groups %v with notes %q", f.Groups, f.Notes)
	}
	// A group that was there keeps its members while only they are missing.
	f, err := open(t, set).Fetch(t.Context(), &directory.Facts{Groups: map[string][]string{"hidden": {"dave"}}})
	if err != nil || !slices.Equal(f.Groups["hidden"], []string{"dave"}) {
		t.Errorf("the group without an answer: %v, %v", f.Groups, err)
	}
	set.Groups = []string{"in*"}
	if f := fetched(t, set); len(f.Groups) != 1 || f.Groups["infra"] == nil {
		t.Errorf("of groups in* there are %v", f.Groups)
	}
	delete(s.lists, "/groups/")
	if f, err := open(t, set).Fetch(t.Context(), f); err == nil {
		t.Errorf("a list of groups that is not there: %v", f.Groups)
	}
}

// TestPrivatePeople: their nicks are nobody's business, also where the server tells them or says nothing of privacy.
func TestPrivatePeople(t *testing.T) {
	body := `{"result": [{"username": "a", "emails": null, "ircnicks": ["irc:/a"], "is_private": true},
		{"username": "b", "emails": ["b@example.org"], "ircnicks": ["irc:/b"]},
		{"username": "c", "ircnicks": ["irc:/c", "irc://c", "matrix:/c"], "is_private": false, "rhbzemail": "bugs@example.org"},
		{"username": "orphan", "emails": ["orphan@example.org"], "is_private": false}]}`
	set := settings("fasjson-users", text(t, body))
	set.Servers = map[string]string{"irc": "irc.example.org", "matrix": "matrix.example.org"}
	f := fetched(t, set)
	for _, name := range []string{"a", "b"} {
		if p := f.People[name]; !p.Private || len(p.Nicks) > 0 {
			t.Errorf("%s is %+v", name, p)
		}
	}
	want := "irc://irc.example.org/c matrix://matrix.example.org/c"
	if p := f.People["c"]; p.Private || nicks(p) != want || len(f.Notes) != 1 {
		t.Errorf("c is %+v, notes %q", p, f.Notes)
	}
	if strings.Contains(strings.Join(f.Notes, ""), "irc:") {
		t.Errorf("notes tell nicks: %q", f.Notes)
	}
	if _, there := f.People["orphan"]; there || f.Accounts["bugs@example.org"] != "c" {
		t.Error("orphan is a person, or the address for bugs is not known")
	}
}

func nicks(p directory.Person) string {
	var all []string
	for _, n := range p.Nicks {
		all = append(all, n.String())
	}
	return strings.Join(all, " ")
}

func TestSamplesOfFASJSON(t *testing.T) {
	pages := []string{sample(t, "fasjson-users-page1.json"), sample(t, "fasjson-users-page2.json")}
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		number, err := strconv.Atoi(r.URL.Query().Get("page_number"))
		if err != nil || number < 1 || number > len(pages) {
			t.Fatalf("page %q is asked for", r.URL.Query().Get("page_number"))
		}
		fmt.Fprint(w, pages[number-1])
	})
	set := settings("fasjson-users", url)
	set.Servers = map[string]string{"irc": "irc.libera.chat", "matrix": "fedora.im"}
	f := fetched(t, set)
	if len(f.People) != 7 {
		t.Errorf("%d people", len(f.People))
	}
	want := "irc://irc.oftc.net/bolko[m] matrix://chat.example.org:8448/bolko"
	if got := nicks(f.People["bolko77"]); got != want {
		t.Errorf("nicks of bolko77: %v", got)
	}
	if len(f.Notes) != 1 || !f.People["dovetail"].Private {
		t.Errorf("notes %q", f.Notes)
	}
	members := settings("fasjson-groups", serve(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/members/") {
			fmt.Fprint(w, sample(t, "fasjson-group-members.json"))
			return
		}
		fmt.Fprint(w, `{"result": [{"groupname": "lantern"}]}`)
	})+"/v1/groups/")
	if got := strings.Join(fetched(t, members).Groups["lantern"], " "); got != "asperan bolko77 citra-w dovetail" {
		t.Errorf("members of lantern: %q", got)
	}
}
