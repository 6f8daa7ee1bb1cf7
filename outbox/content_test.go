package outbox

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// TestSameSeesEachField changes one field after the other: none may be left out, or two texts would be taken for one.
func TestSameSeesEachField(t *testing.T) {
	var walk func(v reflect.Value, path string, check func(path string))
	walk = func(v reflect.Value, path string, check func(path string)) {
		old := reflect.New(v.Type()).Elem()
		old.Set(v)
		switch v.Kind() {
		case reflect.Struct:
			if _, ok := v.Interface().(time.Time); ok {
				v.Set(reflect.ValueOf(time.Unix(1, 0)))
				break
			}
			for i := range v.NumField() {
				walk(v.Field(i), path+"."+v.Type().Field(i).Name, check)
			}
			return
		case reflect.String:
			v.SetString("changed")
		case reflect.Bool:
			v.SetBool(true)
		case reflect.Int:
			v.SetInt(1)
		case reflect.Slice:
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		case reflect.Map:
			v.Set(reflect.ValueOf(map[string][]string{"key": {"value"}}))
		case reflect.Pointer:
			v.Set(reflect.New(v.Type().Elem()))
		default:
			t.Fatalf("%s is a %s", path, v.Kind())
		}
		check(path)
		v.Set(old)
	}
	var a, b backends.Notice
	walk(reflect.ValueOf(&b).Elem(), "Notice", func(path string) {
		if same(&a, &b) {
			t.Errorf("%s makes no difference", path)
		}
	})
	if !same(&a, &b) {
		t.Error("a notice is not the same as itself")
	}
}

// TestTextOnceAMessage: what goes to many is stored once, what differs beside it, and each reads its own. Account mail
// shares nothing.
func TestTextOnceAMessage(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		c := newClock()
		o := open(d, Config{}, c.now, 1)
		var all []Delivery
		for i := range 5 {
			one := delivery("m1", fmt.Sprint(i), c.now())
			one.Notice.Relations = [][]string{nil, {"owner"}, {"mentioned", "author"}, {"friend"}, {"group", "watcher"}}[i]
			all = append(all, one)
		}
		add(t, o, all[:2]...)
		add(t, o, all[2:]...)
		differs := delivery("m1", "5", c.now())
		differs.Notice.Title = "another title"
		add(t, o, differs)
		for i := range 2 {
			add(t, o, delivery("m2", fmt.Sprint(Account, "mail:", i), c.now()))
		}
		var texts int64
		if err := d.Reader.Model(&content{}).Count(&texts).Error; err != nil || texts != 1+1+1+2 {
			t.Errorf("%d texts, %v; want one of five, two that differ, and two of account mail", texts, err)
		}
		found, err := o.Find(t.Context(), Query{Message: "m1"})
		if err != nil || len(found) != 6 {
			t.Fatal(found, err)
		}
		for i, e := range found[1:] {
			want := all[4-i].Notice
			if !reflect.DeepEqual(append([]string{}, e.Notice.Relations...), append([]string{}, want.Relations...)) ||
				e.Notice.Title != want.Title {
				t.Errorf("%s reads %+v, want %+v", e.Destination, e.Notice, want)
			}
		}
		if found[0].Notice.Title != "another title" {
			t.Errorf("what differs reads %+v", found[0].Notice)
		}
		for _, to := range []string{"0", "1", "2", "3", "4"} {
			if err := o.writer.Transaction(func(tx *gorm.DB) error { return o.Forget(tx, []string{to}) }); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.Reader.Model(&content{}).Count(&texts).Error; err != nil || texts != 1+1+2 {
			t.Errorf("%d texts are left, %v; want that of the last delivery, its message and account mail", texts, err)
		}
	})
}
