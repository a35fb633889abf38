package fault_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/airtill/airtill/fsm/fault"
)

// Every point of the list is at one place of the code, every bug at one at least, and there
// are no others.
func TestListsAndCallsAgree(t *testing.T) {
	calls, constants := sites(t)
	var points, bugs []string
	for _, n := range fault.Names() {
		points = append(points, "Point "+string(n))
	}
	for _, b := range fault.Bugs() {
		bugs = append(bugs, "Planted "+string(b))
	}
	listed := slices.Sorted(slices.Values(append(points, bugs...)))
	var called []string
	for _, name := range slices.Sorted(maps.Keys(calls)) {
		function, constant, _ := strings.Cut(name, " ")
		text, ok := constants[constant]
		if !ok {
			t.Errorf("fault.%s(fault.%s): there is no such constant", function, constant)
		}
		if n := len(calls[name]); function == "Point" && n != 1 {
			t.Errorf("fault.%s(fault.%s) is at %d places: %v", function, constant, n, calls[name])
		}
		called = append(called, function+" "+text)
	}
	slices.Sort(called)
	if !slices.Equal(called, listed) {
		t.Errorf("called:\n%s\nlisted:\n%s", strings.Join(called, "\n"), strings.Join(listed, "\n"))
	}
}

// sites finds the calls of Point and Planted in the module, and this package's constants.
func sites(t *testing.T) (calls map[string][]string, constants map[string]string) {
	t.Helper()
	calls, constants = make(map[string][]string), make(map[string]string)
	files := token.NewFileSet()
	walk := func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				if name, ok := site(n); ok {
					calls[name] = append(calls[name], fmt.Sprint(files.Position(n.Pos())))
				}
			case *ast.ValueSpec:
				if text, ok := constant(n); ok && f.Name.Name == "fault" {
					constants[n.Names[0].Name] = text
				}
			}
			return true
		})
		return nil
	}
	if err := filepath.WalkDir(root(t), walk); err != nil {
		t.Fatal(err)
	}
	return calls, constants
}

// site reads fault.Point(fault.NAME) and fault.Planted(fault.NAME).
func site(c *ast.CallExpr) (string, bool) {
	function, ok := ofPackage(c.Fun)
	if !ok || function != "Point" && function != "Planted" || len(c.Args) != 1 {
		return "", false
	}
	name, ok := ofPackage(c.Args[0])
	return function + " " + name, ok
}

func ofPackage(e ast.Expr) (string, bool) {
	s, ok := e.(*ast.SelectorExpr)
	if !ok {
		return "", false
	}
	in, ok := s.X.(*ast.Ident)
	return s.Sel.Name, ok && in.Name == "fault"
}

func constant(v *ast.ValueSpec) (string, bool) {
	if len(v.Values) != 1 {
		return "", false
	}
	text, ok := v.Values[0].(*ast.BasicLit)
	if !ok || text.Kind != token.STRING {
		return "", false
	}
	return strings.Trim(text.Value, `"`), true
}

// root is the module's directory.
func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

// In a build without tags nothing can be armed or planted.
func TestOff(t *testing.T) {
	for _, n := range fault.Names() {
		fault.Point(n)
	}
	for _, b := range fault.Bugs() {
		if fault.Planted(b) {
			t.Errorf("%s is planted", b)
		}
	}
}
