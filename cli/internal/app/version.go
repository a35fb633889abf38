package app

import (
	"context"
	"runtime"
	"runtime/debug"
)

// build says which airtill this is.
type buildInfo struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Output   int    `json:"output"` // version of the JSON that commands print
}

func version() command {
	return command{
		name:     "version",
		short:    "say which airtill this is",
		section:  "Help",
		examples: []string{"airtill version", "airtill version --json"},
		run: func(_ context.Context, c *call) error {
			b := readBuildInfo()
			return c.out.line(b, b.String())
		},
	}
}

func (b buildInfo) String() string {
	s := "airtill " + b.Version
	if b.Revision != "" {
		s += " (" + b.Revision[:min(12, len(b.Revision))]
		if b.Modified {
			s += ", modified"
		}
		s += ")"
	}
	return s + " " + b.Go + " " + b.Platform
}

// readBuildInfo asks the binary: go install and go build record it there.
func readBuildInfo() buildInfo {
	b := buildInfo{Version: "(devel)", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, Output: outputVersion}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if info.Main.Version != "" {
		b.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}
