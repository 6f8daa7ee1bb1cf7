package convention_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/rulespec/catalogue/convention"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// decode reads a body as the bus gives it.
func decode(t testing.TB, body string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return v
}

// TestMessagesOfAnyProducer reads bodies in the forms of many producers, each with names of our own.
func TestMessagesOfAnyProducer(t *testing.T) {
	for _, x := range []struct{ topic, body, want string }{
		// forges
		{"forge.issues", `{"action":"opened","number":12,"issue":{"number":12,"title":"tea is cold","url":"https://forge.example.org/api/v1/issues/12","html_url":"https://forge.example.org/acme/tea/issues/12","user":{"login":"alice"}},
			"repository":{"full_name":"acme/tea","html_url":"https://forge.example.org/acme/tea"},"sender":{"login":"alice","username":"alice"}}`,
			"alice opened acme/tea#12: tea is cold|alice||https://forge.example.org/acme/tea/issues/12|issue/forge/acme/tea/12|ticket"},
		{"forge.issue_comment", `{"action":"created","comment":{"id":7,"body":"Too hot.\nReally.","html_url":"https://forge.example.org/acme/tea/issues/12#c7"},"issue":{"number":12,"title":"tea is cold","html_url":"https://forge.example.org/acme/tea/issues/12"},
			"repository":{"full_name":"acme/tea"},"sender":{"login":"bob"}}`,
			"bob commented on acme/tea#12: Too hot.|bob||https://forge.example.org/acme/tea/issues/12#c7|issue/forge/acme/tea/12|ticket"},
		{"forge.issue.comment.create", `{"actor":{"nickname":"bob"},"comment":{"content":{"raw":"Too hot"},"links":{"html":{"href":"https://forge.example.org/c/7"}}},"issue":{"id":12,"title":"tea is cold"},"repository":{"full_name":"acme/tea","links":{"html":{"href":"https://forge.example.org/acme/tea"}}}}`,
			"bob commented on acme/tea#12: Too hot|bob||https://forge.example.org/c/7|issue/forge/acme/tea/12|ticket"},
		{"forge.pr.comment.deleted", `{"actor":{"name":"bob","emailAddress":"bob@example.net"},"comment":{"id":1,"text":"no"},"pullRequest":{"id":3,"title":"Pot","links":{"self":[{"href":"https://forge.example.org/pull/3"}]},"toRef":{"repository":{"slug":"tea","project":{"key":"ACME"}}}}}`,
			"bob deleted a comment on ACME/tea#3|bob||https://forge.example.org/pull/3|pull/forge/ACME/tea/3|review"},
		{"forge.repo.push", `{"ref":"refs/heads/main","commits":[{"message":"Warm the pot\n\nlong"},{"message":"Pour"}],"repository":{"full_name":"acme/tea"},"pusher":{"login":"carol"},"compare_url":"https://forge.example.org/acme/tea/compare/1..2"}`,
			"carol pushed 2 commits to acme/tea (main): Pour|carol||https://forge.example.org/acme/tea/compare/1..2||commit"},
		{"forge.push", `{"ref":"refs/tags/v1","after":"0000000000000000000000000000000000000000","deleted":true,"repository":{"full_name":"acme/tea"},"sender":{"login":"carol"}}`,
			"carol deleted the tag v1 of acme/tea|carol||||commit"},
		{"forge.pull_request_review", `{"action":"submitted","review":{"state":"changes_requested","html_url":"https://forge.example.org/r/1"},"pull_request":{"number":3,"title":"Pot"},"repository":{"full_name":"acme/tea"},"sender":{"login":"carol"}}`,
			"carol submitted the review of acme/tea#3: Pot|carol|warning|https://forge.example.org/r/1|pull/forge/acme/tea/3|review"},
		{"forge.create", `{"ref":"v1","ref_type":"tag","repository":{"full_name":"acme/tea"},"sender":{"login":"carol"}}`,
			"carol created the tag v1 in acme/tea|carol||||commit"},
		{"lab.note", `{"object_kind":"note","user":{"username":"bob"},"project":{"path_with_namespace":"acme/tea","web_url":"https://lab.example.org/acme/tea"},"object_attributes":{"id":900001,"note":"Nice","url":"https://lab.example.org/acme/tea/-/merge_requests/2#note_9"},"merge_request":{"iid":2,"title":"Pot"}}`,
			"bob commented on acme/tea#2: Nice|bob||https://lab.example.org/acme/tea/-/merge_requests/2#note_9|pull/lab/acme/tea/2|discussion"},
		{"review.patchset-created", `{"uploader":{"name":"Alice Baker","username":"alice"},"patchSet":{"number":4},"change":{"project":"tea","number":77,"subject":"Boil","url":"https://review.example.org/c/77"}}`,
			"alice created patch set 4 of tea#77: Boil|alice||https://review.example.org/c/77|change/review/tea/77|review"},
		{"tools.git.pullrequest.created", `{"eventType":"git.pullrequest.created","message":{"text":"Alice Baker created"},"resource":{"pullRequestId":3,"title":"Pot","createdBy":{"displayName":"Alice Baker","uniqueName":"alice@example.net"},"repository":{"name":"tea","url":"https://tools.example.org/_apis/git/1"},"_links":{"web":{"href":"https://tools.example.org/tea/pullrequest/3"}}}}`,
			"Alice Baker opened tea#3: Pot|||https://tools.example.org/tea/pullrequest/3|pull/tools/tea/3|review"},
		// builds and tests
		{"kettle.build.failed", `{}`, "kettle build failed||error|||build"},
		{"ci.brew-build.test.complete", `{"contact":{"name":"Tea CI","url":"https://ci.example.org","email":"tea@example.org","docs":"https://docs.example.org/tea"},"run":{"url":"https://ci.example.org/job/5","log":"https://ci.example.org/job/5/console"},"artifact":{"type":"brew-build","component":"tea","nvr":"tea-1.0-1.el9","id":5,"issuer":"alice"},"test":{"namespace":"tea-ci","type":"tier1","result":"failed"},"version":"0.1.0"}`,
			"brew-build test of tea-1.0-1.el9 failed (tea-ci.tier1)||error|https://ci.example.org/job/5|build/tea-1.0-1.el9|test"},
		{"qa.job.done", `{"TEST":"kde","MACHINE":"64bit","ARCH":"x86_64","BUILD":"0091","FLAVOR":"DVD","id":7,"result":"softfailed"}`,
			"qa job kde@64bit (DVD, x86_64, build 0091) failed softly||warning||job/qa/7|test"},
		{"brew.build.canceled", `{"info":{"name":"tea","version":"1","release":"2","nvr":"tea-1-2","owner_name":"alice","state":0},"attribute":"state","old":0,"new":4}`,
			"alice cancelled the build tea-1-2|alice|warning||build/tea-1-2|build"},
		{"brew.task.closed", `{"info":{"id":20124,"method":"build","arch":"noarch"},"attribute":"state","old":"OPEN","new":"FAILED"}`,
			"brew task 20124 failed (noarch)||error||task/brew/20124|build"},
		{"scan.task.started", `{"task_id":15649,"timestamp":1.5}`, "scan task 15649 started||||task/scan/15649|test"},
		{"farm.run", `{"conclusion":"timed_out","name":"tea","web_url":"https://farm.example.org/1","id":"6f1c1b2e-0000-4000-8000-000000000000"}`,
			"farm timed out: tea||error|https://farm.example.org/1||"},
		{"count.report.sent", `{"failed":0,"errors":0,"total":9}`, "count report sent: total 9|||||"},
		{"drone.build.completed", `{"event":"build","action":"completed","user":{"login":"alice"},"repo":{"slug":"acme/tea","name":"tea","link":"https://git.example.org/acme/tea"},"build":{"number":88,"status":"killed","link":"https://git.example.org/acme/tea/commit/1"}}`,
			"drone build 88 of acme/tea by alice was killed|alice|warning|https://git.example.org/acme/tea/commit/1||build"},
		{"cargo.app.sync.failed", `{"app":{"metadata":{"name":"tea"},"status":{"sync":{"status":"OutOfSync"}}},"url":"https://cargo.example.org/tea"}`,
			"cargo app sync tea failed||error|https://cargo.example.org/tea||"},
		{"harbor.scanning.failed", `{"operator":"alice","event_data":{"repository":{"name":"tea","repo_full_name":"kitchen/tea"}}}`,
			"harbor scanning by alice failed in tea|alice|error|||security"},
		{"archive.upload.rejected", `{"source":"tea","version":"1.0-1","suite":"sid","reason":"no signature","uploader":"bob"}`,
			"archive upload of tea rejected (1.0-1): no signature||error|||"},
		// trackers and boards
		{"desk.ticket.update", `{"ticket":{"id":81,"number":"67081","title":"Cold tea","owner":{"login":"bob"},"updated_by":{"login":"alice"}},"article":{"body":"Looking","from":"Alice <alice@example.net>"}}`,
			"alice updated ticket 67081: Cold tea|alice|||ticket/desk/67081|ticket"},
		{"redmine.issue.updated", `{"payload":{"action":"updated","issue":{"id":191,"subject":"Cold","author":{"login":"alice"}},"journal":{"notes":"Fixed","author":{"login":"bob"}},"url":"https://redmine.example.org/issues/191"}}`,
			"bob updated issue 191: Cold|bob||https://redmine.example.org/issues/191|issue/redmine/191|ticket"},
		{"taiga.userstory.change", `{"action":"change","by":{"id":6,"username":"alice"},"data":{"ref":4,"subject":"Hot tea","owner":{"username":"bob"}}}`,
			"alice changed the userstory 4: Hot tea|alice||||"},
		{"trello.card.moved", `{"action":{"id":"a","data":{"card":{"id":"c","name":"Buy tea"},"board":{"name":"Kitchen"}},"memberCreator":{"username":"alice","fullName":"Alice Baker"}}}`,
			"alice moved the card Buy tea|alice|||card/trello/c|"},
		{"phabricator.revision.accepted", `{"object":{"monogram":"D123","title":"Pour faster","uri":"https://phabricator.example.org/D123"},"actor":{"username":"carol"}}`,
			"carol accepted the revision D123: Pour faster|carol||https://phabricator.example.org/D123||"},
		{"duty.incident.triggered", `{"event":{"agent":{"id":"P1","summary":"Alice Baker","type":"user_reference"},"data":{"number":2,"title":"The kettle is down"}}}`,
			"Alice Baker triggered the incident: The kettle is down|||||"},
		{"pad.note.published", `{"title":"Minutes","publishLink":"https://pad.example.org/1","lastChangeUser":{"name":"Alice Baker","userPath":"alice"}}`,
			"Alice Baker published the note: Minutes|||https://pad.example.org/1||discussion"},
		{"orders.cloudevent", `{"specversion":"1.0","id":"A1","type":"org.example.kettle.boiled","source":"/kettles/7","data":{"operator":"alice","url":"https://kettles.example.org/7"}}`,
			"orders kettle A1 boiled by alice|alice||https://kettles.example.org/7||"},
		// other things
		{"errata.activity.status", `{"who":"alice@example.net","errata_id":12,"synopsis":"tea update","from":"QE","to":"REL_PREP","release":"R1"}`,
			"errata activity 12 by alice from QE to REL_PREP (R1): tea update||||errata/12|update"},
		{"mediawiki.recentchange", `{"meta":{"uri":"https://wiki.example.org/Tea"},"type":"edit","title":"Tea","comment":"warmer","user":"Kori Moa","server_url":"https://wiki.example.org","server_name":"wiki.example.org"}`,
			"Kori Moa edited Tea in wiki.example.org: warmer|Kori Moa||https://wiki.example.org/Tea||"},
		{"library.book.returned", `{"message":"The book is back"}`, "library book returned: The book is back|||||"},
		{"library.closed", `"No tea today"`, "library closed: No tea today|||||"},
		{"library.open.hours", `["nine","ten"]`, "library open hours: nine and ten|||||"},
		{"library.book.lost", `{"agent":"null","book":null,"title":"None"}`, "library book lost|||||"},
	} {
		words := strings.Split(x.topic, ".")
		r := convention.Read(words, decode(t, x.body))
		people := &values.Accounts{App: words[0], Same: true}
		got := strings.Join([]string{r.Sentence(r.Packages()), r.Actor(people), r.Severity(), r.Link(),
			strings.Join(r.Objects(), " "), r.Keyword()}, "|")
		if got != x.want {
			t.Errorf("%s %s\n   got  %s\n   want %s", x.topic, x.body, got, x.want)
		}
	}
}
