package management

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/airtill/airtill/gateway/radio"
)

// document is what the tests read of openapi.json.
type document struct {
	OpenAPI    string
	Paths      map[string]map[string]operation
	Components struct{ Schemas map[string]schema }
}

type operation struct {
	OperationID string
	Security    *[]map[string][]string
	Parameters  []struct{ Name, In string }
	RequestBody *struct{ Content map[string]media }
	Responses   map[string]struct{ Content map[string]media }
}

type media struct {
	Schema struct {
		Ref string `json:"$ref"`
	}
	Example json.RawMessage
}

type schema struct {
	Properties map[string]json.RawMessage
	OneOf      []schema
}

func readDocument(t *testing.T) document {
	t.Helper()
	var d document
	if err := json.Unmarshal(openAPI, &d); err != nil || d.OpenAPI != "3.1.0" {
		t.Fatalf("%s: %v", d.OpenAPI, err)
	}
	return d
}

// The document has every route, and no other; and each route's path parameters.
func TestOpenAPIHasTheRoutes(t *testing.T) {
	var described []string
	ids := make(map[string]bool)
	for path, operations := range readDocument(t).Paths {
		for method, o := range operations {
			described = append(described, strings.ToUpper(method)+" "+path)
			if o.OperationID == "" || ids[o.OperationID] {
				t.Errorf("%s %s: operationId %q", method, path, o.OperationID)
			}
			ids[o.OperationID] = true
			var named []string
			for _, p := range o.Parameters {
				if p.In == "path" {
					named = append(named, "{"+p.Name+"}")
				}
			}
			if want := regexp.MustCompile(`{\w+}`).FindAllString(path, -1); !slices.Equal(named, want) {
				t.Errorf("%s %s: path parameters %v, want %v", method, path, named, want)
			}
		}
	}
	inBubble(t, func(r *rig) {
		routes := slices.Sorted(slices.Values(r.handler.routes))
		if slices.Sort(described); !slices.Equal(described, routes) {
			t.Errorf("described\n%s\nserved\n%s", strings.Join(described, "\n"), strings.Join(routes, "\n"))
		}
	})
}

// What the document says needs no key does not, and the other way round (TestKey has
// the rest).
func TestOpenAPISecurity(t *testing.T) {
	for path, operations := range readDocument(t).Paths {
		for method, o := range operations {
			open := o.Security != nil && len(*o.Security) == 0
			if open != slices.Contains([]string{"/livez", "/readyz", "/openapi.json"}, path) {
				t.Errorf("%s %s: open %v", method, path, open)
			}
		}
	}
}

// types are the Go types of the document's schemas.
var types = map[string]reflect.Type{
	"Message": reflect.TypeFor[Message](), "Part": reflect.TypeFor[Part](), "Attempt": reflect.TypeFor[Attempt](), "Messages": reflect.TypeFor[Messages](),
	"NewMessage": reflect.TypeFor[NewMessage](), "Sent": reflect.TypeFor[Sent](), "SentMessage": reflect.TypeFor[SentMessage](),
	"Session": reflect.TypeFor[Session](), "Sessions": reflect.TypeFor[Sessions](),
	"Account": reflect.TypeFor[Account](), "Accounts": reflect.TypeFor[Accounts](), "Binds": reflect.TypeFor[Binds](), "Counts": reflect.TypeFor[Counts](), "Throttle": reflect.TypeFor[Throttle](),
	"Subscriber": reflect.TypeFor[radio.Status](), "SubscriberSettings": reflect.TypeFor[radio.Settings](), "Cell": reflect.TypeFor[radio.Cell](), "Plan": reflect.TypeFor[radio.Plan](),
	"Fault": reflect.TypeFor[SetFault](), "Faults": reflect.TypeFor[FaultList](), "NewFaults": reflect.TypeFor[NewFaults](),
	"Dial": reflect.TypeFor[Dial](), "Screen": reflect.TypeFor[Screen](), "Reply": reflect.TypeFor[Reply](), "Push": reflect.TypeFor[Push](), "Pushed": reflect.TypeFor[Pushed](),
	"USSDSession": reflect.TypeFor[USSDSession](), "USSDStep": reflect.TypeFor[USSDStep](), "USSDSessions": reflect.TypeFor[struct {
		Sessions []USSDSession `json:"sessions"`
	}](),
	"Health": reflect.TypeFor[Health](), "Problem": reflect.TypeFor[Problem](),
}

// Each schema has the fields of its type.
func TestOpenAPISchemas(t *testing.T) {
	schemas := readDocument(t).Components.Schemas
	for name, s := range schemas {
		kind, ok := types[name]
		if name == "Profile" { // it writes itself
			continue
		}
		if !ok {
			t.Errorf("%s is of no type", name)
			continue
		}
		want := slices.Sorted(slices.Values(fieldNames(kind)))
		if got := slices.Sorted(maps.Keys(s.Properties)); !slices.Equal(got, want) {
			t.Errorf("%s\n has %v\nwant %v", name, got, want)
		}
	}
	for name := range types {
		if _, ok := schemas[name]; !ok {
			t.Errorf("%s is not described", name)
		}
	}
	text, err := json.Marshal(radio.Profile{})
	if err != nil {
		t.Fatal(err)
	}
	var profile map[string]any
	if err := json.Unmarshal(text, &profile); err != nil {
		t.Fatal(err)
	}
	if got, want := slices.Sorted(maps.Keys(schemas["Profile"].OneOf[1].Properties)), slices.Sorted(maps.Keys(profile)); !slices.Equal(got, want) {
		t.Errorf("Profile has %v, want %v", got, want)
	}
}

// fieldNames are the names that a struct's fields have in JSON.
func fieldNames(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			names = append(names, fieldNames(f.Type)...)
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

// The document's examples are what the types read, with nothing left over.
func TestOpenAPIExamples(t *testing.T) {
	check := func(where string, m media) {
		name := strings.TrimPrefix(m.Schema.Ref, "#/components/schemas/")
		kind, ok := types[name]
		if !ok {
			t.Errorf("%s: schema %q", where, m.Schema.Ref)
			return
		}
		if len(m.Example) == 0 {
			t.Errorf("%s: no example", where)
			return
		}
		d := json.NewDecoder(bytes.NewReader(m.Example))
		d.DisallowUnknownFields()
		if err := d.Decode(reflect.New(kind).Interface()); err != nil {
			t.Errorf("%s: %v", where, err)
		}
	}
	for path, operations := range readDocument(t).Paths {
		for method, o := range operations {
			where := method + " " + path
			if o.RequestBody != nil {
				check(where+" request", o.RequestBody.Content[contentJSON])
			}
			for status, response := range o.Responses {
				for kind, m := range response.Content {
					if kind != "text/plain" && path != "/openapi.json" {
						check(where+" "+status, m)
					}
				}
			}
		}
	}
}

// Requests as the document has them are understood: what they are answered with is in it.
func TestOpenAPIRequests(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.ok(r.handler.config.Radio.SetCell(radio.Cell{Name: "north"}))
		place := strings.NewReplacer("{msisdn}", phone, "{name}", "north")
		for path, operations := range readDocument(t).Paths {
			for method, o := range operations {
				if o.RequestBody == nil || strings.HasPrefix(path, "/v1/ussd/sessions") || path == "/v1/ussd/push" {
					continue
				}
				at := strings.ReplaceAll(place.Replace(path), "{id}", "app")
				status, text, _ := r.ask(strings.ToUpper(method), at, string(o.RequestBody.Content[contentJSON].Example))
				if _, described := o.Responses[strconv.Itoa(status)]; !described {
					t.Errorf("%s %s: %d %s", method, path, status, text)
				}
				r.ok(r.handler.config.Faults.Off(r.now()))
			}
		}
	})
}

// It is served as it is.
func TestOpenAPIServed(t *testing.T) {
	inBubble(t, func(r *rig) {
		status, text, header := r.ask("GET", "/openapi.json", "")
		if status != http.StatusOK || !bytes.Equal(text, openAPI) || header.Get("Content-Type") != contentJSON {
			t.Errorf("%d %s", status, header)
		}
	})
}
