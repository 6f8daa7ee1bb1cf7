package datagrepper

import (
	"bytes"
	"fmt"
	"html/template"
)

// manualPages are the paths of datagrepper's documentation. All show the same page.
var manualPages = []string{"/", "/reference/", "/charts/", "/widget/", "/contributing/"}

var manualTemplate = template.Must(template.New("manual").Parse(`<!doctype html>
<html lang=en>
<head><meta charset=utf-8><title>The archive</title>
<style>body { font-family: sans-serif; max-width: 50em; margin: 1em auto; padding: 0 1em } pre { overflow: auto }</style>
</head>
<body>
<h1>The archive</h1>
<p>Here programs read the messages that are kept, as they do at datagrepper.</p>
<pre>
{{.URL}}/raw?category=git&amp;delta=86400&amp;rows_per_page=5
{{.URL}}/id?id=ID
{{.URL}}/messagecount
{{if not .Old}}{{.URL}}/v2/search?user=alice
{{end}}{{.URL}}/charts/line?category=git&amp;delta=86400
</pre>
<p>A query takes <code>start</code>, <code>end</code> and <code>delta</code> (seconds); <code>user</code>,
<code>package</code>, <code>category</code>, <code>topic</code>{{if not .Old}}, <code>agent</code>{{end}} and the same
with <code>not_</code> before it; <code>contains</code>; <code>page</code>, <code>rows_per_page</code> (at most 100) and
<code>order</code> (<code>asc</code>, <code>desc</code>); <code>meta</code>; for cards <code>size</code> and
<code>chrome</code>. Several values of one parameter are alternatives; different parameters must all hold.</p>
{{if not .Private}}<p>A page shows messages by</p>
<pre>&lt;script id="datagrepper-widget" src="{{.URL}}/widget.js?css=true" data-user="alice" data-rows_per_page="40"&gt;&lt;/script&gt;</pre>
{{end}}</body>
</html>
`))

// manual answers with a page that says what there is.
func (req *request) manual() error {
	var b bytes.Buffer
	if err := manualTemplate.Execute(&b, req.Options); err != nil {
		return fmt.Errorf("write manual: %w", err)
	}
	req.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = req.w.Write(b.Bytes()) // an error means that the client has left
	return nil
}
