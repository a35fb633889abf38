// Command airtill runs a mobile-payment network: carrier, platform, shop and
// handsets, together or each room as a process of its own.
package main

import (
	"context"
	"os"

	"github.com/airtill/airtill/cli/internal/app"
)

func main() {
	ctx, stop := app.Interruptible(context.Background())
	env := app.Env{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv}
	status := app.Report(env, app.Run(ctx, env, os.Args))
	stop()
	os.Exit(status)
}
