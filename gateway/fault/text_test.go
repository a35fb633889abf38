package fault_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/airtill/airtill/gateway/fault"
	"github.com/airtill/airtill/gateway/smpp"
)

func TestParse(t *testing.T) {
	refuse := func(s smpp.Status) fault.Effect { return fault.Effect{Kind: fault.Refuse, Status: s} }
	for _, c := range []struct {
		text string
		want fault.Fault
	}{
		{"submit_sm=ESME_RSYSERR@5%", fault.Fault{Operation: "submit_sm", Effect: refuse(smpp.RSYSERR), Chance: 0.05}},
		{"submit_sm=RTHROTTLED@0.1 for=30s count=5 account=kannel", fault.Fault{
			Operation: "submit_sm", Effect: refuse(smpp.RTHROTTLED), Chance: 0.1, For: 30 * time.Second, Count: 5, Account: "kannel",
		}},
		{"bind=0x0000000d until=2026-01-31T12:00:00Z", fault.Fault{
			Operation: fault.Bind, Effect: refuse(smpp.RBINDFAIL), Chance: 1, Until: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC),
		}},
		{"any=delay:1s-5s@7%", fault.Fault{
			Operation: fault.Any, Effect: fault.Effect{Kind: fault.Delay, Least: time.Second, Most: 5 * time.Second}, Chance: 0.07,
		}},
		{"data_sm=throttle:60/m", fault.Fault{
			Operation: "data_sm", Effect: fault.Effect{Kind: fault.Throttle, Rate: 60, Per: time.Minute}, Chance: 1,
		}},
		{"query_sm=malform:truncate@33.3%", fault.Fault{
			Operation: "query_sm", Effect: fault.Effect{Kind: fault.Malform, Malform: fault.Truncated}, Chance: 0.333,
		}},
		{"receipt=reorder", fault.Fault{Operation: fault.Receipt, Effect: fault.Effect{Kind: fault.Reorder, Most: time.Second}, Chance: 1}},
		{"receipt=twice", fault.Fault{Operation: fault.Receipt, Effect: fault.Effect{Kind: fault.Twice}, Chance: 1}},
	} {
		got, err := fault.Parse(c.text)
		if err != nil || len(got) != 1 || got[0] != c.want {
			t.Errorf("%s:\n got %+v, %v\nwant %+v", c.text, got, err, c.want)
			continue
		}
		if again, err := fault.Parse(got[0].String()); err != nil || again[0] != got[0] {
			t.Errorf("%s is written %s and read as %+v, %v", c.text, got[0], again, err)
		}
	}
}

// An error names the field and what it may be.
func TestParseErrors(t *testing.T) {
	for text, want := range map[string][]string{
		"":                                                 {"OPERATION=EFFECT@CHANCE"},
		"tsunami":                                          {"preset", "tsunami", "flaky", "receipts-late"},
		"send=lose":                                        {"operation", "send", "submit_sm", "receipt"},
		"deliver_sm=lose":                                  {"operation", "deliver_sm"},
		"submit_sm=":                                       {"effect", "ESME_RSYSERR", "delay:TIME"},
		"submit_sm=ESME_NONE":                              {"effect", "ESME_NONE", "malform:KIND"},
		"submit_sm=ESME_ROK":                               {"effect", "no fault"},
		"submit_sm=twice":                                  {"effect", "twice", "does not fit submit_sm"},
		"receipt=drop":                                     {"effect", "drop", "does not fit receipt"},
		"submit_sm=delay:soon":                             {"effect", "soon", "200ms"},
		"submit_sm=delay:5s-1s":                            {"effect", "5s-1s"},
		"submit_sm=delay:0s":                               {"effect", "0s"},
		"submit_sm=throttle:100":                           {"effect", "100/s"},
		"submit_sm=throttle:-1/s":                          {"effect", "100/s"},
		"submit_sm=malform:badly":                          {"effect", "badly", "length, overrun, truncate, tlv, sequence"},
		"receipt=reorder:never":                            {"effect", "never", "5s"},
		"submit_sm=lose@0%":                                {"chance", "0%", "taken off"},
		"submit_sm=lose@101%":                              {"chance", "101%"},
		"submit_sm=lose@often":                             {"chance", "often", "10%"},
		"submit_sm=lose@":                                  {"chance"},
		"submit_sm=lose for=ever":                          {"for", "ever", "30s"},
		"submit_sm=lose for=-1s":                           {"for", "-1s"},
		"submit_sm=lose until=noon":                        {"until", "noon", "2026-01-31T12:00:00Z"},
		"submit_sm=lose count=0":                           {"count", "0"},
		"submit_sm=lose count=1 count=2":                   {"count", "twice"},
		"submit_sm=lose account=":                          {"account", "leave account out"},
		"submit_sm=lose account=longer_than_15_":           {},
		"submit_sm=lose account=longer_than_15_o":          {"account", "15 octets"},
		"submit_sm=lose number=":                           {"number", "leave number out"},
		"submit_sm=lose number=+86135":                     {"number", "without a +"},
		"submit_sm=lose every=0":                           {"every", "1 or more"},
		"submit_sm=lose often=yes":                         {"often", "for, until, count, account"},
		"submit_sm=lose for=1s until=2026-01-31T12:00:00Z": {"until", "only one"},
	} {
		_, err := fault.Parse(text)
		if (err == nil) != (len(want) == 0) {
			t.Errorf("%q: %v", text, err)
		}
		for _, w := range want {
			if err != nil && !strings.Contains(err.Error(), w) {
				t.Errorf("%q: error %q does not say %q", text, err, w)
			}
		}
	}
}

// Every preset holds, and what follows its name goes for all its faults.
func TestPresets(t *testing.T) {
	for _, name := range fault.Presets() {
		faults, err := fault.Parse(name + " for=1m account=kannel")
		if err != nil || len(faults) == 0 {
			t.Errorf("%s: %v", name, err)
		}
		for _, f := range faults {
			if f.For != time.Minute || f.Account != "kannel" || f.Effect.Kind == fault.Malform {
				t.Errorf("%s: %v", name, f)
			}
		}
	}
}

func TestJSON(t *testing.T) {
	for text, want := range map[string]string{
		"submit_sm=ESME_RTHROTTLED@10% for=30s count=5 account=kannel": `{"operation":"submit_sm","effect":"ESME_RTHROTTLED","chance":0.1,"account":"kannel","count":5,"for":"30s"}`,
		"submit_sm=ESME_RTHROTTLED number=8613500000008 every=4":       `{"operation":"submit_sm","effect":"ESME_RTHROTTLED","number":"8613500000008","every":4}`,
		"receipt=delay:1s-5s until=2026-01-31T12:00:00Z":               `{"operation":"receipt","effect":"delay:1s-5s","until":"2026-01-31T12:00:00Z"}`,
	} {
		faults, err := fault.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(faults[0])
		if err != nil || string(got) != want {
			t.Errorf("%s:\n got %s, %v\nwant %s", text, got, err, want)
		}
		var again fault.Fault
		if err := json.Unmarshal(got, &again); err != nil || !reflect.DeepEqual(again, faults[0]) {
			t.Errorf("%s read again: %+v, %v", got, again, err)
		}
	}
}

func TestRecordJSON(t *testing.T) {
	f := with(t, "submit_sm=lose@10% count=1")
	got, err := json.Marshal(f.Get(noon))
	want := `[{"id":1,"operation":"submit_sm","effect":"lose","chance":0.1,"count":1,"struck":0,"over":false}]`
	if err != nil || string(got) != want {
		t.Errorf("\n got %s, %v\nwant %s", got, err, want)
	}
}

func TestJSONErrors(t *testing.T) {
	for text, want := range map[string]string{
		`{}`: "effect",
		`{"operation":"submit_sm","effect":"lose","chance":0}`:                                "chance",
		`{"operation":"submit_sm","effect":"lose","chance":1.5}`:                              "chance",
		`{"operation":"submit_sm","effect":"lose","count":"5"}`:                               "count: a JSON string, where int belongs",
		`{"operation":"submit_sm","effect":"lose","count":-5}`:                                "count",
		`{"operation":"submit_sm","effect":"lose","for":"x"}`:                                 "for",
		`{"operation":"submit_sm","effect":"lose","often":true}`:                              `"often": no such field; there is operation, effect, chance`,
		`{"operation":"sub","effect":"lose"}`:                                                 "operation",
		`{"operation":"submit_sm","effect":"loose"}`:                                          "effect",
		`{"operation":"submit_sm","effect":"lose","for":"1s","until":"2026-01-31T12:00:00Z"}`: "until",
		`[]`: "array",
	} {
		var f fault.Fault
		if err := json.Unmarshal([]byte(text), &f); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v does not say %q", text, err, want)
		}
	}
}

// What is read is written so that it reads the same, as text and as JSON.
func FuzzParse(f *testing.F) {
	f.Add("submit_sm=ESME_RTHROTTLED@10% for=30s count=5 account=kannel")
	f.Add("any=delay:1s-5s@0.07 until=2026-01-31T12:00:00.5+05:45")
	f.Add("receipt=reorder:2s@33.3%")
	f.Add("data_sm=throttle:60/m")
	f.Add("bind=0xdeadbeef@0.000000001%")
	f.Add("query_sm=malform:sequence")
	f.Add("flaky for=1m")
	f.Fuzz(func(t *testing.T, text string) {
		faults, err := fault.Parse(text)
		if err != nil {
			return
		}
		for _, ft := range faults {
			again, err := fault.Parse(ft.String())
			if err != nil || len(again) != 1 || again[0].String() != ft.String() || again[0].Chance != ft.Chance {
				t.Fatalf("%q: %q is read as %v, %v", text, ft, again, err)
			}
			b, err := json.Marshal(ft)
			var read fault.Fault
			if err != nil || json.Unmarshal(b, &read) != nil || read.String() != ft.String() {
				t.Fatalf("%q: as JSON %s, %v, read as %v", text, b, err, read)
			}
		}
	})
}
