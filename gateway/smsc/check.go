package smsc

import (
	"fmt"

	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/tpdu"
)

// check refuses what an account may not send, each with its own status, and fills in
// what it left to the SMSC: its own number, a canned text.
func (a *account) check(sm *smpp.SubmitSM) smpp.Status {
	if status := a.server.fillCanned(sm, a.Alphabet); status != smpp.ROK {
		return status
	}
	if status := checkFields(sm); status != smpp.ROK {
		return status
	}
	if sm.Source.Digits == "" {
		sm.Source.Digits = a.number // §5.2.8: the SMSC knows who an ESME with a NULL source is
	}
	if a.sources != nil && !a.sources.MatchString(sm.Source.Digits) {
		return smpp.RINVSRCADR
	}
	if a.destinations != nil && !a.destinations.MatchString(sm.Destination.Digits) {
		return smpp.RINVDSTADR
	}
	return smpp.ROK
}

// checkFields refuses fields that no message may have.
func checkFields(sm *smpp.SubmitSM) smpp.Status {
	payload := false
	if len(sm.TLVs) > 0 {
		_, payload = sm.TLVs.Get(smpp.TagMessagePayload)
	}
	switch {
	case payload && len(sm.ShortMessage) > 0: // §3.2.3: one or the other
		return smpp.ROPTPARNOTALLWD
	case sm.PriorityFlag > 3: // §5.2.14
		return smpp.RINVPRTFLG
	case sm.ReplaceIfPresent > 1: // §5.2.18
		return smpp.RINVREPFLAG
	case sm.ESMClass&smpp.ESMUDHI != 0 && !headerFits(sm.UserData()): // §5.2.12
		return smpp.RINVESMCLASS
	}
	return smpp.ROK
}

// headerFits says whether user data begins with a header of the length it claims,
// TS 23.040 §9.2.3.24.
func headerFits(data []byte) bool { return len(data) > 0 && int(data[0]) < len(data) }

// mayReach says whether an account may send a message to another one's numbers.
func (a *account) mayReach(to *account, sm *smpp.SubmitSM) smpp.Status {
	switch {
	case to == nil:
		return smpp.RINVDSTADR
	case to.Kind == Subscribers && !a.Secured && !a.server.config.OpenCards && forCard(sm):
		return smpp.RSUBMITFAIL
	}
	return smpp.ROK
}

// forCard says whether a message is for the card of a subscriber, not the person: SIM
// data download (TS 23.040 §9.2.3.9, TS 23.038 §4), or a secured packet (TS 31.115 §4).
// Attacks on cards come this way, so that operators let nobody else send it.
func forCard(sm *smpp.SubmitSM) bool {
	if sm.ProtocolID == smpp.PIDSIMDownload || classTwo(sm.DataCoding) {
		return true
	}
	return sm.ESMClass&smpp.ESMUDHI != 0 && headerHasPacket(sm.UserData())
}

// classTwo says whether a data_coding is of 8-bit data for the card: in the groups of
// general data coding and of message classes, TS 23.038 §4.
func classTwo(coding uint8) bool {
	const (
		general, generalMask = 0x16, 0xDF // 00x1 01 10, compressed or not
		class, classMask     = 0xF6, 0xF7 // 1111 x1 10
	)
	return coding&generalMask == general || coding&classMask == class
}

// headerHasPacket looks for the mark of a command or response packet in a user data
// header. It reads what a header that contradicts itself has.
func headerHasPacket(data []byte) bool {
	if len(data) == 0 {
		return false
	}
	header := data[1:min(len(data), 1+int(data[0]))]
	for len(header) >= 2 {
		id := tpdu.ElementID(header[0])
		if id == tpdu.ElementCommand || id == tpdu.ElementResponse {
			return true
		}
		header = header[min(len(header), 2+int(header[1])):]
	}
	return false
}

// inAlphabet says a text in the default alphabet of whom it goes to: data_coding 0
// means another one there.
func inAlphabet(sm *smpp.SubmitSM, from, to tpdu.Alphabet) {
	if from == to || sm.DataCoding != smpp.CodingDefault || sm.ESMClass&smpp.ESMUDHI != 0 {
		return
	}
	if from == tpdu.Latin1 {
		sm.DataCoding = smpp.CodingLatin1
		return
	}
	words, err := tpdu.Decode(sm.UserData(), from)
	if err != nil {
		return
	}
	text, err := tpdu.Encode(words, tpdu.Latin1)
	coding := smpp.CodingLatin1
	if err != nil {
		text, err = tpdu.Encode(words, tpdu.UCS2)
		coding = smpp.CodingUCS2
	}
	if err == nil && setText(sm, text) {
		sm.DataCoding = coding
	}
}

// setText puts another text into a message, where the old one was. It is false if it
// does not fit.
func setText(sm *smpp.SubmitSM, text []byte) bool {
	for i := range sm.TLVs {
		if sm.TLVs[i].Tag == smpp.TagMessagePayload {
			sm.TLVs[i].Value = text
			return true
		}
	}
	if len(text) > smpp.MaxShortMessage {
		return false
	}
	sm.ShortMessage = text
	return true
}

// canned is a text that a message may name, in each default alphabet.
type canned struct {
	text   map[tpdu.Alphabet][]byte
	coding map[tpdu.Alphabet]uint8
}

// validateCanned says which canned text no message can have.
func (c *Config) validateCanned() error {
	for id, text := range c.Canned {
		if id == 0 || id == 255 { // SMPP 3.4 §5.2.20
			return fmt.Errorf("smsc: config: canned text %d: ids are 1 to 254", id)
		}
		for _, a := range []tpdu.Alphabet{tpdu.GSM7, tpdu.Latin1} {
			if octets, _, err := encodeText(text, a); err != nil || len(octets) > smpp.MaxShortMessage {
				return fmt.Errorf("smsc: config: canned text %d: it does not fit a short message", id)
			}
		}
	}
	return nil
}

// encodeText writes a text in an account's default alphabet, else in UCS2.
func encodeText(text string, a tpdu.Alphabet) (octets []byte, coding uint8, err error) {
	if octets, err = tpdu.Encode(text, a); err == nil {
		return octets, smpp.CodingDefault, nil
	}
	octets, err = tpdu.Encode(text, tpdu.UCS2)
	return octets, smpp.CodingUCS2, err
}

func (c *Config) encodeCanned() map[uint8]canned {
	all := make(map[uint8]canned, len(c.Canned))
	for id, text := range c.Canned {
		t := canned{make(map[tpdu.Alphabet][]byte), make(map[tpdu.Alphabet]uint8)}
		for _, a := range []tpdu.Alphabet{tpdu.GSM7, tpdu.Latin1} {
			t.text[a], t.coding[a], _ = encodeText(text, a) // validated
		}
		all[id] = t
	}
	return all
}

// fillCanned puts the text in that sm_default_msg_id names, SMPP 3.4 §5.2.20.
func (s *Server) fillCanned(sm *smpp.SubmitSM, a tpdu.Alphabet) smpp.Status {
	if sm.SMDefaultMsgID == 0 {
		return smpp.ROK
	}
	t, ok := s.canned[sm.SMDefaultMsgID]
	if !ok {
		return smpp.RINVDFTMSGID
	}
	sm.ShortMessage, sm.DataCoding = t.text[a], t.coding[a]
	sm.ESMClass &^= smpp.ESMUDHI
	return smpp.ROK
}
