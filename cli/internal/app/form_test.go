package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

type shaped struct {
	Name  string          `json:"name"`
	Count int             `json:"count"`
	Rate  float64         `json:"rate,omitempty"`
	Of    []string        `json:"of"`
	Raw   json.RawMessage `json:"raw"`
	On    bool            `json:"on"`
	None  *int            `json:"none"`
}

func shapedRows() []shaped {
	return []shaped{
		{"yes", 3, 0.5, []string{"a"}, json.RawMessage(`{"b":1,"a":"\ud83d\ude00"}`), true, nil},
		{"a \"b\", c", 12345678901, 0, nil, json.RawMessage(`null`), false, nil},
	}
}

func shapedColumns() ([]column[shaped], []column[shaped]) {
	return []column[shaped]{{name: "name", cell: func(s shaped) string { return s.Name }}},
		[]column[shaped]{{name: "of", cell: func(s shaped) string { return strings.Join(s.Of, " ") }}}
}

// One list in every form; the names are those of the JSON, in its order.
func TestForms(t *testing.T) {
	for form, want := range map[form]string{
		formTable: "NAME\nyes\na \"b\", c\n",
		formWide:  "NAME      OF\nyes       a\na \"b\", c\n",
		formCSV:   "name,of\r\nyes,a\r\n\"a \"\"b\"\", c\",\r\n",
		formJSONL: `{"name":"yes","count":3,"rate":0.5,"of":["a"],"raw":{"b":1,"a":"😀"},"on":true,"none":null}` + "\n" +
			`{"name":"a \"b\", c","count":12345678901,"of":null,"raw":null,"on":false,"none":null}` + "\n",
		formYAML: "- name: \"yes\"\n  count: 3\n  rate: 0.5\n  of:\n    - a\n  raw:\n    b: 1\n    a: \"\\U0001F600\"\n  \"on\": true\n  none: null\n" +
			"- name: a \"b\", c\n  count: 12345678901\n  of: null\n  raw: null\n  \"on\": false\n  none: null\n",
	} {
		var out bytes.Buffer
		p := &printer{w: &out, form: form, json: form == formJSONL || form == formYAML}
		columns, more := shapedColumns()
		if err := printWide(p, shapedRows(), columns, more); err != nil {
			t.Fatal(err)
		}
		got := strings.ReplaceAll(out.String(), `\ud83d\ude00`, "😀")
		if got != want {
			t.Errorf("%s\n got %q\nwant %q", form, got, want)
		}
	}
}

// JSON is one document: an array, and of nothing an empty one.
func TestFormJSON(t *testing.T) {
	for _, rows := range [][]shaped{nil, shapedRows()} {
		var out bytes.Buffer
		if err := printRows(&printer{w: &out, form: formJSON, json: true}, rows); err != nil {
			t.Fatal(err)
		}
		var back []shaped
		if err := json.Unmarshal(out.Bytes(), &back); err != nil || back == nil || len(back) != len(rows) {
			t.Errorf("%v %s", err, &out)
		}
	}
}

// Events in CSV have one header; those of another shape are refused, not written askew.
func TestFormCSVOfEvents(t *testing.T) {
	var out bytes.Buffer
	p := &printer{w: &out, form: formCSV}
	for _, v := range []shaped{{Name: "a", Rate: 1, Of: []string{"x", "y"}}, {Name: "b", Rate: 2}} {
		if err := p.line(v, "for people"); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.line(map[string]int{"n": 1}, "for people"); !errors.Is(err, errShapes) {
		t.Error(err)
	}
	want := "name,count,rate,of,raw,on,none\r\na,0,1,\"[\"\"x\"\",\"\"y\"\"]\",,false,\r\nb,0,2,,,false,\r\n"
	if out.String() != want {
		t.Errorf("got %q\nwant %q", &out, want)
	}
}

// Several documents of YAML are kept apart.
func TestFormYAMLOfEvents(t *testing.T) {
	var out bytes.Buffer
	p := &printer{w: &out, form: formYAML, json: true}
	for n := range 2 {
		if err := p.line(map[string]int{"n": n}, ""); err != nil {
			t.Fatal(err)
		}
	}
	if out.String() != "\"n\": 0\n---\n\"n\": 1\n" {
		t.Errorf("%q", &out)
	}
}

// What a command understands of forms, and of its look.
func TestCommonFlags(t *testing.T) {
	for _, tt := range []struct {
		line   string
		status int
		want   string // in stderr
	}{
		{"version -o yaml", 0, ""}, {"version -o csv", 0, ""}, {"version --json -o jsonl", 0, ""},
		{"version --json -o yaml", 2, "--json is -o jsonl, and -o yaml was said too"},
		{"version -o xml", 2, `invalid value "xml" for flag -o: choose one of table, wide, json, jsonl, yaml, csv`},
		{"version --color sometimes", 2, `--color "sometimes" is not auto, always or never`},
	} {
		got := newShell(t).run(strings.Fields(tt.line)...)
		if got.status != tt.status || !strings.Contains(got.stderr, tt.want) {
			t.Errorf("%s: %+v", tt.line, got)
		}
	}
}

func TestLook(t *testing.T) {
	for _, tt := range []struct {
		said    string
		environ map[string]string
		colour  bool
	}{
		{"auto", nil, false}, {"always", nil, true}, {"never", map[string]string{"CLICOLOR_FORCE": "1"}, false},
		{"auto", map[string]string{"CLICOLOR_FORCE": "1"}, true}, {"auto", map[string]string{"CLICOLOR_FORCE": "0"}, false},
		{"auto", map[string]string{"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, false}, {"always", map[string]string{"NO_COLOR": "1"}, true},
	} {
		l, err := readLook(Env{Stdout: new(bytes.Buffer), Stderr: new(bytes.Buffer), Getenv: func(n string) string { return tt.environ[n] }}, tt.said)
		if err != nil || l.colour != tt.colour || l.data != tt.colour || l.screen {
			t.Errorf("%+v: %+v %v", tt, l, err)
		}
	}
}

// Only --yes will do where nobody can be asked.
func TestConfirm(t *testing.T) {
	c := &call{env: Env{Stdin: strings.NewReader("y\n"), Stderr: new(bytes.Buffer)}, input: true}
	if err := c.confirm(t.Context(), "erase %d keys", 3); Status(err) != StatusUsage || err.Error() != "erase 3 keys? say --yes" {
		t.Error(err)
	}
	c.yes = true
	if err := c.confirm(t.Context(), "erase %d keys", 3); err != nil {
		t.Error(err)
	}
}
