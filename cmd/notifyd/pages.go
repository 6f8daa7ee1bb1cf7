package main

import (
	"context"
)

// openPages opens the ports of the pages and of what operators ask.
func (s *service) openPages(ctx context.Context, e *env) error {
	if address := s.settings.Metrics.Listen; address != "" {
		if err := s.listen(ctx, "operators", address, s.operatorPages()); err != nil {
			return err
		}
	}
	return nil
}
