package app

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/airtill/airtill/platform/keys"
)

// An officer types a component, which does not show.
func TestTypedComponent(t *testing.T) {
	v := newVaultShell(t)
	person, program := openPTY(t)
	prompts, talk := io.Pipe()
	said := make(chan string, 1)
	go func() {
		prompt, err := bufio.NewReader(prompts).ReadString(':')
		for err == nil && echoes(t, program) && t.Context().Err() == nil {
			continue
		}
		fmt.Fprintln(person, "1F1F1F1F1F1F1F1F 0E0E0E0E0E0E0E0E")
		said <- prompt
		_, _ = io.Copy(io.Discard, prompts)
	}()
	var stdout strings.Builder
	env := Env{Stdin: program, Stdout: &stdout, Stderr: talk, Getenv: func(string) string { return "" }}
	line := []string{"airtill", "keys", "component", "--vault", v.vault, "--officer", "Ada", "--component-kcv", "22CAE3", "--kcv", "57C409",
		"--replaces", v.kcv("dukpt/legacy"), "dukpt/legacy"}
	if err := Run(t.Context(), env, line); err != nil {
		t.Fatal(err)
	}
	_ = talk.Close()
	if prompt := <-said; prompt != "component:" || strings.Contains(stdout.String(), "1F1F") {
		t.Errorf("asked %q, said %q", prompt, &stdout)
	}
	if k := v.shown(v.vault, keys.Slot("dukpt/legacy")); !strings.HasPrefix(k.Waiting, "Ada") {
		t.Errorf("%+v", k)
	}
}
