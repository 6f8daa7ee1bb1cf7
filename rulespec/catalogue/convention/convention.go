// Package convention finds by the names of fields what a message means: who did it, who else is involved, which
// packages it is about, and where a page about it is.
//
// Many services call the same things by the same names (agent, package, url), though nobody laid that down. The
// catalogue describes messages that no entry knows by these names, and drafts of entries begin with them. A guess must
// not be worse than none: names from parts of a body that belong to somebody else, such as the owner of a forge's
// repository, are left out, and so is a mail address or a login that no account is known for.
package convention

// The names of fields that by convention hold the actor, the people involved and the packages. The first name that a
// body has counts for the actor.
var (
	ActorFields = []string{"agent", "agent_name", "user", "username", "userid", "user_username", "performer", "user_text", "who",
		"actor", "sender_username", "sender", "uploader", "changer", "abandoner", "restorer", "deleter",
		"editor", "merger", "reviewer", "submitter", "pusher", "initiator", "initiated_by", "triggered_by", "triggeredBy",
		"started_by", "requested_by", "requestedBy", "closedBy", "closed_by", "updatedBy", "updated_by", "changed_by",
		"modified_by", "modifiedBy", "lastChangeUser", "memberCreator", "by", "operator",
		"pushedBy", "author", "creator", "createdBy", "created_by", "requester", "owner_name", "openid"}
	UserFields = []string{"agent", "agent_name", "user", "username", "userid", "user_username", "user_text", "users",
		"usernames", "actor", "performer", "sender_username", "sender", "author", "owner", "submitter", "uploader",
		"changer", "abandoner", "restorer", "deleter", "editor", "merger", "reviewer", "reviewers", "initiator",
		"triggered_by", "requested_by", "createdBy", "created_by", "creator", "pushedBy",
		"assignee", "assignees", "assigned_to", "reporter", "pusher", "owner_name", "maintainer", "person", "nickname",
		"fas_username", "fas_name", "openid", "requester", "recipient"}
	PackageFields = []string{"package", "packages", "package_name", "pkg", "pkgname", "pkg_name", "rpm", "rpms",
		"source_package", "src"}
)

// otherObjects are objects in a body with people and names that have nothing to do with the event: the owner of a
// repository, the headers of an answer.
var otherObjects = []string{"project", "repository", "repo", "forkee", "parent", "headers", "trigger",
	"webhook_headers", "instance"}

// notByAuthor are what others do to a thing than who made it.
var notByAuthor = []string{"rejected", "declined", "ejected", "refused"}

// nobody are accounts that stand for no person, beside what values.IsNobody knows.
var nobody = []string{"orphan", "nobody"}

// What is looked at of a body, which may hold far more than any service sends.
const (
	maxTitle   = 90   // characters of a title in a sentence
	maxObjects = 200  // objects among the fields of one, the first by name
	maxThings  = 40   // of those, the most particular
	maxPeople  = 2000 // people, named or not
	maxPerson  = 1024 // bytes of a text that may name one
)

func isObject(v any) bool { _, ok := v.(map[string]any); return ok }
