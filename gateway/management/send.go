package management

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/smsc"
	"github.com/airtill/airtill/gateway/tpdu"
)

// NewMessage is the body of POST /v1/messages. It is sent as if its account had
// submitted it: faults that refuse a submit_sm do, but its window and rate do not hold.
type NewMessage struct {
	// Account is the system_id of who submits: empty is who owns the source, else the
	// only account that is not of phones.
	Account     string `json:"account,omitempty"`
	Source      string `json:"source,omitempty"` // empty is the account's own number
	Destination string `json:"destination"`
	Text        string `json:"text,omitempty"`       // one of text, data
	Data        string `json:"data,omitempty"`       // user data in hexadecimal
	Header      bool   `json:"header,omitempty"`     // the data begins with a user data header
	Coding      *uint8 `json:"coding,omitempty"`     // data_coding; absent: what the text takes least room in, of data 4
	Manner      string `json:"manner,omitempty"`     // how a long text is split: udh8, udh16, sar, payload
	Registered  uint8  `json:"registered,omitempty"` // registered_delivery, SMPP 3.4 §5.2.17
	Mode        string `json:"mode,omitempty"`       // store, datagram, transaction
	Validity    string `json:"validity,omitempty"`   // 90s, or a time such as 2026-01-31T12:00:00Z
	Schedule    string `json:"schedule,omitempty"`   // likewise
	Protocol    uint8  `json:"protocol,omitempty"`   // protocol_id
	Priority    uint8  `json:"priority,omitempty"`   // priority_flag
	ServiceType string `json:"service_type,omitempty"`
	Replace     bool   `json:"replace,omitempty"` // replace_if_present_flag
}

// Sent is the answer: a message for each part.
type Sent struct {
	Messages []SentMessage `json:"messages"`
}

// SentMessage is a message that was taken.
type SentMessage struct {
	ID    string `json:"id"`
	State string `json:"state,omitempty"` // empty of one that is not remembered
}

func (h *Handler) sendMessage(r *http.Request) (answer, error) {
	in, err := read[NewMessage](r)
	if err != nil {
		return answer{}, err
	}
	a, err := h.sender(&in)
	if err != nil {
		return answer{}, err
	}
	all, err := h.compose(&in, a)
	if err != nil {
		return answer{}, err
	}
	var sent Sent
	for i, sm := range all {
		id, err := h.submit(r.Context(), a.SystemID, sm)
		if err != nil {
			return answer{}, ofParts(err, i, len(all))
		}
		m := SentMessage{ID: string(id)}
		if found, err := h.config.Server.Message(string(id)); err == nil {
			m.State = StateName(found[0].State)
		}
		sent.Messages = append(sent.Messages, m)
	}
	return created(sent, nil)
}

// submit hands a message to the SMSC, unless a fault refuses it.
func (h *Handler) submit(ctx context.Context, account string, sm *smpp.SubmitSM) (gateway.MessageID, error) {
	if f := h.config.Faults.Decide(time.Now(), account, smpp.IDSubmitSM, sm.Destination.Digits); f.Status != smpp.ROK {
		return "", fmt.Errorf("a fault: %w", f.Status.Err())
	}
	return h.config.Server.Submit(ctx, account, sm)
}

// ofParts says of a failure how many parts were taken before.
func ofParts(err error, taken, all int) error {
	if taken == 0 {
		return err
	}
	p := *problemOf(err)
	p.Detail = fmt.Sprintf("of %d parts %d were taken; then: %s", all, taken, p.Detail)
	return &p
}

// sender is the account that submits a message.
func (h *Handler) sender(in *NewMessage) (smsc.Account, error) {
	accounts := h.config.Server.Accounts()
	name := in.Account
	if name == "" && in.Source != "" {
		name, _ = h.config.Server.Owner(in.Source)
	}
	if name != "" {
		i := slices.IndexFunc(accounts, func(a smsc.Account) bool { return a.SystemID == name })
		if i < 0 {
			return smsc.Account{}, invalidf("account", "there is no %q; GET /v1/accounts lists them", name)
		}
		return accounts[i], nil
	}
	applications := slices.DeleteFunc(accounts, func(a smsc.Account) bool { return a.Kind == smsc.Subscribers && a.AddressRange != "" })
	if len(applications) == 1 {
		return applications[0], nil
	}
	var names []string
	for _, a := range applications {
		names = append(names, a.SystemID)
	}
	return smsc.Account{}, invalidf("account", "nobody owns the source %q; say who submits: %s", in.Source, strings.Join(names, ", "))
}

// compose makes the submit_sm of a message, several of a long one.
func (h *Handler) compose(in *NewMessage, a smsc.Account) ([]*smpp.SubmitSM, error) {
	like, err := in.envelope()
	if err != nil {
		return nil, err
	}
	segment, err := in.content(a.Alphabet)
	if err != nil {
		return nil, err
	}
	manner := tpdu.ByHeader8
	if in.Manner != "" {
		if manner, err = tpdu.ParseManner(in.Manner); err != nil {
			return nil, invalidf("manner", "%v", err)
		}
	}
	parts, err := segment.Divide(manner, uint16(h.numbered.Add(1))) //nolint:gosec // it goes round
	if err != nil {
		return nil, invalidf(in.contentField(), "%v", err)
	}
	all := make([]*smpp.SubmitSM, 0, len(parts))
	for _, p := range parts {
		sm := *like
		if err := carry(&sm, p); err != nil {
			return nil, invalidf(in.contentField(), "%v", err)
		}
		all = append(all, &sm)
	}
	return all, nil
}

func (in *NewMessage) contentField() string {
	if in.Data != "" {
		return "data"
	}
	return "text"
}

// envelope is a message but for what it says.
func (in *NewMessage) envelope() (*smpp.SubmitSM, error) {
	sm := &smpp.SubmitSM{
		ServiceType: in.ServiceType, PriorityFlag: in.Priority, RegisteredDelivery: in.Registered,
	}
	if in.Replace {
		sm.ReplaceIfPresent = 1
	}
	var err error
	if sm.Source, err = address("source", in.Source); err != nil {
		return nil, err
	}
	if in.Destination == "" {
		return nil, invalidf("destination", "the field is missing")
	}
	if sm.Destination, err = address("destination", in.Destination); err != nil {
		return nil, err
	}
	switch in.Mode {
	case "":
	case "store":
		sm.ESMClass = smpp.ESMStoreForward
	case "datagram":
		sm.ESMClass = smpp.ESMDatagram
	case "transaction":
		sm.ESMClass = smpp.ESMTransaction
	default:
		return nil, invalidf("mode", "%q; there is store, datagram, transaction", in.Mode)
	}
	if sm.ValidityPeriod, err = moment("validity", in.Validity); err != nil {
		return nil, err
	}
	sm.ScheduleDeliveryTime, err = moment("schedule", in.Schedule)
	return sm, err
}

const mostAddress = 20 // SMPP 3.4 §5.2.8

// address reads a number, a short code or a name.
func address(field, text string) (smpp.Address, error) {
	switch {
	case text == "":
		return smpp.Address{}, nil
	case len(text) > mostAddress:
		return smpp.Address{}, invalidf(field, "has at most %d characters", mostAddress)
	case strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c > '~' }):
		return smpp.Address{}, invalidf(field, "is a number, or a name in ASCII")
	}
	if number, err := gateway.ParseMSISDN(text); err == nil {
		return smpp.Address{TON: smpp.TONInternational, NPI: smpp.NPIISDN, Digits: number.String()}, nil
	}
	if strings.Trim(text, "0123456789*#") == "" {
		return smpp.Address{TON: smpp.TONNetwork, NPI: smpp.NPIUnknown, Digits: text}, nil
	}
	return smpp.Address{TON: smpp.TONAlphanumeric, NPI: smpp.NPIUnknown, Digits: text}, nil
}

// moment reads a duration or an instant, as SMPP 3.4 §7.1.1 has them.
func moment(field, text string) (string, error) {
	if text == "" {
		return "", nil
	}
	if d, err := time.ParseDuration(text); err == nil && d >= time.Second && d <= 99*24*time.Hour {
		return smpp.After(d).String(), nil
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil && t.Year() >= 2000 && t.Year() < 2100 {
		return smpp.Time{Absolute: t}.String(), nil
	}
	return "", invalidf(field, "%q is neither a time from 1s to 2376h nor one such as 2026-01-31T12:00:00Z", text)
}

// content is what a message says, as long as it takes.
func (in *NewMessage) content(alphabet tpdu.Alphabet) (tpdu.Segment, error) {
	switch {
	case in.Text != "" && in.Data != "":
		return tpdu.Segment{}, invalidf("data", "text and data exclude each other")
	case in.Data != "":
		return in.binary()
	case in.Header:
		return tpdu.Segment{}, invalidf("header", "goes with data")
	}
	s, err := in.written(alphabet)
	s.Protocol = in.Protocol
	if errors.Is(err, tpdu.ErrCharacter) {
		return s, invalidf("text", "%v", err)
	}
	return s, err
}

func (in *NewMessage) binary() (tpdu.Segment, error) {
	data, err := hex.DecodeString(in.Data)
	if err != nil {
		return tpdu.Segment{}, invalidf("data", "is in hexadecimal: %v", err)
	}
	coding := tpdu.CodingOctets
	if in.Coding != nil {
		coding = *in.Coding
	}
	s, err := tpdu.ParseMessage(in.Protocol, coding, in.Header, data)
	if err != nil {
		return s, invalidf("data", "%v", err)
	}
	return s, nil
}

// written is a text as it is written: in the alphabet of its coding, or else in the
// smallest, data_coding 0 being the account's default alphabet.
func (in *NewMessage) written(standard tpdu.Alphabet) (tpdu.Segment, error) {
	if in.Coding == nil {
		w := tpdu.Smallest(in.Text)
		if w.Alphabet == tpdu.GSM7 && standard != tpdu.GSM7 {
			return latin(in.Text)
		}
		return tpdu.Compose(in.Text, w)
	}
	a := tpdu.AlphabetOf(*in.Coding)
	if *in.Coding == tpdu.CodingDefault {
		a = standard
	}
	if a == tpdu.Octets {
		return tpdu.Segment{}, invalidf("coding", "%d is binary; give data instead of text", *in.Coding)
	}
	s, err := tpdu.Compose(in.Text, tpdu.Writing{Alphabet: a})
	s.Coding = *in.Coding
	return s, err
}

// latin writes a text without the GSM alphabet.
func latin(text string) (tpdu.Segment, error) {
	s, err := tpdu.Compose(text, tpdu.Writing{Alphabet: tpdu.Latin1})
	if errors.Is(err, tpdu.ErrCharacter) {
		return tpdu.Compose(text, tpdu.Writing{Alphabet: tpdu.UCS2})
	}
	return s, err
}

// carry puts a part into a submit_sm.
func carry(sm *smpp.SubmitSM, p tpdu.Part) error {
	data, err := p.UserData()
	if err != nil {
		return err
	}
	sm.ProtocolID, sm.DataCoding = p.Protocol, p.Coding
	if p.Indication() {
		sm.ESMClass |= smpp.ESMUDHI
	}
	sm.TLVs = nil
	if p.SAR != nil {
		sm.TLVs = append(sm.TLVs, smpp.Uint16TLV(smpp.TagSARMsgRefNum, p.SAR.Number),
			smpp.Uint8TLV(smpp.TagSARTotalSegments, p.SAR.Total), smpp.Uint8TLV(smpp.TagSARSegmentSeqnum, p.SAR.Part))
	}
	if p.Long {
		sm.TLVs = append(sm.TLVs, smpp.TLV{Tag: smpp.TagMessagePayload, Value: data})
		return nil
	}
	sm.ShortMessage = data
	return nil
}
