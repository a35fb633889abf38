package archtest

import (
	"fmt"
	"slices"
	"strings"
)

// Rooms lists the top-level directories, lowest first.
func Rooms() []string {
	return []string{"fsm", "gateway", "platform", "merchant", "handsetsim", "cli"}
}

// arrows says what a room's packages may import of the rooms below it, and why
// not the rest. A path ending in "/..." covers everything under it.
var arrows = map[string]struct {
	may []string
	why string
}{
	"fsm":     {nil, "fsm knows no other room"},
	"gateway": {nil, "the carrier does not know what a bill is"},
	"platform": {[]string{"fsm/...", "gateway", "gateway/tpdu", "gateway/smpp", "gateway/esme", "gateway/ussd", "gateway/metrics"},
		"the platform reaches phones only through SMPP"},
	"merchant": {[]string{"platform/api", "platform/money", "platform/signature", "gateway", "gateway/tpdu", "gateway/smpp", "gateway/esme"},
		"the shop meets the platform over HTTP and the carrier over SMPP"},
	"handsetsim": {[]string{"gateway", "gateway/tpdu", "gateway/smpp", "gateway/esme", "platform/applet", "platform/scp80", "platform/money"},
		"a phone knows contracts only"},
	"cli": {[]string{"fsm/...", "gateway/...", "platform/...", "merchant/...", "handsetsim/..."}, ""},
}

// testsOf says which rooms a room's tests may start: those below it.
var testsOf = map[string][]string{
	"platform":   {"fsm", "gateway"},
	"merchant":   {"fsm", "gateway", "platform"},
	"handsetsim": {"fsm", "gateway", "platform"},
	"cli":        {"fsm", "gateway", "platform", "merchant", "handsetsim"},
}

// pure packages compute and do nothing else: no I/O, no third party, and of this
// module only what is listed.
var pure = map[string][]string{
	"gateway":                    nil,
	"gateway/smpp":               {"gateway"},
	"gateway/tpdu":               {"gateway"},
	"gateway/fault":              {"gateway/smpp"},
	"gateway/ussd":               {"gateway", "gateway/internal/due", "gateway/smpp", "gateway/tpdu"},
	"platform/money":             nil,
	"platform/scp80":             nil,
	"platform/applet":            {"gateway", "platform/money", "platform/scp80"},
	"cli/internal/load/schedule": {"handsetsim/persona", "platform/money"},
	"cli/internal/spelling":      nil,
	"platform/menu":              {"platform", "platform/applet", "platform/money", "gateway/tpdu", "gateway/ussd"},
}

// doing is what a pure package leaves to others.
var doing = []string{"log", "log/slog", "net", "net/http", "os", "os/exec", "os/signal", "syscall", "database/sql", "testing"}

// confined modules may be imported only where listed: a directory, everything
// under one ("cli/..."), or a single file.
var confined = []struct {
	module string
	where  []string
	why    string
}{
	{"github.com/looplab/fsm", []string{"fsm/looplab.go"}, "it stays behind fsm.Machine"},
	{"github.com/redis/go-redis", []string{"fsm/redisstore", "fsm/aofstore", "fsm/backup", "fsm/enginetest", "gateway/msgstore/redisstore", "gateway/msgstore/msgstoretest", "cli/..."}, "only stores speak to Redis"},
	{"github.com/go-jose/go-jose", []string{"platform/signature"}, "JWE and JWK stay behind signature"},
	{"github.com/dunglas/httpsfv", []string{"platform/signature"}, "structured fields stay behind signature"},
	{"github.com/urfave/cli", []string{"cli/..."}, "only cli reads flags"},
	{"go.yaml.in/yaml", []string{"cli/..."}, "only cli reads YAML"},
	{"github.com/alicebob/miniredis", []string{"fsm/aofstore", "fsm/enginetest", "gateway/msgstore/msgstoretest", "cli/..."}, "which Redis it is, cli decides"},
	{"github.com/rogpeppe/go-internal", []string{"fsm/enginetest", "cli/..."}, "it is for tests"},
	{"github.com/google/go-cmp", []string{"fsm/enginetest", "cli/..."}, "it is for tests"},
	{"github.com/anishathalye/porcupine", []string{"fsm/history"}, "histories are judged in one place"},
	{"pgregory.net/rapid", []string{"fsm/enginetest", "cli/..."}, "it is for tests"},
	{"filippo.io/age", []string{"platform/keys", "cli/..."}, "it locks vault files and nothing else"},
	{"charm.land", []string{"cli/..."}, "only cli paints terminals"},
	{"github.com/charmbracelet", []string{"cli/..."}, "only cli paints terminals"},
	{"github.com/vbauerster/mpb", []string{"cli/..."}, "only cli paints terminals"},
	{"github.com/dunglas/httpsfv", []string{"platform/signature"}, "header fields of signatures are read in one place"},
	{"github.com/go-jose/go-jose", []string{"platform/signature"}, "sensitive fields are sealed in one place"},
}

// Check returns what is wrong with the tree, a line for each, with the reason.
func Check(packages []Package) []string {
	var wrong []string
	for _, p := range packages {
		if !slices.Contains(Rooms(), p.Room()) {
			wrong = append(wrong, fmt.Sprintf("%s: no room of this name; there is %s", p.Path, strings.Join(Rooms(), ", ")))
			continue
		}
		wrong = append(wrong, checkDoc(p)...)
		for _, f := range p.Files {
			wrong = append(wrong, checkFile(p, f)...)
		}
	}
	return wrong
}

// checkDoc wants one package comment, in the file named after the package.
func checkDoc(p Package) []string {
	var with []string
	source := 0
	for _, f := range p.Files {
		if f.Test {
			continue
		}
		source++
		if f.Doc {
			with = append(with, f.Name)
		}
	}
	want := p.Name + ".go"
	switch {
	case source == 0:
		return nil
	case len(with) == 0:
		return []string{fmt.Sprintf("%s: no package comment; write it in %s", p.Path, want)}
	case len(with) > 1:
		return []string{fmt.Sprintf("%s: package comments in %s; one will do, in %s", p.Path, strings.Join(with, ", "), want)}
	case with[0] != want:
		return []string{fmt.Sprintf("%s: the package comment is in %s; it belongs in %s", p.Path, with[0], want)}
	}
	return nil
}

func checkFile(p Package, f File) []string {
	var wrong []string
	say := func(imported, why string) {
		wrong = append(wrong, fmt.Sprintf("%s/%s: imports %s: %s", p.Path, f.Name, imported, why))
	}
	for _, imported := range f.Imports {
		if why := checkImport(p, f, imported); why != "" {
			say(imported, why)
		}
	}
	if p.Room() != "cli" && p.Path != "fsm/enginetest" && p.Path != "gateway/msgstore/msgstoretest" && !f.Test { // a suite runs in a test's process
		for _, use := range f.Process {
			wrong = append(wrong, fmt.Sprintf("%s/%s: uses %s: only cli reads the process", p.Path, f.Name, use))
		}
	}
	return wrong
}

// checkImport says why the import may not be, or "".
func checkImport(p Package, f File, imported string) string {
	from, to := p.Room(), room(imported)
	switch {
	case thirdParty(imported):
		if list, isPure := pure[p.Path]; isPure && !f.Test {
			return "the package is pure: the standard library" + andOf(list) + " only"
		}
		return checkConfined(p, f, imported)
	case !slices.Contains(Rooms(), to):
		if _, isPure := pure[p.Path]; isPure && !f.Test && slices.Contains(doing, imported) {
			return "the package is pure, and does no I/O"
		}
		if imported == "os/signal" && from != "cli" && !f.Test {
			return "only cli reads the process"
		}
		return ""
	case to == "cli" && from != "cli":
		return "nobody imports cli"
	case f.Test:
		return checkTest(from, to)
	}
	if list, isPure := pure[p.Path]; isPure && !slices.Contains(list, imported) {
		return "the package is pure: the standard library" + andOf(list) + " only"
	}
	if from != to && !slices.ContainsFunc(arrows[from].may, func(may string) bool { return covers(may, imported) }) {
		return arrows[from].why
	}
	return ""
}

func checkTest(from, to string) string {
	if from == to || slices.Contains(testsOf[from], to) {
		return ""
	}
	return arrows[from].why
}

func checkConfined(p Package, f File, imported string) string {
	for _, c := range confined {
		if imported != c.module && !strings.HasPrefix(imported, c.module+"/") {
			continue
		}
		file := p.Path + "/" + f.Name
		allowed := slices.ContainsFunc(c.where, func(where string) bool { return where == file || covers(where, p.Path) })
		if !allowed && !(f.Test && c.module != "github.com/looplab/fsm" && c.module != "github.com/urfave/cli") {
			return c.why + " (" + strings.Join(c.where, ", ") + ")"
		}
	}
	return ""
}

// covers reports whether the pattern, a path or "path/...", covers the path.
func covers(pattern, path string) bool {
	if under, ok := strings.CutSuffix(pattern, "/..."); ok {
		return path == under || strings.HasPrefix(path, under+"/")
	}
	return pattern == path
}

func andOf(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return " and " + strings.Join(list, ", ")
}
