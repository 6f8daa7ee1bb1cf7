package obs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"

	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/directory/fetch"
)

// The bounds on one fetch.
const (
	maxQuestions = 5000
	maxPackages  = 500_000
)

// A source asks one build service.
type source struct {
	projects []string
	client   *fetch.Client
}

// A visit is one fetch: what has been asked so far.
type visit struct {
	*source
	packages  map[string]map[string]*meta // of each project, by name
	projects  map[string]*meta
	questions int
}

// Fetch returns who owns what now. The service cannot say that nothing has changed, so last is not used.
func (s *source) Fetch(ctx context.Context, _ *directory.Facts) (*directory.Facts, error) {
	v := visit{source: s, packages: map[string]map[string]*meta{}, projects: map[string]*meta{}}
	facts := &directory.Facts{Groups: map[string][]string{}, Packages: map[string][]directory.Owner{}}
	for _, project := range s.projects {
		packages, err := v.packagesOf(ctx, project)
		if err != nil {
			return nil, err
		}
		for _, name := range slices.Sorted(maps.Keys(packages)) {
			if _, done := facts.Packages[name]; done { // of a project that was listed before
				continue
			}
			owners, err := v.ownersOf(ctx, packages[name])
			if err != nil {
				return nil, err
			}
			facts.Packages[name] = owners
		}
	}
	if err := v.readGroups(ctx, facts); err != nil {
		return nil, err
	}
	facts.Clean()
	return facts, nil
}

// ownersOf returns who holds the roles of a package. A role that the package itself leaves open is that of its project.
func (v *visit) ownersOf(ctx context.Context, p *meta) ([]directory.Owner, error) {
	var places []*meta
	if project := p.Devel.Project; project != "" && projectName.MatchString(project) {
		packages, err := v.packagesOf(ctx, project)
		if errors.Is(err, directory.ErrGone) {
			packages, err = nil, nil // it was removed, and the package still names it
		}
		if err != nil {
			return nil, err
		}
		name := p.Devel.Package
		if name == "" {
			name = p.Name
		}
		if there, known := packages[name]; known {
			places = append(places, there)
			if whole := v.projects[project]; whole != nil {
				places = append(places, whole)
			}
		}
	}
	places = append(places, p)
	if whole := v.projects[p.Project]; whole != nil {
		places = append(places, whole)
	}
	var owners []directory.Owner
	for _, role := range []string{bugowner, maintainer} {
		for _, place := range places {
			if found := place.owners(role); len(found) > 0 {
				owners = append(owners, found...)
				break
			}
		}
	}
	return owners, nil
}

// packagesOf returns the packages of a project by name, and reads the project itself too. Each is asked for once.
func (v *visit) packagesOf(ctx context.Context, project string) (map[string]*meta, error) {
	if known, asked := v.packages[project]; asked {
		if known == nil {
			return nil, directory.ErrGone
		}
		return known, nil
	}
	v.packages[project] = nil // gone, unless both answers say otherwise
	var whole meta
	if err := v.get(ctx, &whole, "source", project, "_meta"); err != nil {
		return nil, err
	}
	if whole.Name != project {
		return nil, fmt.Errorf("project %s: the answer is about %.100q", project, whole.Name)
	}
	var found collection
	query := url.Values{"match": {"@project='" + project + "'"}}
	if err := v.ask(ctx, &found, v.client.URL.JoinPath("search", "package"), query); err != nil {
		return nil, err
	}
	if found.Matches != nil && *found.Matches != len(found.Packages) {
		return nil, fmt.Errorf("project %s: %d of %d packages were given", project, len(found.Packages), *found.Matches)
	}
	if len(found.Packages) > maxPackages {
		return nil, fmt.Errorf("project %s: more than %d packages", project, maxPackages)
	}
	packages := make(map[string]*meta, len(found.Packages))
	for i := range found.Packages {
		p := &found.Packages[i]
		if p.Project == project && projectName.MatchString(p.Name) {
			packages[p.Name] = p
		}
	}
	v.packages[project], v.projects[project] = packages, &whole
	return packages, nil
}

// readGroups asks for the members of each group that owns something. One that is gone stays unknown.
func (v *visit) readGroups(ctx context.Context, facts *directory.Facts) error {
	wanted := map[string]bool{}
	for _, owners := range facts.Packages {
		for _, o := range owners {
			if o.Name[0] == '@' {
				wanted[o.Name[1:]] = true
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		var g members
		err := v.get(ctx, &g, "group", name)
		if errors.Is(err, directory.ErrGone) {
			facts.Note("group " + name + " is named by packages, and is not there")
			continue
		}
		if err == nil && g.Title != name {
			err = fmt.Errorf("group %s: the answer is about %.100q", name, g.Title)
		}
		if err != nil {
			return err
		}
		in := []string{}
		for _, p := range g.Persons {
			if !slices.Contains(in, p.User) {
				in = append(in, p.User)
			}
		}
		slices.Sort(in)
		facts.Groups[name] = in
	}
	return nil
}

func (v *visit) get(ctx context.Context, into any, path ...string) error {
	return v.ask(ctx, into, v.client.URL.JoinPath(path...), nil)
}

func (v *visit) ask(ctx context.Context, into any, u *url.URL, query url.Values) error {
	if v.questions++; v.questions > maxQuestions {
		return fmt.Errorf("more than %d questions were needed", maxQuestions)
	}
	u.RawQuery = query.Encode()
	answer, err := v.client.Get(ctx, u, fetch.Request{Accept: "application/xml"})
	if err != nil {
		return err
	}
	if err := decode(answer.Body, into); err != nil {
		return fmt.Errorf("%s: %w", u.Path, err)
	}
	return nil
}
