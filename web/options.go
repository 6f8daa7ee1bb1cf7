package web

import (
	"net/http"

	"github.com/notifyd/notifyd/prefs"
)

// optionField is an option of a destination in the form about the looks of what is sent.
type optionField struct {
	Name, Title string
	Choices     []choice
}

// optionFields returns the options that the backend of a destination has, with what its owner has chosen.
func (req *request) optionFields(d prefs.Destination) []optionField {
	var fields []optionField
	for _, o := range req.backend(d.Backend).Options {
		field := optionField{Name: o.Name, Title: o.Title}
		for i, c := range o.Choices {
			chosen := d.Options[o.Name] == c.Value || i == 0 && d.Options[o.Name] == ""
			field.Choices = append(field.Choices, choice{Value: c.Value, Title: c.Title, Chosen: chosen})
		}
		fields = append(fields, field)
	}
	return fields
}

func saveOptions(req *request) error {
	d, err := req.ownDestination()
	if err != nil {
		return err
	}
	info := req.backend(d.Backend)
	posted := map[string]string{}
	for _, o := range info.Options {
		if value := req.form(o.Name); value != "" {
			posted[o.Name] = value
		}
	}
	chosen, err := info.CheckOptions(posted)
	if err != nil {
		return fail(http.StatusUnprocessableEntity, capital(err.Error())+".")
	}
	if err := req.Destinations.SetOptions(req.r.Context(), req.user.ID, d.ID, chosen); err != nil {
		return err
	}
	req.Changed()
	req.flash("good", "Saved. What is sent from now on looks so.")
	return req.redirect(destinationPage(d.ID))
}
