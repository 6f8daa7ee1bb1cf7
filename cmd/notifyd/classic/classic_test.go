package classic

import (
	"slices"
	"strings"
	"testing"
)

func TestArgs(t *testing.T) {
	for _, c := range []struct{ argv, want string }{
		{"notifyd publish -m x", "publish -m x"},
		{"/usr/bin/fedmsg-logger -m x", "publish -m x"},
		{"fedmsg-announce --link u", "publish --announce --link u"},
		{"./fedmsg-tail", "tail"},
		{"fedmsg-hub --help", "--help"},
		{"datanommer-stats --topic", "history stats --topic"},
		{"datanommer-latest --overall", "history latest --overall"},
		{"datanommer-dump --since 2013-02-01", "history export --format datagrepper --array --since 2013-02-01"},
		{"", ""},
	} {
		if got := Args(strings.Fields(c.argv)); !slices.Equal(got, strings.Fields(c.want)) {
			t.Errorf("%s: %q, want %s", c.argv, got, c.want)
		}
	}
	Args([]string{"fedmsg-announce", "x"})
	if got := Args([]string{"fedmsg-announce"}); len(got) != 2 {
		t.Errorf("a call has changed the list: %q", got)
	}
}

func TestNote(t *testing.T) {
	var out strings.Builder
	(&Flags{CertPrefix: "shell", Linger: "1000", PostInitSleep: 0.5, Cowsay: true}).Note(&out)
	got := out.String()
	if strings.Count(got, "note: ") != 3 || !strings.Contains(got, "--cert-prefix does nothing here: see --sign") {
		t.Errorf("said %q", got)
	}
}
