package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/migrations"
)

const forgePush = `{"ref":"refs/heads/main","compare_url":"https://forge.example.org/kitchen/mug/compare/a...b",` +
	`"repository":{"full_name":"kitchen/mug"},"sender":{"login":"zoe"},"commits":[{"message":"Boil water"}]}`

// TestWebhookIsAMessage: what a forge sends, twice, is one message that people can read; a forgery is none.
func TestWebhookIsAMessage(t *testing.T) {
	curl := exectest.Program(t, "curl")
	folder := t.TempDir()
	database := filepath.Join(folder, "notifyd.db")
	port, metricsPort := exectest.FreePort(t), exectest.FreePort(t)
	secret := writeFile(t, folder, "secret", "mug-secret")
	config := writeFile(t, folder, "notifyd.yaml",
		"database: {dsn: "+database+"}", "web: {listen: ''}",
		fmt.Sprintf("metrics: {listen: '127.0.0.1:%d'}", metricsPort),
		fmt.Sprintf("bus: {http: {listen: '127.0.0.1:%d', hooks: {forge: {adapter: forgejo, secret_file: %s, "+
			"prefix: org.example.prod}}}}", port, secret))
	daemon := exectest.Start(t, exec.Command(buildNotifyd(t), "--config", config, "serve"))
	waitReady(t, daemon, metricsPort)
	sum := hmac.New(sha256.New, []byte("mug-secret"))
	sum.Write([]byte(forgePush))
	send := func(signature, status string) {
		out, err := exec.Command(curl, "--silent", "--max-time", "60", "--write-out", "%{http_code}", "-d", forgePush,
			"-H", "Content-Type: application/json", "-H", "X-Forgejo-Event: push", "-H", "X-Forgejo-Delivery: delivery-1",
			"-H", "X-Forgejo-Signature: "+signature, fmt.Sprintf("http://127.0.0.1:%d/hooks/forge", port)).CombinedOutput()
		if err != nil || !strings.HasSuffix(string(out), status) {
			t.Errorf("curl: %v: %s, want %s", err, out, status)
		}
	}
	right := hex.EncodeToString(sum.Sum(nil))
	send(right, "202")
	send(right, "202")
	send(strings.Repeat("0", 64), "401")
	if status := daemon.Stop(t); status != 0 {
		t.Errorf("exit status %d after SIGTERM: %s", status, daemon.Text())
	}
	var rows []struct{ MsgID, Topic, Verdict, Signer, Payload string }
	withDatabase(t, database, func(d *migrations.DB) error {
		return d.Reader.Raw("SELECT msg_id, topic, verdict, signer, payload FROM messages").Scan(&rows).Error
	})
	if len(rows) != 1 || rows[0].MsgID != "delivery-1" || rows[0].Topic != "org.example.prod.forgejo.push" ||
		rows[0].Verdict != "signed" || rows[0].Signer != "forge" {
		t.Fatalf("the messages are %+v", rows)
	}
	describe := exec.Command(buildNotifyd(t), "message", "describe")
	describe.Stdin = strings.NewReader(rows[0].Payload + "\n")
	out, err := describe.CombinedOutput()
	for _, want := range []string{"zoe pushed 1 commit to kitchen/mug (main): Boil water",
		"https://forge.example.org/kitchen/mug/compare/a...b"} {
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("message describe: %v: %s, want %q", err, out, want)
		}
	}
}
