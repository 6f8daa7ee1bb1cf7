package daemon

import (
	"os"
	"testing"

	"github.com/notifyd/notifyd/migrations/migratest"
)

// TestMain stops the PostgreSQL that tests started.
func TestMain(m *testing.M) { os.Exit(migratest.Main(m)) }
