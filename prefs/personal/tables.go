package personal

// A Table is one from which a person's rows are exported.
type Table struct {
	Name string
	From string // where its rows are found, in SQL; "": in the table of that name
	// Of is the condition on its rows, in SQL. It may name @user, the account's id; @keys, the destinations as the outbox
	// knows them; @addresses, those that are confirmed.
	Of      string
	Key     string   // the columns by which its rows are in order, and no two are the same
	Hide    []string // columns with digests of secrets, or what lets somebody in
	JSON    []string // columns that hold JSON
	Backend string   // @addresses are those of this backend; "": of all
}

// deliveries are those of the outbox with what they refer to.
const deliveries = `(SELECT d.id, c.message, l.destination, l.backend, l.address, d.state, d.together, d.due_at, d.hold,
	d.parcel, d.attempts, d.failed_at, d.last_error, d.added_at, d.settled_at, d.reasons, d.manage,
	COALESCE(v.notice, c.notice) AS notice FROM deliveries d JOIN lanes l ON l.id = d.lane
	JOIN contents c ON c.id = d.content LEFT JOIN contents v ON v.id = d.variant) AS deliveries`

// Tables are those of the program. Backends add theirs (backends.Info.Keeps).
func Tables() []Table {
	const own = "user_id = @user"
	const destination = "destination_id IN (SELECT id FROM destinations WHERE user_id = @user)"
	return []Table{
		{Name: "users", Of: "id = @user", Key: "id"},
		{Name: "destinations", Of: own, Key: "id"},
		{Name: "filters", Of: own, Key: "id"},
		{Name: "filter_destinations", Of: destination, Key: "filter_id, destination_id"},
		{Name: "filter_schedules", Of: destination, Key: "filter_id, destination_id"},
		{Name: "mutes", Of: own, Key: "id"},
		{Name: "fallbacks", Of: destination, Key: "destination_id"},
		{Name: "escalations", Of: own, Key: "user_id"},
		{Name: "returned_mail", Of: destination, Key: "id"},
		{Name: "api_tokens", Of: own, Key: "id", Hide: []string{"token_hash"}},
		{Name: "mailed", Of: "(user_id = @user OR address IN @addresses)", Key: "id", Hide: []string{"slot"}},
		{Name: "places", Of: own, Key: "digest", Hide: []string{"digest"}},
		{Name: "undos", Of: own, Key: "id", JSON: []string{"data"}},
		{Name: "identities", Of: own, Key: "id", JSON: []string{"groups"}},
		{Name: "passkeys", Of: own, Key: "id", Hide: []string{"credential", "credential_id"}},
		{Name: "logins", Of: own, Key: "id", Hide: []string{"key_hash"}},
		{Name: "names", Of: own, Key: "name", Hide: []string{"holder"}},
		{Name: "audit", Of: own, Key: "id", JSON: []string{"before", "after"}},
		{Name: "deliveries", From: deliveries, Of: "destination IN @keys", Key: "id", Hide: []string{"manage"},
			JSON: []string{"notice"}},
		{Name: "filter_revisions", Of: own, Key: "id"},
		{Name: "lanes", Of: "destination IN @keys", Key: "id", Hide: []string{"lease"}},
	}
}

// Others are the tables of which a person gets nothing, each with the reason.
func Others() map[string]string {
	const bus = "messages of the bus, which are public there"
	const daemon = "about the daemon, its buses and nodes"
	return map[string]string{
		"messages": bus, "message_facts": bus, "message_users": bus, "message_packages": bus, "message_ids": bus,
		"positions": daemon, "holes": daemon, "bookmarks": daemon, "paces": daemon, "leases": daemon, "nodes": daemon,
		"heard": daemon, "node_facts": daemon, "revisions": daemon, "secrets": daemon, "notifyd_schema": daemon,
		"own_messages": "said on the bus within seconds, and then a message",
		"changes":      "numbers of filters, for a week",
		"invitations":  "of people who have no account yet",
		"sessions":     "digests of random keys; whose they are stands in logins",
		"sent_codes":   "digests, for a day",
		"contents":     "texts of notices; yours stand in deliveries.json",
		"erasures":     "destinations that are deleted, for five minutes; by their numbers",
		"attempts":     "digests, for minutes, of sign-ins by whom nobody knows yet",
		"used_ids":     "digests, for minutes",

		"directory_values": "what the directory says of its people, which is kept there", "irc_networks": daemon,
		"directory_hints": "what messages of the bus say of owners, until the directory says it too",

		"pairs":          "hashes of things that have begun, until they end",
		"filter_rates":   "how many notices filters have in ten minutes, by their numbers",
		"surges":         "which filters have far more than usual, for an hour, by their numbers",
		"mailed_secrets": "digests, of what stands in mailed",
	}
}

const readme = `This is everything that notifyd stores about your account.

about.json                what is known of you and not stored, such as your role
filters.yaml              your filters and schedules: the settings of any notifyd import them
users.json                your account: name on the bus, how it was proved, time zone
identities.json           accounts elsewhere that sign you in, with your groups there
names.json                names that you have or had
destinations.json         addresses, with when notices go there
mailed.json               links and codes that you asked for, for a while (not the links and codes)
filters.json              filters as they are stored
fallbacks.json            where notices go that one of your addresses does not take
escalations.json          where your critical notices go
mutes.json                what you did not want to hear of, and until when
filter_revisions.json     what your filters were called and said before; reasons in deliveries.json name them
filter_destinations.json  which filter goes only to which destinations
filter_schedules.json     which filter has a schedule of its own for which destination
returned_mail.json        what came back of mails to you: refused, called unwanted, answered
passkeys.json             your passkeys: names, and when they were made and used (not the keys)
logins.json               where you are signed in (not the keys)
places.json               when you signed in from places where you had been before
undos.json                changes that a link in a mail can undo
api_tokens.json           tokens of your desktops (not the tokens)
audit.json                who changed what of your account
deliveries.json           notices that were sent to you, wait or were given up; message is the id on the bus
lanes.json                the queues of your destinations
desktop_notices.json, desktop_feeds.json  what your desktops can still fetch

Times are UTC. What is there only as a digest is left out, since it means nothing: keys, codes, tokens.
`
