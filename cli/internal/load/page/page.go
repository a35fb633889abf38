// Package page writes what came of a load test as a page: one HTML file that has all it
// needs in it and is read without a network, from a disk as well as from a server.
//
//	Result ──▶ thin ──▶ charts, tables ──▶ report.html ─┐
//	                                                   ├──▶ one file
//	site/*.js, site/*.css, uplot/ ──▶ hashed ──────────┘
//
// What is drawn and what is told of it is decided here, in Go; the scripts know how a line,
// a stack and a heat map are drawn, and nothing of loads. The page's policy lets no other
// script or style in than those it was written with, by their hashes, and nothing out.
//
// The same result gives the same bytes.
package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"path"
	"strings"
)

//go:embed site uplot
var files embed.FS

// pages holds the templates: report.html and diff.html, and what they share.
var pages = template.Must(template.New("pages").Funcs(template.FuncMap{
	"count": count, "decimal": decimal, "latency": latency, "moment": moment, "stamp": stamp, "ends": ends, "got": got,
	"unit": inUnit, "change": change, "named": named,
}).ParseFS(files, "site/*.html"))

// frame is what every page is in: its scripts and styles, and the policy that allows them.
type frame struct {
	Title   string
	Policy  string
	Styles  []template.CSS
	Scripts []template.JS
}

func newFrame(title string) frame {
	f := frame{Title: title}
	for _, name := range []string{"uplot/uPlot.min.css", "site/page.css"} {
		f.Styles = append(f.Styles, template.CSS(asset(name)))
	}
	f.Scripts = append(f.Scripts, template.JS(licensed("uplot/uPlot.iife.min.js")))
	for _, name := range []string{"site/charts.js", "site/page.js"} {
		f.Scripts = append(f.Scripts, template.JS(asset(name)))
	}
	f.Policy = policy(f)
	return f
}

// asset is the text of an embedded file.
func asset(name string) string {
	text, err := files.ReadFile(name)
	if err != nil {
		panic(err) // it was there when this was built
	}
	return strings.TrimSpace(string(text))
}

// licensed is a script with its licence, which every copy of it is to have.
func licensed(name string) string {
	return "/*!\n" + asset(path.Dir(name)+"/LICENSE") + "\n*/\n" + asset(name)
}

// policy is the page's Content-Security-Policy.
func policy(f frame) string {
	var scripts, styles []string
	for _, s := range f.Scripts {
		scripts = append(scripts, hash(string(s)))
	}
	for _, s := range f.Styles {
		styles = append(styles, hash(string(s)))
	}
	return "default-src 'none'; script-src " + strings.Join(scripts, " ") + "; style-src " + strings.Join(styles, " ") +
		"; img-src data:; base-uri 'none'; form-action 'none'"
}

// hash is how a policy names an inline script or style.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// write writes the page that the template makes of data, or nothing when it cannot.
func write(w io.Writer, name string, data any) error {
	var out bytes.Buffer
	if err := pages.ExecuteTemplate(&out, name, data); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}
