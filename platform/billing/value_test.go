package billing

import (
	"testing"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform/keys"
)

// meaning is what an effect comes to for who performs it, in JSON.
func meaning(v keys.Module, e engine.Effect) (text string, err error) {
	var value any
	switch e.Kind {
	case EffectOpen:
		var in Open
		in, err = (&Effects{Service: &Service{config: Config{Vault: v}}}).readOpen(e)
		in.Looked = in.Made // as it is performed
		value = in
	case EffectPush, EffectResult, EffectKeys:
		value, err = OpenPhoneMessage(v, e)
	case EffectCallback:
		var c Callback
		c, err = OpenCallback(e)
		value = []any{c, c.ID()}
	case EffectSweep:
		value, err = valueOf[ApplySweep](e)
	default:
		value = string(e.Body)
	}
	return encode(value), err
}

// agree holds what an effect says as it was made against what its body says, as the
// journal has it after a restart.
func (b *bank) agree(made engine.Effect) {
	b.t.Helper()
	kept := made
	kept.Value = nil
	one, err := meaning(b.config.Vault, made)
	if err != nil {
		b.t.Fatalf("effect %s: %v", made.ID, err)
	}
	other, err := meaning(b.config.Vault, kept)
	if err != nil {
		b.t.Fatalf("effect %s as it is kept: %v", made.ID, err)
	}
	if one != other {
		b.t.Fatalf("effect %s says\n%s\nand as it is kept\n%s", made.ID, one, other)
	}
}

// TestUnreadableEffects: a body that cannot be read is an error, of any kind.
func TestUnreadableEffects(t *testing.T) {
	for _, kind := range []string{EffectOpen, EffectPush, EffectCallback, EffectSweep} {
		if text, err := meaning(vault(), engine.Effect{ID: "x", Kind: kind, Body: []byte(`[`)}); err == nil {
			t.Errorf("%s: an unreadable body says %s", kind, text)
		}
	}
}
