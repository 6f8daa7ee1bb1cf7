package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// catalogueListCmd is `notifyd catalogue list`.
type catalogueListCmd struct {
	Catalogue string `type:"existingdir" placeholder:"DIR" help:"Folder of a site's catalogue, laid over the embedded one."`
	App       string `placeholder:"NAME" help:"Only the kinds of this application."`
	JSON      bool   `name:"json" help:"One JSON object a line."`
}

// listedKind is one line of `catalogue list --json`.
type listedKind struct {
	Kind     string   `json:"kind"`
	App      string   `json:"app"`
	AppTitle string   `json:"app_title"`
	Name     string   `json:"name"`
	Keyword  string   `json:"keyword"`
	Severity string   `json:"severity"`
	Topics   []string `json:"topics"`
	Classic  []string `json:"classic"`
	Entry    string   `json:"entry"`
	Own      bool     `json:"own"`
}

// Run lists every kind, application by application.
func (c *catalogueListCmd) Run(e *env) error {
	cat, err := loadCatalogue(c.Catalogue)
	if err != nil {
		return err
	}
	kinds := cat.Kinds()
	if c.App != "" {
		kinds = ofApp(kinds, c.App)
		if len(kinds) == 0 {
			return fmt.Errorf("no application %q in the catalogue", c.App)
		}
	}
	if c.JSON {
		return listJSON(e, kinds)
	}
	table := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "KIND\tAPPLICATION\tNAME\tSEVERITY\tTOPICS")
	for _, k := range kinds {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", k.Kind, k.AppTitle, k.Name, k.Severity, strings.Join(k.Topics, " "))
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("list kinds: %w", err)
	}
	return nil
}

func ofApp(kinds []catalogue.MessageKind, app string) []catalogue.MessageKind {
	var kept []catalogue.MessageKind
	for _, k := range kinds {
		if k.App == app {
			kept = append(kept, k)
		}
	}
	return kept
}

func listJSON(e *env, kinds []catalogue.MessageKind) error {
	encoder := json.NewEncoder(e.stdout)
	encoder.SetEscapeHTML(false)
	for _, k := range kinds {
		keyword := string(cmp.Or(k.Keyword, catalogue.KeywordOther))
		line := listedKind{k.Kind, k.App, k.AppTitle, k.Name, keyword, k.Severity, orEmpty(k.Topics),
			orEmpty(k.Classic), k.Entry, k.Own}
		if err := encoder.Encode(line); err != nil {
			return fmt.Errorf("list kinds: %w", err)
		}
	}
	return nil
}

// catalogueShowCmd is `notifyd catalogue show`.
type catalogueShowCmd struct {
	Kind      string `arg:"" help:"Kind of message, such as bodhi.update.comment."`
	Catalogue string `type:"existingdir" placeholder:"DIR" help:"Folder of a site's catalogue, laid over the embedded one."`
}

// Run prints the entry as it stands in its file, and each example with its result.
func (c *catalogueShowCmd) Run(e *env) error {
	cat, err := loadCatalogue(c.Catalogue)
	if err != nil {
		return err
	}
	text, err := cat.Source(c.Kind)
	if err != nil {
		return err
	}
	fmt.Fprint(e.stdout, text)
	examples, err := cat.Examples(c.Kind)
	if err != nil {
		return fmt.Errorf("read examples: %w", err)
	}
	for _, x := range examples {
		fmt.Fprintf(e.stdout, "\nexample: %s\n", x.Message.Payload)
		showTrial(e.stdout, cat.Try(x.Message))
	}
	if len(examples) == 0 {
		fmt.Fprintln(e.stdout, "\nno examples")
	}
	return nil
}
