package kerberos

import "time"

// SetClock makes a Client take the time from a test.
func SetClock(c *Client, now func() time.Time) { c.now = now }
