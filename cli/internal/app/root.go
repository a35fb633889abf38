package app

import (
	"context"

	"github.com/urfave/cli/v2"
)

// root is the whole command line. A new command is a file with a function like
// version, and its line here; commands of one section stand together.
func root() command {
	var showVersion bool
	return command{
		name:  "airtill",
		short: "a mobile-payment network in one binary",
		about: "New here? airtill help is a tour. Data goes to stdout, talk and logs to stderr; exit statuses: airtill help exit-codes.",
		examples: []string{
			"airtill demo",
			"airtill dev",
			"airtill bill create --amount 128000 --phone 8613800000001 --wait 10s",
		},
		flags: []cli.Flag{
			&cli.BoolFlag{Name: "version", Usage: "the same as the command version", Destination: &showVersion},
		},
		run: func(ctx context.Context, c *call) error {
			if showVersion {
				return version().run(ctx, c)
			}
			return errShowHelp
		},
		sub: []command{
			demoCommand(),
			dev(),
			billCommand(),
			callbacksCommand(),
			listenCommand(),
			triggerCommand(),
			clockCommand(),
			phoneCommand(),
			enrolCommand(),
			officeCommand(),
			auditCommand(),
			backupCommand(),
			restoreCommand(),
			doctorCommand(),
			contextCommand(),
			smsCommand(),
			ussdCommand(),
			smscCommand(),
			radioCommand(),
			chaosCommand(),
			gatewayCommand(),
			platformCommand(),
			merchantCommand(),
			handsetsCommand(),
			loadCommand(),
			benchCommand(),
			tortureCommand(),
			decodeCommand(),
			keysCommand(),
			configCommand(),
			helpCommand(),
			cheatCommand(),
			docsCommand(),
			version(),
			completion(),
		},
	}
}
