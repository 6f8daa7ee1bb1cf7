package catalogue

import (
	"slices"
	"testing"
	"testing/fstest"
)

const classicApp = `app: tea
title: Tea
entries:
  - {topic: tea.brewed, kind: tea.brewed, name: n, summary: s, classic: tea_brewed}
  - {topic: tea.poured, when: msg.hot, kind: tea.poured.hot, name: n, summary: s, classic: [tea_poured, tea_hot]}
  - {topic: tea.poured, kind: tea.poured, name: n, summary: s, classic: tea_poured}
  - {topic: tea.spilled, when: msg.all, kind: tea.spilled, name: n, summary: s, classic: tea_spilled}
  - {topic: 'tea.{what}', kind: tea.other, name: n, summary: s}
  - {topic: 'tea.cup.{=washed}', kind: tea.cup.washed, name: n, summary: s, classic: tea_cup_washed}
  - {topic: 'tea.cup.{how=broken|lost}', kind: tea.cup.gone, name: n, summary: s, classic: tea_cup_gone}
  - {topic: pot.empty, kind: tea.pot, name: n, summary: s, classic: pot_empty}
`

// A rule of classic FMN is the same as kinds of message only where these take its topic whole and nothing else.
func TestClassic(t *testing.T) {
	c, err := Load(fstest.MapFS{"tea.yaml": {Data: []byte(classicApp)}})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []struct {
		rule, topic string
		kinds       []string
		exact       bool
	}{
		{"tea_brewed", "tea.brewed", []string{"tea.brewed"}, true},
		{"tea_poured", "tea.poured", []string{"tea.poured.hot", "tea.poured"}, true},
		{"tea_hot", "tea.poured", []string{"tea.poured.hot"}, false},
		{"tea_spilled", "tea.spilled", []string{"tea.spilled"}, false}, // some are another kind
		{"tea_cup_washed", "tea.cup.washed", []string{"tea.cup.washed"}, true},
		{"tea_cup_gone", "tea.cup.broken", []string{"tea.cup.gone"}, false}, // the kind has another topic too
		{"tea_brewed", "tea.poured", []string{"tea.brewed"}, false},
		{"no_such_rule", "tea.brewed", nil, false},
	} {
		kinds, exact := c.ClassicTopic(k.rule, k.topic)
		if !slices.Equal(kinds, k.kinds) || exact != k.exact {
			t.Errorf("ClassicTopic(%s, %s) = %v, %v, want %v, %v", k.rule, k.topic, kinds, exact, k.kinds, k.exact)
		}
	}
	if got := c.Classic("tea_poured"); !slices.Equal(got, []string{"tea.poured.hot", "tea.poured"}) {
		t.Errorf("Classic(tea_poured) = %v", got)
	}
	for app, want := range map[string]bool{"tea": false, "pot": false, "bodhi": true, "never-heard-of": true} {
		if got := c.ClassicApp(app); got != want {
			t.Errorf("ClassicApp(%s) = %v, want %v", app, got, want)
		}
	}
}
