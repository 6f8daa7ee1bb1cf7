package backendtest

import (
	"fmt"
	"time"

	"github.com/notifyd/notifyd/backends"
)

// when is the time of the first sample.
var when = time.Date(2026, time.March, 4, 5, 6, 7, 0, time.UTC)

// Samples are ordinary notices of several applications and severities, oldest first.
func Samples() []backends.Notice {
	why := []backends.Reason{{
		Filter: "My packages", Sentence: "the package is bash or zsh, and the severity is at least warning",
		Link: "https://notify.example.org/filters/7", Stop: "https://notify.example.org/stop/abc?sig=0123456789abcdef",
	}}
	return []backends.Notice{
		{
			ID: "2026-0001", Topic: "org.example.prod.buildsys.build.state.change", Time: when, App: "buildsys",
			Kind: "buildsys.build.failed", KindName: "Failed builds", Title: "Build of bash-5.3-1 failed on s390x",
			Text: "carol's build of bash-5.3-1 failed on s390x after 12 minutes.\nThe log ends with: cannot find -lncurses",
			Link: "https://builds.example.org/build/1234", Actor: "carol", Users: []string{"carol"},
			Packages: []string{"bash"}, Objects: []string{"build/1234"}, Severity: "error", Why: why,
		},
		{
			ID: "2026-0002", Topic: "org.example.prod.bodhi.update.comment", Time: when.Add(time.Minute), App: "bodhi",
			Kind: "bodhi.update.comment", KindName: "Comments on updates", Title: "bob commented on the update of zsh",
			Text: "bob commented on zsh-5.9-4: works for me.", Link: "https://updates.example.org/u/42#comment-3",
			Actor: "bob", Users: []string{"alice", "bob"}, Packages: []string{"zsh"}, Objects: []string{"update/42"},
			Severity: "info", Why: why,
		},
		{
			ID: "2026-0003", Topic: "org.example.prod.wiki.article.edit", Time: when.Add(2 * time.Minute), App: "wiki",
			Kind: "wiki.edit", KindName: "Edited pages", Title: "Zoë edited «Größe & Maß» — 日本語",
			Text:  "Zoë edited the page «Größe & Maß» <b>really</b> 😀",
			Link:  "https://wiki.example.org/wiki/Gr%C3%B6%C3%9Fe",
			Actor: "zoe", Users: []string{"zoe"}, Objects: []string{"page/Größe"}, Severity: "info", Why: why,
		},
	}
}

// Marked are notices whose sender is not proved, as they are made: without links, with texts that are defanged. Their
// names are as the sender wrote them: evil.example is a name here, and nothing that a person sees may become a link.
func Marked() []backends.Notice {
	forged, signed := Samples()[0], Samples()[1]
	forged.ID, forged.Link, forged.App, forged.Severity = "2026-forged", "", "announce.evil.example", "error"
	forged.Title = "[evil[.]example] All passwords must be changed today"
	forged.Text = "All passwords must be changed today: hxxps[://]evil[.]example/login"
	forged.Kind, forged.KindName = "announce.evil.example", "News of www.evil.example"
	forged.Actor, forged.Users = "mallory@evil.example", []string{"mallory@evil.example"}
	forged.Packages, forged.Objects = []string{"evil.example"}, []string{"https://evil.example/1"}
	forged.Provenance = backends.Provenance{
		Standing: "unsigned",
		Caution: "It is not proved who sent this message: it has no signature. Anybody who reaches the message bus can " +
			"have written it. Links are written so that they cannot be clicked.",
	}
	signed.ID, signed.Link = "2026-wrong-signer", ""
	signed.Provenance = backends.Provenance{
		Standing: "wrong signer",
		Caution: "This message is signed by “wiki”, who may not send messages of this kind here. Do not rely on it. " +
			"Links are written so that they cannot be clicked.",
	}
	return []backends.Notice{forged, signed}
}

// Account is a notice of account mail: it has no topic and no reason.
func Account() backends.Notice {
	return backends.Notice{
		ID: "account-confirm-1", Time: when, App: "notifyd", Kind: "account.confirm", Severity: "info",
		Title: "Confirm your address",
		Text:  "Somebody, probably you, asked for notices to be sent here. Your code is 314159.",
		Link:  "https://notify.example.org/confirm/abcdef",
	}
}

// Many are n notices whose titles are "sample notice N of a digest". No two of them belong together.
func Many(n int) []backends.Notice {
	kinds := Samples()
	out := make([]backends.Notice, n)
	for i := range out {
		s := kinds[i%len(kinds)]
		s.ID = fmt.Sprintf("2026-many-%04d", i)
		s.Time = when.Add(time.Duration(i) * time.Minute)
		s.Title = fmt.Sprintf("sample notice %d of a digest", i+1)
		s.Text = fmt.Sprintf("The text of sample %d.", i+1)
		s.Actor, s.Objects = fmt.Sprintf("person%d", i+1), []string{fmt.Sprintf("sample/%d", i+1)}
		out[i] = s
	}
	return out
}

// Builds are n notices that belong together, of a run of builds: every third failed.
func Builds(n int) []backends.Notice {
	out := Many(n)
	for i := range out {
		s := &out[i]
		s.App, s.Kind, s.KindName, s.Severity = "buildsys", "buildsys.build.done", "Finished builds", "info"
		s.Topic, s.Actor, s.Packages = "org.example.prod.buildsys.build.state.change", "carol", []string{"bash"}
		s.Link = fmt.Sprintf("https://builds.example.org/build/%d", i+1)
		if i%3 == 0 {
			s.Kind, s.KindName, s.Severity = "buildsys.build.failed", "Failed builds", "error"
		}
		s.Grouping = backends.Grouping{
			Keys: []string{"builds of bash"}, Values: map[string][]string{"nvr": {fmt.Sprintf("bash-5.3-%d", i+1)}},
			Template: []backends.DigestPart{{Name: "actors"}, {Text: " built "}, {Name: "nvr"},
				{Text: ", ", If: "failures"}, {Name: "failures", If: "failures"}, {Text: " failed", If: "failures"}},
		}
	}
	return out
}
