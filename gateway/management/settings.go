package management

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/airtill/airtill/gateway/smsc"
	"github.com/airtill/airtill/gateway/tpdu"
	"github.com/airtill/airtill/gateway/ussd"
)

// Settings are an account's, as JSON has them: see smsc.Account. What is left out has
// its standard value.
type Settings struct {
	SystemID     string  `json:"system_id"`
	AddressRange string  `json:"address_range,omitempty"` // regular expression of the numbers it owns
	Kind         string  `json:"kind,omitempty"`          // application, subscribers, discard
	Window       int     `json:"window,omitempty"`
	SubmitWindow int     `json:"submit_window,omitempty"`
	Rate         float64 `json:"rate,omitempty"`
	Burst        int     `json:"burst,omitempty"`
	Binds        Binds   `json:"binds,omitzero"`
	Alphabet     string  `json:"alphabet,omitempty"` // gsm7, latin1
	IDs          string  `json:"ids,omitempty"`      // hex, decimal, hex-then-decimal, decimal-then-hex
	Sources      string  `json:"sources,omitempty"`
	Destinations string  `json:"destinations,omitempty"`
	HonourRange  bool    `json:"honour_range,omitempty"`
	Secured      bool    `json:"secured,omitempty"`
	DataSM       bool    `json:"data_sm,omitempty"`
	Outbind      string  `json:"outbind,omitempty"`
}

// Binds is how many sessions may be bound at a time; zero is no limit.
type Binds struct {
	All          int `json:"all,omitempty"`
	Transmitters int `json:"transmitters,omitempty"`
	Receivers    int `json:"receivers,omitempty"`
	Transceivers int `json:"transceivers,omitempty"`
}

// AccountFile is a file of accounts: {"accounts": [{"system_id": "app", "password": "secret"}]}.
type AccountFile struct {
	Accounts []FileAccount `json:"accounts"`
}

// FileAccount is an account in a file.
type FileAccount struct {
	Settings
	Password        Secret        `json:"password"`
	OutbindPassword Secret        `json:"outbind_password,omitempty"`
	USSD            *USSDSettings `json:"ussd,omitempty"`
}

// USSDSettings is how an account speaks USSD: see ussd.Account.
type USSDSettings struct {
	Dialect    string `json:"dialect,omitempty"` // spec, flag-ends, long-id, reference, no-id
	CodeInText bool   `json:"code_in_text,omitempty"`
	Address    string `json:"address,omitempty"`
}

var (
	kindNames     = []string{smsc.Auto: "", smsc.Application: "application", smsc.Subscribers: "subscribers", smsc.Discard: "discard"}
	idNames       = []string{smsc.HexIDs: "hex", smsc.DecimalIDs: "decimal", smsc.HexThenDecimal: "hex-then-decimal", smsc.DecimalThenHex: "decimal-then-hex"}
	alphabetNames = []string{tpdu.GSM7: "gsm7", tpdu.Latin1: "latin1"}
)

func settingsOf(a *smsc.Account) Settings {
	kind := a.Kind
	if a.AddressRange == "" {
		kind = smsc.Application // that owns nothing, and so has no phones
	}
	return Settings{
		SystemID: a.SystemID, AddressRange: a.AddressRange, Kind: kindNames[kind], Window: a.Window,
		SubmitWindow: a.SubmitWindow, Rate: round(a.Rate), Burst: a.Burst, Binds: Binds(a.Binds),
		Alphabet: alphabetNames[a.Alphabet], IDs: idNames[a.IDs], Sources: a.Sources, Destinations: a.Destinations,
		HonourRange: a.HonourRange, Secured: a.Secured, DataSM: a.DataSM, Outbind: a.Outbind,
	}
}

// round cuts what a rate lost in being kept as an interval.
func round(rate float64) float64 { return math.Round(rate*1000) / 1000 }

// account is what settings mean to the SMSC.
func (s *Settings) account() (smsc.Account, error) {
	a := smsc.Account{
		SystemID: s.SystemID, AddressRange: s.AddressRange, Window: s.Window, SubmitWindow: s.SubmitWindow,
		Rate: s.Rate, Burst: s.Burst, Binds: smsc.Binds(s.Binds), Sources: s.Sources, Destinations: s.Destinations,
		HonourRange: s.HonourRange, Secured: s.Secured, DataSM: s.DataSM, Outbind: s.Outbind,
	}
	kind, err1 := choose("kind", s.Kind, kindNames)
	ids, err2 := choose("ids", s.IDs, idNames)
	alphabet, err3 := choose("alphabet", s.Alphabet, alphabetNames)
	a.Kind, a.IDs, a.Alphabet = smsc.Kind(kind), smsc.IDStyle(ids), tpdu.Alphabet(alphabet)
	return a, errors.Join(err1, err2, err3)
}

// choose is a name's place among names; the first, if there is none.
func choose(field, name string, names []string) (uint8, error) {
	if name == "" {
		return 0, nil
	}
	i := slices.Index(names, name)
	if i < 0 {
		return 0, fmt.Errorf("%s: %q; there is %s", field, name, strings.TrimPrefix(strings.Join(names, ", "), ", "))
	}
	return uint8(i), nil //nolint:gosec // few names
}

// maxFile bounds a file of accounts.
const maxFile = 4 << 20

// ReadAccounts reads a file of accounts, in which nothing is unknown, and how they
// speak USSD by their system_id.
func ReadAccounts(r io.Reader) ([]smsc.Account, map[string]ussd.Account, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFile))
	if err != nil {
		return nil, nil, fmt.Errorf("accounts: %w", err)
	}
	var f AccountFile
	if err := decode(text, &f); err != nil {
		p := problemOf(err)
		return nil, nil, fmt.Errorf("accounts: %s", strings.TrimPrefix(p.Field+": "+p.Detail, ": "))
	}
	var all []smsc.Account
	dialects := make(map[string]ussd.Account)
	for i := range f.Accounts {
		a, err := f.Accounts[i].account()
		if err != nil {
			return nil, nil, fmt.Errorf("accounts: account %q: %w", f.Accounts[i].SystemID, err)
		}
		a.Password, a.OutbindPassword = string(f.Accounts[i].Password), string(f.Accounts[i].OutbindPassword)
		all = append(all, a)
		if u := f.Accounts[i].USSD; u != nil {
			if dialects[a.SystemID], err = u.account(); err != nil {
				return nil, nil, fmt.Errorf("accounts: account %q: ussd: %w", a.SystemID, err)
			}
		}
	}
	return all, dialects, nil
}

func (u *USSDSettings) account() (ussd.Account, error) {
	var names []string
	for _, d := range ussd.Dialects() {
		names = append(names, d.String())
	}
	dialect, err := choose("dialect", u.Dialect, names)
	return ussd.Account{Dialect: ussd.Dialect(dialect), CodeInText: u.CodeInText, Address: u.Address}, err
}

// Secret is a password in a file. It prints as a mask.
type Secret string

const secretMask = "[password]"

// String implements fmt.Stringer with a mask.
func (Secret) String() string { return secretMask }

// GoString implements fmt.GoStringer with a mask.
func (Secret) GoString() string { return secretMask }

// Format implements fmt.Formatter with a mask, whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(secretMask)) }

// MarshalText implements encoding.TextMarshaler with a mask.
func (Secret) MarshalText() ([]byte, error) { return []byte(secretMask), nil }
