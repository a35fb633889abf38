package app

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/airtill/airtill/cli/internal/decode"
	"github.com/airtill/airtill/cli/internal/demo"
	"github.com/airtill/airtill/cli/internal/enginebench"
	"github.com/airtill/airtill/cli/internal/smscbench"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/fsm/backup"
	"github.com/airtill/airtill/gateway/management"
	"github.com/airtill/airtill/handsetsim/fleet"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/audit"
)

// The JSON that commands print keeps its names and types within a version: a change here
// that is more than a new name asks for the next outputVersion.
func TestJSONShapes(t *testing.T) {
	var b strings.Builder
	fmt.Fprintf(&b, "version %d\n", outputVersion)
	for _, of := range []struct {
		commands string
		value    any
	}{
		{"version", buildInfo{}}, {"dev, platform, merchant, handsets, gateway", world.Ready{}}, {"doctor", finding{}},
		{"bill create, show, list, cancel", api.Bill{}}, {"bill refund, refunds", platform.Refund{}}, {"bill compare", difference{}},
		{"callbacks list, resend", platform.Callback{}}, {"callbacks enable", enabled{}},
		{"phone list, show", fleet.Phone{}}, {"phone bills, pay, refuse, defer", fleet.Bill{}}, {"phone inbox", fleet.Message{}},
		{"office alarms", api.Alarms{}}, {"office reconcile", api.Reconciliation{}}, {"office settle", platform.Settlement{}},
		{"office unlock, release", done{}}, {"office rotate-key, retire-key", changedKey{}},
		{"audit", audit.Report{}}, {"backup", backup.Manifest{}},
		{"sms list, show", management.Message{}}, {"ussd sessions", management.USSDSession{}},
		{"config show", setting{}}, {"context list, show", contextRow{}}, {"cheat", topic{}},
		{"demo", demo.Bill{}}, {"decode", decode.Explanation{}}, {"bench engine", enginebench.Result{}}, {"bench smsc", smscbench.Result{}},
	} {
		fmt.Fprintf(&b, "\n%s\n", of.commands)
		shape(&b, reflect.TypeOf(of.value), "  ", nil)
	}
	golden(t, fmt.Sprintf("json-v%d.golden", outputVersion), b.String())
}

// shape writes the names of a type's JSON, with what each holds.
func shape(b *strings.Builder, t reflect.Type, indent string, above []reflect.Type) {
	if slices.Contains(above, t) {
		return
	}
	above = append(above, t)
	for f := range fieldsOf(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		if name == "" {
			name = f.Name
		}
		optional := ""
		if strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero") {
			optional = "?"
		}
		kind, below := kindOf(f.Type)
		fmt.Fprintf(b, "%s%s%s %s\n", indent, name, optional, kind)
		if below != nil {
			shape(b, below, indent+"  ", above)
		}
	}
}

// fieldsOf are the exported fields of a struct, those of embedded ones among them.
func fieldsOf(t reflect.Type) func(yield func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		if t.Kind() != reflect.Struct {
			return
		}
		for _, f := range reflect.VisibleFields(t) {
			if f.IsExported() && !f.Anonymous && !yield(f) {
				return
			}
		}
	}
}

// kindOf says what a value is in JSON, and which struct is in it.
func kindOf(t reflect.Type) (kind string, below reflect.Type) {
	marshaler := reflect.TypeFor[interface{ MarshalJSON() ([]byte, error) }]()
	texter := reflect.TypeFor[interface{ MarshalText() ([]byte, error) }]()
	switch {
	case t == reflect.TypeFor[time.Time]():
		return "time", nil
	case t == reflect.TypeFor[time.Duration]():
		return "nanoseconds", nil
	case t.Kind() == reflect.Pointer:
		return kindOf(t.Elem())
	case t.Implements(texter) && !t.Implements(marshaler):
		return "string", nil
	case t.Implements(marshaler):
		return "own JSON", nil
	}
	switch t.Kind() {
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return "base64", nil
		}
		kind, below = kindOf(t.Elem())
		return "list of " + kind, below
	case reflect.Map:
		kind, below = kindOf(t.Elem())
		return "object of " + kind, below
	case reflect.Struct:
		return "object", t
	case reflect.Bool:
		return "boolean", nil
	case reflect.String:
		return "string", nil
	case reflect.Float32, reflect.Float64:
		return "number", nil
	case reflect.Interface:
		return "anything", nil
	default:
		return "whole number", nil
	}
}
