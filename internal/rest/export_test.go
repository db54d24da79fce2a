package rest

// What the tests of the transport's bounds need.
var NewTransport = newTransport
