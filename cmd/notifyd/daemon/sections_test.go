package daemon

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/notifyd/notifyd/backends"
	backendall "github.com/notifyd/notifyd/backends/all"
	busall "github.com/notifyd/notifyd/bus/all"
	"github.com/notifyd/notifyd/cmd/notifyd/config"
	directoryall "github.com/notifyd/notifyd/directory/all"
	"github.com/notifyd/notifyd/internal/yamltext"
)

// sections returns a new value of every section that a configuration may have, by path: the sections of the program,
// of each source and of each backend.
func sections() map[string]any {
	s := defaultSettings()
	all := map[string]any{}
	of := reflect.ValueOf(&s).Elem()
	for i := range of.NumField() {
		field := of.Type().Field(i)
		all[cmp.Or(field.Tag.Get("section"), strings.ToLower(field.Name))] = of.Field(i).Addr().Interface()
	}
	caught := func(path string) func(any) error {
		return func(into any) error {
			all[path] = into
			return errors.New("only the type was asked for")
		}
	}
	log := slog.New(slog.DiscardHandler)
	for _, d := range busall.Drivers() {
		d.Open(caught("bus."+d.Name), log)
	}
	for _, d := range busall.Outlets() {
		d.Open(caught("bus."+d.Name), log)
	}
	for _, d := range busall.Bridges() {
		d.Open(caught("bus."+d.Name), log)
	}
	for _, d := range directoryall.Drivers() {
		d.Open(caught("directory."+d.Name), log)
	}
	for _, d := range backendall.Drivers() {
		d.Open(caught("backends."+d.Info.Name), backends.Parts{Log: log, Now: time.Now})
	}
	return all
}

// A leaf is one key of a section.
type leaf struct {
	path  string // below the section: networks.nick; a list of mappings has one item
	field reflect.StructField
	value reflect.Value
}

// name is the last part of the path: the key alone.
func (l leaf) name() string { return l.path[strings.LastIndex(l.path, ".")+1:] }

// leaves returns every key of the struct v. It adds one item to each list of mappings.
func leaves(v reflect.Value, prefix string) []leaf {
	if v.Kind() == reflect.Map {
		return nil // names that a site chooses
	}
	var found []leaf
	for i := range v.NumField() {
		field, value := v.Type().Field(i), v.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		if name == "" || name == "-" {
			continue
		}
		if value.Kind() == reflect.Slice && value.Type().Elem().Kind() == reflect.Struct {
			if value.Len() == 0 {
				value.Set(reflect.MakeSlice(value.Type(), 1, 1))
			}
			value = value.Index(0)
		}
		if value.Kind() == reflect.Struct {
			found = append(found, leaves(value, prefix+name+".")...)
			continue
		}
		found = append(found, leaf{prefix + name, field, value})
	}
	return found
}

// publicKeys are keys that are named like secrets but are public. Each has the tag secret:"false".
var publicKeys = []string{"backends.irc.networks.client_key", "bus.trust.gpg_keys", "bus.http.key_file",
	"bus.publish.key_file"}

// TestSecretsAreMasked fills every text of every section and prints it: no key that is named like a secret shows its
// value.
func TestSecretsAreMasked(t *testing.T) {
	secretLike := regexp.MustCompile(`(token|password|passwd|passphrase|secret|key|dsn|cookie|credential)s?(_|$)`)
	for path, section := range sections() {
		shows := map[string]bool{}
		for _, l := range leaves(reflect.ValueOf(section).Elem(), "") {
			public := slices.Contains(publicKeys, path+"."+l.path)
			if l.field.Tag.Get("secret") == "false" && !public {
				t.Errorf("%s.%s says secret:\"false\": if it is no secret, enter it in publicKeys", path, l.path)
			}
			if l.value.Kind() == reflect.String {
				value := "sesame://" + l.path + "/"
				l.value.SetString(value)
				shows[value] = public || l.field.Tag.Get("secret") == "" && !secretLike.MatchString(l.name())
			}
		}
		printed, err := yaml.Marshal(config.Masked(section))
		if err != nil {
			t.Fatal(err)
		}
		for value, want := range shows {
			if got := strings.Contains(string(printed), value); got != want {
				t.Errorf("%s: config print shows %s: %v, want %v", path, value, got, want)
			}
		}
	}
}

// sample returns contrib/notifyd.yaml with every example in effect: it removes "# " before a key, and the "{}" of the
// section that the examples fill. It also makes the files of secrets that the sample names.
func sample(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "contrib", "notifyd.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("sesame"), 0o600); err != nil {
		t.Fatal(err)
	}
	example := regexp.MustCompile(`^( *)#(  .*)$`)
	var lines []string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if m := example.FindStringSubmatch(line); m != nil {
			above := &lines[len(lines)-1]
			*above = strings.Replace(*above, ": {}", ":   ", 1)
			if strings.HasPrefix(strings.TrimLeft(m[2], " "), "- ") {
				*above = strings.Replace(*above, ": []", ":   ", 1)
			}
			line = m[1] + " " + m[2]
			if m[1] == "" {
				line = m[2]
			}
		}
		lines = append(lines, line)
	}
	files := regexp.MustCompile(`(_file: +)/\S+`)
	return files.ReplaceAllString(strings.Join(lines, "\n")+"\n", "${1}"+secret)
}

// decode reads every section of a configuration with this text.
func decode(t *testing.T, text string) (map[string]any, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "notifyd.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := config.Read(name, nil)
	if err != nil {
		return nil, err
	}
	all := sections()
	var errs []error
	into := map[string]func(any) error{} // all are named before one is decoded: some stand within others
	for path := range all {
		into[path] = f.Section(path)
	}
	for _, path := range slices.Sorted(maps.Keys(all)) {
		errs = append(errs, into[path](all[path]))
	}
	return all, errors.Join(append(errs, f.Unknown())...)
}

// TestSampleHoldsEveryKey checks that contrib/notifyd.yaml contains every key of every section, and that it can be
// read.
func TestSampleHoldsEveryKey(t *testing.T) {
	text := sample(t)
	all, err := decode(t, text)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := yamltext.Parse([]byte(text), yamltext.Bounds{Bytes: 1 << 20, Nesting: 20})
	if err != nil {
		t.Fatal(err)
	}
	items := strings.NewReplacer("networks.", "networks.[0].", "rules.", "rules.[0].", "mail.", "mail.[0].")
	for path, section := range all {
		for _, l := range leaves(reflect.ValueOf(section).Elem(), "") {
			keys := strings.Split(path+"."+items.Replace(l.path), ".")
			_, found := yamltext.Find(tree, keys...)
			if !found { // the sample may name the secret's file instead
				keys[len(keys)-1] += "_file"
				_, found = yamltext.Find(tree, keys...)
			}
			if !found {
				t.Errorf("contrib/notifyd.yaml lacks %s.%s: give it a line with its default and what it is for", path, l.path)
			}
		}
	}
}

// TestSampleHoldsTheSourcesOfTheDirectory checks the keys of the sources that contrib/notifyd.yaml shows: they stand
// below names that a site chooses.
func TestSampleHoldsTheSourcesOfTheDirectory(t *testing.T) {
	text, all := sample(t), sections()
	for _, d := range directoryall.Drivers() {
		at := regexp.MustCompile(`(?m)^  ` + d.Name + `:\n((?:   .*\n)+)`).FindStringSubmatch(text)
		if at == nil {
			t.Errorf("contrib/notifyd.yaml lacks a source of directory.%s", d.Name)
			continue
		}
		one := reflect.New(reflect.TypeOf(all["directory."+d.Name]).Elem().Elem()).Elem()
		for _, l := range leaves(one, "") {
			if !regexp.MustCompile(`\b` + l.name() + `(_file)?:`).MatchString(at[1]) {
				t.Errorf("contrib/notifyd.yaml lacks %s of directory.%s", l.path, d.Name)
			}
		}
	}
}

// notDefaults are keys whose value in the sample is an example.
var notDefaults = []string{"database.dsn", "backends.irc.networks.tls"}

// TestSampleStatesDefaults removes each number, duration and truth value from the sample: the program must fill in
// the same. So config print shows the values of the sample, and never a default as the zero that stands for it.
func TestSampleStatesDefaults(t *testing.T) {
	text := sample(t)
	all, err := decode(t, text)
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for path, section := range all {
		for _, l := range leaves(reflect.ValueOf(section).Elem(), "") {
			if l.value.Kind() == reflect.String || l.value.Kind() == reflect.Slice || l.value.Kind() == reflect.Map ||
				slices.Contains(notDefaults, path+"."+l.path) {
				continue
			}
			without, err := decode(t, withoutKey(t, text, path, l.name()))
			if err != nil {
				t.Fatal(err)
			}
			got := find(leaves(reflect.ValueOf(without[path]).Elem(), ""), l.path)
			if want := fmt.Sprint(l.value.Interface()); fmt.Sprint(got.value.Interface()) != want {
				t.Errorf("%s.%s: contrib/notifyd.yaml says %s, without it %v is in effect", path, l.path, want,
					got.value.Interface())
			}
			tried++
		}
	}
	if tried < 30 {
		t.Errorf("only %d keys were tried", tried)
	}
}

func find(all []leaf, path string) leaf {
	return all[slices.IndexFunc(all, func(l leaf) bool { return l.path == path })]
}

// withoutKey removes the line of a key from a section.
func withoutKey(t *testing.T, text, path, key string) string {
	t.Helper()
	begin := 0
	for step := range strings.SplitSeq(path, ".") {
		at := regexp.MustCompile(`(?m)^ *` + step + `:`).FindStringIndex(text[begin:])
		if at == nil {
			t.Fatalf("contrib/notifyd.yaml lacks the section %s: give each of its keys a line", path)
		}
		begin += at[0]
	}
	at := regexp.MustCompile(`(?m)^ *` + key + `: .*\n`).FindStringIndex(text[begin:])
	if at == nil {
		t.Fatalf("no line for %s.%s", path, key)
	}
	return text[:begin+at[0]] + text[begin+at[1]:]
}
