package operators

import (
	"time"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/web/visit"
)

// sourcesView is where messages, groups and owners come from.
type sourcesView struct {
	Sources     []sourceLine
	Directories []directoryLine
}

type sourceLine struct {
	Name, Address, State, Last, Received, Holes string
	Down                                        bool
}

type directoryLine struct{ Name, Loaded, Tried, Age, Error string }

func (o Options) sources(v *visit.Visit) (*visit.View, error) {
	var page sourcesView
	if o.Sources != nil {
		for _, s := range o.Sources() {
			page.Sources = append(page.Sources, sourceLine{
				Name: s.Name, Address: s.Address, State: s.State, Last: moment(s.Last, v.Zone), Down: s.Down(),
				Received: text.Number(int(s.Received)), Holes: text.Number(int(s.Holes)),
			})
		}
	}
	if o.Directories != nil {
		for _, d := range o.Directories() {
			line := directoryLine{Name: d.Name, Loaded: moment(d.Loaded, v.Zone), Tried: moment(d.Tried, v.Zone), Error: d.Error}
			if !d.Loaded.IsZero() {
				line.Age = v.Now.Sub(d.Loaded).Round(time.Second).String()
			}
			page.Directories = append(page.Directories, line)
		}
	}
	return &visit.View{Template: "operators-sources", Title: "Sources", Here: tab, Data: page}, nil
}
