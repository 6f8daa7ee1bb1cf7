package daemon

import (
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/internal/pkitest"
)

// TestSignerFilesAreWatched renews the certificate while the daemon runs. Files that do not belong together leave the
// last good ones in use; a certificate that is over is said.
func TestSignerFilesAreWatched(t *testing.T) {
	r := newReloaded(t, "web: {listen: ''}")
	r.aPKI()
	r.write("relay.crt", "")
	r.copyFile(pkitest.Git+".crt", "relay.crt")
	r.write("relay.key", "")
	r.copyFile(pkitest.Git+".key", "relay.key")
	if r.signer.Load() != nil {
		t.Fatal("it signs by nothing")
	}
	said := r.reloadWith("web: {listen: ''}", "bus: {publish: {cert_file: DIR/relay.crt, key_file: DIR/relay.key}}")
	if !strings.Contains(said, "configuration reloaded") || strings.Contains(said, "restart") {
		t.Fatalf("the log says\n%s", said)
	}
	if got := r.signer.Load(); got == nil || got.Name() != pkitest.Git {
		t.Fatalf("it signs by %v", got)
	}
	r.copyFile(pkitest.Expired+".crt", "relay.crt")
	if err := r.signer.Reload(); err == nil || !strings.Contains(err.Error(), "does not belong to the certificate") {
		t.Errorf("with the key of another: %v", err)
	}
	if got := r.warnings(); len(got) != 1 || !strings.Contains(got[0], "last good files of bus.publish stay in use") {
		t.Errorf("with the key of another: warnings %q", got)
	}
	r.copyFile(pkitest.Expired+".key", "relay.key")
	if err := r.signer.Reload(); err != nil {
		t.Error(err)
	}
	if got := r.warnings(); len(got) != 1 || !strings.Contains(got[0], "nobody will believe what bus.publish signs") {
		t.Errorf("with a certificate that is over: warnings %q", got)
	}
	if r.signer.Load().ValidAt(time.Now()) == nil {
		t.Error("the certificate is not over")
	}
}
