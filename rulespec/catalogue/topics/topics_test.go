package topics

import "testing"

func TestTopicsAreDivided(t *testing.T) {
	for topic, want := range map[string]string{
		"org.fedoraproject.prod.git.receive":       "org.fedoraproject|prod|git.receive",
		"org.centos.stage.ci.pipeline.complete":    "org.centos|stage|ci.pipeline.complete",
		"io.pagure.prod.pagure.issue.new":          "io.pagure|prod|pagure.issue.new",
		"org.release-monitoring.prod.anitya.x":     "org.release-monitoring|prod|anitya.x",
		"de.example.stg.tea.ready":                 "de.example|stg|tea.ready",
		"pagure.issue.new":                         "||pagure.issue.new",
		"bodhi.update.status.testing.x.build.done": "||bodhi.update.status.testing.x.build.done",
		"opensuse.obs.package.build_fail":          "opensuse||obs.package.build_fail",
		"suse.openqa.job.done":                     "suse||openqa.job.done",
		"suse.obs.test.x":                          "suse||obs.test.x",
		"opensuse.ttm.build":                       "opensuse||ttm.build",
		"org.opensuse.prod.obs.package.create":     "org.opensuse|prod|obs.package.create",
		"opensuse.obs":                             "||opensuse.obs",
		"opensuse":                                 "||opensuse",
		"opensusex.obs.package.create":             "||opensusex.obs.package.create",
		"VirtualTopic.eng.bodhi.update":            "||bodhi.update",
		"one":                                      "||one",
		"":                                         "||",
		"org.example.prod":                         "||org.example.prod",
	} {
		d := Divide(topic)
		if got := d.Root + "|" + d.Environment + "|" + d.Title; got != want {
			t.Errorf("%s: got %s, want %s", topic, got, want)
		}
	}
}
