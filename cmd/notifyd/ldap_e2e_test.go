package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends/email/fakesmtp"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rulespec"
)

const communityLDIF = `dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: uid=alice,dc=example,dc=org
objectClass: inetOrgPerson
objectClass: communityAccount
uid: alice
cn: Alice
sn: Archer
mail: alice@example.org

dn: uid=zoe,dc=example,dc=org
objectClass: inetOrgPerson
uid: zoe
cn: Zoe
sn: Zimmer

dn: cn=potters,dc=example,dc=org
objectClass: groupOfNames
cn: potters
member: uid=alice,dc=example,dc=org
`

// TestGroupsAndAccountsOfLDAP: a rule about a group holds as soon as the server has the member, and nothing is sent to
// an account that the server has disabled.
func TestGroupsAndAccountsOfLDAP(t *testing.T) {
	t.Parallel() // it mostly waits
	curl := exectest.Program(t, "curl")
	folder := t.TempDir()
	slapd := exectest.Slapd{LDIF: writeFile(t, folder, "community.ldif", communityLDIF)}
	slapd.Start(t)
	smtp := startSMTP(t, fakesmtp.Options{})
	database := filepath.Join(folder, "notifyd.db")
	giveGroupFilter(t, database)
	port, metricsPort := exectest.FreePort(t), exectest.FreePort(t)
	token := writeFile(t, folder, "token", "sesame-sesame-sesame")
	config := writeFile(t, folder, "notifyd.yaml",
		"database: {dsn: "+database+"}", "web: {listen: ''}",
		fmt.Sprintf("metrics: {listen: '127.0.0.1:%d'}", metricsPort),
		"directory: {ldap: {community: {url: 'ldap://"+slapd.Address+"', bind_dn: '"+exectest.SlapdAdmin+"', password: '"+
			exectest.SlapdPassword+"', people: {base: 'dc=example,dc=org'}, groups: {base: 'dc=example,dc=org'}, every: 1s}}}",
		fmt.Sprintf("bus: {http: {listen: '127.0.0.1:%d', senders: {kiln: {token_file: %s, topics: ['#']}}}}", port, token),
		fmt.Sprintf("backends: {email: {host: 127.0.0.1, port: %d, tls: none, from: notifyd@example.org}}", smtp.Addr().Port))
	daemon := exectest.Start(t, exec.Command(buildNotifyd(t), "--config", config, "serve"))
	waitReady(t, daemon, metricsPort)
	said := 0
	say := func() string {
		said++
		id := fmt.Sprintf("kiln-%d", said)
		out, err := exec.Command(curl, "--silent", "--show-error", "--fail-with-body", "--max-time", "60",
			"-H", "Authorization: Bearer sesame-sesame-sesame", "-H", "Content-Type: application/json",
			"-d", `{"id":"`+id+`","topic":"org.example.prod.kiln.fired","body":{"user":"zoe","pot":"mug"}}`,
			fmt.Sprintf("http://127.0.0.1:%d/api/v1/messages", port)).CombinedOutput()
		if err != nil {
			t.Fatalf("curl: %v: %s", err, out)
		}
		return id
	}
	owed := func(id string) int {
		return count(t, database, "SELECT count(*) FROM deliveries d JOIN contents c ON c.id = d.content "+
			"WHERE c.message = '"+id+"'")
	}
	stored := func(id string) {
		exectest.Eventually(t, time.Minute, id+" is stored", func() bool {
			return count(t, database, "SELECT count(*) FROM messages WHERE msg_id = '"+id+"'") == 1
		})
	}
	before := say()
	stored(before)
	if owed(before) != 0 {
		t.Error("zoe is in no group, and a rule about her group holds")
	}
	slapd.Modify(t, "cn=potters,dc=example,dc=org", "add: member", "member: uid=zoe,dc=example,dc=org")
	exectest.Eventually(t, time.Minute, "a message of the new member is owed", func() bool {
		id := say()
		stored(id)
		return owed(id) == 1
	})
	exectest.Eventually(t, time.Minute, "and it came", func() bool { return len(smtp.Messages()) > 0 })
	slapd.Modify(t, "uid=alice,dc=example,dc=org", "add: nsAccountLock", "nsAccountLock: TRUE")
	exectest.Eventually(t, time.Minute, "alice is disabled", func() bool {
		return count(t, database, "SELECT count(*) FROM users WHERE disabled <> '' AND disabled_by = 'upstream'") == 1
	})
	after := say()
	stored(after)
	if owed(after) != 0 {
		t.Error("something is owed to an account that the directory has disabled")
	}
	if n := count(t, database, "SELECT count(*) FROM filters"); n == 0 {
		t.Error("a disabled account has lost its filters")
	}
	slapd.Modify(t, "uid=alice,dc=example,dc=org", "delete: nsAccountLock")
	exectest.Eventually(t, time.Minute, "alice is told again", func() bool {
		id := say()
		stored(id)
		return owed(id) == 1
	})
	if status := daemon.Stop(t); status != 0 || strings.Contains(daemon.Text(), exectest.SlapdPassword) {
		t.Errorf("exit status %d after SIGTERM: %s", status, daemon.Text())
	}
}

// giveGroupFilter makes alice, who hears of what a group does. Nobody has proved her name: the directory does.
func giveGroupFilter(t *testing.T, dsn string) {
	t.Helper()
	withDatabase(t, dsn, func(d *migrations.DB) error {
		store := openPrefs(d)
		alice, err := store.Accounts.Register(t.Context(), "alice", "", "email", "alice@example.org")
		if err != nil {
			return err
		}
		_, err = store.Filters.Save(t.Context(), alice.ID, prefs.Filter{On: true, Filter: rulespec.Filter{
			Name: "Potters", Rules: []rulespec.Rule{{Kind: "group", Args: rulespec.Args{"name": {"potters"}}}},
		}})
		return err
	})
}
