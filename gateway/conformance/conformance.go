// Package conformance holds the carrier to the standard from outside: its tests speak
// SMPP 3.4 (issue 1.2 of 12 October 1999) to a message centre octet by octet, and
// share no encoder with it.
//
// There is a test for each clause of what a correct message centre gets right,
// named by it: TestFraming, TestSession, TestFields, TestMessages, TestUSSD and TestTLS;
// and one for each bug that other centres had, TestBugs. In most of them a healthy session
// works beside the one under test. What such a session pays for its neighbours is a
// benchmark, BenchmarkNeighbours.
//
// Time in tests of timers is that of testing/synctest.
package conformance
