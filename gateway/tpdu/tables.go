package tpdu

import (
	"strings"
	"sync"
	"unicode/utf8"
)

// void stands in a table where there is no character, and for the escape.
const void = utf8.RuneError

// basic is the GSM 7 bit default alphabet, its characters in the order of their
// codes (TS 23.038 §6.2.1). At 1B stands the escape to the extension table.
const basic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ�ÆæßÉ" +
	" !\"#¤%&'()*+,-./0123456789:;<=>?" +
	"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§" +
	"¿abcdefghijklmnopqrstuvwxyzäöñüà"

// turkishLocking is TS 23.038 §A.3.1.
const turkishLocking = "@£$¥€éùıòÇ\nĞğ\rÅåΔ_ΦΓΛΩΠΨΣΘΞ�ŞşßÉ" +
	" !\"#¤%&'()*+,-./0123456789:;<=>?" +
	"İABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§" +
	"çabcdefghijklmnopqrstuvwxyzäöñüà"

// portugueseLocking is TS 23.038 §A.3.3.
const portugueseLocking = "@£$¥êéúíóç\nÔô\rÁáΔ_ªÇÀ∞^\\€Ó|�ÂâÊÉ" +
	" !\"#º%&'()*+,-./0123456789:;<=>?" +
	"ÍABCDEFGHIJKLMNOPQRSTUVWXYZÃÕÚÜ§" +
	"~abcdefghijklmnopqrstuvwxyzãõ`üà"

// urduLocking is TS 23.038 §A.3.13.
const urduLocking = "\u0627\u0622\u0628\u067b\u0680\u067e\u06a6\u062a\u06c2\u067f\n\u0679\u067d\r\u067a\u067c" +
	"\u062b\u062c\u0681\u0684\u0683\u0685\u0686\u0687\u062d\u062e\u062f�\u068c\u0688\u0689\u068a" +
	" !\u068f\u068d\u0630\u0631\u0691\u0693)(\u0699\u0632,\u0696.\u0698" +
	"0123456789:;\u069a\u0633\u0634?" +
	"\u0635\u0636\u0637\u0638\u0639\u0641\u0642\u06a9\u06aa\u06ab\u06af\u06b3\u06b1\u0644\u0645\u0646" +
	"\u06ba\u06bb\u06bc\u0648\u06c4\u06d5\u06c1\u06be\u0621\u06cc\u06d0\u06d2\u064d\u0650\u064f\u0657" +
	"\u0654abcdefghijklmnopqrstuvwxyz\u0655\u0651\u0653\u0656\u0670"

// latinSingle are the single shift tables that differ from the extension table in a
// few codes: code and character in turns (TS 23.038 §6.2.1.1, §A.2.1 to §A.2.3).
var latinSingle = map[Language]string{
	DefaultLanguage: "",
	Turkish:         "\x47Ğ\x49İ\x53Ş\x63ç\x67ğ\x69ı\x73ş",
	Spanish:         "\x09ç\x41Á\x49Í\x4fÓ\x55Ú\x61á\x69í\x6fó\x75ú",
	Portuguese: "\x05ê\x09ç\x0bÔ\x0cô\x0eÁ\x0fá\x12Φ\x13Γ\x15Ω\x16Π\x17Ψ\x18Σ\x19Θ\x1fÊ" +
		"\x41À\x49Í\x4fÓ\x55Ú\x5bÃ\x5cÕ\x61Â\x69í\x6fó\x75ú\x7bã\x7cõ\x7fâ",
}

// extension is the extension table, of which every single shift table has what it
// does not put another character at (TS 23.038 §6.2.1.1).
const extension = "\x0a\f\x14^\x28{\x29}\x2f\\\x3c[\x3d~\x3e]\x40|\x65€"

// indic is a script whose tables follow its block of Unicode (TS 23.038 §A.3.4 to
// §A.3.12, §A.2.4 to §A.2.12).
type indic struct {
	block  rune   // its first code point
	void   string // offsets into the block that the locking table leaves out
	last   string // what the locking table has at 60 and from 7B on
	single string // what the single shift table has at singleSlots, in their order
}

var indics = map[Language]indic{
	Bengali: {0x0980, "\x0d\x0e\x11\x12\x29\x31\x33\x34\x35\x45\x46\x49\x4a", "\u09ce\u09d7\u09dc\u09dd\u09f0\u09f1",
		"\u09e6\u09e7\u09e8\u09e9\u09ea\u09eb\u09ec\u09ed\u09ee\u09ef\u09df\u09e0\u09e1\u09e2\u09e3\u09f2\u09f3\u09f4\u09f5\u09f6\u09f7\u09f8\u09f9\u09fa"},
	Gujarati: {0x0a80, "\x0e\x12\x29\x31\x34\x46\x4a", "\u0ad0\u0ae0\u0ae1\u0ae2\u0ae3\u0af1",
		"\u0964\u0965\u0ae6\u0ae7\u0ae8\u0ae9\u0aea\u0aeb\u0aec\u0aed\u0aee\u0aef"},
	Hindi: {0x0900, "", "\u0950\u0972\u097b\u097c\u097e\u097f",
		"\u0964\u0965\u0966\u0967\u0968\u0969\u096a\u096b\u096c\u096d\u096e\u096f\u0951\u0952\u0953\u0954\u0958\u0959\u095a" +
			"\u095b\u095c\u095d\u095e\u095f\u0960\u0961\u0962\u0963\u0970\u0971"},
	Kannada: {0x0c80, "\x01\x0d\x11\x29\x34\x45\x49", "\u0cd5\u0cd6\u0ce0\u0ce1\u0ce2\u0ce3",
		"\u0964\u0965\u0ce6\u0ce7\u0ce8\u0ce9\u0cea\u0ceb\u0cec\u0ced\u0cee\u0cef\u0cde\u0cf1\u0cf2"},
	Malayalam: {0x0d00, "\x01\x0d\x11\x29\x3c\x45\x49", "\u0d57\u0d60\u0d61\u0d62\u0d63\u0d79",
		"\u0964\u0965\u0d66\u0d67\u0d68\u0d69\u0d6a\u0d6b\u0d6c\u0d6d\u0d6e\u0d6f\u0d70\u0d71\u0d72\u0d73\u0d74\u0d75\u0d7a" +
			"\u0d7b\u0d7c\u0d7d\u0d7e\u0d7f"},
	Oriya: {0x0b00, "\x0d\x0e\x11\x12\x29\x31\x34\x45\x46\x49\x4a", "\u0b56\u0b57\u0b60\u0b61\u0b62\u0b63",
		"\u0964\u0965\u0b66\u0b67\u0b68\u0b69\u0b6a\u0b6b\u0b6c\u0b6d\u0b6e\u0b6f\u0b5c\u0b5d\u0b5f\u0b70\u0b71"},
	Punjabi: {0x0a00, "\x0b\x0c\x0d\x0e\x11\x12\x29\x31\x34\x37\x3d\x43\x44\x45\x46\x49\x4a", "\u0a51\u0a70\u0a71\u0a72\u0a73\u0a74",
		"\u0964\u0965\u0a66\u0a67\u0a68\u0a69\u0a6a\u0a6b\u0a6c\u0a6d\u0a6e\u0a6f\u0a59\u0a5a\u0a5b\u0a5c\u0a5e\u0a75"},
	Tamil: {0x0b80, "\x01\x0b\x0c\x0d\x11\x16\x17\x18\x1b\x1d\x20\x21\x22\x25\x26\x27\x2b\x2c\x2d\x3c\x3d\x43\x44\x45\x49", "\u0bd0\u0bd7\u0bf0\u0bf1\u0bf2\u0bf9",
		"\u0964\u0965\u0be6\u0be7\u0be8\u0be9\u0bea\u0beb\u0bec\u0bed\u0bee\u0bef\u0bf3\u0bf4\u0bf5\u0bf6\u0bf7\u0bf8\u0bfa"},
	Telugu: {0x0c00, "\x0d\x11\x29\x34\x3c\x45\x49", "\u0c55\u0c56\u0c60\u0c61\u0c62\u0c63",
		"��\u0c66\u0c67\u0c68\u0c69\u0c6a\u0c6b\u0c6c\u0c6d\u0c6e\u0c6f\u0c58\u0c59\u0c78\u0c79\u0c7a\u0c7b\u0c7c\u0c7d\u0c7e\u0c7f"},
}

// urduSingle is what Urdu has at singleSlots, and at 3F (TS 23.038 §A.2.13).
const urduSingle = "\u0600\u0601\u06f0\u06f1\u06f2\u06f3\u06f4\u06f5\u06f6\u06f7\u06f8\u06f9\u060c\u060d\u060e\u060f\u0610\u0611\u0612" +
	"\u0613\u0614\u061b\u061f\u0640\u0652\u0658\u066b\u066c\u0672\u0673\u06cd\u06d4"

// The single shift tables from Bengali on begin alike; what is the script's own stands
// at singleSlots.
const (
	singleStart = "@£$¥¿\"¤%&'\f*+�-/<=>¡^¡_#*"
	singleSlots = "\x19\x1a\x1c\x1d\x1e\x1f\x20\x21\x22\x23\x24\x25\x26\x27\x2a\x2b\x2c\x2d\x2e\x30\x31\x32\x33\x34\x35\x36\x37\x38\x39\x3a\x3b\x3f"
)

// indicLocking is the locking table of a script up to 5F, in the order of its codes:
// runs of its block, and what stands between them.
var indicLocking = [...]struct {
	from, to rune   // offsets into the block
	then     string // what follows them
}{
	{0x01, 0x03, ""}, {0x05, 0x0b, "\n"}, {0x0c, 0x0d, "\r"}, {0x0e, 0x1a, "�"}, {0x1b, 0x1e, " !"}, {0x1f, 0x24, ")("},
	{0x25, 0x26, ","}, {0x27, 0x27, "."}, {0x28, 0x28, "0123456789:;"}, {0x29, 0x2b, "?"}, {0x2c, 0x39, ""}, {0x3c, 0x4d, ""},
}

// table is the character of each code.
type table [128]rune

func tableOf(text string) table {
	var t table
	at := 0
	for _, r := range text {
		t[at] = r
		at++
	}
	return t
}

// put sets the characters of a text of codes and characters in turns.
func (t *table) put(pairs string) {
	runes := []rune(pairs)
	for i := 0; i+1 < len(runes); i += 2 {
		t[runes[i]] = runes[i+1]
	}
}

// fill sets the characters of a text at codes.
func (t *table) fill(codes, text string) {
	at := 0
	for _, r := range text {
		t[codes[at]] = r
		at++
	}
}

func (s indic) locking() table {
	var b strings.Builder
	for _, run := range indicLocking {
		for offset := run.from; offset <= run.to; offset++ {
			if strings.ContainsRune(s.void, offset) {
				b.WriteRune(void)
				continue
			}
			b.WriteRune(s.block + offset)
		}
		b.WriteString(run.then)
	}
	last := []rune(s.last)
	b.WriteRune(last[0])
	b.WriteString("abcdefghijklmnopqrstuvwxyz")
	b.WriteString(string(last[1:]))
	return tableOf(b.String())
}

// tables are all shift tables by their language; of a language without a locking
// table that one is the default alphabet.
type tables struct{ locking, single [languages]table }

// shiftTables makes the tables of TS 23.038 §6.2.1 and annex A.
var shiftTables = sync.OnceValue(func() *tables {
	t := new(tables)
	for l := range t.locking {
		t.locking[l] = tableOf(basic)
		t.single[l] = blank()
	}
	t.locking[Turkish], t.locking[Portuguese], t.locking[Urdu] = tableOf(turkishLocking), tableOf(portugueseLocking), tableOf(urduLocking)
	for l, pairs := range latinSingle {
		t.single[l].put(extension + pairs)
	}
	for l, script := range indics {
		t.locking[l] = script.locking()
		t.single[l] = scriptSingle(script.single)
	}
	t.single[Urdu] = scriptSingle(urduSingle)
	return t
})

func blank() table {
	var t table
	for i := range t {
		t[i] = void
	}
	return t
}

func scriptSingle(own string) table {
	t := blank()
	t.fill("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18", singleStart)
	for c := 'A'; c <= 'Z'; c++ {
		t[c] = c
	}
	t.put(extension)
	t.fill(singleSlots, own)
	return t
}

// codes are those of one character, in the locking and the single shift table of
// every language; noCode where a table does not have it.
type codes struct{ locking, single [languages]byte }

const noCode byte = 0xFF

// lastCharacter is the highest code point that any table has.
const lastCharacter = '∞'

// characterCodes are the codes of every character up to lastCharacter, by its code
// point; nil where no table has it.
var characterCodes = sync.OnceValue(func() *[lastCharacter + 1]*codes {
	all := new([lastCharacter + 1]*codes)
	t := shiftTables()
	for l := range languages {
		for code := 127; code >= 0; code-- { // the lowest code of a character counts
			if r := t.locking[l][code]; r != void {
				codesOf(all, r).locking[l] = byte(code)
			}
			if r := t.single[l][code]; r != void {
				codesOf(all, r).single[l] = byte(code)
			}
		}
	}
	return all
})

func codesOf(all *[lastCharacter + 1]*codes, r rune) *codes {
	if all[r] != nil {
		return all[r]
	}
	c := new(codes)
	for l := range languages {
		c.locking[l], c.single[l] = noCode, noCode
	}
	all[r] = c
	return c
}

// find is the codes of a character, nil if no table has it.
func find(r rune) *codes {
	if r > lastCharacter {
		return nil
	}
	return characterCodes()[r]
}
