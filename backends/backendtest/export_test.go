package backendtest

import "time"

// SetPatience is for the test that has the kit wait for what never comes.
func SetPatience(d time.Duration) { patience = d }
