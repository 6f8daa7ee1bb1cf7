package web_test

import (
	"os"
	"testing"

	"github.com/notifyd/notifyd/migrations/migratest"
)

func TestMain(m *testing.M) {
	status := migratest.Main(m)
	if chromium.stop != nil {
		chromium.stop()
	}
	os.Exit(status)
}
