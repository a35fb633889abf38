package keys

import (
	"errors"
	"strings"
	"testing"
)

func TestTextsAtRest(t *testing.T) {
	v := generate(t, 1)
	for _, plain := range []string{"", "8613800000001", "张伟", strings.Repeat("long ", 100)} {
		sealed := v.SealText("phone", plain)
		if got, err := v.OpenText("phone", sealed); err != nil || got != plain {
			t.Errorf("%q: %q, %v", plain, got, err)
		}
		if sealed != v.SealText("phone", plain) || !strings.HasPrefix(sealed, "sealed:") || plain != "" && strings.Contains(sealed, plain) {
			t.Errorf("%q is sealed as %q", plain, sealed)
		}
		if sealed == v.SealText("name", plain) || sealed == generate(t, 2).SealText("phone", plain) {
			t.Errorf("%q of another kind or vault looks the same", plain)
		}
	}
	if v.SealText("phone", "8613800000001")[:20] == v.SealText("phone", "8613800000002")[:20] {
		t.Error("texts of the same beginning look the same")
	}
}

func TestOpenTextRefuses(t *testing.T) {
	v := generate(t, 1)
	sealed := v.SealText("phone", "8613800000001")
	for name, c := range map[string]struct{ kind, sealed string }{
		"kind": {"name", sealed}, "empty": {"phone", ""}, "plain": {"phone", "8613800000001"}, "mark alone": {"phone", "sealed:"},
		"cut": {"phone", sealed[:len(sealed)-2]}, "longer": {"phone", sealed + "AAAA"}, "newline": {"phone", sealed + "\n"},
		"vault": {"phone", generate(t, 2).SealText("phone", "8613800000001")},
	} {
		if got, err := v.OpenText(c.kind, c.sealed); !errors.Is(err, errAtRest) || got != "" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for i := len(textMark); i < len(sealed); i++ {
		changed := []byte(sealed)
		changed[i] = map[bool]byte{true: 'B', false: 'A'}[changed[i] == 'A']
		if _, err := v.OpenText("phone", string(changed)); !errors.Is(err, errAtRest) {
			t.Fatalf("changed at %d: %v", i, err)
		}
	}
}

func FuzzOpenText(f *testing.F) {
	v := generate(f, 1)
	f.Add("phone", v.SealText("phone", "8613800000001"))
	f.Add("", "sealed:")
	f.Fuzz(func(t *testing.T, kind, sealed string) {
		plain, err := v.OpenText(kind, sealed)
		if err == nil && v.SealText(kind, plain) != sealed {
			t.Errorf("%q opens as %q, which is sealed otherwise", sealed, plain)
		}
	})
}
