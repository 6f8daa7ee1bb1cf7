package httpjson_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/notifyd/notifyd/directory"
)

// community serves what a large community has: 25,000 packages with three owners each, 3,000 people.
func community(t testing.TB) (lists string) {
	t.Helper()
	person := func(i int) string { return fmt.Sprintf("person%d", i%3000) }
	packages := map[string][]string{}
	for i := range 25_000 {
		packages[fmt.Sprintf("package%d", i)] = []string{person(i * 7), person(i * 31), fmt.Sprintf("@group%d", i%300)}
	}
	var people []map[string]any
	for i := range 3000 {
		people = append(people, map[string]any{"username": person(i), "emails": []string{person(i) + "@example.org"},
			"ircnicks": []string{"irc:/" + person(i), "matrix:/" + person(i)}, "is_private": false})
	}
	bodies := map[string]any{"/owners": map[string]any{"rpms": packages}, "/users/": map[string]any{"result": people}}
	texts := map[string][]byte{}
	for path, body := range bodies {
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		texts[path] = text
	}
	mux := http.NewServeMux()
	for path, text := range texts {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			if _, err := w.Write(text); err != nil {
				t.Error(err)
			}
		})
	}
	return serveAll(t, mux)
}

// load fetches both lists and merges them, as the daemon does.
func load(t testing.TB, url string) (*directory.Snapshot, []directory.Part) {
	t.Helper()
	users := settings("fasjson-users", url+"/users/")
	users.Pages, users.PageSize = "none", 0
	var parts []directory.Part
	for _, s := range []struct {
		name   string
		source directory.Source
	}{{"owners", opened(t, settings("pagure_bz", url+"/owners"))}, {"people", opened(t, users)}} {
		f, err := s.source.Fetch(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, directory.Part{Name: s.name, Facts: f})
	}
	return directory.Merge(directory.Policy{}, parts...), parts
}

// TestLargeCommunity: it is loaded within its bounds of time and memory, with what the sources keep.
func TestLargeCommunity(t *testing.T) {
	if testing.Short() {
		t.Skip("large")
	}
	url := community(t)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	began := time.Now()
	s, parts := load(t, url)
	took := time.Since(began)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if c := s.Counts(); c.Packages != 25_000 || c.People != 3_000 || len(s.Packages("person7")) == 0 {
		t.Errorf("the snapshot has %+v", c)
	}
	kept := int64(after.HeapAlloc) - int64(before.HeapAlloc)
	t.Logf("loaded in %v, keeps %.1f MiB", took.Round(time.Millisecond), float64(kept)/(1<<20))
	if kept > 60<<20 {
		t.Errorf("what is kept takes %d MiB", kept>>20)
	}
	if took > 10*time.Second { // on a busy machine; alone it takes far less than one
		t.Errorf("it took %v", took)
	}
	runtime.KeepAlive(parts)
}

func BenchmarkLargeCommunity(b *testing.B) {
	url := community(b)
	b.ReportAllocs()
	for b.Loop() {
		load(b, url)
	}
}
