package datagrepper

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"net/url"
	"strings"
	"time"

	"github.com/notifyd/notifyd/history"
)

// A card is a message for people. Those of more size show more.
type card struct {
	ID, Topic, Text, Link, Page string
	Icon, Avatar, Date, Stamp   string
	Raw                         string
	Medium, Large               bool
}

var cardsTemplate = template.Must(template.New("cards").Parse(`{{if .Frame}}<!doctype html>
<html lang=en>
<head><meta charset=utf-8><title>Messages</title>
<style>
body { font-family: sans-serif; max-width: 50em; margin: 1em auto; padding: 0 1em }
.card { border: 1px solid #ccc; border-radius: 4px; margin: .5em 0; padding: .5em; overflow-wrap: anywhere }
.card img { width: 2em; height: 2em; vertical-align: middle }
.card pre { white-space: pre-wrap }
.date, .topic { color: #555; font-size: smaller }
</style></head>
<body>
<h1>Messages</h1>
{{end}}{{range .Cards}}<div class="card message-card">
{{if and .Medium .Icon}}<img src="{{.Icon}}" alt="">
{{end}}{{if and .Large .Avatar}}<img src="{{.Avatar}}" alt="">
{{end}}{{if .Link}}<a href="{{.Link}}" rel="nofollow noreferrer">{{.Text}}</a>{{else}}<span>{{.Text}}</span>{{end}}
{{if .Medium}}<div class="topic">{{.Topic}}</div>
{{end}}{{if .Large}}<div class="date"><time datetime="{{.Stamp}}">{{.Date}}</time></div>
{{end}}{{if .Raw}}<pre>{{.Raw}}</pre>
{{end}}{{if .Page}}<a href="{{.Page}}">Details</a>
{{end}}</div>
{{else}}{{if .Frame}}<p>No messages.</p>
{{end}}{{end}}{{if .Frame}}</body>
</html>
{{end}}`))

// cards answers with cards, in a page or without. linked: each links to its message.
func (req *request) cards(found []history.Selected, f form, linked bool) error {
	list := make([]card, len(found))
	for i, s := range found {
		c, err := req.card(s, f)
		if err != nil {
			return err
		}
		if linked {
			c.Page = req.page(s.MsgID)
		}
		list[i] = c
	}
	return req.show(list, f)
}

// groupCards answers with a card for each entry. One of a single message links to it.
func (req *request) groupCards(groups []group, f form) error {
	list := make([]card, len(groups))
	for i, g := range groups {
		text := func(v any) string { s, _ := v.(string); return webLink(s) }
		c := card{Topic: strings.Join(g.Topics, " "), Text: g.Subtitle, Medium: f.size != "small",
			Large: f.size == "large" || f.size == "extra-large", Icon: text(g.Icon), Avatar: text(g.SecondaryIcon),
			Date: g.Date, Stamp: g.mean.UTC().Format(time.RFC3339)}
		if !g.marked {
			c.Link = text(g.Link)
		}
		for id := range g.MsgIDs {
			if len(g.MsgIDs) == 1 {
				c.Page = req.page(id)
			}
		}
		if f.size == "extra-large" {
			raw, err := json.MarshalIndent(g, "", "  ")
			if err != nil {
				return fmt.Errorf("write cards: %w", err)
			}
			c.Raw = strings.ToValidUTF8(string(raw[:min(len(raw), mostShown)]), "")
		}
		list[i] = c
	}
	return req.show(list, f)
}

// page is the address of the page of a message.
func (req *request) page(id string) string {
	return req.URL + "/id?" + url.Values{"id": {id}, "is_raw": {"true"}, "size": {"extra-large"}}.Encode()
}

func (req *request) show(list []card, f form) error {
	var b bytes.Buffer
	if err := cardsTemplate.Execute(&b, map[string]any{"Frame": f.chrome, "Cards": list}); err != nil {
		return fmt.Errorf("write cards: %w", err)
	}
	req.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = req.w.Write(b.Bytes()) // an error means that the client has left
	return nil
}

// mostShown bounds the JSON on a card, in bytes.
const mostShown = 256 << 10

func (req *request) card(s history.Selected, f form) (card, error) {
	c := card{ID: s.MsgID, Topic: s.Topic, Text: orTopic(s), Medium: f.size != "small",
		Large: f.size == "large" || f.size == "extra-large", Date: humanize(s.Time, req.Now()),
		Stamp: s.Time.UTC().Format(time.RFC3339)}
	if !s.Standing.Marked {
		c.Link = webLink(s.Link)
	}
	if m, err := s.Message(); err == nil {
		prose := req.Describe(m).Prose()
		c.Icon, c.Avatar = webLink(prose.Icon), webLink(prose.SecondaryIcon)
	}
	if f.size == "extra-large" {
		m, err := req.message(s, f.meta)
		if err != nil {
			return c, err
		}
		text, err := json.MarshalIndent(m, "", "  ")
		if err != nil {
			return c, fmt.Errorf("write card: %w", err)
		}
		c.Raw = strings.ToValidUTF8(string(text[:min(len(text), mostShown)]), "")
	}
	return c, nil
}

// webLink gives a link of http or https; "" for any other.
func webLink(link string) string {
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return ""
	}
	return u.String()
}
