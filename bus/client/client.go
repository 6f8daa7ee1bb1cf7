// Package client sends messages to the bus.
//
// A service that reaches a notifyd by HTTP posts what has happened, and knows afterwards that it is stored:
//
//	p, err := client.NewPoster(client.PosterConfig{URL: "https://bus.example.org", Token: token})
//	ids, err := p.Post(ctx, &bus.Message{Topic: "org.example.prod.archive.upload", Body: upload})
//
// Post waits, and tries again, until the server has the messages, says what is wrong with them (a *Refusal), or the
// time is over. Each message has its id before the first try, so one that is sent twice is still one: the idempotent
// receiver of the Enterprise Integration Patterns.
package client
