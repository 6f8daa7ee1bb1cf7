// Package accounts knows who people are, what lets them in, and who changed what.
//
// An account is known by the identities that lead to it, each an issuer and a subject (OpenID Connect Core 1.0, section
// 5.7), or by an address that may sign in. Its name on the bus, which @me in a filter stands for, is another thing: it
// is proved by a provider, the directory or an operator, or it means nothing.
//
// # What holds
//
//   - Nobody is found by a name or a mail address that a provider sends: only by issuer and subject.
//   - A name that somebody has held is never given to another person.
//   - A session holds a random key. Whoever is put out loses the row of that key, and is out with the next request.
//   - The database holds digests of secrets, and never the secrets.
//   - A change of an account and the note of it are one transaction.
//
// The tables of users, destinations and filters belong to package prefs, which calls this one.
package accounts
