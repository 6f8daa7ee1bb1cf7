package datagrepper

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"regexp"
	"strings"
)

// callbackName is a name of a function, with dots: anything else would be a script of the one who made the link.
var callbackName = regexp.MustCompile(`\A[A-Za-z0-9_$.]{1,64}\z`)

// json answers with v as Python writes JSON, or calls a function with it (JSONP).
func (req *request) json(status int, v any) error {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	text, kind := pythonJSON(b.Bytes(), true), contentType(req.r.Header.Get("Accept"))
	if callback, given := req.callback(); given && status == http.StatusOK {
		if !callbackName.MatchString(callback) {
			return badRequest("callback must be the name of a function: letters, digits, _, $ and dots, at most 64")
		}
		if req.Private {
			return badRequest("callback is for archives that everybody may read")
		}
		text = append([]byte(callback+"("), append(text, ");"...)...)
		kind = "application/javascript; charset=utf-8"
	}
	req.w.Header().Set("Content-Type", kind)
	req.w.WriteHeader(status)
	_, _ = req.w.Write(text) // an error means that the client has left
	return nil
}

// callback gives the function that the answer calls.
func (req *request) callback() (name string, given bool) {
	name, given = req.first("callback")
	return name, given && name != ""
}

// plainTypes is a list of media types without parameters whose last is that of JSON. Browsers go by the last type of
// such a list (WHATWG MIME Sniffing Standard, section 4.4).
var plainTypes = regexp.MustCompile(`\A(?:[a-z]+/[a-z0-9.+-]+, ?)*application/json\z`)

// contentType is application/json. datagrepper echoes what the client accepts; so does this where it means JSON.
func contentType(accept string) string {
	switch {
	case !plainTypes.MatchString(accept) || len(accept) > 256:
		return "application/json"
	case strings.HasPrefix(accept, "text/"):
		return accept + "; charset=utf-8"
	}
	return accept
}

// wantsHTML reports whether the client prefers HTML to JSON and plain text.
func (req *request) wantsHTML() bool {
	if _, given := req.callback(); given {
		return false
	}
	accept := req.r.Header.Get("Accept")
	html := quality(accept, "text/html")
	return html > 0 && html > quality(accept, "application/json") && html >= quality(accept, "text/plain")
}

// notFound answers that there is no such path or message, in JSON for everybody.
func (req *request) notFound() {
	req.w.Header().Set("Content-Type", "application/json")
	req.w.WriteHeader(http.StatusNotFound)
	_, _ = req.w.Write([]byte(`{"error": "not_found"}`))
}

var errorTemplate = template.Must(template.New("error").Parse(`<!doctype html>
<html lang=en>
<title>{{.Status}} {{.Name}}</title>
<h1>{{.Name}}</h1>
<p>{{.Text}}</p>
`))

// errorPage answers with a page that says what is wrong, as Werkzeug does, for every client.
func (req *request) errorPage(status int, text string) {
	req.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	req.w.WriteHeader(status)
	_ = errorTemplate.Execute(req.w, map[string]any{"Status": status, "Name": http.StatusText(status), "Text": text})
}
