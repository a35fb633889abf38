package fleet

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/tpdu"
	"github.com/airtill/airtill/handsetsim"
)

// USSD over SMPP, as a fleet of handsets speaks it (gateway/ussd: the side of the
// handset; SMPP 3.4 §5.3.2.43 and §5.3.2.44). What is sent up is sent once: a session
// does not wait.

// Data codings of TS 23.038 §5 that come with USSD, and mean what SMPP writes otherwise.
const (
	ussdGSM7 = 0x0F
	ussdUCS2 = 0x48
)

// isUSSD says whether a message is of a USSD session.
func isUSSD(sm *smpp.DeliverSM) bool {
	_, op := sm.TLVs.USSDOp()
	return op || sm.ServiceType == smpp.USSDServiceType
}

// readUSSD reads a message that comes down.
func readUSSD(sm *smpp.DeliverSM) (m handsetsim.USSD, err error) {
	op, ok := sm.TLVs.USSDOp()
	if !ok {
		return m, errors.New("no ussd_service_op")
	}
	info, _ := sm.TLVs.SessionInfo()
	m = handsetsim.USSD{Op: op, Session: info.Session, Code: gateway.Address(sm.Source.Digits), End: info.End}
	switch op {
	case smpp.USSRRequest, smpp.USSNRequest:
	case smpp.PSSRResponse, smpp.PSSDResponse:
		m.End = true
	default:
		return m, fmt.Errorf("%v is not for a handset", op)
	}
	alphabet := tpdu.AlphabetOf(sm.DataCoding)
	switch sm.DataCoding {
	case ussdGSM7:
		alphabet = tpdu.GSM7
	case ussdUCS2:
		alphabet = tpdu.UCS2
	}
	m.Text, err = tpdu.Decode(sm.UserData(), alphabet)
	return m, err
}

// writeUSSD makes the submit_sm of a message that goes up.
func writeUSSD(from gateway.MSISDN, m handsetsim.USSD) (*smpp.SubmitSM, error) {
	sm := &smpp.SubmitSM{
		ServiceType: smpp.USSDServiceType,
		Source:      smpp.Address{TON: smpp.TONInternational, NPI: smpp.NPIISDN, Digits: string(from)},
		TLVs:        smpp.TLVs{smpp.USSDOpTLV(m.Op), smpp.SessionInfo{Session: m.Session, End: m.End}.TLV()},
	}
	code, text := string(m.Code), m.Text
	if m.Op == smpp.PSSRIndication { // what is dialled is the destination, if it has room
		code, text = m.Text, ""
		if len(code) > maxDestination {
			base, _, _ := strings.Cut(code[1:], "*")
			code, text = code[:1]+base[:min(len(base), maxDestination-2)]+"#", m.Text
		}
	}
	sm.Destination = smpp.Address{Digits: code}
	alphabet := tpdu.Choose(text)
	if m.UCS2 {
		alphabet = tpdu.UCS2
	}
	octets, err := tpdu.Encode(text, alphabet)
	if err != nil {
		return nil, err
	}
	sm.DataCoding, sm.ShortMessage = alphabet.Coding(), octets
	return sm, nil
}

// maxDestination is what destination_addr holds, SMPP 3.4 §5.2.9.
const maxDestination = 20

// showUSSD hands a message of a USSD session to a phone that is on.
func (s *shard) showUSSD(h *handset, sm *smpp.DeliverSM, now time.Time, fx *handsetsim.Effects) smpp.Status {
	m, err := readUSSD(sm)
	if err != nil {
		return smpp.RXRAPPN
	}
	h.ShowUSSD(m, now, fx)
	return smpp.ROK
}

// Dial has a phone dial a USSD code.
func (f *Fleet) Dial(n gateway.MSISDN, code string) (Screen, error) {
	return f.atScreen(n, func(h *handset, now time.Time, fx *handsetsim.Effects) error { return h.Dial(code, now, fx) })
}

// Reply has a phone reply to the USSD text that it shows.
func (f *Fleet) Reply(n gateway.MSISDN, text string) (Screen, error) {
	return f.atScreen(n, func(h *handset, now time.Time, fx *handsetsim.Effects) error { return h.Reply(text, now, fx) })
}

// GiveUp has a phone end its USSD session.
func (f *Fleet) GiveUp(n gateway.MSISDN) (Screen, error) {
	return f.atScreen(n, func(h *handset, now time.Time, fx *handsetsim.Effects) error { return h.GiveUp(now, fx) })
}

// Screen is what a phone shows.
func (f *Fleet) Screen(n gateway.MSISDN) (Screen, error) {
	return f.atScreen(n, func(*handset, time.Time, *handsetsim.Effects) error { return nil })
}

// atScreen does something at a phone's screen, and answers what it shows then.
func (f *Fleet) atScreen(n gateway.MSISDN, do func(h *handset, now time.Time, fx *handsetsim.Effects) error) (Screen, error) {
	var shown Screen
	err := f.touch(n, func(h *handset, now time.Time, fx *handsetsim.Effects) error {
		err := do(h, now, fx)
		v := h.Screen()
		shown = Screen{Open: v.Open, Asks: v.Asks, Code: v.Code, Text: v.Text, Shown: v.Shown}
		return err
	})
	return shown, err
}

func (f *Fleet) showScreen(r *http.Request) (int, any, error) {
	n, err := number(r)
	if err != nil {
		return 0, nil, err
	}
	shown, err := f.Screen(n)
	return http.StatusOK, shown, err
}

func (f *Fleet) useScreen(r *http.Request) (int, any, error) {
	n, in, err := request[USSD](r)
	if err != nil {
		return 0, nil, err
	}
	shown, err := f.use(n, in)
	return http.StatusAccepted, shown, err
}

// use does the one thing that a request says.
func (f *Fleet) use(n gateway.MSISDN, in USSD) (Screen, error) {
	said := 0
	for _, is := range []bool{in.Dial != "", in.Reply != nil, in.Abort} {
		if is {
			said++
		}
	}
	switch {
	case said != 1:
		return Screen{}, invalid("dial", "say one of dial, reply and abort")
	case in.Dial != "":
		return f.Dial(n, in.Dial)
	case in.Reply != nil && len(*in.Reply) > maxReply:
		return Screen{}, invalid("reply", "has up to 182 characters")
	case in.Reply != nil:
		return f.Reply(n, string(*in.Reply))
	}
	return f.GiveUp(n)
}

// maxReply is what a USSD message holds, TS 23.038 §5.
const maxReply = 182
