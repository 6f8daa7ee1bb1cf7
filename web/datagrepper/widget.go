package datagrepper

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
)

//go:embed widget.js
var widgetText string

// widget answers /widget.js, a script by which any page shows messages.
func (req *request) widget() error {
	address, err := json.Marshal(req.URL)
	if err != nil {
		return fmt.Errorf("write widget: %w", err)
	}
	search := "/v2/search?meta=url&meta=app_icon&meta=agent_avatar&meta=summary&meta=date"
	if req.Old {
		search = "/raw?meta=link&meta=icon&meta=secondary_icon&meta=subtitle&meta=date"
	}
	css, _ := req.first("css")
	text := strings.NewReplacer("BASE_URL", string(address), "SEARCH", search, "WITH_CSS",
		fmt.Sprint(strings.EqualFold(css, "true"))).Replace(widgetText)
	req.w.Header().Set("Content-Type", "application/javascript; charset=utf-8")
	_, _ = req.w.Write([]byte(text)) // an error means that the client has left
	return nil
}
