package web

import (
	"net/http"
	"strconv"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/schedule"
)

// destinationView is the page of one destination.
type destinationView struct {
	frame
	Page        string
	Destination destinationCard
	NeedsCode   bool
	CodeText    string
	Code        string
	CodeProblem string
	Schedule    scheduleForm

	Agent  string // the command that fetches; "" where notices are sent
	Tokens []tokenLine
	Token  string // just made; shown this once
	Server string
}

// tokenLine is a token of a desktop agent.
type tokenLine struct {
	ID                  uint
	Name, Created, Used string
}

func showDestination(v *visit) error {
	d, err := v.ownDestination()
	if err != nil {
		return err
	}
	return v.showOneDestination(http.StatusOK, d, func(p *destinationView) {
		p.Code = text.ElideBytes(text.OneLine(v.r.URL.Query().Get("code")), 32)
	})
}

func (v *visit) showOneDestination(status int, d prefs.Destination, mark func(*destinationView)) error {
	card := v.destinationCard(d)
	p := destinationView{
		frame: v.frame(card.Address, "destinations"), Page: destinationPage(d.ID), Destination: card, NeedsCode: !d.Confirmed,
		Schedule: newScheduleForm(d.Schedule), Agent: v.backend(d.Backend).Agent, Server: v.url(""),
	}
	p.CodeText = "We sent a code to " + d.Address + ". Type it here to show that it reaches you."
	if v.backend(d.Backend).SignIn {
		p.CodeText = "We sent a mail to " + d.Address + ". Open its link here, or type the code that stands in it."
	}
	if p.Agent != "" {
		tokens, err := v.Tokens.List(v.r.Context(), v.user.ID)
		if err != nil {
			return err
		}
		for _, t := range tokens {
			line := tokenLine{ID: t.ID, Name: t.Name, Created: ago(t.Created, v.Now(), v.zone), Used: "never used"}
			if !t.Used.IsZero() {
				line.Used = "last used " + ago(t.Used, v.Now(), v.zone)
			}
			p.Tokens = append(p.Tokens, line)
		}
	}
	mark(&p)
	return v.show(status, "destination", p)
}

func saveSchedule(v *visit) error {
	d, err := v.ownDestination()
	if err != nil {
		return err
	}
	s, form, ok := readSchedule(v.r.PostForm)
	if form.AtOnce && !d.Schedule.Digest() && form.Every+form.Count+form.At != "" { // none of that was there before
		form.AtOnce, ok = false, false
		form.Problem = "You said when a digest goes, but chose each notice at once. Save this for the digest, or choose again."
	}
	if !ok {
		return v.showOneDestination(http.StatusUnprocessableEntity, d, func(p *destinationView) { p.Schedule = form })
	}
	if err := v.setSchedule(d.ID, s); err != nil {
		return v.explain(err)
	}
	v.Changed()
	waiting := " What waits already keeps its time."
	if !s.Digest() {
		waiting = " What was waiting goes out now."
	}
	v.say("good", "Saved. "+scheduleWords(s)+waiting)
	return v.redirect(destinationPage(d.ID))
}

// setSchedule sets a schedule; with one of no digest, what waits goes out now: nobody asks for its time any more.
func (v *visit) setSchedule(id uint, s schedule.Schedule) error {
	if err := v.Destinations.SetSchedule(v.r.Context(), v.user.ID, id, s); err != nil || s.Digest() {
		return err
	}
	return v.Outbox.SendNow(v.r.Context(), prefs.Key(id))
}

// addFeed makes the destination of a backend that agents fetch from where there is none yet, and a token for one more
// machine. There is no code: the feed can be read with a token only, which proves as much.
func (v *visit) addFeed(backend, machine string) error {
	d, err := v.Destinations.Add(v.r.Context(), v.user.ID, backend, FeedAddress(v.user.ID))
	if err != nil {
		return v.explain(err)
	}
	if !d.Confirmed {
		code, err := v.Destinations.NewCode(v.r.Context(), v.user.ID, d.ID)
		if err != nil {
			return v.explain(err)
		}
		if err := v.Destinations.Confirm(v.r.Context(), v.user.ID, d.ID, code); err != nil {
			return v.explain(err)
		}
		d.Confirmed = true
		v.Changed()
	}
	return v.showNewToken(d, machine)
}

// addToken makes a token for one more machine.
func addToken(v *visit) error {
	d, err := v.ownDestination()
	if err != nil {
		return err
	}
	if v.backend(d.Backend).Agent == "" {
		return prefs.ErrNotFound
	}
	return v.showNewToken(d, v.form("address"))
}

// showNewToken answers the post itself: the token is neither in an address nor kept anywhere for a next page.
func (v *visit) showNewToken(d prefs.Destination, machine string) error {
	token, err := v.Tokens.New(v.r.Context(), v.user.ID, text.OneLine(machine))
	if err != nil {
		return v.explain(err)
	}
	return v.showOneDestination(http.StatusOK, d, func(p *destinationView) { p.Token = token })
}

func revokeToken(v *visit) error {
	id, err := v.id()
	if err != nil {
		return err
	}
	token, err := strconv.ParseUint(v.r.PathValue("token"), 10, 32)
	if err != nil {
		return prefs.ErrNotFound
	}
	if err := v.Tokens.Revoke(v.r.Context(), v.user.ID, uint(token)); err != nil {
		return err
	}
	v.say("", "Revoked. The machine that had the token gets nothing more.")
	return v.redirect(destinationPage(id))
}

// revokeAll ends every token, when the desktop destination is deleted.
func (v *visit) revokeAll() error {
	tokens, err := v.Tokens.List(v.r.Context(), v.user.ID)
	if err != nil {
		return err
	}
	for _, t := range tokens {
		if err := v.Tokens.Revoke(v.r.Context(), v.user.ID, t.ID); err != nil {
			return err
		}
	}
	return nil
}
