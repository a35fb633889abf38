package management

import (
	_ "embed"
	"net/http"
)

// openAPI describes the face in OpenAPI 3.1; a test holds it to the routes.
//
//go:embed openapi.json
var openAPI []byte

func serveOpenAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", contentJSON)
	_, _ = w.Write(openAPI) // a reader that went away has nothing to be told
}
