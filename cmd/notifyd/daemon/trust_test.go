package daemon

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/pkitest"
)

// aPKI writes a PKI into the folder of r, and returns it.
func (r *reloaded) aPKI() *pkitest.PKI {
	r.t.Helper()
	p, err := pkitest.New(time.Now())
	if err == nil {
		err = p.Write(r.folder)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

// copyFile replaces a file of the folder by another.
func (r *reloaded) copyFile(from, to string) {
	r.t.Helper()
	text, err := os.ReadFile(filepath.Join(r.folder, from))
	if err != nil {
		r.t.Fatal(err)
	}
	r.write(to, string(text))
}

// warnings returns what /readyz warns of.
func (r *reloaded) warnings() []string {
	r.t.Helper()
	w := httptest.NewRecorder()
	r.operatorPages().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	var said struct{ Warnings []string }
	if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil {
		r.t.Fatalf("/readyz says %q: %v", w.Body, err)
	}
	return said.Warnings
}

// gitFrame is a frame of source "hub" with a message that pkitest.Git signs, or nobody.
func gitFrame(p *pkitest.PKI, id string, signed bool) bus.Frame {
	e := map[string]any{"topic": "org.example.prod.git.receive", "msg": map[string]any{"x": 1}, "msg_id": id, "i": 1,
		"timestamp": p.Now.Unix()}
	if signed {
		e = p.Sign(pkitest.Git, e)
	}
	return bus.Frame{Source: "hub", Topic: "org.example.prod.git.receive", Payload: pkitest.Canonical(e)}
}

func TestNothingVerifiedIsSaid(t *testing.T) {
	r := newReloaded(t, "web: {listen: ''}", "bus: {zmq: {endpoints: {hub: 'tcp://127.0.0.1:9'}}}")
	if got := r.warnings(); len(got) != 1 || !strings.HasPrefix(got[0], "nothing is verified") {
		t.Errorf("/readyz warns of %q", got)
	}
	if !strings.Contains(r.log.String(), "nothing is verified") {
		t.Errorf("the log does not say that nothing is verified:\n%s", r.log)
	}
	r.reloadWith("web: {listen: ''}", "bus:", "  zmq: {endpoints: {hub: 'tcp://127.0.0.1:9'}}",
		"  trust: {sources: {hub: {trusted: true}}}")
	if got := r.warnings(); len(got) > 0 {
		t.Errorf("where every source is believed /readyz warns of %q", got)
	}
}

// TestTrustFilesAreWatched replaces the files while the daemon runs. A bad file leaves the last good one in use; a list
// of revoked certificates that is out of date takes away what is signed, and loses nothing.
func TestTrustFilesAreWatched(t *testing.T) {
	r := newReloaded(t, "web: {listen: ''}", "bus: {zmq: {endpoints: {hub: 'tcp://127.0.0.1:9'}}}")
	p := r.aPKI()
	r.write("list.pem", "")
	r.copyFile("crl.pem", "list.pem")
	said := r.reloadWith("web: {listen: ''}", "bus:", "  zmq: {endpoints: {hub: 'tcp://127.0.0.1:9'}}",
		"  trust: {ca: DIR/ca.crt, crl: DIR/list.pem, check: 100ms, sources: {hub: {verdicts: {unsigned: drop}}}}")
	if !strings.Contains(said, "configuration reloaded") || strings.Contains(said, "restart") || len(r.warnings()) > 0 {
		t.Fatalf("the log says\n%s\nwarnings: %q", said, r.warnings())
	}
	verdict := func() bus.Verdict {
		received := receiveAll([]bus.Frame{gitFrame(p, "1", true)}, r.trust.Load(), time.Now)
		return received[0].message.Standing.Verdict
	}
	if got := verdict(); got != bus.Signed {
		t.Fatalf("with good files: %s", got)
	}
	if !strings.Contains(r.metrics(), "\nnotifyd_trust_crl_expires_timestamp_seconds ") {
		t.Error("/metrics does not say when the list of revoked certificates expires")
	}
	r.reloadWith("web: {listen: ''}", "history: {keep: 24h}", "bus:", "  zmq: {endpoints: {hub: 'tcp://127.0.0.1:9'}}",
		"  trust: {ca: DIR/ca.crt, crl: DIR/list.pem, check: 100ms}")
	if got := r.warnings(); len(got) != 1 || !strings.Contains(got[0], "max_age is longer than history.keep") {
		t.Errorf("with a short history: warnings %q", got)
	}
	r.reloadWith("web: {listen: ''}", "bus:", "  zmq: {endpoints: {hub: 'tcp://127.0.0.1:9'}}",
		"  trust: {ca: DIR/ca.crt, crl: DIR/list.pem, check: 100ms}")
	r.write("list.pem", "no list")
	if err := r.trust.Reload(); err == nil || !strings.Contains(err.Error(), "crl: ") {
		t.Errorf("a bad list: %v", err)
	}
	if got := r.warnings(); len(got) != 1 || !strings.Contains(got[0], "last good files") || verdict() != bus.Signed {
		t.Errorf("with a bad list: warnings %q, verdict %s", got, verdict())
	}
	r.copyFile("crl-old.pem", "list.pem")
	if err := r.trust.Reload(); err != nil {
		t.Error(err)
	}
	if got := r.warnings(); len(got) != 1 || !strings.Contains(got[0], "out of date since") || verdict() != bus.Unchecked {
		t.Errorf("with an old list: warnings %q, verdict %s", got, verdict())
	}
}

// TestDropByVerdict: what the policy drops is counted by its verdict and logged once a minute; what it does not drop
// comes through, in order.
func TestDropByVerdict(t *testing.T) {
	r := newReloaded(t, "web: {listen: ''}", "bus: {zmq: {endpoints: {hub: 'tcp://127.0.0.1:9'}}}")
	p := r.aPKI()
	r.reloadWith("web: {listen: ''}", "bus:", "  zmq: {endpoints: {hub: 'tcp://127.0.0.1:9'}}",
		"  trust: {ca: DIR/ca.crt, sources: {hub: {verdicts: {unsigned: drop}}}}")
	var frames []bus.Frame
	var want []string
	for i := range 200 {
		id := "2026-" + string(rune('a'+i%26)) + strings.Repeat("x", i)
		frames = append(frames, gitFrame(p, id, i%2 == 0))
		if i%2 == 0 {
			want = append(want, id)
		}
	}
	r.log.Reset()
	var got []string
	for _, event := range r.router.describe(frames) {
		got = append(got, event.Message.ID)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d messages came through, want %d, in order: %q", len(got), len(want), got)
	}
	r.checkMetrics(`notifyd_messages_rejected_total{reason="unsigned",source="hub"} 100`,
		`notifyd_trust_verdicts_total{source="hub",verdict="signed"} 100`,
		`notifyd_trust_verdicts_total{source="hub",verdict="unsigned"} 100`)
	if n := strings.Count(r.log.String(), "dropped a message by its standing"); n != 1 {
		t.Errorf("%d lines in the log, want 1:\n%s", n, r.log)
	}
}

// TestTrustWarningsAreRepeated runs the loop of the warnings for three days.
func TestTrustWarningsAreRepeated(t *testing.T) {
	r := newReloaded(t, "web: {listen: ''}", "bus: {zmq: {endpoints: {hub: 'tcp://127.0.0.1:9'}}}")
	r.log.Reset()
	synctest.Test(t, func(t *testing.T) {
		r.env.Now = time.Now
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- r.watchTrust(ctx) }()
		time.Sleep(3*24*time.Hour + time.Hour)
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	if n := strings.Count(r.log.String(), "nothing is verified"); n != 3 {
		t.Errorf("said %d times in three days, want 3:\n%s", n, r.log)
	}
}

func TestDueForgetsWhatIsOver(t *testing.T) {
	said := map[string]time.Time{}
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		after    time.Duration
		warnings []string
		want     []string
	}{
		{0, []string{"a"}, []string{"a"}},
		{time.Hour, []string{"a", "b"}, []string{"b"}},
		{2 * time.Hour, nil, nil},
		{3 * time.Hour, []string{"a"}, []string{"a"}},
		{27 * time.Hour, []string{"a"}, []string{"a"}},
	} {
		if got := due(said, c.warnings, now.Add(c.after)); !reflect.DeepEqual(got, c.want) {
			t.Errorf("after %s of %q: %q, want %q", c.after, c.warnings, got, c.want)
		}
	}
}
