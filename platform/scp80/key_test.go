package scp80

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rs/zerolog"
)

// holder has keys where package fmt does not call methods.
type holder struct {
	Open    Keys
	hidden  Keys
	channel *Channel
}

// A key prints as a mask in every way there is (architecture.md 5, rule 9).
func TestKeysNeverPrint(t *testing.T) {
	const text = "k0123456789abcdef0123456789abcde"
	keys := keysOf([]byte(text), []byte(text))
	c, err := NewChannel(Modern.Profile(MO, 1), keys)
	if err != nil {
		t.Fatal(err)
	}
	h := holder{Open: keys, hidden: keys, channel: c}
	for _, v := range []any{keys, &keys, keys.KIc, &keys.KIc, h, &h, *h.channel, c, c.frame, c.frame.mac, []any{h}, map[string]Keys{"k": keys}} {
		var log bytes.Buffer
		logger := zerolog.New(&log)
		logger.Info().Interface("v", v).Any("w", v).Err(fmt.Errorf("with %v", v)).Msgf("%+v", v)
		checkMasked(t, text, log.String())
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%q", "%d", "%t"} {
			checkMasked(t, text, fmt.Sprintf(verb, v))
		}
		if b, err := json.Marshal(v); err == nil {
			checkMasked(t, text, string(b))
		}
		checkMasked(t, text, errors.Join(fmt.Errorf("%v", v)).Error())
	}
	if keys.KIc.String() != mask || keys.KIc.GoString() != mask {
		t.Error("String is not the mask")
	}
}

func checkMasked(t *testing.T, secret, printed string) {
	t.Helper()
	for _, form := range []string{secret, fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret), strings.Trim(fmt.Sprint([]byte(secret)), "[]")} {
		if strings.Contains(printed, form[:len(form)/2]) {
			t.Errorf("a key shows in %q", printed)
		}
	}
}

func TestKeyEqual(t *testing.T) {
	a, b := NewKey[MACKey]([]byte("one")), NewKey[MACKey]([]byte("two"))
	if !a.Equal(NewKey[MACKey]([]byte("one"))) || a.Equal(b) || a.Equal(MACKey{}) || !(MACKey{}).IsZero() || a.IsZero() {
		t.Error("keys do not compare by their octets")
	}
	octets := a.Reveal()
	octets[0] = 'x'
	if !bytes.Equal(a.Reveal(), []byte("one")) {
		t.Error("Reveal is not a copy")
	}
}
