package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
)

// batchOf is a batch of enrolments of so many phones.
func batchOf(count int) api.EnrolmentBatch {
	b := api.EnrolmentBatch{Secrets: []byte("sealed"), By: "Branch 7"}
	for i := range count {
		e := goodEnrolment()
		e.Phone, e.Secrets = gateway.MSISDN(fmt.Sprintf("86138%08d", i+100)), nil
		b.Enrolments = append(b.Enrolments, e)
	}
	return b
}

// Each of a batch is enrolled or refused for itself, with the field to blame.
func TestEnrolBatch(t *testing.T) {
	f := &fakePlatform{}
	server := serve(t, f)
	c, err := api.NewOfficeClient(api.ClientConfig{BaseURL: server.URL, Key: operatorKey})
	if err != nil {
		t.Fatal(err)
	}
	b := batchOf(7)
	b.Enrolments[1].Phone = buyer
	b.Enrolments[2].Name = ""
	b.Enrolments[3].Accounts[0].Balance = -1
	b.Enrolments[4].Phone = b.Enrolments[0].Phone
	b.Enrolments[5].Secrets = []byte("sealed")
	rows, err := c.EnrolBatch(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range rows {
		if row.Problem == nil {
			got = append(got, string(row.Personalisation))
			continue
		}
		got = append(got, fmt.Sprintf("%s: %s", row.Problem.Code(), row.Problem.Field))
	}
	want := []string{"personalised", "already-enrolled: phone", "invalid: name", "invalid: accounts[0].balance", "invalid: phone", "invalid: secrets", "personalised"}
	if diff := cmp.Diff(want, got); diff != "" || len(f.enrolments) != 2 {
		t.Errorf("%d were enrolled\n%s", len(f.enrolments), diff)
	}
}

// What is wrong with the batch itself enrols nobody.
func TestEnrolBatch_Bounds(t *testing.T) {
	f := &fakePlatform{}
	server := serve(t, f)
	office := map[string]string{"Authorization": "bearer " + operatorKey}
	send := func(body string) (*http.Response, []byte) {
		return request{"POST", "/v1/office/enrolments/batch", body, office}.send(t, server)
	}
	text := func(b api.EnrolmentBatch) string {
		all, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(all)
	}
	for _, tt := range []struct{ body, blamed string }{
		{text(batchOf(api.MaxBatch + 1)), "enrolments"}, {text(batchOf(0)), "enrolments"}, {`{"secrets":"AAAA"}`, "enrolments"}, {`{"enrolments":[1]}`, "secrets"},
		{`{"secrets":"AAAA","enrolments":{}}`, "enrolments"}, {`{"secrets":"AAAA","enrolments":[],"pin":"1"}`, "pin"},
	} {
		response, body := send(tt.body)
		checkProblem(t, response, body, http.StatusUnprocessableEntity, platform.CodeInvalid, tt.blamed)
	}
	response, body := send(`{"secrets":"` + strings.Repeat("A", api.MaxBatchBody) + `"}`)
	checkProblem(t, response, body, http.StatusRequestEntityTooLarge, api.CodeTooLarge, "")
	response, body = request{"POST", "/v1/office/enrolments/batch", text(batchOf(1)), nil}.send(t, server)
	checkProblem(t, response, body, http.StatusUnauthorized, platform.CodeUnauthorised, "")
	if len(f.enrolments) != 0 {
		t.Errorf("%d were enrolled", len(f.enrolments))
	}
	if response, body := send(text(batchOf(api.MaxBatch))); response.StatusCode != http.StatusOK || len(f.enrolments) != api.MaxBatch {
		t.Errorf("a full batch: %d, %.200s", response.StatusCode, body)
	}
}
