package app

import (
	"fmt"
	"io"
	"time"

	"github.com/rs/zerolog"

	"github.com/airtill/airtill/cli/internal/terminal"
)

// timeLayout is RFC 3339 with milliseconds: seconds are too coarse for a network.
const timeLayout = "2006-01-02T15:04:05.000Z07:00"

// newLogger writes to stderr: JSON lines, or on a terminal lines for people.
func newLogger(env Env, o *commonFlags, l look) (zerolog.Logger, error) {
	level, err := logLevel(o)
	if err != nil {
		return zerolog.Nop(), err
	}
	w := zerolog.SyncWriter(env.Stderr)
	switch o.logFormat {
	case "json":
	case "console":
		w = consoleWriter(l, w)
	case "", "auto":
		if terminal.Is(env.Stderr) {
			w = consoleWriter(l, w)
		}
	default:
		return zerolog.Nop(), fmt.Errorf("log format %q is not auto, console or json", o.logFormat)
	}
	return zerolog.New(w).Level(level).Hook(zerolog.HookFunc(stamp)), nil
}

func logLevel(o *commonFlags) (zerolog.Level, error) {
	switch {
	case o.chatty:
		return zerolog.DebugLevel, nil
	case o.verbose && o.logLevel != "debug":
		return zerolog.InfoLevel, nil
	}
	switch o.logLevel {
	case "off":
		return zerolog.Disabled, nil
	case "":
		return zerolog.WarnLevel, nil
	case "debug", "info", "warn", "error":
		return zerolog.ParseLevel(o.logLevel)
	}
	return zerolog.NoLevel, fmt.Errorf("log level %q is not debug, info, warn, error or off", o.logLevel)
}

// stamp adds the time: zerolog's own Timestamp takes its layout from a global.
func stamp(e *zerolog.Event, _ zerolog.Level, _ string) {
	e.Str(zerolog.TimestampFieldName, time.Now().Format(timeLayout))
}

func consoleWriter(l look, w io.Writer) io.Writer {
	return zerolog.ConsoleWriter{
		Out:     w,
		NoColor: !l.colour,
		FormatTimestamp: func(v any) string {
			at, err := time.Parse(timeLayout, fmt.Sprint(v))
			if err != nil {
				return fmt.Sprint(v)
			}
			return at.Format("15:04:05.000")
		},
	}
}
