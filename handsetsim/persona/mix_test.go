package persona_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/airtill/airtill/handsetsim/persona"
)

func TestMix(t *testing.T) {
	m, err := persona.ParseMix("pays=90, refuses=7,never=3,away=0")
	if err != nil || m.String() != "pays=90,refuses=7,never=3,away=0" {
		t.Fatalf("%s, %v", m, err)
	}
	drawn := map[persona.Kind]int{}
	r := rand.New(rand.NewPCG(1, 2))
	for range 10000 {
		drawn[m.Draw(r)]++
	}
	for kind, want := range map[persona.Kind]int{persona.Pays: 9000, persona.Refuses: 700, persona.Never: 300, persona.Away: 0} {
		if got := drawn[kind]; got < want*8/10 || got > want*12/10 {
			t.Errorf("%s was drawn %d times of 10000, want about %d", kind, got, want)
		}
	}
	if (persona.Mix{}).Draw(r) != persona.Pays || (persona.Mix{}).String() != "pays=1" {
		t.Error("the zero mix is not of people who pay")
	}
}

func TestParseMix_Faults(t *testing.T) {
	for text, want := range map[string]string{
		"": "write it as", "pays": "write it as", "pays=1,": "write it as", "rich=1": "no persona", "pays=-1": "whole number", "pays=x": "whole number",
		"pays=9999999": "whole number", "pays=1,pays=2": "twice", "pays=0,never=0": "all weights are 0",
	} {
		if _, err := persona.ParseMix(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
