package outbox

import (
	"context"
	"fmt"

	"github.com/notifyd/notifyd/internal/text"
)

// OfMessage gives the deliveries of one message to some destinations, in the order they were stored.
func (o *Outbox) OfMessage(ctx context.Context, message string, destinations []string) ([]Entry, error) {
	if len(destinations) == 0 {
		return nil, nil
	}
	var rows []row
	err := o.reader.WithContext(ctx).Where("message = ? AND destination IN ?", text.Storable(message), destinations).
		Order("id").Limit(maxPage).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read deliveries of a message: %w", err)
	}
	return entries(rows), nil
}
