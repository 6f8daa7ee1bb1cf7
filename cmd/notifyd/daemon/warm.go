package daemon

import "context"

// warm has each new index look at the packages that the directory knows, beside the router, so that the first message
// about one does not wait for it. It runs until ctx ends.
func (r *router) warm(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case index := <-r.fresh:
			if known := r.directory(); known != nil {
				if err := index.Warm(ctx, "package", known.Known()); err != nil {
					return nil // ctx has ended
				}
			}
		}
	}
}
