package signin_test

import (
	"os"
	"testing"

	"github.com/notifyd/notifyd/migrations/migratest"
)

func TestMain(m *testing.M) { os.Exit(migratest.Main(m)) }
