package catalogue

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// TestSitesReuseEntries describes the messages of a site's own application as another's entries do, under roots that
// the site has declared.
func TestSitesReuseEntries(t *testing.T) {
	shop := `
app: shop
title: The shop
icon: https://shop.example.org/icon.png
vars: {who: msg.who}
entries:
  - topic: [shop.sold, other.sold]
    kind: shop.sold
    name: Sales
    actor: who
    summary: '{{.who}} {{if eq .topic "labshop.sold"}}never {{end}}sold {{.msg.what}}'
    objects: ['"shop/" + msg.what', '"build/" + msg.what']
    classic: sale
  - topic: shop.bought
    kind: shop.bought
    name: Purchases
    summary: '{{.who}} bought {{.msg.what}}'
`
	lab := `
app: labshop
title: The shop of the lab
like: shop
roots: [acme.lab]
entries:
  - topic: labshop.bought
    kind: labshop.bought
    name: Purchases for the lab
    summary: 'The lab has {{.msg.what}}'
  - topic: labshop.closed
    kind: labshop.closed
    name: Closings
    summary: Closed
`
	c, err := Load(fstest.MapFS{"shop.yaml": {Data: []byte(shop)}, "labshop.yaml": {Data: []byte(lab)}})
	if err != nil {
		t.Fatal(err)
	}
	for topic, want := range map[string]string{
		"shop.sold":                 "shop|shop.sold|Sales|alice sold tea",
		"labshop.sold":              "labshop|labshop.sold|Sales|alice sold tea",
		"acme.lab.stg.labshop.sold": "labshop|labshop.sold|Sales|alice sold tea",
		"acme.lab.labshop.bought":   "labshop|labshop.bought|Purchases for the lab|The lab has tea",
		"acme.lab.labshop.closed":   "labshop|labshop.closed|Closings|Closed",
		"acme.lab.shop.bought":      "shop|shop.bought|Purchases|alice bought tea",
		"other.sold":                "shop|shop.sold|Sales|alice sold tea",
	} {
		m, err := bus.DecodeLine([]byte(`{"topic":"`+topic+`","msg":{"who":"alice","what":"tea"}}`), time.Unix(0, 0))
		if err != nil {
			t.Fatal(err)
		}
		e := c.Describe(m)
		if got := strings.Join([]string{e.App, e.Kind, e.KindName, e.Prose().Summary}, "|"); got != want {
			t.Errorf("%s: got %s, want %s", topic, got, want)
		}
		if strings.HasSuffix(topic, "labshop.sold") && !slices.Equal(e.Objects, []string{"build/tea", "labshop/tea"}) {
			t.Errorf("%s: objects %q are those of the shop too", topic, e.Objects)
		}
		if e.Prose().Icon != "https://shop.example.org/icon.png" {
			t.Errorf("%s: the icon is %q", topic, e.Prose().Icon)
		}
	}
	if c.Divide("acme.lab.stg.labshop.sold").Environment != "stg" {
		t.Error("a site's root has an environment after it")
	}
	name := c.KindNames()
	if name("labshop.sold") != "Sales (The shop of the lab)" || name("shop.sold") != "Sales (The shop)" {
		t.Errorf("kinds are not told apart: %q, %q", name("labshop.sold"), name("shop.sold"))
	}
	isSold := func(k MessageKind) bool { return k.Kind == "labshop.sold" && len(k.Classic) == 0 }
	if !slices.ContainsFunc(c.Kinds(), isSold) {
		t.Error("labshop.sold is no kind, or stands for a rule of classic FMN")
	}
}
