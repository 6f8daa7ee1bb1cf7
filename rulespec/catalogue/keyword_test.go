package catalogue

import "testing"

// TestEveryKindHasAKeyword: who chooses by keywords must not miss a kind that nobody thought of. Other is for what none
// of the others fits, not for most.
func TestEveryKindHasAKeyword(t *testing.T) {
	kinds, other := embeddedCatalogue(t).Kinds(), 0
	for _, k := range kinds {
		switch k.Keyword {
		case "":
			t.Errorf("%s (%s) has no keyword", k.Kind, k.Entry)
		case KeywordOther:
			other++
		}
	}
	if other > len(kinds)/6 {
		t.Errorf("%d of %d kinds are %s", other, len(kinds), KeywordOther)
	}
}
