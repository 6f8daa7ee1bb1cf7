package kerberos_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/notifyd/notifyd/directory/kerberos"
	"github.com/notifyd/notifyd/internal/exectest"
)

// us and service are in each realm of a test.
const (
	us      = "notifyd/host.example.org"
	host    = "fasjson.example.org"
	service = "HTTP/" + host
)

// realm starts a KDC with us and the service in it.
func realm(t *testing.T, more ...string) (*exectest.KDC, kerberos.Settings) {
	t.Helper()
	k := exectest.NewKDC(t)
	k.Add(t, us, more...)
	k.Add(t, service)
	return k, kerberos.Settings{Principal: us, Keytab: k.Keytab(t, us), Config: k.Config}
}

func open(t *testing.T, s kerberos.Settings) *kerberos.Client {
	t.Helper()
	c, err := kerberos.Open(s, host, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// logins counts the tickets for tickets that a KDC has given.
func logins(k *exectest.KDC) int {
	n := 0
	for line := range strings.Lines(k.Text()) {
		if strings.Contains(line, "AS_REQ") && strings.Contains(line, "ISSUE:") {
			n++
		}
	}
	return n
}

// header gets a header, or what is wrong.
func header(t *testing.T, c *kerberos.Client) (string, string) {
	t.Helper()
	text, err := c.Header(t.Context())
	if err != nil {
		return "", err.Error()
	}
	if !strings.HasPrefix(text, "Negotiate ") {
		t.Errorf("the header is %.20q", text)
	}
	return text, ""
}

func TestOneLoginMakesManyTokens(t *testing.T) {
	k, s := realm(t)
	c := open(t, s)
	seen := map[string]bool{}
	for range 5 {
		token, problem := header(t, c)
		if problem != "" || seen[token] {
			t.Fatalf("problem %q, seen before: %v", problem, seen[token])
		}
		seen[token] = true
	}
	if logins(k) != 1 {
		t.Errorf("5 tokens took %d logins", logins(k))
	}
	c.Forget()
	header(t, c)
	exectest.Eventually(t, 5*time.Second, "a second login", func() bool { return logins(k) == 2 })
}

// TestTicketIsReplacedInTime: a ticket that ends soon is replaced, and used while the KDC is away until it has ended.
func TestTicketIsReplacedInTime(t *testing.T) {
	k, s := realm(t, "-maxlife", `"6 hours"`)
	c := open(t, s)
	at := time.Now()
	kerberos.SetClock(c, func() time.Time { return at })
	for _, step := range []struct {
		after  time.Duration
		logins int
		away   bool
		want   string
	}{
		{0, 1, false, ""},
		{4*time.Hour + 50*time.Minute, 1, false, ""},
		{15 * time.Minute, 2, false, ""},
		{15 * time.Minute, 2, true, ""}, // the KDC's clock stands still: the second ticket ends when the first did
		{4*time.Hour + 55*time.Minute, 2, true, "no KDC of EXAMPLE.ORG answers"},
	} {
		at = at.Add(step.after)
		if step.away && k.Alive() {
			k.Kill()
		}
		_, problem := header(t, c)
		if step.want == "" && problem != "" || !strings.Contains(problem, step.want) {
			t.Errorf("after %v: %q, want %q", step.after, problem, step.want)
		}
		exectest.Eventually(t, 5*time.Second, fmt.Sprint(step.logins, " logins"), func() bool {
			return logins(k) == step.logins
		})
	}
	k.Serve(t)
	if _, problem := header(t, c); problem != "" {
		t.Errorf("after the KDC came back: %s", problem)
	}
}

// TestShortTickets: some realms give tickets for seconds.
func TestShortTickets(t *testing.T) {
	k, s := realm(t, "-maxlife", `"2 seconds"`)
	c := open(t, s)
	exectest.Eventually(t, 30*time.Second, "a third login", func() bool {
		if _, problem := header(t, c); problem != "" {
			t.Fatal(problem)
		}
		return logins(k) >= 3
	})
}

// TestNewKeytabCounts: whoever replaces the keytab need not restart notifyd.
func TestNewKeytabCounts(t *testing.T) {
	k, s := realm(t)
	c := open(t, s)
	header(t, c)
	k.Admin(t, "cpw -randkey "+us)
	c.Forget()
	if _, problem := header(t, c); !strings.Contains(problem, "another key of "+us) {
		t.Errorf("with the old key: %q", problem)
	}
	k.Admin(t, "ktadd -k "+s.Keytab+" -norandkey "+us) // beside the old key
	if _, problem := header(t, c); problem != "" {
		t.Errorf("with the new key: %s", problem)
	}
}

func TestRefusalsSayWhatIsWrong(t *testing.T) {
	k, s := realm(t)
	k.Add(t, "gone")
	gone := k.Keytab(t, "gone")
	k.Admin(t, "delprinc -force gone")
	k.Add(t, "locked")
	locked := k.Keytab(t, "locked")
	k.Admin(t, "modprinc -allow_tix locked")
	away := filepath.Join(t.TempDir(), "krb5.conf")
	text, err := os.ReadFile(k.Config)
	if err != nil {
		t.Fatal(err)
	}
	write(t, away, strings.ReplaceAll(string(text), k.Address, fmt.Sprintf("127.0.0.1:%d", exectest.FreePort(t))))
	for name, test := range map[string]struct {
		change func(*kerberos.Settings)
		want   string
	}{
		"unknown principal": {func(s *kerberos.Settings) { s.Principal, s.Keytab = "gone", gone }, "the principal gone@"},
		"locked":            {func(s *kerberos.Settings) { s.Principal, s.Keytab = "locked", locked }, "locked or has"},
		"unknown service":   {func(s *kerberos.Settings) { s.Service = "ldap" }, "does not know the service ldap/" + host},
		"away":              {func(s *kerberos.Settings) { s.Config = away }, "no KDC of EXAMPLE.ORG answers: 127.0.0.1:"},
	} {
		set := s
		test.change(&set)
		if _, problem := header(t, open(t, set)); !strings.Contains(problem, test.want) {
			t.Errorf("%s: %q, want %q", name, problem, test.want)
		}
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestOpenNamesTheKey(t *testing.T) {
	k, s := realm(t)
	bad := filepath.Join(t.TempDir(), "bad")
	write(t, bad, "[realms\nnonsense {")
	bare := filepath.Join(t.TempDir(), "bare")
	write(t, bare, "[libdefaults]\n")
	k.Add(t, "weak", "-e", "camellia256-cts:normal")
	weak := k.Keytab(t, "weak")
	for _, test := range []struct {
		change func(*kerberos.Settings)
		want   string
	}{
		{func(s *kerberos.Settings) { s.Principal = "" }, "principal: "},
		{func(s *kerberos.Settings) { s.Principal, s.Config = "bob", bare }, "principal: \"bob\" has no realm"},
		{func(s *kerberos.Settings) { s.Principal = "@EXAMPLE.ORG" }, "principal: "},
		{func(s *kerberos.Settings) { s.Principal = "bob" },
			"keytab: " + s.Keytab + " has no AES key of bob@EXAMPLE.ORG; it has keys of " + us},
		{func(s *kerberos.Settings) { s.Principal, s.Keytab = "weak", weak }, "keytab: " + weak + " has no AES key of weak@"},
		{func(s *kerberos.Settings) { s.Keytab = "" }, "keytab: "},
		{func(s *kerberos.Settings) { s.Keytab = "/does/not/exist" }, "keytab: open /does/not/exist"},
		{func(s *kerberos.Settings) { s.Keytab = bad }, "keytab: " + bad + " is no keytab"},
		{func(s *kerberos.Settings) { s.Config = "/does/not/exist" }, "config: open /does/not/exist"},
		{func(s *kerberos.Settings) { s.Service = "HTTP/x" }, "service: "},
	} {
		set := s
		test.change(&set)
		if _, err := kerberos.Open(set, host, nil); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%v, want %q", err, test.want)
		}
	}
}

// scripted is a KDC that says the same to everybody, after the length that is given; "" never says anything.
func scripted(t *testing.T, s kerberos.Settings, answer []byte) kerberos.Settings {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() { listener.Close(); <-ended })
	go func() {
		defer close(ended)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			size := make([]byte, 4)
			if _, err := io.ReadFull(conn, size); err != nil {
				continue
			}
			io.CopyN(io.Discard, conn, int64(binary.BigEndian.Uint32(size)))
			conn.Write(answer)
			if len(answer) > 0 {
				conn.Close()
			}
		}
	}()
	s.Config = filepath.Join(t.TempDir(), "krb5.conf")
	write(t, s.Config, "[libdefaults]\n default_realm = EXAMPLE.ORG\n[realms]\n EXAMPLE.ORG = {\n  kdc = "+
		listener.Addr().String()+"\n }\n")
	return s
}

func framed(text []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(text))), text...)
}

func TestHostileKDCs(t *testing.T) {
	_, s := realm(t)
	skew := messages.NewKRBError(types.NewPrincipalName(2, "krbtgt/EXAMPLE.ORG"), "EXAMPLE.ORG",
		errorcode.KRB_AP_ERR_SKEW, "")
	skew.STime = time.Now().UTC().Add(time.Hour + 30*time.Second)
	skewed, err := skew.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	prove := messages.NewKRBError(skew.SName, "EXAMPLE.ORG", errorcode.KDC_ERR_PREAUTH_REQUIRED, "")
	prove.EData = []byte{0x30, 0x80}
	nonsense, err := prove.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		answer []byte
		want   string
	}{
		"another clock":     {framed(skewed), "the clocks differ too much: the KDC's is 1h0m"},
		"too large":         {[]byte{0xff, 0xff, 0xff, 0xff}, "does not speak Kerberos"},
		"cut":               {framed(skewed)[:20], "its answer is cut"},
		"noise":             {framed([]byte("HTTP/1.1 400 Bad Request")), "does not speak Kerberos as it should"},
		"strange hints":     {framed(nonsense), "does not speak Kerberos as it should"},
		"only empty tokens": {framed([]byte{0x6b, 0x00}), "does not speak Kerberos as it should"},
	} {
		if _, problem := header(t, open(t, scripted(t, s, test.answer))); !strings.Contains(problem, test.want) {
			t.Errorf("%s: %q, want %q", name, problem, test.want)
		}
	}
}

// TestSilentKDC: a login ends with its context, and leaves nothing running.
func TestSilentKDC(t *testing.T) {
	_, s := realm(t)
	c := open(t, scripted(t, s, nil))
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := c.Header(ctx); err == nil || time.Since(began) > 5*time.Second {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
	exectest.Eventually(t, 5*time.Second, "no goroutine more than before", func() bool {
		return runtime.NumGoroutine() <= before
	})
}
