package trust

// An authority is the site's CAs and what they have revoked.
type authority struct{}
