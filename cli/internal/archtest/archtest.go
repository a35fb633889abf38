// Package archtest holds the direction of the arrows between Airtill's rooms as
// a table, checks the tree against it, and draws what it found.
//
// A room is a top-level directory. What a package may import is judged from its
// source files one by one; test files obey the direction of the rooms only, so a
// platform test may start a real SMSC but a gateway test may not know a bill.
// Left out: what only a build tag brings in, and cgo.
package archtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Module is the import path that all rooms share.
const Module = "github.com/airtill/airtill"

// Package is one package of the module as its source says.
type Package struct {
	Path  string // below the module: "gateway/smpp"
	Name  string
	Files []File
}

// File is what the rules look at in one source file.
type File struct {
	Name    string // below the package's directory
	Test    bool
	Doc     bool     // it has a package comment
	Imports []string // of this module as "gateway/smpp", others in full
	Process []string // uses of what belongs to the process: "os.Exit"
}

// Room is the top-level directory that the package stands in.
func (p Package) Room() string { return room(p.Path) }

func room(path string) string {
	first, _, _ := strings.Cut(path, "/")
	return first
}

// Load reads every package of the module that dir is in.
func Load(dir string) ([]Package, error) {
	list := exec.Command("go", "list", "-e", "-json=ImportPath,Name,Dir,GoFiles,TestGoFiles,XTestGoFiles", Module+"/...")
	list.Dir = dir
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var packages []Package
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var l listed
		if err := dec.Decode(&l); errors.Is(err, io.EOF) {
			return packages, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		p, err := l.load()
		if err != nil {
			return nil, err
		}
		packages = append(packages, p)
	}
}

// listed is a package as go list prints it.
type listed struct {
	ImportPath, Name, Dir              string
	GoFiles, TestGoFiles, XTestGoFiles []string
}

func (l listed) load() (Package, error) {
	p := Package{Path: strings.TrimPrefix(strings.TrimPrefix(l.ImportPath, Module), "/"), Name: l.Name}
	for _, name := range slices.Concat(l.GoFiles, l.TestGoFiles, l.XTestGoFiles) {
		f, err := readFile(filepath.Join(l.Dir, name))
		if err != nil {
			return p, err
		}
		p.Files = append(p.Files, f)
	}
	return p, nil
}

func readFile(name string) (File, error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return File{}, fmt.Errorf("parse: %w", err)
	}
	f := File{Name: filepath.Base(name), Test: strings.HasSuffix(name, "_test.go"), Doc: parsed.Doc != nil}
	for _, spec := range parsed.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return f, fmt.Errorf("parse %s: %w", name, err)
		}
		f.Imports = append(f.Imports, strings.TrimPrefix(imported, Module+"/"))
	}
	f.Process = processUses(parsed)
	return f, nil
}

// processUses finds what only a main program has a right to.
func processUses(file *ast.File) []string {
	var found []string
	ast.Inspect(file, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := sel.X.(*ast.Ident); ok && x.Name == "os" {
			if slices.Contains([]string{"Args", "Exit", "Getenv", "LookupEnv", "Environ", "Stdin", "Stdout"}, sel.Sel.Name) {
				found = append(found, "os."+sel.Sel.Name)
			}
		}
		return true
	})
	return found
}

// thirdParty tells another module's import path from the standard library's and
// from this module's, which Load has cut short.
func thirdParty(imported string) bool {
	return strings.Contains(room(imported), ".")
}

// Graph draws the arrows between the rooms as a Mermaid flowchart: what of the
// room at its point the room at its tail imports, tests aside.
func Graph(packages []Package) string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	for _, from := range Rooms() {
		for _, to := range Rooms() {
			if parts := parts(packages, from, to); from != to && len(parts) > 0 {
				fmt.Fprintf(&b, "  %s -- \"%s\" --> %s\n", from, strings.Join(parts, ", "), to)
			}
		}
	}
	return b.String()
}

// parts lists what one room imports of another; the room's own package, which
// holds its nouns, goes by that name.
func parts(packages []Package, from, to string) []string {
	var found []string
	for _, p := range packages {
		if p.Room() != from {
			continue
		}
		for _, f := range p.Files {
			for _, imported := range f.Imports {
				if !f.Test && room(imported) == to {
					found = append(found, partName(imported))
				}
			}
		}
	}
	slices.Sort(found)
	found = slices.Compact(found)
	if i := slices.Index(found, nouns); i > 0 {
		found = append([]string{nouns}, slices.Delete(found, i, i+1)...)
	}
	return found
}

const nouns = "nouns"

func partName(imported string) string {
	if room(imported) == imported {
		return nouns
	}
	return path.Base(imported)
}
