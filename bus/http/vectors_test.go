package http

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A vector is a webhook as somebody sends it.
type vector struct {
	Forge, Name, Body, Secret, Topic, Request, Note string
	Body64                                          string `json:"body_base64"`
	ID                                              string `json:"delivery_id"`
	Headers                                         map[string]string
	Valid                                           bool
	Now                                             int64
}

// vectors reads the vectors beside the repository.
func vectors(t testing.TB) (all []vector) {
	path := filepath.Join("..", "..", "..", "shared", "cases", "webhook-vectors.jsonl")
	f, err := os.Open(path)
	if err != nil {
		t.Skipf("no vectors: %v", err)
	}
	defer f.Close()
	scan := bufio.NewScanner(f)
	scan.Buffer(nil, 1<<20)
	for scan.Scan() {
		var v vector
		if err := json.Unmarshal(scan.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		if v.Body64 != "" {
			body, err := base64.StdEncoding.DecodeString(v.Body64)
			if err != nil {
				t.Fatal(err)
			}
			v.Body = string(body)
		}
		all = append(all, v)
	}
	if err := scan.Err(); err != nil || len(all) < 50 {
		t.Fatalf("%d vectors: %v", len(all), err)
	}
	return all
}

// TestVectors sends each vector to a hook with the adapter of its forge.
func TestVectors(t *testing.T) {
	taken, refused := 0, 0
	for _, v := range vectors(t) {
		name := v.Forge + "/" + v.Name
		if v.Secret == "" {
			// Without a secret there is no hook: whatever is signed with an empty key is refused.
			_, err := New(Config{Listen: ":0", Hooks: map[string]Hook{v.Forge: {Adapter: v.Forge}}}, nil)
			if err == nil || !strings.Contains(err.Error(), "secret") || v.Valid {
				t.Errorf("%s: without a secret: %v", name, err)
			}
			refused++
			continue
		}
		s := newStand(t, Config{Hooks: map[string]Hook{v.Forge: {Adapter: v.Forge, Secret: v.Secret, Pings: true}}})
		if v.Now != 0 {
			s.now = func() time.Time { return time.Unix(v.Now, 0) }
		}
		path := v.Request
		if path == "" {
			path = "/hooks/" + v.Forge
		}
		var headers []string
		for k, value := range v.Headers {
			headers = append(headers, k, value)
		}
		w, got := s.send(path, v.Body, headers...)
		want := 202
		switch {
		case !v.Valid:
			want = 401
			refused++
		case v.Topic == "" && !json.Valid([]byte(v.Body)) && !strings.Contains(v.Body, "="):
			want = 422 // signed as it should be, and no message
		default:
			taken++
		}
		if w.Code != want {
			t.Errorf("%s (%s): %d %s, want %d", name, v.Note, w.Code, w.Body, want)
			continue
		}
		if want != 202 {
			continue
		}
		if len(got) != 1 || v.Topic != "" && got[0].Topic != v.Topic || v.ID != "" && got[0].ID != v.ID {
			t.Errorf("%s: %d messages, topics %q and ids %q; want %q and %q", name, len(got), topics(got), ids(got), v.Topic,
				v.ID)
			continue
		}
		if got[0].Publisher != v.Forge || got[0].Body == nil || len(got[0].Mended) > 0 {
			t.Errorf("%s: publisher %q, body %v, mended %q", name, got[0].Publisher, got[0].Body, got[0].Mended)
		}
		if again, same := s.send(path, v.Body, headers...); again.Code != 202 || !slices.Equal(ids(same), ids(got)) {
			t.Errorf("%s: sent again it has the id %v, before %v", name, ids(same), ids(got))
		}
	}
	t.Logf("%d taken, %d refused", taken, refused)
}
