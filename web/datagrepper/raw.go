package datagrepper

import (
	"net/http"

	"github.com/notifyd/notifyd/history"
)

// answer is what /raw answers.
type answer struct {
	Messages  any       `json:"raw_messages"`
	Total     int64     `json:"total"`
	Pages     int64     `json:"pages"`
	Count     int       `json:"count"`
	Arguments arguments `json:"arguments"`
}

// raw answers /raw and /v2/search.
func (req *request) raw() error {
	q, err := req.query()
	if err != nil {
		return err
	}
	found, total, err := req.find(q)
	if err != nil {
		return err
	}
	if req.wantsHTML() {
		if req.grouped() {
			return req.groupCards(req.groups(found), q.form)
		}
		return req.cards(found, q.form, true)
	}
	a := answer{Total: total, Pages: (total + q.rows - 1) / q.rows, Count: len(found), Arguments: q.arguments}
	if req.grouped() {
		groups := req.groups(found)
		a.Messages, a.Count = groups, len(groups)
		return req.json(http.StatusOK, a)
	}
	messages := make([]any, len(found))
	for i := range found {
		if messages[i], err = req.message(found[i], q.meta); err != nil {
			return err
		}
	}
	a.Messages = messages
	return req.json(http.StatusOK, a)
}

// find reads the page, and counts all that the query selects.
func (req *request) find(q query) (found []history.Selected, total int64, err error) {
	skip := (q.page - 1) * q.rows
	if len(q.contains) > 0 {
		return req.search(q, skip)
	}
	if found, err = req.History.Select(req.ctx, q.selection, skip, int(q.rows)); err != nil {
		return nil, 0, err
	}
	if n := int64(len(found)); n < q.rows && (n > 0 || skip == 0) {
		return found, skip + n, nil // it is the last page
	}
	total, err = req.totals.count(req.ctx, req.History, q.selection)
	return found, total, err
}

// The bounds of one search in the text of messages.
const (
	mostSearched = 100_000
	mostText     = 256 << 20 // bytes
)

// The bounds on what is searched for.
const (
	mostWords = 20
	mostWord  = 256 // bytes
)

// search finds the messages whose text has one of the words, among those that the query selects: it reads them all.
func (req *request) search(q query, skip int64) (found []history.Selected, total int64, err error) {
	for _, word := range q.contains {
		if len(q.contains) > mostWords || len(word) > mostWord {
			return nil, 0, badRequest("at most 20 values of contains are taken, of 256 bytes each")
		}
	}
	words := compileAll(q.contains)
	var kept []history.Record
	searched, bytes, held := 0, 0, 0
	err = req.History.Walk(req.ctx, q.selection, func(r history.Record) bool {
		if req.ctx.Err() != nil {
			return false
		}
		searched, bytes = searched+1, bytes+len(r.Payload)
		if searched > mostSearched || bytes > mostText {
			return false
		}
		if !words.within(req.ctx, r.Payload, !req.Old) {
			return true
		}
		if total >= skip && int64(len(kept)) < q.rows {
			kept, held = append(kept, r), held+len(r.Payload)
		}
		total++
		return held <= history.MaxSelected || len(kept) == 1
	})
	if err == nil {
		err = req.ctx.Err()
	}
	if err != nil {
		return nil, 0, err
	}
	if held > history.MaxSelected && len(kept) > 1 {
		return nil, 0, history.ErrTooLarge
	}
	if searched > mostSearched || bytes > mostText {
		return nil, 0, badRequest("contains would read more than 100000 messages or 256 MiB: narrow the query, by time, " +
			"topic, user or package")
	}
	found, err = req.History.SelectedOf(req.ctx, kept)
	return found, total, err
}
