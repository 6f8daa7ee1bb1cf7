// Package looks tells what people have chosen about the looks of what they are sent: text only, a list for each
// package, and the like (backends.Option).
//
// Few choose anything, and thousands of parcels are sent in a second. So a [Cache] holds the choices of all who have
// chosen, and reads them again after a while: by then a change shows on every node.
package looks

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"gorm.io/gorm"
)

// Fresh is how old the choices may be that a Cache answers with.
const Fresh = 5 * time.Second

// Write returns options as they are stored: "format=text&list=package", sorted; "" for none.
func Write(options map[string]string) string {
	values := url.Values{}
	for name, value := range options {
		values.Set(name, value)
	}
	return values.Encode()
}

// Read returns what Write has written. What cannot be read is nothing.
func Read(stored string) map[string]string {
	values, err := url.ParseQuery(stored)
	if err != nil || len(values) == 0 {
		return nil
	}
	options := make(map[string]string, len(values))
	for name := range values {
		options[name] = values.Get(name)
	}
	return options
}

// Words returns options for people: "format text, list package"; "" for none.
func Words(options map[string]string) string {
	var words []string
	for name, value := range options {
		words = append(words, name+" "+value)
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}

// A Cache has the options of all destinations. It is safe for concurrent use.
type Cache struct {
	reader *gorm.DB
	now    func() time.Time

	mu      sync.Mutex
	read    time.Time // when; zero: never
	options map[string]map[string]string
}

// NewCache makes a Cache over the database.
func NewCache(reader *gorm.DB, now func() time.Time) *Cache { return &Cache{reader: reader, now: now} }

// Of returns the options of a destination by its key in the outbox; nil for the defaults. The caller must not change
// them. When the database cannot be read, it answers with what it knew.
func (c *Cache) Of(ctx context.Context, destination string) (map[string]string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if age := now.Sub(c.read); !c.read.IsZero() && age >= 0 && age < Fresh {
		return c.options[destination], nil
	}
	var rows []struct {
		ID      uint
		Options string
	}
	err := c.reader.WithContext(ctx).Table("destinations").Select("id", "options").Where("options <> ''").Find(&rows).Error
	if err != nil {
		return c.options[destination], fmt.Errorf("read the options of destinations: %w", err)
	}
	c.read, c.options = now, make(map[string]map[string]string, len(rows))
	for _, r := range rows {
		c.options[strconv.FormatUint(uint64(r.ID), 10)] = Read(r.Options)
	}
	return c.options[destination], nil
}
