package web

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/rulespec"
)

// settingsView is the page about the account.
type settingsView struct {
	layout
	Name, NameProblem     string
	Proof                 string   // how the name is proved, in words
	Choose                bool     // the visitor may choose another name
	HowToProve            []string // where the name is not proved: what can be done
	ZoneName, ZoneProblem string
	Zones                 []string
	Clock                 string
	ImportText            string
	ImportProblems        []string
}

func showSettings(req *request) error {
	return req.showSettingsWith(http.StatusOK, func(*settingsView) {})
}

func (req *request) showSettingsWith(status int, mark func(*settingsView)) error {
	p := settingsView{
		layout: req.layout("Settings", "settings"), Name: req.user.Name, ZoneName: req.user.Zone, Zones: zones,
		Clock: req.Now().In(req.zone).Format("15:04"),
	}
	proved := req.user.Proof.Proves(false)
	p.Proof, p.Choose = req.user.Proof.Words(), req.ClaimedNames() && !proved
	if req.me() == "" {
		known, err := req.Accounts.Identities(req.r.Context(), req.user.ID)
		if err != nil {
			return err
		}
		p.HowToProve = req.howToProve(known)
	}
	mark(&p)
	return req.show(status, "settings", p)
}

// howToProve lists what somebody can do whose name is not proved, and who is known at these providers.
func (req *request) howToProve(known []accounts.Known) []string {
	var ways []string
	for _, w := range req.SignIn.Buttons() {
		if slices.ContainsFunc(known, func(k accounts.Known) bool { return k.Issuer == w.Issuer && k.Name == "" }) {
			ways = append(ways, "You have signed in with "+w.Title+", and it has not said your name. Ask those who run it, then "+
				"sign in again.")
			continue
		}
		ways = append(ways, "Sign in with "+w.Title+", or add that way on the page “Who is signed in”: it says your name.")
	}
	if req.Directory() != nil {
		ways = append(ways, "Confirm, under Destinations, the mail address that the community's directory has of you: "+
			"no address that you have confirmed is known there as yours alone.")
	}
	return append(ways, "Ask those who run this service: an operator can give you your name.")
}

func saveSettings(req *request) error {
	name, zone := req.form("name"), req.form("zone")
	refuse := func(nameProblem, zoneProblem string) error {
		return req.showSettingsWith(http.StatusUnprocessableEntity, func(p *settingsView) {
			p.Name, p.NameProblem, p.ZoneName, p.ZoneProblem = name, nameProblem, zone, zoneProblem
		})
	}
	if zone != req.user.Zone {
		err := req.Accounts.SetZone(req.r.Context(), req.user.ID, zone)
		var wrong *prefs.Error
		if errors.As(err, &wrong) {
			return refuse("", "Expected the name of a time zone, such as Europe/Berlin or America/New_York; "+strings.TrimPrefix(wrong.Problem, "is ")+".")
		}
		if err != nil {
			return err
		}
	}
	if proved := req.user.Proof.Proves(false); name != req.user.Name && req.ClaimedNames() && !proved {
		err := req.Accounts.Rename(req.r.Context(), req.user.ID, name)
		if problem := nameProblem(err); problem != "" {
			return refuse(problem, "")
		}
		if err != nil {
			return err
		}
	}
	req.Changed()
	req.flash("good", "Saved.")
	return req.redirect("/settings")
}

// exportFilters writes all filters in their text form, and the schedules of the destinations.
func exportFilters(req *request) error {
	ds, err := req.Destinations.List(req.r.Context(), req.user.ID)
	if err != nil {
		return err
	}
	filters, err := req.Filters.List(req.r.Context(), req.user.ID)
	if err != nil {
		return err
	}
	req.w.Header().Set("Content-Type", "application/yaml; charset=utf-8")
	req.w.Header().Set("Content-Disposition", `attachment; filename="filters.yaml"`)
	_, err = req.w.Write(rulespec.Format(prefs.File(filters, ds)))
	return ignoreGone(err)
}

// importFilters adds filters from their text form: all of them, or none when one has a mistake.
func importFilters(req *request) error {
	imported := strings.ReplaceAll(req.r.PostFormValue("text"), "\r\n", "\n")
	list, schedules, problems := req.readFilters(imported)
	if len(problems) == 0 && len(list) == 0 {
		problems = []string{"There is no filter in the text."}
	}
	if len(problems) == 0 {
		var err error
		if problems, err = req.saveAll(list); err != nil {
			return err
		}
	}
	if len(problems) > 0 {
		return req.showSettingsWith(http.StatusUnprocessableEntity, func(p *settingsView) {
			p.ImportText, p.ImportProblems = imported, problems[:min(len(problems), 20)]
		})
	}
	for id, p := range schedules {
		if err := req.when().Set(req.r.Context(), req.user.ID, id, p.schedule, p.quiet); err != nil {
			return req.explain(err)
		}
	}
	req.Changed()
	req.flash("good", "Imported "+text.Plural(len(list), "filter", "filters")+".")
	return req.redirect("/filters")
}

// saveAll saves filters. When one is refused, it deletes those that it saved before.
func (req *request) saveAll(list []prefs.Filter) (problems []string, err error) {
	var saved []rulespec.FilterID
	for _, f := range list {
		s, err := req.Filters.Save(req.r.Context(), req.user.ID, f)
		if err == nil {
			saved = append(saved, s.ID)
			if err := req.saveSchedules(s.ID, f.Schedules, false); err != nil {
				return nil, err
			}
			continue
		}
		for _, id := range saved {
			if undo := req.Filters.Delete(req.r.Context(), req.user.ID, id); undo != nil {
				return nil, errors.Join(err, undo)
			}
		}
		var told *failure
		if !errors.As(req.explain(err), &told) {
			return nil, err
		}
		return []string{"Filter " + f.Name + ": " + told.text}, nil
	}
	return nil, nil
}

func askDeleteAccount(req *request) error { return req.askAccount(http.StatusOK, "") }

func (req *request) askAccount(status int, problem string) error {
	return req.show(status, "delete", deleteView{
		layout: req.layout("Delete my account?", "settings"), Action: "/settings/delete", Back: "/settings",
		Button:  "Delete my account",
		Confirm: req.confirmation(), Problem: problem,
		Text: []string{"Your destinations, filters and tokens are deleted, and all that was sent to you or waits. Nothing more " +
			"is sent to you.", "This cannot be undone. Export your filters first if you may come back."},
	})
}

// confirmation is what is typed to delete an account: its name, or a word where it has none.
func (req *request) confirmation() string { return cmp.Or(req.user.Name, "delete") }

func deleteAccount(req *request) error {
	if req.form("confirm") != req.confirmation() {
		return req.askAccount(http.StatusUnprocessableEntity, "That is not the name of your account.")
	}
	if err := req.Accounts.Delete(req.r.Context(), req.user.ID); err != nil {
		return err
	}
	req.Changed()
	if err := req.sessions.Destroy(req.r.Context()); err != nil {
		return err
	}
	return req.redirect("/")
}

type helpView struct {
	layout
	Kinds []*rulespec.RuleKind
}

func helpRules(req *request) error {
	return req.show(http.StatusOK, "help", helpView{req.layout("Rules explained", ""), req.RuleKinds})
}

// zones are suggestions for the time zone field. The field takes any name of the IANA data base.
var zones = []string{
	"Africa/Cairo", "Africa/Johannesburg", "Africa/Lagos", "Africa/Nairobi",
	"America/Argentina/Buenos_Aires", "America/Bogota", "America/Chicago", "America/Denver", "America/Halifax",
	"America/Los_Angeles", "America/Mexico_City", "America/New_York", "America/Phoenix", "America/Sao_Paulo",
	"America/Toronto",
	"Asia/Bangkok", "Asia/Dubai", "Asia/Hong_Kong", "Asia/Jakarta", "Asia/Jerusalem", "Asia/Karachi", "Asia/Kolkata",
	"Asia/Manila", "Asia/Seoul", "Asia/Shanghai", "Asia/Singapore", "Asia/Taipei", "Asia/Tokyo",
	"Atlantic/Reykjavik", "Australia/Adelaide", "Australia/Brisbane", "Australia/Perth", "Australia/Sydney",
	"Europe/Amsterdam", "Europe/Athens", "Europe/Berlin", "Europe/Brussels", "Europe/Bucharest", "Europe/Dublin",
	"Europe/Helsinki",
	"Europe/Istanbul", "Europe/Kyiv", "Europe/Lisbon", "Europe/London", "Europe/Madrid", "Europe/Oslo", "Europe/Paris",
	"Europe/Prague", "Europe/Rome", "Europe/Stockholm", "Europe/Vienna", "Europe/Warsaw", "Europe/Zurich",
	"Pacific/Auckland", "Pacific/Honolulu", "UTC",
}
