package values

import "testing"

// BenchmarkPeople reads the commonest forms of a person.
func BenchmarkPeople(b *testing.B) {
	sender := map[string]any{"login": "carol", "id": 5, "type": "User", "html_url": "https://forge.example.net/carol",
		"avatar_url": "https://forge.example.net/carol.png", "site_admin": false, "email": "carol@example.net"}
	b.Run("word", func(b *testing.B) {
		for b.Loop() {
			known.Account("carol")
		}
	})
	b.Run("address", func(b *testing.B) {
		for b.Loop() {
			known.Account("Carol C <carol@example.net>")
		}
	})
	b.Run("object", func(b *testing.B) {
		for b.Loop() {
			known.Login(sender)
		}
	})
	b.Run("set", func(b *testing.B) {
		for b.Loop() {
			_ = Set(People(known.Map, []string{"carol", "bob"}))
		}
	})
	b.Run("shown", func(b *testing.B) {
		for b.Loop() {
			Shown("a title of some words")
		}
	})
}
