package tpdu

import "fmt"

// Language is a National Language Identifier: whose shift tables a text is written
// with (TS 23.038 §6.2.1.2.4).
type Language uint8

// The languages of TS 23.038 §6.2.1.2.4. DefaultLanguage stands for the GSM 7 bit
// default alphabet and its extension table. Spanish has a single shift table only.
const (
	DefaultLanguage Language = iota
	Turkish
	Spanish
	Portuguese
	Bengali // and Assamese
	Gujarati
	Hindi
	Kannada
	Malayalam
	Oriya
	Punjabi
	Tamil
	Telugu
	Urdu

	languages = iota // how many there are, the default included
)

var languageNames = [languages]string{
	"default", "Turkish", "Spanish", "Portuguese", "Bengali", "Gujarati", "Hindi", "Kannada", "Malayalam", "Oriya", "Punjabi",
	"Tamil", "Telugu", "Urdu",
}

func (l Language) String() string {
	if l < languages {
		return languageNames[l]
	}
	return fmt.Sprintf("language %d", uint8(l))
}

// Shift is the tables that septets are read with (TS 23.038 §6.2.1.2). The zero Shift
// is the GSM 7 bit default alphabet and its extension table.
type Shift struct {
	Locking Language // in place of the default alphabet
	Single  Language // in place of the extension table
}

func (s Shift) String() string {
	return fmt.Sprintf("locking shift %s, single shift %s", s.Locking, s.Single)
}

// Header announces the tables: an element for each that is not the default one, in
// every part of the message (TS 23.040 §9.2.3.24.15, .16).
func (s Shift) Header() Header {
	var h Header
	if s.Single != DefaultLanguage {
		h = append(h, Element{ElementSingleShift, []byte{byte(s.Single)}})
	}
	if s.Locking != DefaultLanguage {
		h = append(h, Element{ElementLockingShift, []byte{byte(s.Locking)}})
	}
	return h
}

// hasLocking tells whether the language has a locking shift table (TS 23.038 §A.3).
func (l Language) hasLocking() bool { return l < languages && l != Spanish }

// check refuses tables that there are not.
func (s Shift) check() error {
	if !s.Locking.hasLocking() || s.Single >= languages {
		return fmt.Errorf("%s: no such table", s)
	}
	return nil
}

// Shift reads which tables the septets are written with. An element with a language
// that has no such table is ignored, and of several the last one counts (TS 23.038
// §6.2.1.2.4, TS 23.040 §9.2.3.24).
func (h Header) Shift() Shift {
	var s Shift
	for _, e := range h {
		if len(e.Data) != 1 {
			continue
		}
		switch l := Language(e.Data[0]); {
		case e.ID == ElementSingleShift && l < languages:
			s.Single = l
		case e.ID == ElementLockingShift && l.hasLocking():
			s.Locking = l
		}
	}
	return s
}
