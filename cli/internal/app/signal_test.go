package app

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// stubborn makes the test binary a program that does not stop when asked to, and itself
// makes it airtill.
const (
	stubborn = "AIRTILL_TEST_STUBBORN"
	itself   = "AIRTILL_TEST_ITSELF"
)

func TestMain(m *testing.M) {
	if os.Getenv(itself) != "" {
		ctx, stop := Interruptible(context.Background())
		env := Env{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv}
		status := Report(env, Run(ctx, env, os.Args))
		stop()
		os.Exit(status)
	}
	if os.Getenv(stubborn) != "" {
		ctx, stop := Interruptible(context.Background())
		defer stop()
		fmt.Println("ready")
		<-ctx.Done()
		fmt.Println("stopping")
		select {}
	}
	os.Exit(m.Run())
}

// The first Ctrl-C ends the context, the second one the program.
func TestSecondInterruptKills(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), stubborn+"=1")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	for _, want := range []string{"ready", "stopping"} {
		if !lines.Scan() || lines.Text() != want {
			t.Fatalf("got %q, want %q", lines.Text(), want)
		}
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
	}
	_ = cmd.Wait()
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() || status.Signal() != syscall.SIGINT {
		t.Errorf("ended with %v, want killed by the second interrupt", cmd.ProcessState)
	}
}
