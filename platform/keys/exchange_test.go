package keys

import (
	"bytes"
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"github.com/airtill/airtill/platform/keys/tr31"
	"github.com/airtill/airtill/platform/scp80"
)

// X9.24-1 annex A, X9.143: the vectors whose kind Airtill makes.
func TestCheckValueVectors(t *testing.T) {
	needsTDEA(t)
	used := 0
	for _, v := range vectors(t).KCV {
		var a algorithm
		switch {
		case strings.HasPrefix(v.Alg, "TDEA"):
			a = tdea2
		case strings.HasPrefix(v.Alg, "AES, CMAC"):
			a = aes256
		default:
			continue // kinds that are not to be used for new keys, or are a card's
		}
		used++
		c, err := checkValue(a, v.Key)
		if err != nil || c.Value != v.KCV || !c.matches(strings.ToLower(v.KCV)) {
			t.Errorf("%s: %v, %v", v.Alg, c, err)
		}
	}
	if used != 2 {
		t.Errorf("%d vectors used", used)
	}
}

// Every key is listed with a check value of its own; the values of two vaults differ.
func TestKeysList(t *testing.T) {
	needsTDEA(t)
	seen := make(map[string]Slot)
	for seed := range byte(2) {
		all := generate(t, seed).Keys()
		if len(all) != 17 {
			t.Errorf("%d keys", len(all))
		}
		for _, k := range all {
			want := 10
			if k.Kind == KindTDEA {
				want = 6
			}
			if len(k.Value) != want || seen[k.Value] != "" {
				t.Errorf("%s: %s, the same as %s", k.Key, k.CheckValue, seen[k.Value])
			}
			seen[k.Value] = k.Key
		}
	}
}

var kbpk = scp80.NewKey[tr31.ProtectionKey](bytes.Repeat([]byte{0x5A}, 32))

// valueOf is a key's check value as the vault lists it.
func valueOf(t testing.TB, v *Vault, key Slot) string {
	t.Helper()
	for _, k := range v.Keys() {
		if k.Key == key {
			return k.Value
		}
	}
	t.Fatalf("no key %s", key)
	return ""
}

func export(t *testing.T, v *Vault, key Slot, x tr31.Exportability) string {
	t.Helper()
	block, err := v.Export(ada, Outgoing{Key: key, KBPK: kbpk, Exportability: x}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return block
}

// Every exchanged key goes from one vault to another in its block, and fits nowhere else.
func TestExportAndImport(t *testing.T) {
	needsTDEA(t)
	from, to := generate(t, 1), generate(t, 2)
	var exchanged []Slot
	for _, k := range from.Keys() {
		if k.Usage != "" {
			exchanged = append(exchanged, k.Key)
		}
	}
	if len(exchanged) != 12 {
		t.Fatalf("%d keys are exchanged", len(exchanged))
	}
	for _, key := range exchanged {
		block := export(t, from, key, tr31.Exportable)
		for _, other := range exchanged {
			if other == key {
				continue
			}
			in := Incoming{Key: other, KBPK: kbpk, Block: block, Replaces: valueOf(t, to, other)}
			if _, err := to.Import(bob, in); !errors.Is(err, ErrUnfit) {
				t.Errorf("%s in the place of %s: %v", key, other, err)
			}
		}
		c, err := to.Import(bob, Incoming{Key: key, KBPK: kbpk, Block: block, Replaces: valueOf(t, to, key)})
		if err != nil || c.Value != valueOf(t, from, key) || c.Value != valueOf(t, to, key) {
			t.Errorf("%s: %v, %v", key, c, err)
		}
		log := to.Log()
		if last := log[len(log)-1]; last.Did != "import" || len(last.Keys) != 1 || last.Keys[0] != (Checked{key, c.Value}) {
			t.Errorf("%s: the log says %+v", key, last)
		}
	}
	a, _ := from.MO(legacy(element))
	b, err := to.MO(legacy(element))
	if err != nil || !a.KIc.Equal(b.KIc) {
		t.Errorf("the imported keys derive others, %v", err)
	}
}

// What stays: keys that only their own vault has a use for, and keys that came as such.
func TestExportRefuses(t *testing.T) {
	v := generate(t, 1)
	for _, key := range []Slot{"pin", "token", "fingerprint", "rest"} {
		if block, err := v.Export(ada, Outgoing{Key: key, KBPK: kbpk, Exportability: "E"}, rand.Reader); !errors.Is(err, ErrNotExchanged) || block != "" {
			t.Errorf("%s: %v", key, err)
		}
	}
	if _, err := v.Export(ada, Outgoing{Key: "branch", KBPK: kbpk, Exportability: "E"}, rand.Reader); !errors.Is(err, ErrSlot) {
		t.Errorf("branch: %v", err)
	}
	block := export(t, v, "dukpt/modern", tr31.NonExportable)
	if _, err := v.Import(ada, Incoming{"dukpt/modern", kbpk, block, valueOf(t, v, "dukpt/modern")}); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Export(ada, Outgoing{Key: "dukpt/modern", KBPK: kbpk, Exportability: "E"}, rand.Reader); !errors.Is(err, ErrNotExportable) {
		t.Errorf("not exportable: %v", err)
	}
	weak := scp80.NewKey[tr31.ProtectionKey](make([]byte, 16))
	if _, err := v.Export(ada, Outgoing{Key: "card/modern", KBPK: weak, Exportability: "E"}, rand.Reader); !errors.Is(err, tr31.ErrProtection) {
		t.Errorf("AES-256 under AES-128: %v", err)
	}
}

// A block that says other than its place wants is refused before its key is opened.
func TestImportRefuses(t *testing.T) {
	v := generate(t, 1)
	good := v.current.Load().modern.card.Reveal()
	header := tr31.Header{Version: tr31.VersionD, Usage: "D0", Algorithm: "A", Mode: "B", KeyVersion: "00", Exportability: "E"}
	for name, c := range map[string]struct {
		change   func(*tr31.Header)
		key      []byte
		replaces string
		want     error
	}{
		"usage":                    {func(h *tr31.Header) { h.Usage = "P0" }, good, "", ErrUnfit},
		"algorithm":                {func(h *tr31.Header) { h.Algorithm = "T" }, good[:16], "", ErrUnfit},
		"mode":                     {func(h *tr31.Header) { h.Mode = "E" }, good, "", ErrUnfit},
		"any mode":                 {func(h *tr31.Header) { h.Mode = "N" }, good, "", ErrUnfit},
		"short key":                {func(*tr31.Header) {}, good[:16], "", ErrUnfit},
		"another label":            {func(h *tr31.Header) { h.Optional = []tr31.Field{{ID: "LB", Data: "airtill:kic/modern/1"}} }, good, "", ErrUnfit},
		"old KCV":                  {func(*tr31.Header) {}, good, "0000000000", ErrCheckValue},
		"a label of somebody else": {func(h *tr31.Header) { h.Optional = []tr31.Field{{ID: "LB", Data: "card key"}} }, good, "", nil},
	} {
		h := header
		c.change(&h)
		block, err := tr31.Seal(kbpk, h, scp80.NewKey[tr31.Key](c.key), rand.Reader)
		if err != nil {
			t.Fatal(name, err)
		}
		if c.replaces == "" {
			c.replaces = valueOf(t, v, "card/modern")
		}
		if _, err := v.Import(ada, Incoming{"card/modern", kbpk, block, c.replaces}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	block := export(t, v, "card/modern", "E")
	other := scp80.NewKey[tr31.ProtectionKey](make([]byte, 32))
	if _, err := v.Import(ada, Incoming{"card/modern", other, block, valueOf(t, v, "card/modern")}); !errors.Is(err, tr31.ErrAuthentication) {
		t.Errorf("another protection key: %v", err)
	}
	if _, err := v.Import(ada, Incoming{"card/modern", kbpk, "none", ""}); !errors.Is(err, tr31.ErrBlock) {
		t.Errorf("no block: %v", err)
	}
}

// A block of a payShield, with a legacy base key of mode N that is not to go on, finds
// its place; one of version B of the wrong usage and one for a modern key do not.
func TestImportFromOutside(t *testing.T) {
	needsTDEA(t)
	v := generate(t, 1)
	shield := Incoming{
		Key: "dukpt/legacy", KBPK: scp80.NewKey[tr31.ProtectionKey](bytes.Repeat([]byte{0x41}, 32)),
		Block:    "D0112B0TN00N000037DB9B046B7B0048785690759580ABC3B9842AB4BB7717B49E92528E575785D8123559376A2553B27BE94F054F4E971C",
		Replaces: valueOf(t, v, "dukpt/legacy"),
	}
	if _, err := v.Import(ada, shield); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Export(ada, Outgoing{"dukpt/legacy", kbpk, "E"}, rand.Reader); !errors.Is(err, ErrNotExportable) {
		t.Errorf("exported: %v", err)
	}
	b := "B0080P0TE00E000094B420079CC80BA3461F86FE26EFC4A3B8E4FA4C5F5341176EED7B727B8A248E"
	for _, key := range []Slot{"dukpt/legacy", "card/modern"} {
		if _, err := v.Import(ada, Incoming{Key: key, Block: b, Replaces: valueOf(t, v, key)}); !errors.Is(err, ErrUnfit) {
			t.Errorf("%s: %v", key, err)
		}
	}
	p, err := v.current.Load().place("card/modern")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.fits(tr31.Header{Version: "B", Usage: "D0", Algorithm: "A", Mode: "B"}); !errors.Is(err, ErrUnfit) {
		t.Errorf("a modern key under 3DES: %v", err)
	}
}

// half is an officer's component, with what is right to say of it.
func half(t testing.TB, v *Vault, key Slot, component []byte, whole string) Half {
	t.Helper()
	p, err := v.current.Load().place(key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := checkValue(p.algorithm, component)
	if err != nil {
		t.Fatal(err)
	}
	return Half{Key: key, Component: scp80.NewKey[Component](component), CheckValue: c.Value, Whole: whole, Replaces: valueOf(t, v, key)}
}

// Two officers make a key that neither knows: in runs of their own, all check values said.
func TestTwoComponents(t *testing.T) {
	needsTDEA(t)
	for key, n := range map[Slot]int{"dukpt/legacy": 16, "card/modern": 32, "kic/modern/1": 32} {
		path, v := create(t, Lock{})
		key1, key2 := bytes.Repeat([]byte{0x3A, 0x91}, n/2), bytes.Repeat([]byte{0x17}, n)
		whole := make([]byte, n)
		for i := range whole {
			whole[i] = key1[i] ^ key2[i]
		}
		whole[n-1] ^= 0xF0 // for the halves of the legacy key to differ
		key2[n-1] ^= 0xF0
		p, _ := v.current.Load().place(key)
		want, err := checkValue(p.algorithm, whole)
		if err != nil {
			t.Fatal(err)
		}
		give := func(by By, component []byte) (c CheckValue, done bool) {
			err := Edit(path, Lock{}, func(v *Vault) (err error) {
				c, done, err = v.Component(by, half(t, v, key, component, want.Value))
				return err
			})
			if err != nil {
				t.Fatal(key, err)
			}
			return c, done
		}
		if _, done := give(ada, key1); done {
			t.Error("done with one component")
		}
		if waiting, err := Load(path, Lock{}); err != nil || !listed(waiting, key).matchesWaiting("ada") {
			t.Errorf("%s: %+v, %v", key, listed(waiting, key), err)
		}
		if c, done := give(bob, key2); !done || c != want {
			t.Errorf("%s: %v, %v", key, c, done)
		}
		now, err := Load(path, Lock{})
		if err != nil || valueOf(t, now, key) != want.Value || listed(now, key).Waiting != "" {
			t.Errorf("%s is %s, %v", key, valueOf(t, now, key), err)
		}
	}
}

func listed(v *Vault, key Slot) Info {
	for _, k := range v.Keys() {
		if k.Key == key {
			return k
		}
	}
	return Info{}
}

func (i Info) matchesWaiting(who string) bool { return i.Waiting == who }

func TestComponentRefuses(t *testing.T) {
	v := generate(t, 1)
	one, two := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	whole, err := checkValue(aes256, bytes.Repeat([]byte{3}, 32))
	if err != nil {
		t.Fatal(err)
	}
	good := func(component []byte) Half { return half(t, v, "card/modern", component, whole.Value) }
	change := func(c []byte, f func(*Half)) Half {
		h := good(c)
		f(&h)
		return h
	}
	before := valueOf(t, v, "card/modern")
	refused := func(name string, by By, h Half, want error) {
		t.Helper()
		if _, done, err := v.Component(by, h); !errors.Is(err, want) || done {
			t.Errorf("%s: %v, %v", name, done, err)
		}
	}
	refused("its KCV", ada, change(one, func(h *Half) { h.CheckValue = "0000000000" }), ErrCheckValue)
	refused("no KCV", ada, change(one, func(h *Half) { h.CheckValue = "" }), ErrCheckValue)
	refused("what goes", ada, change(one, func(h *Half) { h.Replaces = "0000000000" }), ErrCheckValue)
	refused("too short", ada, change(one, func(h *Half) { h.Component = scp80.NewKey[Component](one[:16]) }), ErrComponent)
	refused("zeros", ada, change(one, func(h *Half) { h.Component = scp80.NewKey[Component](make([]byte, 32)) }), ErrComponent)
	refused("not exchanged", ada, change(one, func(h *Half) { h.Key = "pin" }), ErrNotExchanged)
	refused("no such key", ada, change(one, func(h *Half) { h.Key = "x" }), ErrSlot)
	if err := v.DropComponent(ada, "card/modern"); !errors.Is(err, ErrNoComponent) {
		t.Errorf("nothing to drop: %v", err)
	}
	if _, _, err := v.Component(ada, good(one)); err != nil {
		t.Fatal(err)
	}
	refused("the same officer", ada, good(two), ErrSameOfficer)
	refused("another whole", bob, change(two, func(h *Half) { h.Whole = "0000000000" }), ErrCheckValue)
	refused("the same component", bob, good(one), ErrComponent)
	refused("a wrong component", bob, good(bytes.Repeat([]byte{4}, 32)), ErrCheckValue)
	if now := valueOf(t, v, "card/modern"); now != before {
		t.Error("the key changed")
	}
	if err := v.DropComponent(bob, "card/modern"); err != nil || listed(v, "card/modern").Waiting != "" {
		t.Errorf("not dropped, %v", err)
	}
}

func TestJoinComponents(t *testing.T) {
	c := func(o byte, n int) Component { return scp80.NewKey[Component](bytes.Repeat([]byte{o}, n)) }
	k, err := JoinComponents(c(0x0F, 32), c(0xF0, 32))
	if err != nil || !bytes.Equal(k.Reveal(), bytes.Repeat([]byte{0xFF}, 32)) {
		t.Error(err)
	}
	for name, pair := range map[string][2]Component{"lengths": {c(1, 32), c(2, 16)}, "the same": {c(1, 32), c(1, 32)}, "none": {}} {
		if _, err := JoinComponents(pair[0], pair[1]); !errors.Is(err, ErrComponent) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
