package fleet

import (
	"net/http"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/handsetsim/persona"
)

// request reads what most routes need: the phone's number and the body.
func request[T any](r *http.Request) (gateway.MSISDN, T, error) {
	n, err := number(r)
	if err != nil {
		var none T
		return "", none, err
	}
	body, err := read[T](r)
	return n, body, err
}

func (f *Fleet) showInbox(r *http.Request) (int, any, error) {
	n, err := number(r)
	if err != nil {
		return 0, nil, err
	}
	in := Inbox{Messages: []Message{}}
	err = f.touch(n, func(h *handset, _ time.Time, _ *handsetsim.Effects) error {
		for _, sms := range h.Inbox() {
			in.Messages = append(in.Messages, Message{From: sms.From, Text: sms.Text, At: sms.At.UTC()})
		}
		return nil
	})
	return http.StatusOK, in, err
}

func (f *Fleet) showBills(r *http.Request) (int, any, error) {
	n, err := number(r)
	if err != nil {
		return 0, nil, err
	}
	bills := Bills{Bills: []Bill{}}
	err = f.touch(n, func(h *handset, _ time.Time, _ *handsetsim.Effects) error {
		for _, v := range h.Bills() {
			bills.Bills = append(bills.Bills, billOf(v))
		}
		return nil
	})
	return http.StatusOK, bills, err
}

func (f *Fleet) personalise(r *http.Request) (int, any, error) {
	n, in, err := request[Personalisation](r)
	if err != nil {
		return 0, nil, err
	}
	if err := f.Personalise(n, in); err != nil {
		return 0, nil, err
	}
	return f.showPhone(r)
}

func (f *Fleet) power(r *http.Request) (int, any, error) {
	n, in, err := request[Power](r)
	if err != nil {
		return 0, nil, err
	}
	if in.On == nil {
		return 0, nil, invalid("on", "is missing: true or false")
	}
	if err := f.Power(n, *in.On); err != nil {
		return 0, nil, err
	}
	return f.showPhone(r)
}

func (f *Fleet) setPersona(r *http.Request) (int, any, error) {
	n, in, err := request[Persona](r)
	if err != nil {
		return 0, nil, err
	}
	kind, err := persona.ParseKind(in.Persona)
	if err != nil {
		return 0, nil, invalid("persona", err.Error())
	}
	if err := f.SetPersona(n, kind); err != nil {
		return 0, nil, err
	}
	return f.showPhone(r)
}

func (f *Fleet) confirm(r *http.Request) (int, any, error) {
	n, in, err := request[Choice](r)
	if err != nil {
		return 0, nil, err
	}
	bill, err := f.do(n, in.Bill, hand.confirm)
	return http.StatusAccepted, bill, err
}

func (f *Fleet) deferBill(r *http.Request) (int, any, error) {
	n, in, err := request[Choice](r)
	if err != nil {
		return 0, nil, err
	}
	bill, err := f.do(n, in.Bill, hand.deferBill)
	return http.StatusAccepted, bill, err
}

func (f *Fleet) pay(r *http.Request) (int, any, error) {
	n, in, err := request[Payment](r)
	if err != nil {
		return 0, nil, err
	}
	bill, err := f.do(n, in.Bill, func(b hand) error { return b.pay(in.Slot, in.PIN) })
	return http.StatusAccepted, bill, err
}

func (f *Fleet) refuse(r *http.Request) (int, any, error) {
	n, in, err := request[Refusal](r)
	if err != nil {
		return 0, nil, err
	}
	reason, ok := reasons()[in.Reason]
	if !ok {
		return 0, nil, invalid("reason", "is not_mine, amount, no_funds or changed_mind")
	}
	why := handsetsim.Refusal{Reason: reason, Text: in.Text}
	bill, err := f.do(n, in.Bill, func(b hand) error { return b.refuse(why) })
	return http.StatusAccepted, bill, err
}

func (f *Fleet) sendText(r *http.Request) (int, any, error) {
	n, in, err := request[Text](r)
	if err != nil {
		return 0, nil, err
	}
	parts, err := f.SendText(n, in)
	return http.StatusAccepted, TextTaken{Parts: parts}, err
}

func (f *Fleet) clone(r *http.Request) (int, any, error) {
	n, err := number(r)
	if err != nil {
		return 0, nil, err
	}
	if err := f.Clone(n); err != nil {
		return 0, nil, err
	}
	return f.showPhone(r)
}

func (f *Fleet) restore(r *http.Request) (int, any, error) {
	n, err := number(r)
	if err != nil {
		return 0, nil, err
	}
	if err := f.Restore(n); err != nil {
		return 0, nil, err
	}
	return f.showPhone(r)
}
