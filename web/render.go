package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"path"
	"strings"
)

//go:embed templates/*.html static/*
var embedded embed.FS

// An asset is an embedded file that a page loads.
type asset struct {
	content []byte
	kind    string // media type
	digest  string
}

// assetKinds are the served files of the folder static, with their media types. No other file is served.
var assetKinds = map[string]string{
	"site.css":         "text/css; charset=utf-8",
	"htmx.min.js":      "text/javascript; charset=utf-8",
	"passkey.js":       "text/javascript; charset=utf-8",
	"htmx.LICENSE.txt": "text/plain; charset=utf-8",
	"icon.svg":         "image/svg+xml",
}

func readAssets() (map[string]asset, error) {
	assets := make(map[string]asset, len(assetKinds))
	for name, kind := range assetKinds {
		content, err := embedded.ReadFile("static/" + name)
		if err != nil {
			return nil, fmt.Errorf("read asset: %w", err)
		}
		sum := sha256.Sum256(content)
		assets[name] = asset{content: content, kind: kind, digest: hex.EncodeToString(sum[:8])}
	}
	return assets, nil
}

// parsePages makes one template set a page: the layout, the partials that pages share, and the page itself.
func (s *site) parsePages() (map[string]*template.Template, error) {
	shared, err := template.New("").Funcs(template.FuncMap{
		"path":  s.path,
		"asset": func(name string) string { return s.path("/static/"+name) + "?" + s.assets[name].digest },
		"inc":   func(n int) int { return n + 1 },
		"join":  func(list []string) string { return strings.Join(list, ", ") },
	}).ParseFS(embedded, "templates/layout.html", "templates/partials.html")
	if err != nil {
		return nil, fmt.Errorf("parse templates: %w", err)
	}
	files, err := embedded.ReadDir("templates")
	if err != nil {
		return nil, fmt.Errorf("list templates: %w", err)
	}
	pages := make(map[string]*template.Template)
	for _, f := range files {
		name := strings.TrimSuffix(f.Name(), ".html")
		if name == "layout" || name == "partials" {
			continue
		}
		page, err := shared.Clone()
		if err == nil {
			page, err = page.ParseFS(embedded, path.Join("templates", f.Name()))
		}
		if err != nil {
			return nil, fmt.Errorf("parse templates: %w", err)
		}
		pages[name] = page
	}
	return pages, nil
}

// path returns the address of a page of this site: p behind the path of the base URL.
func (s *site) path(p string) string { return s.prefix + p }
