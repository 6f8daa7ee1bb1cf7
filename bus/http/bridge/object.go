package bridge

import (
	"encoding/json"

	"github.com/notifyd/notifyd/bus"
)

// object gives the payload of a load, byte for byte but for white space, with what it does not say and the other
// notifyd would make anew: topic, id and time. What is signed gets no more than a topic; its id is made of its content
// there as here.
func object(l bus.Load) ([]byte, error) {
	m := l.Message
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(m.Payload, &fields); err != nil {
		body, err := m.RawBody()
		if err != nil {
			return nil, err
		}
		text := bus.Added(`,"i":0,"msg":` + string(body))
		return text.Field("topic", m.Topic).Field("msg_id", l.ID).Timestamp(m.Time).To([]byte("{}")), nil
	}
	var add bus.Added
	if !bus.Given(fields["topic"]) {
		add = add.Field("topic", m.Topic)
	}
	if !bus.Given(fields["signature"]) {
		if !bus.Says(fields["msg_id"], m.ID) && (!bus.Says(fields["id"], m.ID) || bus.Given(fields["msg_id"])) {
			add = add.Field("msg_id", l.ID)
		}
		if m.Undated() {
			add = add.Timestamp(m.Time)
		}
	}
	return add.To(m.Payload), nil
}
