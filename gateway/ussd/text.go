package ussd

import (
	"unicode/utf8"

	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/tpdu"
)

// How much one USSD message holds: 160 octets, in which septets are packed
// (TS 23.038 §5 and §6.1.2.3).
const (
	MaxSeptets = 182 // GSM 7 bit; a character of the extension table takes two
	MaxUCS2    = 80  // UCS2; a character beyond its first plane takes two
)

// Data codings of TS 23.038 §5 that ESMEs send with USSD although SMPP 3.4 §5.2.19
// has others.
const (
	codingGSM7 = 0x0F // GSM 7 bit, language unspecified
	codingUCS2 = 0x48 // UCS2, no class
)

// CheckText says whether a text fits one USSD message: a *smpp.StatusError of
// ESME_RINVMSGLEN if not. Nothing is ever cut.
func CheckText(text string) error {
	_, _, err := encodeText(text)
	return err
}

// encodeText writes a text in the alphabet that takes it, with its data_coding.
func encodeText(text string) (octets []byte, coding uint8, err error) {
	if !utf8.ValidString(text) {
		return nil, 0, refuse(smpp.RSUBMITFAIL, "short_message")
	}
	a := tpdu.Choose(text)
	octets, err = tpdu.Encode(text, a)
	if err != nil {
		return nil, 0, refuse(smpp.RSUBMITFAIL, "short_message")
	}
	if tooLong(octets, a) {
		return nil, 0, refuse(smpp.RINVMSGLEN, "short_message")
	}
	return octets, a.Coding(), nil
}

// decodeText reads a text, whichever of the two ways its data_coding is of.
func decodeText(octets []byte, coding uint8) (string, error) {
	a := alphabet(coding)
	if a == tpdu.Octets {
		return "", refuse(smpp.RSUBMITFAIL, "data_coding")
	}
	if tooLong(octets, a) {
		return "", refuse(smpp.RINVMSGLEN, "short_message")
	}
	text, err := tpdu.Decode(octets, a)
	if err != nil {
		return "", refuse(smpp.RSUBMITFAIL, "short_message")
	}
	return text, CheckText(text) // Latin-1 may need more room on the air than here
}

func alphabet(coding uint8) tpdu.Alphabet {
	switch coding {
	case codingGSM7:
		return tpdu.GSM7
	case codingUCS2:
		return tpdu.UCS2
	default:
		return tpdu.AlphabetOf(coding)
	}
}

func tooLong(octets []byte, a tpdu.Alphabet) bool {
	if a == tpdu.UCS2 {
		return len(octets) > 2*MaxUCS2
	}
	return len(octets) > MaxSeptets
}

func refuse(s smpp.Status, field string) error { return &smpp.StatusError{Status: s, Field: field} }

// statusOf is the command_status to answer with.
func statusOf(err error) smpp.Status {
	if err == nil {
		return smpp.ROK
	}
	if e, ok := err.(*smpp.StatusError); ok { //nolint:errorlint // ours, never wrapped
		return e.Status
	}
	return smpp.RSYSERR
}
