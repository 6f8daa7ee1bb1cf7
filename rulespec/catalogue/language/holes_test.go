package language

import "testing"

func TestAlone(t *testing.T) {
	for _, c := range []struct {
		before, after string
		want          bool
	}{
		{"", " pushed", true}, {"pushed to tea (", "):", true}, {"tea: ", "", true}, {"of ", " by bob", true},
		{"ticket #", ": x", true},
		{"page \"", "\"", true}, {"rpms/", " (f45)", true}, {"of " + NoValue, NoValue + " by", true},
		{"build", " done", false}, {"of ", "alice's update", false}, {"of tea", ": cold", false}, {"(f45)", ": x", false},
		{"the ", "(main)", false},
	} {
		if got := alone([]byte(c.before), []byte(c.after)); got != c.want {
			t.Errorf("%q | %q: %v", c.before, c.after, got)
		}
	}
}
