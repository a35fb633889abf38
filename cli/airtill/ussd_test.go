package main

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// ussdApplication answers dialled codes in Africa's Talking's form until the test
// ends: it asks, repeats what was typed last, and ends with bye.
func ussdApplication(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: ussdapp VAR")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	server := &http.Server{Handler: http.HandlerFunc(answerUSSD), ReadHeaderTimeout: patience}
	served := make(chan struct{})
	go func() { defer close(served); _ = server.Serve(ln) }()
	ts.Value(thisTest).(testing.TB).Cleanup(func() { _ = server.Close(); <-served })
	ts.Setenv(args[0], "http://"+ln.Addr().String()+"/ussd")
}

func answerUSSD(w http.ResponseWriter, r *http.Request) {
	inputs := r.FormValue("text")
	if inputs == "" {
		fmt.Fprint(w, "CON 1 Balance\n2 Exit")
		return
	}
	last := inputs[strings.LastIndexByte(inputs, '*')+1:]
	if last == "bye" {
		fmt.Fprint(w, "END You said bye")
		return
	}
	fmt.Fprint(w, "CON You said "+last)
}
