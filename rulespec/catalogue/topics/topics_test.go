package topics

import "testing"

func TestTopicsAreDivided(t *testing.T) {
	for topic, want := range map[string]string{
		"org.fedoraproject.prod.git.receive":                "org.fedoraproject|prod|git.receive",
		"org.centos.stage.ci.pipeline.complete":             "org.centos|stage|ci.pipeline.complete",
		"io.pagure.prod.pagure.issue.new":                   "io.pagure|prod|pagure.issue.new",
		"org.release-monitoring.prod.anitya.x":              "org.release-monitoring|prod|anitya.x",
		"de.example.stg.tea.ready":                          "de.example|stg|tea.ready",
		"pagure.issue.new":                                  "||pagure.issue.new",
		"bodhi.update.status.testing.x.build.done":          "||bodhi.update.status.testing.x.build.done",
		"opensuse.obs.package.build_fail":                   "opensuse||obs.package.build_fail",
		"suse.openqa.job.done":                              "suse||openqa.job.done",
		"suse.obs.test.x":                                   "suse||obs.test.x",
		"opensuse.ttm.build":                                "opensuse||ttm.build",
		"org.opensuse.prod.obs.package.create":              "org.opensuse|prod|obs.package.create",
		"opensuse.obs":                                      "||opensuse.obs",
		"opensuse":                                          "||opensuse",
		"opensusex.obs.package.create":                      "||opensusex.obs.package.create",
		"VirtualTopic.eng.bodhi.update":                     "||bodhi.update",
		"topic://VirtualTopic.eng.brew.build":               "||brew.build",
		"/topic/VirtualTopic.eng.brew.build":                "||brew.build",
		"/topic/org.example.prod.tea.boiled":                "org.example|prod|tea.boiled",
		"Consumer.tea-1.kettle.VirtualTopic.eng.brew.build": "||brew.build",
		"queue://Consumer.tea.VirtualTopic.eng.brew.build":  "||brew.build",
		"jms.topic.VirtualTopic.eng.brew.build":             "||brew.build",
		"eqiad.mediawiki.recentchange":                      "eqiad||mediawiki.recentchange",
		"codfw.mediawiki.page-create":                       "codfw||mediawiki.page-create",
		"dev.snix.prod.gerrit.change-merged":                "dev.snix|prod|gerrit.change-merged",
		"com.example.kitchen.prod.tea.boiled":               "com.example.kitchen|prod|tea.boiled",
		"org.example.lab.kitchen.stg.tea.boiled":            "org.example.lab.kitchen|stg|tea.boiled",
		"org.example.qa.tea.boiled":                         "org.example|qa|tea.boiled",
		"zuul/tea/result":                                   "||zuul.tea.result",
		"one":                                               "||one",
		"":                                                  "||",
		"org.example.prod":                                  "||org.example.prod",
	} {
		d := Divide(topic)
		if got := d.Root + "|" + d.Environment + "|" + d.Title; got != want {
			t.Errorf("%s: got %s, want %s", topic, got, want)
		}
	}
}

func TestSitesHaveRoots(t *testing.T) {
	site := Roots{"acme", "acme.lab", "com.acme.ci"}
	for topic, want := range map[string]string{
		"acme.tea.boiled":           "acme||tea.boiled",
		"acme.prod.tea.boiled":      "acme|prod|tea.boiled",
		"acme.lab.tea.boiled":       "acme.lab||tea.boiled",
		"acme.lab.stg.tea.boiled":   "acme.lab|stg|tea.boiled",
		"com.acme.ci.tea.boiled":    "com.acme.ci||tea.boiled",
		"acmes.tea.boiled":          "||acmes.tea.boiled",
		"acme":                      "||acme",
		"acme.tea":                  "acme||tea",
		"acme.prod":                 "acme||prod",
		"org.example.prod.tea.done": "org.example|prod|tea.done",
	} {
		d := site.Divide(topic)
		if got := d.Root + "|" + d.Environment + "|" + d.Title; got != want {
			t.Errorf("%s: got %s, want %s", topic, got, want)
		}
	}
}
