package api_test

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"

	"github.com/airtill/airtill/platform/api"
)

// Operators see who serves which partition; nobody else does.
func TestPartitions(t *testing.T) {
	f := new(fakePlatform)
	want := []api.Partition{
		{Partition: "p00", Owner: "ab12", Address: "10.0.0.7:8080", Epoch: 3, Here: true, Live: true},
		{Partition: "p01", Owner: "cd34", Address: "10.0.0.8:8080", Epoch: 4, Live: true, Age: 0.25},
		{Partition: "p02", Epoch: 5, Age: 4},
	}
	h, err := api.NewHandler(api.HandlerConfig{
		Service: f, Authenticator: f, Office: f, OperatorKey: operatorKey, Partitions: func() []api.Partition { return want },
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	defer server.Close()
	for key, status := range map[api.Key]int{operatorKey: http.StatusOK, apiKey: http.StatusUnauthorized} {
		c, err := api.NewOfficeClient(api.ClientConfig{BaseURL: server.URL, Key: key, HTTP: server.Client()})
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Partitions(t.Context())
		if statusOf(err) != status || err == nil && !reflect.DeepEqual(got, want) {
			t.Errorf("the answer is %+v, %v", got, err)
		}
	}
}
