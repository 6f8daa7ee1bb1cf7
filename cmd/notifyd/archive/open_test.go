package archive

import (
	"testing"
	"time"
)

func TestSince(t *testing.T) {
	zone := time.FixedZone("test", 2*60*60)
	now := time.Date(2026, 11, 29, 8, 30, 0, 0, zone)
	for text, want := range map[string]string{
		"90m": "2026-11-29T07:00:00+02:00", "2d": "2026-11-27T08:30:00+02:00", "1w": "2026-11-22T08:30:00+02:00",
		"0s": "2026-11-29T08:30:00+02:00", "2026-11-28": "2026-11-28T00:00:00+02:00",
		"2026-11-28T23:59": "2026-11-28T23:59:00+02:00", "2026-11-28 23:59:01": "2026-11-28T23:59:01+02:00",
		"2026-11-28T23:59:01Z": "2026-11-28T23:59:01Z", "2026-11-28T23:59:01.5+08:00": "2026-11-28T23:59:01+08:00",
	} {
		if got, err := Since(text, now); err != nil || got.Format(time.RFC3339) != want {
			t.Errorf("%s: %s, %v; want %s", text, got.Format(time.RFC3339), err, want)
		}
	}
	for _, text := range []string{
		"", "yesterday", "2", "d", "-1h", "-2d", "2026-11-30", "2026-13-01", "last", "123456d", "1h ", "2026-11-28T",
	} {
		if got, err := Since(text, now); err == nil {
			t.Errorf("%q: %s, want an error", text, got)
		}
	}
}
