package links

import "time"

// OldWide makes the token of a wide link as older releases made it.
func OldWide(s *Signer, destination uint, expires time.Time) string {
	return s.seal(unsubscribeToken, 0, uint64(destination), uint64(expires.Unix()/3600))
}
