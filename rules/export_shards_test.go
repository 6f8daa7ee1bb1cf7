package rules

// NewIndexOf is NewIndex with a number of shards.
var NewIndexOf = newIndex
