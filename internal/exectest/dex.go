package exectest

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// A Dex is a real OpenID Connect provider, with people of its own. Its configuration is what a site would write.
type Dex struct {
	*Child
	Issuer string
	Client DexClient
	Folder string
	listen string
}

// A DexClient is the site that people sign in to.
type DexClient struct {
	Redirect string // where the browser comes back to
	Ended    string // the back-channel logout URI
	Home     string // where the browser goes after signing out
}

// The client's name and secret, and everybody's password.
const (
	DexClientID     = "notifyd"
	DexClientSecret = "secret-of-the-client"
	DexPassword     = "password"
)

// A DexUser is a person. The mail address is NAME@example.test.
type DexUser struct {
	Name, ID string
	Groups   []string
}

// dexHash is DexPassword in bcrypt.
const dexHash = "$2a$10$2b2cU8CPhOTaGrs1HRQuAueS7JTT5ZHsHSzYiFPm1leZck7Mc8T4W"

// NewDex builds Dex where the machine has not built it yet, which takes a minute and needs the module proxy. The issuer
// is known at once; Serve starts it.
func NewDex(t testing.TB) *Dex {
	t.Helper()
	if _, err := builtDex(); err != nil {
		missing(t, "Dex, which contrib/check/dex.sh builds", err)
	}
	d := &Dex{Folder: t.TempDir(), listen: fmt.Sprintf("127.0.0.1:%d", FreePort(t))}
	d.Issuer = "http://" + d.listen + "/dex"
	return d
}

// Serve starts Dex with these people, or starts it anew.
func (d *Dex) Serve(t testing.TB, users ...DexUser) {
	t.Helper()
	if d.Child != nil {
		d.Kill()
	}
	people := []map[string]any{}
	for _, u := range users {
		people = append(people, map[string]any{"email": u.Name + "@example.test", "username": u.Name, "userID": u.ID,
			"preferredUsername": u.Name, "groups": u.Groups, "hash": dexHash})
	}
	config, err := json.Marshal(map[string]any{ // JSON is YAML
		"issuer": d.Issuer, "storage": map[string]string{"type": "memory"},
		"web": map[string]string{"http": d.listen}, "oauth2": map[string]any{"skipApprovalScreen": true},
		"sessions": map[string]any{"rememberMeCheckedByDefault": true}, "enablePasswordDB": true, "staticPasswords": people,
		"logger": map[string]string{"level": "debug"},
		"staticClients": []map[string]any{{"id": DexClientID, "name": "notifyd", "secret": DexClientSecret,
			"redirectURIs": []string{d.Client.Redirect}, "postLogoutRedirectURIs": []string{d.Client.Home},
			"backchannelLogoutURI": d.Client.Ended}},
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(d.Folder, "dex.yaml")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		t.Fatal(err)
	}
	program, err := builtDex()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "serve", file)
	cmd.Env = append(os.Environ(), "DEX_SESSIONS_ENABLED=true")
	d.Child = Start(t, cmd)
	d.Listening(t, d.listen)
}

// builtDex gives the path of Dex in Go's cache, where go tool leaves it.
var builtDex = sync.OnceValues(func() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; folder = filepath.Dir(folder) {
		if _, err := os.Stat(filepath.Join(folder, "contrib/check/dex.sh")); err == nil {
			break
		}
		if folder == filepath.Dir(folder) {
			return "", fmt.Errorf("no contrib/check/dex.sh above the test")
		}
	}
	out, err := exec.Command(filepath.Join(folder, "contrib/check/dex.sh")).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	lines := strings.Fields(string(out))
	return lines[len(lines)-1], nil
})
