package web

import (
	"errors"
	"net/http"
	"strings"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rulespec"
)

// settingsView is the page about the account.
type settingsView struct {
	frame
	Name, NameProblem     string
	ZoneName, ZoneProblem string
	Zones                 []string
	Clock                 string
	ImportText            string
	ImportProblems        []string
}

func showSettings(v *visit) error { return v.showSettingsWith(http.StatusOK, func(*settingsView) {}) }

func (v *visit) showSettingsWith(status int, mark func(*settingsView)) error {
	p := settingsView{
		frame: v.frame("Settings", "settings"), Name: v.user.Name, ZoneName: v.user.Zone, Zones: zones,
		Clock: v.Now().In(v.zone).Format("15:04"),
	}
	mark(&p)
	return v.show(status, "settings", p)
}

func saveSettings(v *visit) error {
	name, zone := v.form("name"), v.form("zone")
	refuse := func(nameProblem, zoneProblem string) error {
		return v.showSettingsWith(http.StatusUnprocessableEntity, func(p *settingsView) {
			p.Name, p.NameProblem, p.ZoneName, p.ZoneProblem = name, nameProblem, zone, zoneProblem
		})
	}
	if zone != v.user.Zone {
		err := v.Accounts.SetZone(v.r.Context(), v.user.ID, zone)
		var wrong *prefs.Error
		if errors.As(err, &wrong) {
			return refuse("", "Expected the name of a time zone, such as Europe/Berlin or America/New_York; "+strings.TrimPrefix(wrong.Problem, "is ")+".")
		}
		if err != nil {
			return err
		}
	}
	if name != v.user.Name {
		err := v.Accounts.Rename(v.r.Context(), v.user.ID, name)
		if problem := nameProblem(err); problem != "" {
			return refuse(problem, "")
		}
		if err != nil {
			return err
		}
	}
	v.Changed()
	v.say("good", "Saved.")
	return v.redirect("/settings")
}

// exportFilters gives all filters in their text form, and the schedules of the destinations.
func exportFilters(v *visit) error {
	ds, err := v.Destinations.List(v.r.Context(), v.user.ID)
	if err != nil {
		return err
	}
	filters, err := v.Filters.List(v.r.Context(), v.user.ID)
	if err != nil {
		return err
	}
	file := rulespec.File{Destinations: fileDestinations(ds)}
	for _, f := range filters {
		file.Filters = append(file.Filters, fileFilter(f, ds))
	}
	v.w.Header().Set("Content-Type", "application/yaml; charset=utf-8")
	v.w.Header().Set("Content-Disposition", `attachment; filename="filters.yaml"`)
	_, err = v.w.Write(rulespec.Format(file))
	return ignoreGone(err)
}

// importFilters adds filters from their text form: all of them, or none when one is wrong.
func importFilters(v *visit) error {
	imported := strings.ReplaceAll(v.r.PostFormValue("text"), "\r\n", "\n")
	list, schedules, problems := v.readFilters(imported)
	if len(problems) == 0 && len(list) == 0 {
		problems = []string{"There is no filter in the text."}
	}
	if len(problems) == 0 {
		var err error
		if problems, err = v.saveAll(list); err != nil {
			return err
		}
	}
	if len(problems) > 0 {
		return v.showSettingsWith(http.StatusUnprocessableEntity, func(p *settingsView) {
			p.ImportText, p.ImportProblems = imported, problems[:min(len(problems), 20)]
		})
	}
	for id, schedule := range schedules {
		if err := v.setSchedule(id, schedule); err != nil {
			return err
		}
	}
	v.Changed()
	v.say("good", "Imported "+text.Plural(len(list), "filter", "filters")+".")
	return v.redirect("/filters")
}

// saveAll saves filters and takes back those that were saved when one is refused.
func (v *visit) saveAll(list []prefs.Filter) (problems []string, err error) {
	var saved []rulespec.FilterID
	for _, f := range list {
		s, err := v.Filters.Save(v.r.Context(), v.user.ID, f)
		if err == nil {
			saved = append(saved, s.ID)
			continue
		}
		for _, id := range saved {
			if undo := v.Filters.Delete(v.r.Context(), v.user.ID, id); undo != nil {
				return nil, errors.Join(err, undo)
			}
		}
		var told *failure
		if !errors.As(v.explain(err), &told) {
			return nil, err
		}
		return []string{"Filter " + f.Name + ": " + told.text}, nil
	}
	return nil, nil
}

func askDeleteAccount(v *visit) error { return v.askAccount(http.StatusOK, "") }

func (v *visit) askAccount(status int, problem string) error {
	return v.show(status, "delete", deleteView{
		frame: v.frame("Delete my account?", "settings"), Action: "/settings/delete", Back: "/settings", Button: "Delete my account",
		Confirm: v.user.Name, Problem: problem,
		Text: []string{"Your destinations, filters and tokens are deleted, and nothing more is sent to you.", "This cannot be undone. Export your filters first if you may come back."},
	})
}

func deleteAccount(v *visit) error {
	if v.form("confirm") != v.user.Name {
		return v.askAccount(http.StatusUnprocessableEntity, "That is not the name of your account.")
	}
	if err := v.Accounts.Delete(v.r.Context(), v.user.ID); err != nil {
		return err
	}
	v.Changed()
	if err := v.sessions.Destroy(v.r.Context()); err != nil {
		return err
	}
	return v.redirect("/")
}

type helpView struct {
	frame
	Kinds []*rulespec.RuleKind
}

func helpRules(v *visit) error {
	return v.show(http.StatusOK, "help", helpView{v.frame("Rules explained", ""), v.RuleKinds})
}
