package api_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
)

// fakeReconciler finds two things, of which one can be repaired.
type fakeReconciler struct{ fail error }

func (f fakeReconciler) Reconcile(_ context.Context, dry bool) (platform.Reconciliation, error) {
	sweep := platform.Finding{Kind: platform.SweepNotHome, Look: "{p01}:swept", Detail: "a sweep", Repaired: !dry}
	claim := platform.Finding{Kind: platform.ClaimMissing, Look: "{p02}:order:1:2", Detail: "a claim", Left: "another bill has it"}
	return platform.Reconciliation{Findings: []platform.Finding{sweep, claim}}, f.fail
}

func TestReconciliation(t *testing.T) {
	open := func(r platform.Reconciler) (*httptest.Server, *api.OfficeClient) {
		t.Helper()
		f := &fakePlatform{}
		h, err := api.NewHandler(api.HandlerConfig{Service: f, Authenticator: f, Office: f, OperatorKey: operatorKey, Reconciler: r})
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(h)
		t.Cleanup(server.Close)
		client, err := api.NewOfficeClient(api.ClientConfig{BaseURL: server.URL, Key: operatorKey})
		if err != nil {
			t.Fatal(err)
		}
		return server, client
	}
	server, client := open(fakeReconciler{})
	for dry, left := range map[bool]int{true: 2, false: 1} {
		got, err := client.Reconcile(t.Context(), dry)
		want := api.Reconciliation{Left: left, Findings: []api.Finding{
			{Kind: platform.SweepNotHome, Look: "{p01}:swept", Detail: "a sweep", Repaired: !dry},
			{Kind: platform.ClaimMissing, Look: "{p02}:order:1:2", Detail: "a claim", Left: "another bill has it"},
		}}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("dry %t: %+v, %v", dry, got, err)
		}
	}
	for _, method := range []string{"GET", "POST"} {
		response, body := request{method, "/v1/office/reconciliation", "", nil}.send(t, server)
		checkProblem(t, response, body, http.StatusUnauthorized, platform.CodeUnauthorised, "")
	}
	_, client = open(fakeReconciler{fail: &platform.Error{Code: platform.CodeUnavailable, Detail: "not now"}})
	_, err := client.Reconcile(t.Context(), false)
	if p, ok := errors.AsType[*api.Problem](err); !ok || p.Code() != platform.CodeUnavailable {
		t.Errorf("a platform that cannot says %v", err)
	}
	_, client = open(nil)
	if _, err := client.Reconcile(t.Context(), false); err == nil {
		t.Error("without a reconciler it was served")
	}
}
