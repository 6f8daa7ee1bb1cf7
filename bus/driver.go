package bus

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
)

// NewDriver makes a Driver of a function that opens a source by the section of the configuration, C.
func NewDriver[C any, S Source](name, doc string, open func(C, *slog.Logger) (S, error)) Driver {
	return Driver{Name: name, Doc: doc, Open: func(decode func(any) error, log *slog.Logger) (Source, error) {
		s, err := openBy(decode, log, open)
		if err != nil {
			return nil, err // open's nil *S would be no nil Source
		}
		return s, nil
	}}
}

// NewOutletDriver is NewDriver for an outlet.
func NewOutletDriver[C any, O Outlet](name, doc string, open func(C, *slog.Logger) (O, error)) OutletDriver {
	return OutletDriver{Name: name, Doc: doc, Open: func(decode func(any) error, log *slog.Logger) (Outlet, error) {
		o, err := openBy(decode, log, open)
		if err != nil {
			return nil, err
		}
		return o, nil
	}}
}

// NewBridgeDriver makes a BridgeDriver of a function that opens one bridge of the section: S is bridges by name.
func NewBridgeDriver[S ~map[string]C, C any](
	name, doc string, open func(name string, c C, log *slog.Logger) (OpenBridge, error),
) BridgeDriver {
	return BridgeDriver{Name: name, Doc: doc, Open: func(decode func(any) error, log *slog.Logger) ([]OpenBridge, error) {
		var all S
		if err := decode(&all); err != nil {
			return nil, err
		}
		var opened []OpenBridge
		for _, name := range slices.Sorted(maps.Keys(all)) {
			o, err := open(name, all[name], log)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			opened = append(opened, o)
		}
		return opened, nil
	}}
}

func openBy[C, T any](decode func(any) error, log *slog.Logger, open func(C, *slog.Logger) (T, error)) (T, error) {
	var c C
	if err := decode(&c); err != nil {
		var none T
		return none, err
	}
	return open(c, log)
}

// An Adaptable source takes changes of its section of the configuration while it runs. Changes of all other keys wait
// for a restart.
type Adaptable interface {
	// Adapts gives the keys of the section whose changes it takes, each with all below it.
	Adapts() []string
	// Adapt takes these keys from the section as it is now; decode is as in Driver.Open. On an error nothing has
	// changed. One goroutine calls it, after Open and at any time, also while Run runs.
	Adapt(decode func(any) error) error
}

// A Competing source may run on several nodes of one site at once: what one node gets no other one gets. Its broker
// shares messages out among Competing Consumers (Hohpe and Woolf, "Enterprise Integration Patterns", 2003), or whoever
// sends a message chooses a node. Any other source gets all that its bus has, wherever it runs; so it runs on one node
// at a time.
type Competing interface {
	// Competes reports whether that holds for the source as it is configured.
	Competes() bool
}

// Competes reports whether a source is Competing.
func Competes(s Source) bool {
	c, ok := s.(Competing)
	return ok && c.Competes()
}
