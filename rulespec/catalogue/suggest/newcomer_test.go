package suggest_test

import (
	"encoding/json"
	"strings"
	"testing"
)

// one drafts for messages of one application; each is a topic and a body.
func one(t *testing.T, messages ...[2]string) string {
	t.Helper()
	var lines []json.RawMessage
	for _, m := range messages {
		lines = append(lines, json.RawMessage(`{"topic":"`+m[0]+`","msg":`+m[1]+`}`))
	}
	drafts := draftsOf(t, lines...)
	if len(drafts) != 1 {
		t.Fatalf("got %+v", drafts)
	}
	for _, m := range check(drafts[0]) {
		t.Errorf("%v\n%s", m, drafts[0].Text)
	}
	return drafts[0].Text
}

// has fails where a draft lacks a text; where the text begins with "! ", where the draft has it.
func has(t *testing.T, draft string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		not, isNot := strings.CutPrefix(text, "! ")
		if strings.Contains(draft, not) == isNot {
			t.Errorf("want %s in\n%s", text, draft)
		}
	}
}

const addedBuild = `{"product":"TEA","errata_id":34983,"who":"alice@kitchen.example.net","release":"Tea 13",` +
	`"when":"2018-07-03","brew_build":"tea-container-7.4-36.15"}`

// What is numbered is the advisory, and what was added is the build.
func TestSuggestTellsABuildFromItsAdvisory(t *testing.T) {
	draft := one(t, [2]string{"VirtualTopic.eng.kitchen.builds.added", addedBuild})
	has(t, draft, `added the build[ {{.msg.brew_build}}][ (errata {{.msg.errata_id}})]`, `'"build/" + msg.brew_build'`,
		`'"errata/kitchen/" + msg.errata_id'`, "nvr_name(msg.brew_build)", "! for {{series",
		"unsure: objects: msg.errata_id is named after another thing (errata) than the topic's word (build)",
		"# not used: 'msg.release, msg.when'")
}

const gerritChange = `"change":{"number":7,"project":"acme/tool","subject":"Brew",` +
	`"url":"https://crane.example.org/7","owner":{"username":"bob"}},` +
	`"patchSet":{"number":2,"uploader":{"username":"bob"},"author":{"username":"bob"}}`

// Whoever uploaded a change is not who merged it, though both are the same person in the messages that were seen.
func TestSuggestTakesTheDoerOfTheVerb(t *testing.T) {
	draft := one(t,
		[2]string{"org.example.prod.crane.change-merged", `{"submitter":{"username":"bob"},` + gerritChange + `}`},
		[2]string{"org.example.prod.crane.change-abandoned", `{"abandoner":{"username":"carol"},` + gerritChange + `}`},
		[2]string{"org.example.prod.crane.patchset-created", `{"uploader":{"username":"bob"},` + gerritChange + `}`})
	has(t, draft, "by: 'account(msg.submitter)'", "by: 'account(msg.abandoner)'", "by: 'account(msg.uploader)'",
		"who: 'person(msg.submitter)'", "! msg.patchSet.uploader), ", "! unsure: actor")
}

// Where no verb speaks for one of two, and they are two people, a person has to say which.
func TestSuggestDoubtsWhoDidIt(t *testing.T) {
	draft := one(t, [2]string{"org.example.prod.crane.load.lifted", `{"user":"alice","sender":"bob","load":{"id":7}}`})
	has(t, draft, "unsure: actor: msg.user and msg.sender name different people")
}

// An address is no login of a forge, and where nobody is named there is nothing to say.
func TestSuggestSaysWhyNobodyActs(t *testing.T) {
	draft := one(t, [2]string{"VirtualTopic.eng.kitchen.builds.added", addedBuild})
	has(t, draft, "unsure: actor: msg.who has mail addresses", "say account(local_part(msg.who))", "! accounts: same")
	draft = one(t, [2]string{"org.example.prod.kitchen.job.restart", `{"id":100001,"remaining":1}`})
	has(t, draft, "! unsure: actor")
}

// What is the state of a thing is nobody, though it has the same text as the actor's field.
func TestSuggestTakesNoStatusForAUser(t *testing.T) {
	draft := one(t, [2]string{"org.example.prod.kitchen.activity.status",
		`{"who":"REDACTED","errata_status":"REDACTED","errata_id":7,"to":"REDACTED"}`})
	has(t, draft, "! account(msg.errata_status)", "! account(msg.to)", "! unsure: users")
}

// One application is one sort of thing, unless a topic says another: a comment on a test is a test.
func TestSuggestGivesOneKeyword(t *testing.T) {
	job := `{"id":100001,"TEST":"rainbow","result":{"100001":100002}}`
	draft := one(t, [2]string{"opensuse.myqa.job.cancel", job}, [2]string{"opensuse.myqa.job.restart", job},
		[2]string{"opensuse.myqa.comment.create", `{"id":7,"job_id":9,"user":"alice","text":"Cold"}`})
	has(t, draft, "title: Myqa\nkeyword: test\n", "! keyword: discussion", "! keyword: build",
		"keyword: test is guessed; the words of the topic say build",
		"name: 'Jobs cancelled'", "name: 'Comments created'", `! "100001"'`)
	if n := strings.Count(draft, "unsure: link"); n != 1 {
		t.Errorf("%d times unsure of the link:\n%s", n, draft)
	}
	draft = one(t,
		[2]string{"org.example.prod.crane.change-merged", `{"submitter":{"username":"bob"},` + gerritChange + `}`},
		[2]string{"org.example.prod.crane.patchset-created", `{"uploader":{"username":"bob"},` + gerritChange + `}`})
	has(t, draft, "keyword: review\n", "! keyword: other", "keyword: review is guessed")
	draft = one(t, [2]string{"VirtualTopic.eng.kitchen.builds.added", addedBuild})
	has(t, draft, "keyword: update\n", "keyword: update is guessed", "title: Kitchen")
}

// A draft that leaves out more than it lists says so.
func TestSuggestCountsWhatIsNotUsed(t *testing.T) {
	var fields []string
	for _, name := range strings.Fields("aa bb cc dd ee ff gg hh ii jj kk ll mm nn oo") {
		fields = append(fields, `"`+name+`":"x"`)
	}
	has(t, one(t, [2]string{"org.example.prod.crane.load.lifted", "{" + strings.Join(fields, ",") + "}"}),
		"msg.ll' and 3 more\n")
}

// A build is one though its field is called otherwise; a person has to look.
func TestSuggestKnowsABuildByItsValue(t *testing.T) {
	draft := one(t, [2]string{"org.example.prod.crane.load.lifted", `{"cargo":"tea-pot-7.4-36.el9","load":{"id":7}}`})
	has(t, draft, `'"build/" + msg.cargo'`, "unsure: objects: msg.cargo only looks like a build", "! not used")
}
