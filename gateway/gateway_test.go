package gateway

import (
	"errors"
	"testing"
)

func TestParseMSISDN(t *testing.T) {
	tests := []struct {
		in   string
		want MSISDN
		ok   bool
	}{
		{"8613800000001", "8613800000001", true},
		{"+8613800000001", "8613800000001", true},
		{"1234567", "1234567", true},                 // shortest
		{"123456789012345", "123456789012345", true}, // E.164 §6.2.1: 15 at most
		{"123456", "", false},
		{"1234567890123456", "", false},
		{"0138000000001", "", false},
		{"++8613800000001", "", false},
		{"86 138 0000 0001", "", false},
		{"861380000000١", "", false}, // a digit, but not ASCII
		{"", "", false},
		{"+", "", false},
	}
	for _, tt := range tests {
		got, err := ParseMSISDN(tt.in)
		if got != tt.want || (err == nil) != tt.ok {
			t.Errorf("ParseMSISDN(%q) = %q, %v; want %q, ok %t", tt.in, got, err, tt.want, tt.ok)
		}
		if err != nil && !errors.Is(err, ErrMSISDN) {
			t.Errorf("ParseMSISDN(%q): %v is not ErrMSISDN", tt.in, err)
		}
	}
}

func TestMasked(t *testing.T) {
	for in, want := range map[MSISDN]string{
		"8613800000001": "861*****0001",
		"1234567":       "*****67",
		"12345":         "*****",
		"":              "*****",
	} {
		if got := in.Masked(); got != want {
			t.Errorf("%q.Masked() = %q, want %q", string(in), got, want)
		}
	}
}

// SMPP 3.4 §5.2.28 and appendix B, table B-2.
func TestMessageState(t *testing.T) {
	words := []string{"ENROUTE", "DELIVRD", "EXPIRED", "DELETED", "UNDELIV", "ACCEPTD", "UNKNOWN", "REJECTD"}
	for i, word := range words {
		s := MessageState(i + 1)
		if s.String() != word {
			t.Errorf("state %d is %s, want %s", i+1, s, word)
		}
		if got, err := ParseMessageState(word); got != s || err != nil {
			t.Errorf("ParseMessageState(%s) = %v, %v", word, got, err)
		}
		if want := s != Enroute && s != Accepted; s.Final() != want {
			t.Errorf("%s.Final() = %t", s, s.Final())
		}
	}
	if _, err := ParseMessageState("delivrd"); err != nil {
		t.Errorf("lower case: %v", err)
	}
	if _, err := ParseMessageState("GONE"); !errors.Is(err, ErrState) {
		t.Errorf("GONE: %v, want ErrState", err)
	}
}
