package certifytest

var Complaints = complaints
